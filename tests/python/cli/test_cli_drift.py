"""`lightmeter drift` and `demo` as a user runs them."""

import json
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from conftest import lightmeter
from lightmeter import ProfileView, Store, compare, log


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
    reference, page_file = tmp_path / "ref.lmp", tmp_path / "report.html"
    lightmeter("profile", folder, "-o", reference)
    sides = "--reference", reference, "--target", folder
    result = lightmeter("drift", *sides, "--html", page_file)
    assert result.returncode == 0, result.stderr
    assert "Not enough data to compare" in result.stdout
    assert result.stdout.endswith(f"{page_file}: written\n")
    page = page_file.read_text(encoding="utf-8")
    assert str(folder) in page
    assert "8 images" in page


@pytest.mark.parametrize(
    ("target", "fail_on", "code"),
    [("ref", "possible", 0), ("near", "drift", 0), ("near", "possible", 3), ("far", "drift", 3)],
)
def test_exit_codes_for_pipelines(sides: Path, target: str, fail_on: str, code: int) -> None:
    assert drift(sides, target, "--fail-on", fail_on).returncode == code
    assert drift(sides, target).returncode == 0
    assert drift(sides, target, "--fail-on", "anything").returncode == 2


def test_a_target_in_a_store(tmp_path: Path) -> None:
    path, values = tmp_path / "drift.db", np.random.default_rng(0).normal(0, 1, 100)
    log(columns={"x": values}).view().write(tmp_path / "ref.lmp")
    with Store(path) as store:
        for day in range(1, 5):
            profile = log(columns={"x": values + (day == 4)})
            store.put("cells", profile, at=date(2022, 9, day), writer="a", segment="camera=left")
    place = "--store", path, "--dataset", "cells", "--segment", "camera=left"
    for more in ((), ("--reference", tmp_path / "ref.lmp")):
        for first, last, changed in (("03", "04", False), ("04", "05", True)):
            span = "--from", f"2022-09-{first}", "--to", f"2022-09-{last}"
            result = lightmeter("drift", *place, *span, *more)
            assert result.returncode == 0, result.stderr
            assert ("1 of 1 feature drifted" in result.stdout) == changed
    for wrong, words in (
        (("--store", path), "expected --reference, or --store with --from"),
        (("--reference", tmp_path / "ref.lmp"), "expected --target, or --store with --dataset"),
        ((*place, "--from", "tomorrow"), "got the time 'tomorrow'"),
        ((*place, "--from", "2030-01-01"), "the store has no profile of 'cells' camera=left"),
        (("--target", path, "--from", "2022-09-07"), "got --target with options of a store"),
    ):
        result = lightmeter("drift", *wrong)
        assert result.returncode == 2
        assert words in " ".join(result.stderr.replace("\u2502", " ").split())


def test_findings_in_every_format(sides: Path) -> None:
    text = drift(sides, "far").stdout
    assert "1 of 2 features drifted" in text
    far, ref = (ProfileView.read(sides / f"{name}.lmp") for name in ("far", "ref"))
    for effect in (0.1, 0.9):
        printed = drift(sides, "far", "--format", "json", "--effect", str(effect)).stdout
        assert json.loads(printed) == compare(target=far, reference=ref, effect=effect).to_dict()
