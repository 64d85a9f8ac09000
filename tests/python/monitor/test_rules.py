"""Rules: what they find in numbers, hues, categories and features."""

import math
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import as_of_images, encoded, picture
from lightmeter import ProfileView, Store, log, log_image
from lightmeter.drift.compare import Comparison
from lightmeter.drift.prediction import predict, predicted_interval
from lightmeter.monitor.against_past import AgainstPast, rare_event_p
from lightmeter.monitor.config import Baseline, ComparingMonitor, Selection
from lightmeter.monitor.replay import false_alarms_a_year
from lightmeter.monitor.results import Result, lead_of
from lightmeter.monitor.rules.drift import RATES, DriftRule
from lightmeter.monitor.rules.interval import hue_interval, share_interval
from lightmeter.monitor.shelf import Summary
from lightmeter.profile.scalars import nearest_turn
from lightmeter.store.tables import Bucket
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats
from september import (
    NOW,
    alarms,
    evaluate,
    judge,
    limits,
    monitor,
    of_september,
    put,
    put_camera,
    put_days,
    rows,
    states,
)


def test_rules_on_numbers(store: Store) -> None:
    put_days(store, range(1, 15), day7={"shift": 3.0}, day9={"n": 5})
    x = ["x"]
    assert alarms(states(store, features=x, metric="ks", above=0.6)) == [7]
    assert alarms(states(store, type="interval", features=x)) == [7]
    assert alarms(states(store, **limits(-1.5, 1.5))) == [7]
    assert alarms(states(store, **limits(30, scalar="n"))) == [9]
    put_days(store, range(1, 1), history=True)
    assert states(store, features=x)[9] == "not enough data"


def test_a_tag_that_no_past_image_has_is_new() -> None:
    def day(*tags: dict[int, str]) -> Summary:
        files = [encoded("JPEG", tags=each) for each in tags]
        return Summary(log_image(files * 20).view()._core)

    for maker in ({}, {271: "Acme"}):
        tests = AgainstPast(day(maker, maker | {272: "X"}), [day(maker)] * 20).tests()
        (p,) = (each.p_value for each in tests if each.feature == "image.Model:missing")
        assert (1.0 if p is None else p) < 1e-9


@pytest.mark.parametrize(
    ("keys", "least"),
    [
        ({"metric": "ks", "above": 0.6}, 3),
        ({"metric": "ks", "above": 0.6, "baseline": {"trailing": 2}}, 2),
        ({"type": "interval"}, 3),
        ({}, 14),
    ],
)
def test_the_least_baseline(store: Store, keys: dict[str, Any], least: int) -> None:
    put_days(store, range(1, least + 3))
    judged = judge(store, features=["x"], **keys)
    few = [(each.bucket.day, each.words) for each in judged if each.state == "not enough data"]
    assert [day for day, _ in few] == [*range(1, least + 1)]
    assert few[-1][1].endswith(f" to compare with; {least} are needed")
    assert [each.state for each in judged[least:]] == ["ok", "ok"]


def test_contracts(store: Store, tmp_path: Path) -> None:
    """What the types limits, new values and schema found is what expectations find."""
    put_days(store, range(1, 10), day6={"camera": "south"})
    put(store, date(2022, 9, 10), {"x": [1.0], "new": [1.0]})
    path = tmp_path / "contract.toml"
    path.write_text('[[expect]]\nfeature = "camera"\nvalues = ["north"]\n')
    camera = states(store, "camera", type="contract", file=str(path))
    assert alarms(camera) == [6, 10]  # on the last day it is missing
    exactly = {"features": ["x", "camera"], "schema": "exactly"}
    results = judge(store, type="contract", expect=[exactly])
    bad = {(each.bucket.day, each.feature) for each in results if each.state == "anomaly"}
    assert bad == {(10, "new"), (10, "camera")}
    warning = {"name": "size", "feature": "x", "severity": "warning", "n": {"at_least": 30}}
    (said,) = (each for each in judge(store, type="contract", expect=[warning]) if each.words)
    assert (said.bucket.day, said.state) == (10, "ok")
    assert said.words == "size: x: expected n at least 30, got 1"
    assert (said.value, said.lower, said.upper) == (1.0, 30.0, None)
    failed = judge(store, type="contract", expect=[warning | {"severity": "error"}])
    (said,) = (each for each in failed if each.cause)
    assert (said.bucket.day, said.cause) == (10, "size")
    drift = said._replace(baseline=28, value=1e9, upper=1.0, cause="noise")
    assert min((drift, said), key=lead_of) == said  # a named limit leads an alert


