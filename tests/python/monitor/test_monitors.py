"""Monitors: segments, baselines, and the command line."""

import csv
import hashlib
import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import lightmeter as lm
import pyarrow.parquet
import pytest
from conftest import lightmeter
from incidents import FIRST
from lightmeter import Store
from lightmeter.files import open_atomically
from lightmeter.monitor.export import RESULT_COLUMNS, SERIES_COLUMNS, result_rows, series_rows
from lightmeter.monitor.replay import replay
from lightmeter.monitor.results import Result, find_incidents
from lightmeter.profile.segments import segment_text
from lightmeter.profile.table_files import write_table
from lightmeter.times import DAY
from metrics_texts import read, value
from september import DRIFT, NOW, STDOUT, evaluate, judge, limits, monitor, put_days, rows
from stores import save_results, view


def said(results: list[Result]) -> list[tuple[str, int, str, str]]:
    return [
        (segment_text(result.segment), result.bucket.day, result.state, result.words)
        for result in results
    ]


@pytest.mark.parametrize("keys", [limits(upper=9), {"type": "missing"}])
def test_a_dataset_of_segments_says_nothing_of_the_whole(store: Store, keys: Any) -> None:
    left = {"camera": "left"}
    for day in (1, 2, 20):
        store.put("cells", rows(day), at=date(2022, 9, day), writer="a", segment=left)
    words = "only segments have values, and it watches none: segments = true"
    assert said(judge(store, **keys)) == [("", 2, "not enough data", words)]
    assert all(segment for segment, *_ in said(judge(store, segments=True, **keys)))
    put_days(store, range(2, 3))
    assert words not in {words for *_, words in said(judge(store, **keys))}


def test_a_dataset_as_the_baseline_of_segments(store: Store) -> None:
    """That has the segment, of shorter buckets, or else has only the whole."""
    for day in (1, 2, 3):
        for camera in ("left", "right"):
            segment, moved = {"camera": camera}, 3.0 * (day == 3 and camera == "left")
            view = rows(day, shift=moved, n=100)
            store.put("cells", view, at=date(2022, 9, day), writer="a", segment=segment)
        for hour in range(4):
            at, view = datetime(2022, 9, day, hour, tzinfo=UTC), rows(50 + 4 * day + hour)
            left = {"camera": "left"} if hour else None
            store.put("raw", view, at=at, writer="a", segment=left, every="1h")
    results = judge(store, segments=True, features=["x"], baseline={"dataset": "raw"})
    by_camera = {
        camera: [each for each in results if each.segment == f"camera={camera}"]
        for camera in ("left", "right")
    }
    assert [each.state for each in by_camera["left"]] == ["ok", "ok", "anomaly"]
    assert {each.baseline for each in by_camera["left"]} == {9}
    assert {each.baseline for each in by_camera["right"]} == {3}


def test_the_command_line(store: Store, tmp_path: Path) -> None:
    def monitor(*arguments: object) -> subprocess.CompletedProcess[str]:
        return lightmeter("monitor", *arguments)

    config = tmp_path / "m.toml"
    config.write_text(DRIFT)
    assert monitor("check", config).stdout.endswith("total: at most 3.65\n")
    config.write_text(DRIFT + '[[monitor]]\nname = "i"\ndataset = "cells"\ntype = "interval"\n')
    words = "total: at most 3.65, plus 1 monitor of unknown rate\n"
    assert monitor("check", config).stdout.endswith(words)
    config.write_text(DRIFT)
    run = "run", config, "--store", store.path
    put_days(store, range(1, 8), history=True)
    put_days(store, range(8, 9), day8={"shift": 3.0})
    alarmed = monitor(*run)
    assert alarmed.returncode == 3
    assert alarmed.stdout.startswith("2022-09-08 00:00 cells: anomaly of x: ")
    config.write_text(DRIFT + STDOUT)
    told = monitor(*run, "--format", "json")
    assert ": cells, " in told.stderr.partition("\n")[0]  # the alert
    listed = {line["feature"]: line for line in json.loads(told.stdout)}
    assert (listed["x"]["bucket"], listed["x"]["state"]) == ("2022-09-08T00:00:00+00:00", "anomaly")
    assert listed["x"]["words"] in alarmed.stdout
    assert "camera" in listed  # which is ok, and so not in the text
    config.write_text(f'{DRIFT}features = ["y"]\n')
    nothing = monitor(*run)
    assert nothing.returncode == 4
    words = "no feature that it can judge matches 'y'"
    assert nothing.stdout == f"2022-09-08 00:00 cells: not enough data: {words} (drift)\n"
    config.write_text(config.read_text().replace('"drift"', '"m\\u001b[31m"', 1))
    assert "\x1b" not in monitor(*run).stdout


# `monitor check --store`: what monitors would have found


def test_alarms_are_those_of_a_run(store: Store) -> None:
    bad = {f"day{day}": {"shift": 3.0} for day in (5, 6, 9, 12, 15)}
    put_days(store, range(1, 18), **bad)
    week = monitor(type="interval", baseline={"trailing": 3}, alpha=0.01)
    monitors = [week, monitor(name="gaps", type="missing")]
    replayed, gaps = replay(store, monitors, now=NOW)
    results = evaluate(store, monitors, now=NOW)
    ours = [result for result in results if result.monitor == "m"]
    begun = {each.start.day for each in find_incidents(ours)}
    assert len(replayed.alarms) == len(begun) == 4
    assert (replayed.judged, replayed.unjudged) == (14, 3)
    assert [start.day for start, *_ in replayed.alarms] == [5, 9, 12, 15]
    assert all("mean of x is " in words for *_, words in replayed.alarms)
    assert (len(gaps.alarms), gaps.judged, gaps.design) == (1, 19, None)
    (none,) = replay(store, [monitor(dataset="no")], now=NOW)
    assert (none.judged, none.alarms) == (0, [])


def test_the_command_line_only_reads(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 18), day9={"shift": 3.0})
    store.close()
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "interval"\nalpha = 0.01\n'
        f"baseline = {{ trailing = 3 }}\n{STDOUT}"
    )
    before = hashlib.sha256(store.path.read_bytes()).hexdigest()
    said = lightmeter("monitor", "check", config, "--store", store.path)
    assert said.returncode == 0, said.stderr
    judged, alarms, alarm, design = said.stdout.splitlines()[1:5]
    span, _, why = judged.partition("; 3 could not be judged: ")
    assert span == "  judged: 14 buckets from 2022-09-04 to 2022-09-17"
    assert why == "2 buckets to compare with; 3 are needed"
    assert alarms == "  alarms: 1, 26.1 a year"
    assert (alarm[:25], design[:17]) == ("    2022-09-09 mean of x ", "  design effect: ")
    assert hashlib.sha256(store.path.read_bytes()).hexdigest() == before
    with Store(store.path) as again:
        assert again.state.sources() == []


def test_what_cannot_be_read_is_told(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 4))
    gone = monitor(type="contract", file=str(tmp_path / "gone.toml"))
    (replayed,) = replay(store, [gone], now=NOW)
    first, *_ = replayed.lines(DAY)
    assert first.startswith("judged: 0 buckets; 3 could not be judged: [Errno 2]")
    assert "gone.toml" in first


# Results and numbers over time as tables.


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
