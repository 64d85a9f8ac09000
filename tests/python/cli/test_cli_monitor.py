"""`lightmeter monitor` as a user runs it."""

import json
from pathlib import Path

import pytest
from conftest import lightmeter
from dashboards import fill
from lightmeter import Store

CONFIG = """
[[monitor]]
name = "drift"
dataset = "cells"
type = "drift"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with Store(tmp_path / "drift.db") as store:
        fill(store, "cells", 20, bad=19)
    path = tmp_path / "monitors.toml"
    path.write_text(CONFIG)
    return path


def test_run_as_json(config: Path) -> None:
    config.write_text(f'{CONFIG}\n[[alert]]\nname = "print"\nto = "stdout"\n')
    command = ("monitor", "run", config, "--store", config.parent / "drift.db")
    result = lightmeter(*command, "--format", "json")
    assert result.returncode == 3, result.stderr
    assert ": cells, " in result.stderr.partition("\n")[0]  # the alert
    listed = json.loads(result.stdout)
    assert {line["bucket"] for line in listed} == {"2022-09-20T00:00:00+00:00"}
    assert {line["monitor"] for line in listed} == {"drift"}
    states = {line["feature"]: line["state"] for line in listed if line["monitor"] == "drift"}
    assert states["entropy"] == "anomaly"
    line = next(line for line in listed if line["feature"] == "entropy")
    assert line["dataset"] == "cells"
    assert line["segment"] == ""
    assert isinstance(line["value"], float)
    assert line["words"]
    text = lightmeter(*command).stdout.splitlines()
    assert len(text) == sum(line["state"] != "ok" for line in listed)
    assert all(line.startswith("2022-09-20 00:00 cells ") for line in text)
