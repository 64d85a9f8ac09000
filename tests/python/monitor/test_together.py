"""Drift over all segments of a bucket, and a segment beside the others of its bucket."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from lightmeter import Store
from lightmeter.errors import ConfigError
from lightmeter.monitor.replay import false_alarms_a_year
from lightmeter.monitor.results import Result
from september import NOW, evaluate, monitor, put, put_camera

FIRST = date(2022, 8, 1)


def day_of(day: int) -> date:
    return FIRST + timedelta(days=day)


def cameras(
    store: Store, days: int = 40, count: int = 8, sd: float = 0.5, **moved: dict[int, float]
) -> None:
    """Each at its own level; days differ by so many standard deviations, for all of them."""
    for day in range(days):
        weather = np.random.default_rng(day).normal(0.0, sd)
        for camera in range(count):
            level = 5.0 * camera + weather + moved.get(f"c{camera}", {}).get(day, 0.0)
            put_camera(store, day, f"c{camera}", level)


PEERS: dict[str, Any] = {"baseline": {"peers": True}}


def alarmed(results: list[Result]) -> set[tuple[int, str]]:
    """Day and camera of each anomaly."""
    return {
        ((result.bucket.date() - FIRST).days, result.segment.removeprefix("camera="))
        for result in results
        if result.state == "anomaly"
    }


def test_one_camera_of_many_that_changes(store: Store) -> None:
    """What a trailing baseline cannot see for the weather, and does not take for a change."""
    cameras(store, days=34, count=6, c3={31: 1.4}, c5=dict.fromkeys((32, 33), -3.0))
    results = evaluate(store, [monitor(segments=True, **PEERS)], now=NOW)
    assert alarmed(results) == {(31, "c3"), (32, "c5"), (33, "c5")}
    assert alarmed(evaluate(store, [monitor(segments=True)], now=NOW)) == {(32, "c5"), (33, "c5")}
    worst = {r.feature: r.words for r in results if r.state == "anomaly" and "c3" in r.segment}
    assert worst.keys() == {"x", "y"}
    assert all("beside the others" in words for words in worst.values())
    assert not any(result.feature not in ("x", "y", "") for result in results)


def test_it_takes_others_with_the_same_keys(store: Store) -> None:
    cameras(store, days=20, count=3)
    for day in range(20):
        for segment in ({"region": "north"}, None):
            put(store, day_of(day), {"x": np.arange(60.0)}, segment=segment)
    results = evaluate(store, [monitor(segments=True, **PEERS)], now=NOW)
    assert {result.state for result in results} == {"not enough data"}
    words = {result.segment: result.words for result in results}
    assert words["region=north"] == "0 other segments with the same keys; 3 are needed"
    assert words["camera=c0"] == "2 other segments with the same keys; 3 are needed"
    assert "" not in words
    cameras(store, days=40, count=4)  # three others are enough
    results = evaluate(store, [monitor(segments=True, **PEERS)], now=NOW)
    assert "ok" in {result.state for result in results if "camera" in result.segment}


def test_peers_take_drift_and_segments() -> None:
    for keys in ({}, {"metric": "ks", "above": 0.5, "segments": True}):
        with pytest.raises(ConfigError, match="got peers = true"):
            monitor(**PEERS, **keys)


def test_q_is_one_of_the_bucket(store: Store) -> None:
    """What is surely a change in one segment alone is none as one of many tests."""
    cameras(store, days=30, count=1)
    cameras(store, days=30, count=12)
    alone = monitor(dataset="one", segments=True)
    for day in range(30):
        view = store.read("cells", day_of(day), day_of(day + 1), segment={"camera": "c0"})
        store.put("one", view, at=day_of(day), writer="a", segment={"camera": "c0"})
    upper = {}
    for name, watching in (("one", alone), ("cells", monitor(segments=True))):
        results = evaluate(store, [watching], now=NOW)
        last = [r for r in results if r.feature == "x" and r.segment == "camera=c0"][-1]
        upper[name] = last.upper
        assert false_alarms_a_year(watching, store) == pytest.approx(3.65)
    assert upper["one"] < upper["cells"]