@pytest.mark.parametrize(("light", "cause"), [(2.9, ""), (1.0, "out of focus")])
def test_light_near_its_limit_explains_sharpness(light: float, cause: str) -> None:
    scenes = [np.asarray(picture(seed=at)) for at in range(30)]
    sides = [log_image([(x * gain).astype(np.uint8) for x in scenes]).view() for gain in (0.7, 1)]
    rows = Comparison(target=sides[0], reference=sides[1]).features
    sharp = Result("image.Sharpness", "anomaly", 9.0, None, 3.0, "sharpness fell")
    results = [sharp, Result("image.Luma.mean", "ok", light, None, 3.0)]
    rule = DriftRule(name="d", dataset="c", type="drift")
    found = rule._with_causes(results, {(row.feature, row.kind in RATES): row for row in rows})
    assert found[0].cause == cause


@pytest.mark.parametrize("history", [True, False])
def test_what_never_had_a_value_is_left_out(store: Store, history: bool) -> None:
    """Also beside a baseline that takes images for independent."""
    for day in range(-20 if history else 1, 3):
        columns = {
            "x": np.random.default_rng(50 + day).normal(size=60),
            "never": [None] * 60,
            "now": [None] * 60 if day < 2 else [1.0] * 60,
        }
        put(store, date(2022, 9, 1) + timedelta(days=day - 1), columns)
    keys: Any = {} if history else {"baseline": {"from": date(2022, 9, 1), "to": date(2022, 9, 2)}}
    results = of_september(judge(store, **keys))
    judged = {result.feature: result.state for result in results if result.bucket.day == 2}
    assert judged["x"] == "ok"
    assert judged["now"] == "not enough data"
    assert "never" not in judged


HUE = "image.Hue.circular_mean"


@pytest.mark.parametrize(
    "keys",
    [
        {"type": "interval"},
        {"type": "interval", "scalar": "mean", "alpha": 1e-5},
        limits(235.0, 20.0, feature=HUE),
        limits(-20.0, 20.0, feature=HUE),
    ],
)
def test_hue_runs_in_a_circle(store: Store, keys: dict[str, Any]) -> None:
    turns = {7: 40.0, 9: -40.0, 11: 127.0}
    for day in range(1, 15):
        drawn = np.random.default_rng(day).normal(turns.get(day, 0.0), 8.0, 40)
        view = as_of_images(log(columns={HUE: drawn % 255.0}).profile())
        store.put("cells", view, at=date(2022, 9, day), writer="a")
    results = [result for result in judge(store, **keys) if result.feature == HUE]
    assert alarms({result.bucket.day: result.state for result in results}) == [7, 9, 11]
    for result in results:  # so that a line and its band stay together
        assert None not in (result.value, result.lower, result.upper)
        assert abs(result.value - (result.lower + result.upper) / 2) <= 127.5
        assert abs(result.lower + result.upper) < 20  # on the same turn every day


def test_the_limit_of_drift_is_where_an_anomaly_begins(store: Store) -> None:
    """None where the change is significant, but small."""
    known = {"n": 4000}
    put_days(store, range(1, 15), history=True)
    for day in range(1, 15):
        shift = {9: 0.15, 11: 0.6, 13: 3.0}.get(day, 0.0)
        store.put("cells", rows(day, shift=shift, **known), at=date(2022, 9, day), writer="a")
    for day in range(15, 32):
        store.put("cells", rows(100 + day, **known), at=date(2022, 8, day), writer="a")
    results = of_september(judge(store))
    limited = [result for result in results if result.upper is not None]
    assert all((result.value >= result.upper) == (result.state == "anomaly") for result in limited)  # type: ignore[operator]
    assert [result.bucket.day for result in results if result.state == "anomaly"] == [11, 13]
    (little,) = (result for result in results if result.upper is None)
    assert (little.bucket.day, little.state) == (9, "ok")
    assert little.words.startswith("significant, but below the minimum effect; shift 0.0")
    more = judge(store, effect=0.3, spread=0.6, tail=0.2, features=["x"])
    assert [each.bucket.day for each in of_september(more) if each.state == "anomaly"] == [13]


