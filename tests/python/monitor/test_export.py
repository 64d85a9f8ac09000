"""Results and numbers over time as tables."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import lightmeter as lm
import pyarrow.parquet
import pytest
from conftest import lightmeter
from incidents import FIRST
from lightmeter import Store
from lightmeter.files import open_atomically
from lightmeter.monitor.export import RESULT_COLUMNS, SERIES_COLUMNS, result_rows, series_rows
from lightmeter.monitor.results import Result
from lightmeter.profile.segments import segment_text
from lightmeter.profile.table_files import write_table
from metrics_texts import read, value
from september import DRIFT
from stores import save_results, view

ODD = "=cmd|' /C calc'!A0\r\n\"\u202e"


@pytest.fixture
def filled(store: Store) -> Store:
    place = {"monitor": "m", "dataset": "cells", "bucket": FIRST, "baseline": 7, "images": 3}
    results = [
        Result("a", "anomaly", float("inf"), None, 1.5, ODD, **place),
        Result("b", "not enough data", **place),
        Result("b", "ok", 0.5, -1.0, 1.0, segment=segment_text({"camera": ODD}), **place),
    ]
    save_results(store, results)
    for day in (1, 2):
        store.put("cells", view(day, 10 * day), at=date(2022, 9, day), writer="a")
    return store


def test_results_are_rows_that_every_format_takes(filled: Store, tmp_path: Path) -> None:
    with open_atomically(tmp_path / "x.parquet") as file:
        write_table(result_rows(filled), file, "parquet", RESULT_COLUMNS)
    table = pyarrow.parquet.read_table(tmp_path / "x.parquet")
    assert table.column_names == list(RESULT_COLUMNS)
    first = table.to_pylist()[0]
    assert (first["value"], first["upper"], first["words"]) == (float("inf"), 1.5, ODD)
    assert (first["bucket"], first["state"]) == (datetime(2022, 9, 1, tzinfo=UTC), "anomaly")
    assert table.num_rows == 3


def test_numbers_over_time(filled: Store) -> None:
    rows = list(series_rows(filled, "cells", feature="image.Bright*", statistics=["mean", "n"]))
    assert set(rows[0]) == set(SERIES_COLUMNS)
    mean = [row for row in rows if row["feature"] == "image.Brightness.mean"]
    said = [(row["bucket"].day, row["statistic"], row["value"], row["n"]) for row in mean]
    assert said == [(1, "mean", 10.0, 1), (1, "n", 1.0, 1), (2, "mean", 20.0, 2), (2, "n", 2.0, 2)]
    assert mean[0]["bucket"] == datetime(2022, 9, 1, tzinfo=UTC)
    assert len({row["bucket"] for row in series_rows(filled, "cells", date(2022, 9, 2))}) == 1
    with pytest.raises(ValueError, match="got the statistic 'mode'; expected one of n, missing"):
        next(series_rows(filled, "cells", statistics=["mode"]))
    with pytest.raises(lm.errors.StoreError):
        list(series_rows(filled, "other"))


def test_on_the_command_line(filled: Store, tmp_path: Path) -> None:
    where = ("--store", filled.address)
    printed = lightmeter("monitor", "results", *where, "--feature", "b", "--segment", "camera=*")
    assert [json.loads(line)["value"] for line in printed.stdout.splitlines()] == [0.5]
    series = ("monitor", "series", *where, "--dataset", "cells")
    out = tmp_path / "series.csv"
    done = lightmeter(*series, "--from", "2022-09-02", "--statistic", "q_95", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    with out.open(newline="") as file:
        assert {row["bucket"] for row in csv.DictReader(file)} == {"2022-09-02T00:00:00+00:00"}
    refused = lightmeter(*series, "-o", tmp_path / "series.txt")
    assert refused.returncode == 2
    assert "expected a suffix of .csv" in refused.stderr
    assert lightmeter(*series, "--statistic", "mode").returncode == 2


def test_a_run_writes_a_file_for_the_collector(filled: Store, tmp_path: Path) -> None:
    config, out = tmp_path / "monitors.toml", tmp_path / "drift.prom"
    config.write_text(DRIFT)
    out.write_text("old")
    arguments = ("monitor", "run", config, "--store", filled.address, "--openmetrics")
    done = lightmeter(*arguments, out)
    assert done.returncode in (0, 4), done.stderr
    samples = read(out.read_text(encoding="utf-8"))
    assert value(samples, "bucket_images", dataset="cells", segment="") == 2
    assert [path.name for path in tmp_path.glob("*drift.prom*")] == ["drift.prom"]
    failed = lightmeter(*arguments, tmp_path / "no" / "drift.prom")
    assert failed.returncode == 1
