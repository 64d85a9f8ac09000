"""Buckets that are missing, late or rolled up."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from lightmeter import Profile, Store
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import Result, load_results
from lightmeter.monitor.rules import missing as rule
from lightmeter.times import bucket_start, to_duration
from september import NOW, alarms, evaluate, judge, limits, monitor, put, rows, states
from stores import change, reseal


def test_missing_late_and_failure_rate(store: Store) -> None:
    for day in (1, 2, 5, 7):
        profile = Profile()
        profile.track_many([np.zeros((2, 2, 3), np.uint8)] * 3 * (day < 7))
        profile.track_many([b"bad"] * (2 * (day > 2)))
        store.put("cells", profile, at=date(2022, 9, day), writer="a")
    store.put("cells", rows(1), at=date(2022, 9, 8), writer="a")
    assert alarms(states(store, type="missing")) == [3, 4, 6, 7, *range(9, 20)]
    late = states(store, type="missing", after="6h")
    worded = judge(store, type="missing", after="6h")[0].words
    assert re.fullmatch(r"late by [\d,]+ days; in seconds", worded)
    assert alarms(late) == list(range(1, 20))  # those that came were written years later
    assert alarms(states(store, type="missing", after="5000d")) == [3, 4, 6, 7, *range(9, 20)]
    failures = limits(upper=0.1, scalar="failure_rate", feature="*.Failure")
    assert alarms(states(store, "image.Failure", **failures)) == [5, 7]


def missing(store: Store, *days: tuple[int, int, int], every: str = "1d") -> list[Result]:
    for day in days:
        store.put("cells", rows(1, n=1), at=date(*day), writer="a", every=every)
    return judge(store, type="missing")


@pytest.mark.parametrize("wrong", [[(1, 1, 1)], [(1970, 1, 1), (2019, 1, 1)], [(2022, 2, 1)]])
def test_a_wrong_clock_makes_no_age_of_missing_buckets(store: Store, wrong: Any) -> None:
    september = [(2022, 9, day) for day in (1, 2, 3, 5, 18)]
    results = missing(store, *wrong, *september, (2099, 1, 1))
    assert [result.bucket.day for result in results] == list(range(1, 20))
    assert [result.bucket.day for result in results if result.state == "ok"] == [1, 2, 3, 5, 18]
    year, *_ = wrong[0]
    assert f"{len(wrong)} earlier bucket" in results[0].words
    assert f"from {year:04}-" in results[0].words
    assert {result.words for result in results[1:]} == {"", "no data arrived"}


def test_a_gap_that_buckets_stand_for_is_missing(store: Store) -> None:
    results = missing(store, (2022, 5, 30), (2022, 9, 3))
    assert (results[0].bucket.month, len(results)) == (5, 113)
    assert {result.state for result in results[1:96]} == {"anomaly"}


def test_what_is_missing_up_to_now_is_bounded(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(rule, "_LONGEST_GAP", 200)
    results = missing(store, (1, 1, 1))
    assert (results[0].state, results[0].bucket.year) == ("ok", 1)
    assert results[-1].bucket == NOW - timedelta(days=1)
    assert [result.state for result in results[1:]] == ["anomaly"] * 200
    words = "no data arrived; missing for longer: the last 200 buckets are listed"
    assert results[1].words == words
    assert len(missing(store, (2022, 9, 18))) == 2


@pytest.mark.parametrize("every", ["7h", "100m"])
def test_a_roll_up_raises_no_alarms(store: Store, every: str) -> None:
    """Where nothing changes, neither in what is left of the buckets nor at the seam."""
    length = to_duration(every)
    at, step = bucket_start(datetime(2022, 9, 13, tzinfo=UTC), length), 0
    while at + length <= NOW:
        values = np.random.default_rng(step).normal(0.0, 1.0, 60 + step % 3)
        put(store, at, {"x": values}, every=every)
        at, step = at + length, step + 1
    change(store, "UPDATE profile SET updated = start + span")
    reseal(store)
    n = {"type": "interval", "scalar": "n"}
    rules: dict[str, Any] = {"n": n, "hourly n": n | {"baseline": {"same": "hour"}}, "drift": {}}
    rules |= {"spread": {"type": "interval"}, "few": limits(upper=70, scalar="n")}
    rules["missing"] = {"type": "missing", "after": "1h"}
    monitors = [monitor(name=name, **keys) for name, keys in rules.items()]
    update_results(store, monitors, now=NOW)
    kept = load_results(store)
    assert store.gc(now=NOW, roll_up_after="4d").merged > 0
    after = evaluate(store, monitors, now=NOW)
    update_results(store, monitors, now=NOW)
    assert load_results(store) == kept  # what was found stays
    before, now = (
        {(result.monitor, result.bucket) for result in results if result.state == "anomaly"}
        for results in (kept, after)
    )
    assert now <= before
    rolled = datetime(2022, 9, 16, tzinfo=UTC)
    assert not [result for result in after if result.bucket < rolled]
    assert {result.monitor for result in after if result.bucket > rolled} == set(rules)


@pytest.mark.parametrize(("bad", "compared_with"), [(5, 24), (99, 25)])
def test_a_day_that_was_rolled_up_is_anomalous_if_any_of_its_hours_was(
    store: Store, bad: int, compared_with: int
) -> None:
    rule = monitor(metric="ks", above=0.8, baseline={"trailing": 40})
    for hour in range(48):
        at, view = NOW + timedelta(hours=hour), rows(hour, shift=9.0 * (hour == bad), n=30)
        store.put("cells", view, at=at, writer="a", every="1h")
    later = NOW + timedelta(hours=48)
    update_results(store, [rule], now=later)
    store.gc(now=later, roll_up_after="1d")
    store.put("cells", rows(99, n=30), at=later, writer="a", every="1h")
    update_results(store, [rule], now=later + timedelta(hours=1))
    (newest,) = (each for each in load_results(store) if each.bucket == later)
    assert newest.baseline == compared_with, "24 hours, and the day before"
