"""What alerts read of the results that a store keeps: few, and the same incidents."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from lightmeter import Store
from lightmeter.alerts.changes import Told, find_changes
from lightmeter.monitor.incidents import Line, find_incidents, lines_of
from lightmeter.monitor.results import Result, load_results, save_results
from lightmeter.monitor.turning import load_turning_points

FIRST = datetime(2022, 9, 1, tzinfo=UTC)
BARS = 30  # buckets


def at(bucket: int) -> datetime:
    return FIRST + timedelta(hours=bucket)


def drawn(rng: np.random.Generator) -> list[Result]:
    """Two monitors on two segments, with long quiet stretches, silence, gaps and errors."""
    found = []
    for monitor in ("m", "n"):
        for segment in ({}, {"camera": "left"}):
            quiet = rng.choice([0.5, 0.95])
            for bucket in range(BARS):
                kind = rng.choice(["judged", "error", "no bucket"], p=[0.9, 0.05, 0.05])
                features = {"judged": ["a", "b", "c"], "error": [""], "no bucket": []}[kind]
                for feature in features:
                    state = "ok" if rng.random() < quiet else rng.choice(
                        ["anomaly", "not enough data", "silence"]
                    )  # fmt: skip
                    state = "error" if kind == "error" else str(state)
                    if state != "silence":
                        place = (monitor, "cells", segment, at(bucket))
                        found.append(Result(*place, feature, state, 1.0, None, 2.0, 7, 9, "words"))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_they_make_the_same_incidents_and_changes(store: Store, seed: int) -> None:
    rng = np.random.default_rng(seed)
    save_results(store, drawn(rng))
    told = [
        Told(Line("cells", segment, monitor, feature), kind, at(int(rng.integers(BARS))), True)
        for segment in ("", "camera=left")
        for monitor in ("m", "n")
        for feature, kind in (("a", "anomaly"), ("b", "anomaly"), ("", "error"), ("z", "anomaly"))
    ]
    rows = [
        (*each.line, each.kind, (each.start - FIRST) // timedelta(milliseconds=1)) for each in told
    ]
    offset = int(FIRST.timestamp() * 1000)
    for *line, kind, start in rows:
        store._database.all(
            "INSERT INTO told(alert, dataset, segment, monitor, feature, kind, start, open)"
            " VALUES('x', ?, ?, ?, ?, ?, ?, 1)",
            (*line, kind, start + offset),
        )
    every, few = lines_of(load_results(store)), lines_of(load_turning_points(store))
    incidents = find_incidents(every)
    assert find_incidents(few) == incidents
    assert incidents
    assert find_changes(few, incidents, told) == find_changes(every, incidents, told)


def test_quiet_lines_are_not_read(store: Store) -> None:
    place = "m", "cells", {}
    good = [
        Result(*place, at(i), name, "ok", 1.0, None, 2.0, 7, 9, "")
        for i in range(99)
        for name in "ab"
    ]
    save_results(store, good)
    assert load_turning_points(store) == []
    save_results(
        store, [one._replace(state="anomaly") if one[3:5] == (at(50), "a") else one for one in good]
    )
    found = load_turning_points(store)
    assert {(one.start, one.feature) for one in found} == {
        (at(0), "a"),
        (at(50), "a"),
        (at(51), "a"),
    }
    assert load_turning_points(store, [("other", "cells")]) == []
