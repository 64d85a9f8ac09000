"""`lightmeter drift` and `demo` as a user runs them."""

import html
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import lightmeter
from lightmeter import ProfileView, compare, log


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three profiles: a reference, one with a drift, and one that only may have drifted."""
    root = tmp_path_factory.mktemp("sides")
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 200)
    for name, moved in (("ref", 0.0), ("far", 2.0), ("near", 0.19)):
        log(columns={"a|b": values + moved, "same": values}).view().write(root / f"{name}.lmp")
    return root


def drift(sides: Path, target: str, *more: str) -> subprocess.CompletedProcess[str]:
    files = ("--reference", sides / "ref.lmp", "--target", sides / f"{target}.lmp")
    return lightmeter("drift", *files, *more)


def test_drift_of_files_and_folders(folder: Path, tmp_path: Path) -> None:
    lightmeter("profile", folder, "-o", tmp_path / "ref.lmp")
    page_file = tmp_path / "report.html"
    result = lightmeter(
        "drift", "--reference", tmp_path / "ref.lmp", "--target", folder, "--html", page_file
    )
    assert result.returncode == 0, result.stderr
    assert "Not enough data to compare" in result.stdout
    page = page_file.read_text(encoding="utf-8")
    assert str(folder) in page
    assert "8 images" in page


@pytest.mark.parametrize(
    ("target", "fail_on", "code"),
    [
        ("ref", "possible", 0),
        ("near", "drift", 0),
        ("near", "possible", 3),
        ("far", "drift", 3),
        ("far", "possible", 3),
    ],
)
def test_exit_codes_for_pipelines(sides: Path, target: str, fail_on: str, code: int) -> None:
    assert drift(sides, target, "--fail-on", fail_on).returncode == code
    assert drift(sides, target).returncode == 0
    assert drift(sides, target, "--fail-on", "anything").returncode == 2


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ([], "possible"),
        (["--drift", "0.12"], "drift"),
        (["--possible", "0.06"], "none"),
        (["--effect", "0.9", "--spread", "9", "--tail", "0.9"], "none"),
        (["--effect", "0.9", "--spread", "9"], "possible"),
        (["--min-values", "201"], "not enough data"),
    ],
)
def test_thresholds(sides: Path, options: list[str], verdict: str) -> None:
    printed = json.loads(drift(sides, "near", "--format", "json", *options).stdout)
    verdicts = {line["feature"]: line["verdict"] for line in printed["features"]}
    assert verdicts["a|b"] == verdict


def test_findings_in_every_format(sides: Path) -> None:
    text = drift(sides, "far").stdout
    assert "1 of 2 features drifted" in text
    printed = json.loads(drift(sides, "far", "--format", "json").stdout)
    report = compare(
        target=ProfileView.read(sides / "far.lmp"), reference=ProfileView.read(sides / "ref.lmp")
    )
    assert printed == report.to_dict()
    lines = drift(sides, "far", "--format", "markdown").stdout.splitlines()
    assert lines[0] == "### 1 of 2 features drifted"
    assert lines[2].startswith("- **drift**: a\\|b ")
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {8}


# What GitHub makes links of, without any markup; in the text as it is once escapes are read.
BARE = re.compile(r"(?i)\b(?:https?|ftp)://|\bwww\.|[\w.+-]@[\w-]+\.|(?<!&)#\w|@\w")


def test_no_address_becomes_a_link_in_markdown(tmp_path: Path) -> None:
    name = "see HTTPS://evil.example, www.evil.example, a@evil.example, @somebody and #12"
    assert BARE.search(name)
    for side, moved in (("a", 0.0), ("b", 3.0)):
        log(columns={name: np.arange(50) / 9 + moved}).view().write(tmp_path / side)
    sides = ("--reference", tmp_path / "a", "--target", tmp_path / "b")
    said = lightmeter("drift", *sides, "--format", "markdown").stdout
    assert said.count("evil.example") >= 6
    assert not BARE.search(html.unescape(re.sub(r"\\(?=\W)", "", said)).replace("### ", ""))
