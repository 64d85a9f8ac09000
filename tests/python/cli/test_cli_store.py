"""`lightmeter log` and `store` as a user runs them."""

import json
import subprocess
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import lightmeter as lm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import lightmeter, picture
from lightmeter import Profile, ProfileView, Store, compare, log, profile_images
from lightmeter.cli import terminal
from PIL import ImageFilter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "drift.db"


def test_log_into_a_segment_and_buckets_of_an_hour(folder: Path, path: Path) -> None:
    where = ("--dataset", "cells", "--store", path)
    segment = ("--segment", "camera=north", "--segment", "lens=a=b")
    result = lightmeter("log", folder, *where, *segment, "--every", "1h", "--date", "2022-09-07")
    assert (result.returncode, result.stderr) == (0, "")
    told = "cells camera=north&lens=a%3Db 2022-09-07  8 images measured, 0 files failed\n"
    assert result.stdout == told
    with Store(path) as store:
        assert store.datasets() == {"cells": timedelta(hours=1)}
        assert store.segments("cells") == [{"camera": "north", "lens": "a=b"}]
    for wrong in (("--segment", "camera=a", "--segment", "camera=b"), ("--every", "soon")):
        assert lightmeter("log", folder, *where, *wrong).returncode == 2, wrong
    other = lightmeter("log", folder, *where, "--every", "1d")
    assert other.returncode == 1
    assert "has buckets of 1h, not of 1d" in other.stderr


