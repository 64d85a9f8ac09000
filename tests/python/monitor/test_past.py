"""A bucket is judged against the spread of past buckets."""

import math
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import as_of_images
from lightmeter import ProfileView, Store, log
from lightmeter.drift.prediction import predict, predicted_interval, rare_event_p
from lightmeter.monitor.config import Baseline, ComparingMonitor, Selection
from lightmeter.monitor.results import Result
from lightmeter.store.tables import Bucket
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats
from september import evaluate, monitor, put

Rows = NDArray[np.float64]
FIRST = date(2022, 1, 1)


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


def day_of(day: int, /, **columns: object) -> ProfileView:
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
        at = FIRST + timedelta(days=number)
        store.put("cells", day_of(number, **CHANGES.get(number, {})), at=at, writer="a")
    return store


def judged(store: Store, **keys: Any) -> list[Result]:
    return evaluate(store, [monitor(**keys)], now=datetime(2022, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("kind", ["trailing", "days", "file"])
def test_every_kind_of_feature_and_baseline(changed: Store, kind: str, tmp_path: Path) -> None:
    baseline: dict[str, Any] = {}
    if kind == "days":
        baseline = {"from": FIRST, "to": FIRST + timedelta(days=20)}
    if kind == "file":
        baseline = {"reference": tmp_path / "good.lmp"}
        views = (day_of(100 + number) for number in range(10))
        ProfileView.merge_many(views).write(tmp_path / "good.lmp")
    results = judged(changed, baseline=baseline)
    bad: dict[int, set[str]] = {}
    for result in results:
        if result.state == "anomaly":
            bad.setdefault((result.bucket.date() - FIRST).days, set()).add(result.feature)
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
        put(store, FIRST + timedelta(days=number), columns)
    bad = {
        (result.bucket.date(), result.feature)
        for result in judged(store, **keys)
        if result.state == "anomaly"
    }
    assert {day for day, _ in bad} == {FIRST + timedelta(days=31)}
    assert {feature for _, feature in bad} >= {f"{size}" for size in sizes}
    assert keys or len(bad) == len(columns)


def test_vectors_that_are_too_few_to_compare_are_judged(store: Store) -> None:
    """By the spread of past buckets: the comparison, which has no size of theirs, only words it."""
    for number in range(32):
        vectors = np.random.default_rng(number).normal(9.0 * (number == 31), 1, (15, 3))
        put(store, FIRST + timedelta(days=number), {"v": vectors})
    bad = [result.bucket.date() for result in judged(store) if result.state == "anomaly"]
    assert bad == [FIRST + timedelta(days=31)]


def test_what_is_another_value_in_each_bucket_is_no_anomaly(store: Store) -> None:
    """Such as the number of a batch, or the name of who is on duty."""
    for number in range(40):
        label = ["c"] * 50 if number == 39 else ["a", "b"] * 25
        put(store, FIRST + timedelta(days=number), {"batch": [f"{number}"] * 50, "label": label})
    bad = [result for result in judged(store) if result.state == "anomaly"]
    assert [(result.feature, result.bucket.day) for result in bad] == [("label", 9)]


def test_what_lasts_is_found_in_every_bucket(store: Store, tmp_path: Path) -> None:
    """A baseline that does not move has no part in how much the buckets since then vary."""
    for number in range(50):
        values = np.random.default_rng(number).normal(3.0 * (number >= 30), 1, 50)
        put(store, FIRST + timedelta(days=number), {"x": values})
    store.read("cells", FIRST, FIRST + timedelta(days=20)).write(tmp_path / "good.lmp")
    for baseline in (
        {"from": FIRST, "to": FIRST + timedelta(days=19)},
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
    found = chosen(Baseline.model_validate(keys), days(20)[0], MONTH, set(days(13)))
    assert found == expected


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
