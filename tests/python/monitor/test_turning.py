"""What alerts read of the results that a store keeps: few, and the same incidents."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from lightmeter import Store
from lightmeter.alerts.changes import find_changes
from lightmeter.monitor.results import Result, find_incidents, load_results
from lightmeter.store.tables import Told
from stores import save_results

FIRST = datetime(2022, 9, 1, tzinfo=UTC)
BARS = 30  # buckets


def at(bucket: int) -> datetime:
    return FIRST + timedelta(hours=bucket)


def drawn(rng: np.random.Generator) -> list[Result]:
    """Two monitors on two segments, with long quiet stretches, silence, gaps and errors."""
    results = []
    for monitor in ("m", "n"):
        for segment in ("", "camera=left"):
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
                        results.append(Result(feature, state, 1.0, None, 2.0, "words", *place))
    return results


@pytest.mark.parametrize("seed", range(12))
def test_they_make_the_same_incidents_and_changes(store: Store, seed: int) -> None:
    rng = np.random.default_rng(seed)
    save_results(store, drawn(rng))
    told = [
        Told("cells", segment, kind, at(int(rng.integers(BARS))), monitor, True)
        for segment in ("", "camera=left")
        for monitor in ("m", "n")
        for kind in ("anomaly", "error")
    ]
    store.state.remember("x", [], told)
    every, few = load_results(store), load_results(store, turning=True)
    assert find_incidents(few) == find_incidents(every) != []
    monitors = {(each.monitor, each.dataset) for each in every}
    assert find_changes(few, told, monitors) == find_changes(every, told, monitors)


def test_quiet_lines_are_not_read(store: Store) -> None:
    place = "m", "cells", ""
    good = [
        Result(name, "ok", 1.0, None, 2.0, "", *place, at(bucket))
        for bucket in range(99)
        for name in "ab"
    ]
    save_results(store, good)
    assert load_results(store, turning=True) == []
    bad = good.index(Result("a", "ok", 1.0, None, 2.0, "", *place, at(50)))
    good[bad] = good[bad]._replace(state="anomaly")
    save_results(store, good)
    results = load_results(store, turning=True)
    assert {(result.bucket, result.feature) for result in results} == {
        (at(0), "a"),
        (at(50), "a"),
        (at(51), "a"),
    }
    assert load_results(store, [("other", "cells")], turning=True) == []
