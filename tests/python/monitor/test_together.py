"""Drift over all segments of a bucket, and a segment beside the others of its bucket."""

import contextlib
import gc
from datetime import date, timedelta
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import Store
from lightmeter.errors import ConfigError, StoreError
from lightmeter.monitor.accepted import accept, take_back
from lightmeter.monitor.baselines import Trailing
from lightmeter.monitor.config import load_monitors
from lightmeter.monitor.evaluate import evaluate, update_results
from lightmeter.monitor.monitors import Monitor, false_alarms_a_year
from lightmeter.monitor.results import Result, load_results
from lightmeter.monitor.rules import (
    ChangeRule,
    CombinedRule,
    DriftRule,
    IntervalRule,
    LimitsRule,
    MissingRule,
)
from september import NOW, by_place

FIRST = date(2022, 8, 1)


def day_of(day: int) -> date:
    return FIRST + timedelta(days=day)


def put(store: Store, day: int, camera: str, level: float, *, n: int = 60, sd: float = 1.0) -> None:
    rng = np.random.default_rng([7, day, *camera.encode()])
    view = lm.log(columns={name: rng.normal(level, sd, n) for name in "xy"}).view()
    store.put("cells", view, at=day_of(day), writer="a", segment={"camera": camera})


def cameras(
    store: Store, days: int = 40, count: int = 8, sd: float = 0.5, **moved: dict[int, float]
) -> None:
    """Each at its own level; days differ by so many standard deviations, for all of them."""
    for day in range(days):
        weather = np.random.default_rng(day).normal(0.0, sd)
        for camera in range(count):
            level = 5.0 * camera + weather + moved.get(f"c{camera}", {}).get(day, 0.0)
            put(store, day, f"c{camera}", level)


def drift(**known: object) -> Monitor:
    known = {"baseline": Trailing(trailing=28), "segments": True} | known
    return Monitor(name="m", dataset="cells", rule=DriftRule(), **known)  # type: ignore[arg-type]


PEERS = Trailing(trailing=28, peers=True)


def alarmed(results: list[Result]) -> set[tuple[int, str]]:
    """Day and camera of each anomaly."""
    return {
        ((result.bucket.date() - FIRST).days, result.segment.get("camera", ""))
        for result in results
        if result.state == "anomaly"
    }


def test_one_camera_of_many_that_changes(store: Store) -> None:
    """What a trailing baseline cannot see for the weather, and does not take for a change."""
    cameras(store, days=34, count=6, c3={31: 1.4}, c5=dict.fromkeys((32, 33), -3.0))
    results = evaluate(store, [drift(baseline=PEERS)], now=NOW)
    assert alarmed(results) == {(31, "c3"), (32, "c5"), (33, "c5")}
    assert alarmed(evaluate(store, [drift()], now=NOW)) == {(32, "c5"), (33, "c5")}
    worst = [r for r in results if r.state == "anomaly" and r.segment == {"camera": "c3"}]
    assert {result.feature for result in worst} == {"x", "y"}
    assert all("beside 5 others" in result.words for result in worst)
    assert not any(result.feature not in ("x", "y", "") for result in results)


def test_what_all_do_together_is_no_anomaly_and_who_does_not_is_one(store: Store) -> None:
    dark = {f"c{camera}": {31: -4.0} for camera in range(5)}
    cameras(store, days=32, count=6, **dark)
    assert alarmed(evaluate(store, [drift(baseline=PEERS)], now=NOW)) == {(31, "c5")}
    assert alarmed(evaluate(store, [drift()], now=NOW)) == {(31, camera) for camera in dark}


def test_it_takes_others_with_the_same_keys(store: Store) -> None:
    cameras(store, days=20, count=3)
    view = lm.log(columns={"x": np.arange(60.0)}).view()
    for day in range(20):
        store.put("cells", view, at=day_of(day), writer="a", segment={"region": "north"})
        store.put("cells", view, at=day_of(day), writer="a")
    results = evaluate(store, [drift(baseline=PEERS)], now=NOW)
    assert {result.state for result in results} == {"not enough data"}
    words = {result.segment.get("camera", "region"): result.words for result in results}
    assert words["region"] == "0 other segments with the same keys, of 3 needed"
    assert words["c0"] == "2 other segments with the same keys, of 3 needed"
    assert {} not in [dict(result.segment) for result in results]