def test_the_environment_names_the_store_for_each_command(
    folder: Path, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTMETER_STORE", str(path))
    log = ("log", folder, "--dataset", "cells", "--date", "2022-09-07")
    box = (tmp_path / "inbox").as_uri()
    assert lightmeter(*log, "--inbox", box).returncode == 0
    assert not path.exists()
    assert lightmeter(*log).returncode == 0
    assert lightmeter("store", "pull", box).stdout.startswith("new: 1")
    assert "cells" in lightmeter("store", "show").stdout
    one = tmp_path / "one.lmp"
    assert lightmeter("profile", folder, "-o", one).returncode == 0
    drift = ("drift", "--reference", one)
    assert lightmeter(*drift, "--target", one).returncode == 0
    assert lightmeter(*drift, "--dataset", "cells").returncode == 0
    monkeypatch.setenv("LIGHTMETER_STORE", str(tmp_path))
    assert "is a folder" in lightmeter("serve", "--port", "0").stderr


def test_show_a_store(folder: Path, path: Path) -> None:
    missing = lightmeter("store", "show", path)
    assert (missing.returncode, missing.stderr.count("no store at")) == (1, 1)
    view = profile_images(folder)
    with Store(path) as store:
        store.define("empty", "1h")
        for day, writer in ((7, "a"), (7, "b"), (9, "a")):
            store.put("cells", Profile(), at=date(2022, 9, day), writer=writer)
        store.put("cells", view, at=date(2022, 9, 8), writer="a", segment={"camera": "x\x1b[31m"})
    whole, segment, empty = json.loads(lightmeter("store", "show", path, "--format", "json").stdout)
    assert (whole["dataset"], whole["every"], whole["segment"]) == ("cells", "1d", {})
    assert (segment["segment"], segment["images"]) == ({"camera": "x\x1b[31m"}, 8)
    assert (empty["dataset"], empty["buckets"], empty["first"]) == ("empty", 0, None)
    shown = lightmeter("store", "show", path)
    assert shown.returncode == 0, shown.stderr
    assert "camera=x%1B%5B31m" in shown.stdout
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert rows[1][:6] == ["cells", "1d", "2", "2022-09-07", "2022-09-09", "2"]
    assert rows[3] == ["empty", "1h", "0", "\u2013", "\u2013", "0", "0", "0"]


def test_gc_merges_and_deletes(path: Path) -> None:
    with Store(path) as store:
        for writer in "ab":
            store.put("cells", Profile(), at=date(2022, 9, 7), writer=writer)
    result = lightmeter("store", "gc", path)
    assert (result.returncode, result.stdout) == (0, "profiles merged: 2, deleted: 0\n")
    assert lightmeter("store", "gc", path, "--keep", "1d").stdout.endswith("deleted: 1\n")
    assert lightmeter("store", "gc", path, "--keep", "ever").returncode == 2


def test_quiet_prints_only_what_was_asked_for(
    folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "_is_quiet", False)  # it is so again after the test
    log = ("log", folder, "--dataset", "cells", "--store", path)
    copy = ("store", "copy", path, f"{path}.copy")
    for command in (log, copy, ("store", "gc", path), ("store", "verify", path)):
        done = lightmeter("--quiet", *command)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command
    assert json.loads(lightmeter("--quiet", "store", "show", path, "--format", "json").stdout)
    assert " unknown, " in lightmeter("--quiet", "check", folder, "--reference", folder).stdout
    done = lightmeter("--quiet", *copy)  # again
    assert (done.returncode, "the target already has it" in done.stderr) == (1, True)


# `lightmeter drift` and `demo` as a user runs them.


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three profiles: a reference, one with a drift, and one that only may have drifted."""
    root = tmp_path_factory.mktemp("sides")
    values = np.random.default_rng(0).normal(0, 1, 200)
    for name, moved in (("ref", 0.0), ("far", 2.0), ("near", 0.19)):
        log(columns={"a|b": values + moved, "same": values}).view().write(root / f"{name}.lmp")
    return root


def drift(sides: Path, target: str, *more: str) -> subprocess.CompletedProcess[str]:
    files = ("--reference", sides / "ref.lmp", "--target", sides / f"{target}.lmp")
    return lightmeter("drift", *files, *more)


def test_drift_of_files_and_folders(folder: Path, tmp_path: Path) -> None:
    reference, page_file = tmp_path / "ref.lmp", tmp_path / "report.html"
    lightmeter("profile", folder, "-o", reference)
    sides = "--reference", reference, "--target", folder / "0.jpg"
    result = lightmeter("drift", *sides, "--html", page_file)
    assert result.returncode == 0, result.stderr
    assert "be tested: 1 value in the target; 10 are needed\n" in result.stdout
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
            assert ("1 of 1 tested feature drifted" in result.stdout) == changed
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
    far, ref = (ProfileView.read(sides / f"{name}.lmp") for name in ("far", "ref"))
    for effect in (0.1, 0.9):
        printed = drift(sides, "far", "--format", "json", "--effect", str(effect)).stdout
        assert json.loads(printed) == compare(target=far, reference=ref, effect=effect).to_dict()


# `lightmeter contract` as a user runs it: from good pictures to a red CI in three commands.


CONTRACT = """expect = [
    { name = "tidy", feature = "x", mean = { at_most = 1 } },
    { feature = "camera", values = ["left"], severity = "warning" },
]"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("contracts")
    for name, count, first in (("good", 40, 0), ("fresh", 40, 100), ("blurred", 12, 200)):
        (root / name).mkdir()
        for seed in range(first, first + count):
            image = picture(seed=seed)
            if name == "blurred":
                image = image.filter(ImageFilter.GaussianBlur(2))
            image.save(root / name / f"{seed}.png")
    (root / "contract.toml").write_text(CONTRACT)
    columns = {"x": [1.0, 2.0], "camera": ["left", "up"]}
    lm.log(columns=columns).view().write(root / "bad.lmp")
    return root


def test_three_commands_to_a_red_ci(root: Path, tmp_path: Path) -> None:
    good, contract, page = tmp_path / "good.lmp", tmp_path / "contract.toml", tmp_path / "page.html"
    assert lightmeter("profile", root / "good", "-o", good).returncode == 0
    made = lightmeter("contract", "init", good, "-o", contract)
    assert "features have limits, from 1 profile" in made.stdout
    command = "contract", "check", root / "blurred", "--contract", contract
    checked = lightmeter(*command, "--html", page)
    assert checked.returncode == 1
    assert "image.Sharpness: expected median at least" in checked.stdout
    assert "contract failed" in checked.stdout
    assert "data:image/jpeg" in page.read_text(encoding="utf-8")
    for source in (good, root / "good", root / "fresh"):
        checked = lightmeter("contract", "check", source, "--contract", contract)
        assert checked.returncode == 0, checked.stdout
    again = lightmeter("contract", "init", good, "-o", contract)
    assert (again.returncode, "exists; choose another name" in again.stderr) == (2, True)
    lm.log(columns={"x": [1.0, 2.0]}).view().write(good)
    few = lightmeter("contract", "init", good, "-o", tmp_path / "few.toml")
    assert (few.returncode, "too few" in few.stderr) == (2, True)
    assert not (tmp_path / "few.toml").exists()


def test_formats_and_exit_codes(root: Path, tmp_path: Path) -> None:
    def check(*more: object) -> tuple[int, str]:
        done = lightmeter("contract", "check", root / "bad.lmp", "--contract", *more)
        return done.returncode, done.stdout + done.stderr

    contract = root / "contract.toml"
    code, text = check(contract)
    assert code == 1
    assert "error: tidy: x: expected mean at most 1, got 1.5" in text
    assert "warning: camera: expected none but 'left', got 'up'" in text
    outcomes = json.loads(check(contract, "--format", "json")[1])["outcomes"]
    assert [each["severity"] for each in outcomes] == ["error", "warning"]
    code, text = check(contract, "--format", "github")
    assert "::error title=contract::tidy: x: expected mean" in text
    code, text = check(contract, "--format", "junit")
    suite = ElementTree.fromstring(text)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert len(suite.findall("testcase/failure")) == 1
    misspelt = tmp_path / "contract.toml"
    misspelt.write_text(CONTRACT.replace("mean", "maen").replace("severity", "sevrity"))
    code, text = check(misspelt)
    assert code == 2
    assert [line.startswith("lightmeter: ") for line in text.splitlines()] == [True, True]
    assert "expect[1].maen: unknown key; did you mean mean" in text
    misspelt.write_text(CONTRACT.replace("at_most = 1", "at_most = 2"))
    assert check(misspelt)[0] == 0, "a warning alone"
    assert check(tmp_path / "none.toml")[0] == 1


def test_where_no_file_can_be_read(root: Path, tmp_path: Path) -> None:
    """It is an outcome, in the format that was asked for, and no empty report."""
    (tmp_path / "spoilt").mkdir()
    command = ("contract", "check", tmp_path / "spoilt", "--contract", tmp_path / "contract.toml")
    table = "[[expect]]\nfeature = 'image.Failure'\nfailure_rate = { at_most = 0.1 }\n"
    (tmp_path / "contract.toml").write_text(table)
    done = lightmeter(*command)
    assert (done.returncode, "no image was measured" in done.stderr) == (1, True)
    for number in range(3):
        (tmp_path / "spoilt" / f"{number}.jpg").write_bytes(b"no picture")
    done = lightmeter(*command, "--format", "json")
    assert (done.returncode, "3 files failed as unsupported" in done.stderr) == (1, True)
    assert [each["got"] for each in json.loads(done.stdout)["outcomes"]] == ["1"]


def test_rows_and_what_was_measured_before(root: Path, tmp_path: Path) -> None:
    rows, measured = tmp_path / "rows.parquet", tmp_path / "measured.parquet"
    table = pa.table({"x": np.arange(4.0), "camera": ["a"] * 4})
    pq.write_table(table, rows)
    contract = tmp_path / "contract.toml"
    contract.write_text("[[expect]]\nfeature = 'x'\nn = { at_least = 4 }\ntype = 'number'\n")
    assert lightmeter("contract", "check", rows, "--contract", contract).returncode == 0
    (tmp_path / "own.py").write_text("def large(row): return row['x'] > 1\n")
    with pytest.MonkeyPatch.context() as changed:
        changed.chdir(tmp_path)
        contract.write_text("[[expect]]\nfeature = 'large'\nmean = { at_most = 0.5 }\n")
        options = ("--contract", contract, "--metric", "own:large")
        assert lightmeter("contract", "check", rows, *options).returncode == 0
    assert lightmeter("measure", root / "good", "-o", measured).returncode == 0
    contract.write_text("[[expect]]\nfeature = 'image.entropy'\nn = { at_least = 40 }\n")
    assert lightmeter("contract", "check", measured, "--contract", contract).returncode == 0
    rows.write_bytes(b"PAR1 no table")
    damaged = lightmeter("contract", "check", rows, "--contract", contract)
    assert (damaged.returncode, "not a readable table" in damaged.stderr) == (1, True)
