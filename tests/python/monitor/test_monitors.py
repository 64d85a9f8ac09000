"""Monitors: combinations of them, segments, baselines, and the command line."""

import dataclasses
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import lightmeter
from lightmeter import Store
from lightmeter.monitor.baselines import Other, Reference
from lightmeter.monitor.evaluate import evaluate
from lightmeter.monitor.monitors import (
    Monitor,
)
from lightmeter.monitor.results import Result
from lightmeter.monitor.rules import (
    ChangeRule,
    CombinedRule,
    DriftRule,
    IntervalRule,
    LateRule,
    LimitsRule,
    MissingRule,
    NewValuesRule,
    Rule,
    SchemaRule,
)
from lightmeter.profile.segments import segment_text
from september import NOW, alarms, judge, of_september, put_days, rows, states


def said(results: list[Result], name: str) -> list[tuple[str, int, str, str]]:
    return [
        (segment_text(result.segment), result.bucket.day, result.state, result.words)
        for result in results
        if result.monitor == name
    ]


def test_combinations_of_monitors_with_and_without_segments(store: Store) -> None:
    put_days(store, range(1, 3))
    left = {"camera": "left"}
    store.put("cells", rows(1, shift=9), at=date(2022, 9, 2), writer="a", segment=left)
    known = {"dataset": "cells"}
    rule = LimitsRule(features=("x",), upper=5)
    monitors = [
        Monitor(name="whole", rule=rule, **known),
        Monitor(name="each", rule=rule, segments=True, **known),
        Monitor(name="all", rule=CombinedRule(type="all", of=("whole", "each")), **known),
        Monitor(name="any", rule=CombinedRule(type="any", of=("whole", "each")), **known),
        Monitor(name="above", rule=CombinedRule(type="any", of=("all", "any")), **known),
    ]
    results = evaluate(store, monitors, now=NOW)
    fine = [("", 1, "ok", ""), ("", 2, "ok", "")]
    assert said(results, "all") == fine
    assert said(results, "any") == [*fine, ("camera=left", 2, "anomaly", "each")]
    assert said(results, "above") == [*fine, ("camera=left", 2, "anomaly", "any")]


@pytest.mark.parametrize(
    "rule",
    [
        LimitsRule(features=("y", "z*"), upper=9),
        DriftRule(features=("y", "z*")),
        SchemaRule(features=("y", "z*")),
        NewValuesRule(features=("y", "z*")),
    ],
)
def test_patterns_that_match_nothing_are_named(store: Store, rule: Rule) -> None:
    put_days(store, range(1, 6), history=True)
    results = judge(store, rule)
    results = of_september(results)
    assert {result.bucket.day for result in results} == {1, 2, 3, 4, 5}
    *_, (_, _, state, words) = said(results, "m")
    assert (state, words) == (
        "not enough data",
        "no feature that it can judge matches 'y', 'z*'",
    )


@pytest.mark.parametrize(
    "rule", [LimitsRule(upper=9), MissingRule(), LateRule(after=timedelta(days=9999))]
)
def test_a_dataset_of_segments_says_nothing_of_the_whole(store: Store, rule: Any) -> None:
    left = {"camera": "left"}
    for day in (1, 2, 20):
        store.put("cells", rows(day), at=date(2022, 9, day), writer="a", segment=left)
    monitor = Monitor(name="m", dataset="cells", rule=rule)
    words = "only segments have values, and it watches none: segments = true"
    assert said(evaluate(store, [monitor], now=NOW), "m") == [("", 2, "not enough data", words)]
    each = dataclasses.replace(monitor, segments=True)
    assert all(segment for segment, *_ in said(evaluate(store, [each], now=NOW), "m"))
    put_days(store, range(2, 3))
    assert words not in {words for *_, words in said(evaluate(store, [monitor], now=NOW), "m")}