def test_peers_take_drift_and_segments(tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    head = '[[monitor]]\nname = "m"\ndataset = "cells"\nbaseline = { peers = true }\n'
    for rest in ('type = "drift"\n', 'type = "interval"\nsegments = true\n'):
        config.write_text(head + rest)
        with pytest.raises(ConfigError, match=r"line 4: .*peers = true takes the type 'drift'"):
            load_monitors(config)
    config.write_text(f'{head}type = "drift"\nsegments = true\n')
    assert load_monitors(config)[0].has_peers


def test_q_is_one_of_the_bucket(store: Store) -> None:
    """What is surely a change in one segment alone is none as one of many tests."""
    cameras(store, days=30, count=1)
    cameras(store, days=30, count=12)
    alone = Monitor(
        name="m", dataset="one", rule=DriftRule(q=0.01), baseline=Trailing(), segments=True
    )
    for day in range(30):
        view = store.read("cells", day_of(day), day_of(day + 1), segment={"camera": "c0"})
        store.put("one", view, at=day_of(day), writer="a", segment={"camera": "c0"})
    upper = {}
    for name, monitor in (("one", alone), ("cells", drift())):
        results = evaluate(store, [monitor], now=NOW)
        last = [r for r in results if r.feature == "x" and r.segment == {"camera": "c0"}][-1]
        upper[name] = last.upper
        assert false_alarms_a_year(monitor, store) == pytest.approx(3.65)
    assert upper["one"] < upper["cells"]


def test_late_data_in_one_segment_judges_all_again(store: Store) -> None:
    cameras(store, days=30, count=4)
    monitor = drift()
    update_results(store, [monitor], now=NOW)
    put(store, 29, "c1", 50.0)
    update_results(store, [monitor], now=NOW)
    loaded = load_results(store)
    assert loaded == by_place(evaluate(store, [monitor], now=NOW))
    assert alarmed(loaded) == {(29, "c1")}
    before = {
        r.segment["camera"]: r.upper for r in loaded if r.bucket.day == 29 and r.feature == "x"
    }
    assert before  # all of them have the limit of the bucket


def test_earlier_results_never_show(store: Store, tmp_path: Path) -> None:
    """With `for`, accepted changes, peers and segments; runs that are cut off; two files."""
    rng = np.random.default_rng(0)
    few = {"dataset": "cells", "segments": True, "baseline": Trailing(trailing=3, least=2)}
    change = ChangeRule(absolute=2.0)
    first = [
        Monitor(name="change", rule=change, for_=2, **few),  # type: ignore[arg-type]
        Monitor(name="gaps", dataset="cells", rule=MissingRule(), for_=2, segments=True),
        Monitor(name="any", dataset="cells", rule=CombinedRule(type="any", of=("change",)), for_=2),
        drift(),
    ]
    second = [
        Monitor(name="peers", dataset="cells", rule=DriftRule(), segments=True, baseline=PEERS),
        Monitor(name="limits", dataset="cells", rule=LimitsRule(upper=3), for_=3, segments=True),
        Monitor(name="interval", rule=IntervalRule(alpha=0.05), for_=2, **few),  # type: ignore[arg-type]
    ]
    cameras(store, days=16, count=3)
    for path in ("first", "second"):
        (tmp_path / path).touch()
    accepted: list[tuple[date, str]] = []
    for _ in range(4):
        for _ in range(4):
            camera, day = f"c{rng.integers(4)}", int(rng.integers(8, 20))
            with contextlib.suppress(StoreError):  # rolled up
                put(store, day, camera, float(rng.choice([0.0, 5.0])), n=int(rng.choice([5, 60])))
        if rng.integers(2):
            patterns = day_of(int(rng.integers(8, 18))), str(rng.choice(["*", "x"]))
            accept(store, patterns[0], feature=patterns[1], monitor="[cdp]*", now=NOW)
            accepted.append(patterns)
        elif accepted:
            since, feature = accepted.pop()
            assert take_back(store, since, feature=feature, monitor="[cdp]*")
        if rng.integers(4) == 0:
            store.gc(now=NOW, roll_up_after=f"{rng.integers(40, 45)}d")
        update_results(store, first, source=str(tmp_path / "first"), now=NOW)
        with contextlib.suppress(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
            patch.setattr(IntervalRule, "judge", interrupted)
            update_results(store, second, source=str(tmp_path / "second"), now=NOW)
        update_results(store, second, source=str(tmp_path / "second"), now=NOW)
        whole = [*evaluate(store, first, now=NOW), *evaluate(store, second, now=NOW)]
        assert [plain(result) for result in load_results(store)] == [
            plain(result) for result in by_place(whole)
        ]
        gc.collect()


def interrupted(*arguments: object) -> list[Result]:
    raise KeyboardInterrupt


def plain(result: Result) -> Result:
    return result._replace(basis=result.basis and result.basis._replace(rank=0))