@pytest.mark.parametrize("rate", ["missing", "not a number"])
@pytest.mark.parametrize("keys", [{}, {"metric": "effect", "above": 0.3}])
def test_a_column_named_like_a_rate(store: Store, rate: str, keys: dict[str, Any]) -> None:
    odd = None if rate == "missing" else "text"
    for day in range(-13, 13):
        values: list[Any] = [*np.random.default_rng(50 + day).normal(size=100)]
        shifted = [value + 9 * (day == 10) for value in values]
        values[: 80 if day == 12 else 5] = [odd] * (80 if day == 12 else 5)
        at = date(2022, 9, 1) + timedelta(days=day - 1)
        put(store, at, {"a": values, f"a:{rate}": shifted})
    results = of_september(judge(store, **keys))
    assert len({(each.bucket, each.feature) for each in results}) == len(results)
    judged = {each.bucket.day: each for each in results if each.feature == f"a:{rate}"}
    assert [day for day, result in judged.items() if result.state == "anomaly"] == [10, 12]
    assert alarms(states(store, f"a:{rate}", features=[f"a:{rate}"], **keys)) == [10, 12]
    assert keys or judged[10].upper is not None


def test_the_interval_of_hues_keeps_its_promise() -> None:
    outside = 0
    for row in np.random.default_rng(2).normal(3.0, 15.0, (800, 8)) % 255.0:
        bounds = hue_interval(row[:7].tolist(), [50] * 7, 0.0, 50, 0.05)
        low, high = bounds
        outside += not low <= nearest_turn(row[7], (low + high) / 2) <= high
    assert stats.binomtest(outside, 800, 0.05).pvalue > 1e-3
    # Of hues that lie on both sides of the circle neither side is out of the ordinary.
    assert hue_interval([0.0, 127.5, 0.0, 127.5, 127.5], [50] * 5, 0.0, 50, 0.05) is None


def test_false_alarms_are_those_of_the_rules(store: Store) -> None:
    def expected(**keys: Any) -> float | None:
        return false_alarms_a_year(monitor(dataset="hours", **keys), store)

    x = {"type": "interval", "features": ["x"]}
    assert expected() == pytest.approx(3.65)
    assert expected(type="interval", features=["x", "y"]) == pytest.approx(0.73)
    assert expected(type="interval", features=["x*"]) is None
    assert expected(metric="hellinger", above=0.7) is None
    assert expected(**x, scalar="missing_rate") == pytest.approx(0.365)
    assert expected(**x, scalar="max") is expected(**limits(upper=9)) is None
    assert expected(type="missing") == 0
    store.define("hours", "1h")
    assert expected() == pytest.approx(24 * 3.65)


def test_a_bucket_that_was_read_differently_is_no_drift(store: Store) -> None:
    """By a test of buckets, by one of images, by a distance, and by a number."""
    shades = np.array([1.0, 0.6, 0.3])
    for day in range(-20, 3):
        pixels = np.random.default_rng(50 + day).integers(0, 256, (40, 12, 16, 3))
        images = list((pixels * shades).astype(np.uint8)[..., ::-1])
        view = log_image(images, channels="RGB" if day == 2 else "BGR").view()
        store.put("cells", view, at=date(2022, 9, 1) + timedelta(days=day - 1), writer="a")
    fixed = {"baseline": {"from": date(2022, 8, 30), "to": date(2022, 9, 1)}}
    for keys in ({}, fixed, {"metric": "hellinger", "above": 0.7, **fixed}, {"type": "interval"}):
        results = judge(store, **keys)
        assert not [result for result in results if result.feature.endswith(":joint")]
        bad = [result for result in of_september(results) if result.state == "anomaly"]
        assert not {"image.Hue.circular_mean", "image.Red.mean"} & {each.feature for each in bad}
        words = [result.words for result in results if "Hue.circular_mean" in result.feature]
        assert "read differently: channels BGR" in words[-1]


# The interval of shares


ALPHA = 0.001


@pytest.mark.parametrize(
    ("hits", "n"), [(0, 200), (0, 1), (3, 50), (350, 100_000), (695, 2), (700, 1400)]
)
def test_of_equal_days_the_limits_are_those_of_fishers_test(hits: int, n: int) -> None:
    """Student's interval is empty then."""
    low, high = share_interval([(hits, 700)] * 2, n, ALPHA)
    least, most = round(low * n), round(high * n)

    def chance(more: int, tail: str) -> float:
        table = [[more, n - more], [2 * hits, 1400 - 2 * hits]]
        return float(stats.fisher_exact(table, alternative=tail).pvalue)

    assert min(chance(most, "greater"), chance(least, "less")) > ALPHA / 2
    assert most == n or chance(most + 1, "greater") <= ALPHA / 2
    assert least == 0 or chance(least - 1, "less") <= ALPHA / 2