def test_a_whole_that_stopped_before_its_segments(store: Store) -> None:
    put_days(store, range(1, 2))
    store.put("cells", rows(2), at=date(2022, 9, 2), writer="a", segment={"camera": "left"})
    late = Monitor(name="m", dataset="cells", rule=LateRule(after=timedelta(days=9999)))
    judged = [(day, state) for _, day, state, _ in said(evaluate(store, [late], now=NOW), "m")]
    assert judged == [(1, "ok"), (2, "not enough data")]
    judged = [(day, state) for _, day, state, _ in said(judge(store, MissingRule()), "m")]
    assert judged == [(1, "ok"), *((day, "anomaly") for day in range(2, 20))]


def test_other_baselines(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 6), day4={"shift": 3.0})
    rows(77).write(tmp_path / "good.lmp")
    rule = DriftRule(features=("x",))
    assert alarms(states(store, rule, baseline=Reference(tmp_path / "good.lmp"))) == [4]
    lost = states(store, rule, baseline=Reference(tmp_path / "none.lmp"))
    assert set(lost.values()) == {"error"}
    store.put("training", rows(77), at=date(2022, 9, 4), writer="a")
    whole = states(store, rule, baseline=Other("training"))
    assert whole == {4: "anomaly", **dict.fromkeys((1, 2, 3, 5), "ok")}
    judged = states(store, rule, baseline=Other("training", ()))
    assert judged == {4: "anomaly", **dict.fromkeys((1, 2, 3, 5), "not enough data")}


def test_another_dataset_of_shorter_buckets(store: Store) -> None:
    """Its hours make up the day; by the hour there are fewer images and other deviations."""
    put_days(store, range(1, 4), day3={"shift": 3.0})
    for day in (1, 2, 3):
        for hour in range(4):
            at, view = datetime(2022, 9, day, hour, tzinfo=UTC), rows(50 + 4 * day + hour)
            store.put("raw", view, at=at, writer="a", every="1h")
    for baseline, count in ((Other("raw"), 12), (Other("raw", ()), 4)):
        results = judge(store, DriftRule(), baseline=baseline)
        results = [result for result in results if result.feature == "x"]
        assert [result.state for result in results] == ["ok", "ok", "anomaly"]
        assert {result.baseline for result in results} == {count}
        for rule in (IntervalRule(), ChangeRule(scalar="n", relative=0.5)):
            assert set(states(store, rule, baseline=baseline).values()) == {"not enough data"}


def test_the_command_line(store: Store, tmp_path: Path) -> None:
    def monitor(*arguments: object) -> subprocess.CompletedProcess[str]:
        return lightmeter("monitor", *arguments)

    config = tmp_path / "m.toml"
    config.write_text('[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "drift"\n')
    assert monitor("check", config).stdout.endswith("in all: at most 3.65\n")
    run = "run", config, "--store", store.path
    put_days(store, range(1, 8), history=True)
    put_days(store, range(8, 9), day8={"shift": 3.0})
    alarmed = monitor(*run)
    assert alarmed.returncode == 3
    assert alarmed.stdout.startswith("2022-09-08 00:00 cells m: anomaly x ")
    put_days(store, range(9, 12))
    left = {"camera": "left"}
    store.put("cells", rows(8, shift=9), at=date(2022, 9, 8), writer="a", segment=left)
    table = '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "limits"\nupper = 2\n'
    config.write_text(table + "segments = true\n")
    stopped = monitor(*run)  # what stopped on an anomaly is not in the newest bucket
    assert (stopped.returncode, stopped.stdout) == (0, "")
    config.write_text(table + 'features = ["y"]\n')
    nothing = monitor(*run)
    assert nothing.returncode == 4
    assert nothing.stdout == (
        "2022-09-11 00:00 cells m: not enough data no feature that it can judge matches 'y'\n"
    )
    config.write_text(config.read_text().replace('"m"', '"m\\u001b[31m"'))
    for command in (("check", config), run):
        assert "\x1b" not in monitor(*command).stdout
    config.write_text("[[monitor]]\n")
    assert monitor(*run).returncode == 1
    assert "line 1: monitor 1: type is missing" in monitor("check", config).stderr
