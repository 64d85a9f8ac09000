"""`lightmeter contract` as a user runs it: from good pictures to a red CI in three commands."""

import json
from pathlib import Path
from xml.etree import ElementTree

import lightmeter as lm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import lightmeter, picture
from PIL import ImageFilter

CONTRACT = """
[[expect]]
name = "tidy"
feature = "x"
mean = { at_most = 1 }
[[expect]]
feature = "camera"
values = ["left"]
severity = "warning"
"""


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
    assert lightmeter("contract", "init", good, "-o", contract).returncode == 0
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
    assert again.returncode == 2
    assert "exists; choose another name" in again.stderr


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


def test_init_writes_nothing_of_nothing(tmp_path: Path) -> None:
    lm.log(columns={"x": [1.0, 2.0]}).view().write(tmp_path / "few.lmp")
    done = lightmeter("contract", "init", tmp_path / "few.lmp", "-o", tmp_path / "contract.toml")
    assert (done.returncode, "without enough values" in done.stderr) == (2, True)
    assert not (tmp_path / "contract.toml").exists()


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