def test_monitors_use_it(store: Store) -> None:
    for day in range(1, 10):
        missing = {8: 1, 9: 20}.get(day, 0)
        view = log(columns={"x": [None] * missing + [1.0] * (200 - missing)}).view()
        store.put("cells", view, at=date(2022, 9, day), writer="a")
    results = judge(store, type="interval", features=["x"], scalar="missing_rate")
    assert [result.state for result in results][-2:] == ["ok", "anomaly"]


# Drift over all segments of a bucket, and a segment beside the others of its bucket.


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


def test_q_is_one_of_the_bucket(store: Store) -> None:
    """What is surely a change in one segment alone is none as one of many, whatever others do."""
    cameras(store, days=30, count=1)
    cameras(store, days=30, count=12, c5={29: -3.0})
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
    assert upper["one"] < 3.5 < upper["cells"]


# A bucket is judged against the spread of past buckets.


Rows = NDArray[np.float64]
BEGUN = date(2022, 1, 1)


def test_of_equal_buckets_it_is_students_test() -> None:
    rng = np.random.default_rng(0)
    past, n = rng.normal(0, 1, (28, 300)), np.full((28, 300), 40.0)
    target = rng.normal(0, 1, 300)
    predicted = predict(past, n, np.zeros(300), target, np.full(300, 40.0))
    spread = past.std(axis=0, ddof=1) * math.sqrt(1 + 1 / 28)
    expected = 2 * stats.t.sf(np.abs(target - past.mean(axis=0)) / spread, 27)
    skewness = np.abs(((past - past.mean(axis=0)) ** 3).mean(axis=0) / past.std(axis=0) ** 3)
    symmetric = skewness < math.sqrt(6 / 28)
    assert symmetric.sum() > 150
    # Of independent buckets the autocorrelation is 0, so one degree of freedom is lost at most.
    np.testing.assert_allclose(predicted.p_values[symmetric], expected[symmetric], rtol=0.1)
    assert (predicted.p_values >= expected * 0.99).all()


@pytest.mark.parametrize(("dof", "least_found"), [(2, 0), (1e6, 90)])
def test_past_buckets_tell_how_heavy_the_tails_are(dof: float, least_found: int) -> None:
    """Of buckets that are one burst each: without it a quarter of them would alarm."""
    rng = np.random.default_rng(0)
    n, within = np.full((28, 20), 20.0), np.full(20, 0.1)
    alarms = caught = 0
    for _ in range(100):
        buckets = rng.standard_t(dof, (29, 20))
        for shift in (0, 8):
            buckets[-1, 0] += shift
            p_values = predict(buckets[:-1], n, within, buckets[-1], n[0]).p_values
            alarms += not shift and p_values.min() < 0.01 / 20
            caught += bool(shift) and p_values.min() < 0.01 / 20
    assert alarms <= stats.binom.isf(1e-4, 100, 0.05)
    assert caught >= least_found


@pytest.mark.parametrize(("sizes", "n"), [((500, 20), 20), ((500, 20), 500), ((20, 500), 500)])
@pytest.mark.parametrize("day", [0.0, 0.3])
def test_intervals_know_how_many_values_a_bucket_has(sizes: Any, n: int, day: float) -> None:
    """Of 500 on weekdays and 20 at weekends .1 % are promised, on either kind of day."""
    rng = np.random.default_rng(1)
    lengths = [sizes[index % 7 >= 5] for index in range(28)]
    outside, trials = 0, 2000
    for _ in range(trials):
        *past, value = rng.normal(0, np.sqrt(day**2 + 1 / np.array([*lengths, n])))
        low, high = predicted_interval(past, lengths, 1.0, n, 0.001)
        outside += not low <= value <= high
    assert outside <= stats.binom.isf(1e-4, trials, 0.002)


def test_rare_events_in_bursts_are_few_events() -> None:
    assert rare_event_p(10, 100, 0, 2800, 1.0) < 1e-12
    assert rare_event_p(10, 100, 0, 2800, 10.0) == pytest.approx(10 / 290)
    assert rare_event_p(0, 100, 0, 2800, 5.0) == 1.0


def bucket_of(day: int, /, **columns: object) -> ProfileView:
    """A bucket with a number, one that is nearly always 0, a category, missing values and hues."""
    rng = np.random.default_rng([7, day])
    cameras = np.where(rng.random(60) < 0.8, "north", "south").tolist()
    missing = [None if draw < 0.05 else draw for draw in rng.random(60).tolist()]
    usual = {
        "number": rng.normal(0, 1, 60),
        "glare": np.zeros(60),
        "camera": cameras,
        "often": missing,
        "image.Hue.circular_mean": rng.normal(0, 10, 60) % 255,
        "vector": rng.normal(1e6, 1, (60, 5)),
    }
    return as_of_images(log(columns={**usual, **columns}).profile())


CHANGES: dict[int, dict[str, object]] = {
    30: {"number": np.random.default_rng(1).normal(1.5, 1, 60)},
    32: {"number": np.random.default_rng(2).normal(0, 3, 60)},
    34: {"glare": [1.0] * 30 + [0.0] * 30},
    36: {"camera": ["west"] * 60},
    38: {"often": [None] * 36 + [0.5, 0.25] * 12},
    40: {"image.Hue.circular_mean": np.random.default_rng(3).normal(60, 10, 60)},
}
CHANGES[41] = {"vector": np.random.default_rng(4).normal(1e6, [1, 1, 1, 1, 4], (60, 5))}


@pytest.fixture
def changed(store: Store) -> Store:
    for number in range(42):
        at = BEGUN + timedelta(days=number)
        store.put("cells", bucket_of(number, **CHANGES.get(number, {})), at=at, writer="a")
    return store


def judged(store: Store, **keys: Any) -> list[Result]:
    return evaluate(store, [monitor(**keys)], now=datetime(2022, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("kind", ["trailing", "days", "file"])
def test_every_kind_of_feature_and_baseline(changed: Store, kind: str, tmp_path: Path) -> None:
    baseline: dict[str, Any] = {}
    if kind == "days":
        baseline = {"from": BEGUN, "to": BEGUN + timedelta(days=20)}
    if kind == "file":
        baseline = {"reference": tmp_path / "good.lmp"}
        views = (bucket_of(100 + number) for number in range(10))
        ProfileView.merge_many(views).write(tmp_path / "good.lmp")
    results = judged(changed, baseline=baseline)
    bad: dict[int, set[str]] = {}
    for result in results:
        if result.state == "anomaly":
            bad.setdefault((result.bucket.date() - BEGUN).days, set()).add(result.feature)
        assert result.value is None or result.upper is None or math.isfinite(result.value)
    assert bad.keys() == CHANGES.keys()
    for day, features in bad.items():
        (name,) = CHANGES[day]
        assert ("often:missing" if name == "often" else name) in features, day
    words = {result.bucket.day: result.words for result in results if result.bucket.month == 1}
    assumes = "assumes that images are independent"
    assert (assumes in words[10]) == (kind == "file")
    assert assumes not in words[20]


@pytest.mark.parametrize(
    "keys", [{}, {"type": "interval"}, {"type": "interval", "scalar": "max"}], ids=str
)
def test_every_unit_is_judged_alike(store: Store, keys: dict[str, str]) -> None:
    """Squares of large numbers overflow, and small ones are less than the rounding of 1."""
    sizes = (1e-12, 1e-200, 1.0, 1e160, 1e300)
    for number in range(32):
        values = np.random.default_rng(number).normal(size=50) + 9 * (number == 31)
        columns = {f"{size}": size * values for size in sizes}
        columns |= {f"vector {size}": size * np.outer(values, [1, 2]) for size in (1e-12, 1.0)}
        put(store, BEGUN + timedelta(days=number), columns)
    bad = {
        (result.bucket.date(), result.feature)
        for result in judged(store, **keys)
        if result.state == "anomaly"
    }
    assert {day for day, _ in bad} == {BEGUN + timedelta(days=31)}
    assert {feature for _, feature in bad} >= {f"{size}" for size in sizes}
    assert keys or len(bad) == len(columns)


def test_vectors_that_are_too_few_to_compare_are_judged(store: Store) -> None:
    """By the spread of past buckets: the comparison, which has no size of theirs, only words it."""
    for number in range(32):
        vectors = np.random.default_rng(number).normal(9.0 * (number == 31), 1, (15, 3))
        put(store, BEGUN + timedelta(days=number), {"v": vectors})
    bad = [result.bucket.date() for result in judged(store) if result.state == "anomaly"]
    assert bad == [BEGUN + timedelta(days=31)]


def test_a_changed_spread_is_worded_as_such(store: Store) -> None:
    for number in range(32):
        x = np.random.default_rng(number).normal(8 + number % 5, 1 + (number == 31), 60)
        put(store, BEGUN + timedelta(days=number), {"x": x})
    assert "more from value to value: standard deviation 1.73 inst" in judged(store)[-1].words


def test_what_is_another_value_in_each_bucket_is_no_anomaly(store: Store) -> None:
    """Such as the number of a batch, or the name of who is on duty."""
    for number in range(40):
        label = ["c"] * 50 if number == 39 else ["a", "b"] * 25
        put(store, BEGUN + timedelta(days=number), {"batch": [f"{number}"] * 50, "label": label})
    bad = [result for result in judged(store) if result.state == "anomaly"]
    assert [(result.feature, result.bucket.day) for result in bad] == [("label", 9)]


def test_what_lasts_is_found_in_every_bucket(store: Store, tmp_path: Path) -> None:
    """A baseline that does not move has no part in how much the buckets since then vary."""
    for number in range(50):
        values = np.random.default_rng(number).normal(3.0 * (number >= 30), 1, 50)
        put(store, BEGUN + timedelta(days=number), {"x": values})
    store.read("cells", BEGUN, BEGUN + timedelta(days=20)).write(tmp_path / "good.lmp")
    for baseline in (
        {"from": BEGUN, "to": BEGUN + timedelta(days=19)},
        {"reference": tmp_path / "good.lmp"},
    ):
        results = judged(store, baseline=baseline)
        assert {result.state for result in results[-20:]} == {"anomaly"}
        assert [result.state for result in results[:30]].count("anomaly") <= 1


# Which buckets a bucket is compared with


DAY = timedelta(days=1)
THURSDAY = datetime(2022, 9, 1, tzinfo=UTC)  # a Thursday


def days(*numbers: int) -> list[datetime]:
    return [THURSDAY + (number - 1) * DAY for number in numbers]


MONTH = days(*range(1, 14), *range(15, 31))


def chosen(
    baseline: Baseline, target: datetime, starts: list[datetime], anomalous: Collection[datetime]
) -> list[datetime]:
    """Also checks that it does not matter whether others were asked for before."""
    shelf: Any = SimpleNamespace(
        datasets={"cells": DAY},
        accepted=[],
        buckets=lambda *_: [Bucket(start, start + DAY, 1, 1, start) for start in starts],
        past=lambda _, chosen: list(chosen),
    )
    rule = ComparingMonitor(type="interval", name="m", dataset="cells", baseline=baseline)
    selections = [Selection(shelf, rule, "", anomalous) for _ in range(2)]
    for before in starts:
        if before < target:
            selections[0].past(before + DAY)
    at_once, moved = (selection.past(target) for selection in selections)
    assert at_once == moved
    return at_once  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, days(*range(1, 13), 15, 16, 17, 18, 19)),
        ({"trailing": 7}, days(11, 12, 15, 16, 17, 18, 19)),
        ({"trailing": 3, "same": "weekday"}, days(6)),
        ({"trailing": 3, "since": date(2022, 9, 18)}, days(18, 19)),
        ({"trailing": 3, "exclude": [date(2022, 9, 17)]}, days(16, 18, 19)),
        ({"trailing": 3, "exclude": [[date(2022, 9, 17), date(2022, 9, 18)]]}, days(15, 16, 19)),
    ],
)
def test_each_kind_of_trailing_buckets(keys: dict[str, Any], expected: list[datetime]) -> None:
    """The 13th is anomalous, and the 14th is missing."""
    assert chosen(Baseline.model_validate(keys), days(20)[0], MONTH, set(days(13))) == expected


LATE, EARLY = date(2022, 9, 2), date(2022, 9, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"trailing": 0}, "greater than or equal to 1"),
        ({"trailing": 9, "reference": "a.lmp"}, "expected one of trailing, reference"),
        ({"reference": "a.lmp", "same": "hour"}, "got same without trailing"),
        ({"from": EARLY}, "expected both"),
        ({"from": LATE, "to": EARLY}, "expected the first day first"),
        ({"exclude": [[LATE, EARLY]]}, "expected the first day first"),
    ],
)
def test_what_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Baseline.model_validate(wrong)
