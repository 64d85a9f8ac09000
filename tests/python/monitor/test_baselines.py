"""Which buckets a bucket is compared with."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightmeter.monitor.baselines import BaselineBuckets, DateRange, Other, Trailing
from lightmeter.store.rows import Bucket

DAY = timedelta(days=1)
FIRST = datetime(2022, 9, 1, tzinfo=UTC)  # a Thursday


def days(*numbers: int) -> list[datetime]:
    return [FIRST + (number - 1) * DAY for number in numbers]


def stored(starts: list[datetime], length: timedelta = DAY) -> list[Bucket]:
    return [Bucket(start, start + length, 1, 1, start) for start in starts]


MONTH = stored(days(*range(1, 31)))


def baseline_buckets(
    baseline: Trailing | DateRange | Other,
    target: Bucket,
    length: timedelta,
    buckets: list[Bucket],
    anomalous: Collection[datetime],
) -> list[datetime]:
    """Also checks that it does not matter which targets were asked for before."""
    chosen = BaselineBuckets(baseline, length, buckets).of(target, anomalous)
    moved = BaselineBuckets(baseline, length, buckets)
    for before in buckets:
        if before.start < target.start:
            moved.of(before, anomalous)
    assert moved.of(target, anomalous) == chosen
    return chosen


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [
        (Trailing(), days(*range(1, 20))),
        (Trailing(trailing=7), days(13, 14, 15, 16, 17, 18, 19)),
        (Trailing(trailing=3, offset=2), days(16, 17, 18)),
        (Trailing(trailing=3, same="weekday"), days(6, 13)),
        (Trailing(trailing=3, since=date(2022, 9, 18)), days(18, 19)),
        (Trailing(trailing=3, exclude=((date(2022, 9, 17), date(2022, 9, 18)),)), days(15, 16, 19)),
        (DateRange(date(2022, 9, 18), date(2022, 9, 21)), days(18, 19, 21)),
        (Other(segment=()), days(20)),
        (Other("training", ()), days(20)),
        (Other("training"), days(*range(1, 31))),
    ],
)
def test_each_kind(baseline: Trailing | DateRange | Other, expected: list[datetime]) -> None:
    (target,) = stored(days(20))
    assert baseline_buckets(baseline, target, DAY, MONTH, ()) == expected


def test_anomalous_and_missing_days_are_passed_over() -> None:
    (target,) = stored(days(20))
    gaps = stored(days(*range(1, 15), 18, 19))
    assert baseline_buckets(Trailing(trailing=3), target, DAY, gaps, days(18)) == days(13, 14, 19)
    keep = Trailing(trailing=3, keep_anomalies=True)
    assert baseline_buckets(keep, target, DAY, gaps, days(18)) == days(14, 18, 19)
    assert baseline_buckets(Other("training"), target, DAY, gaps, ()) == days(*range(1, 15), 18, 19)
    assert baseline_buckets(Other(segment=()), target, DAY, gaps, ()) == []


def test_at_the_same_time_are_buckets_within_the_target() -> None:
    hour, other = timedelta(hours=1), Other("raw", (("camera", "left"),))
    hours = stored([FIRST + number * hour for number in range(72)], hour)
    second = baseline_buckets(other, MONTH[1], DAY, hours, ())
    assert second == [bucket.start for bucket in hours[24:48]]
    assert baseline_buckets(other, hours[24], hour, MONTH, ()) == []  # a day is no hour
    assert baseline_buckets(other, MONTH[1], hour, MONTH, ()) == days(2)  # both rolled up


@given(
    st.lists(st.integers(1, 60), unique=True),
    st.sets(st.integers(1, 60)),
    st.integers(1, 60),
    st.integers(1, 9),
    st.integers(1, 3),
)
def test_a_window_is_the_newest_fit_days_before_the_target(
    present: list[int], anomalous: set[int], target: int, size: int, offset: int
) -> None:
    buckets = stored(days(*sorted(present)))
    baseline = Trailing(trailing=size, offset=offset, least=1)
    chosen = baseline_buckets(baseline, *stored(days(target)), DAY, buckets, set(days(*anomalous)))
    fit = [day for day in sorted(present) if day <= target - offset and day not in anomalous]
    assert chosen == days(*fit[-size:])


@pytest.mark.parametrize(
    "wrong", [{"trailing": 0}, {"offset": 0}, {"least": 29}, {"same": "month"}]
)
def test_what_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Trailing(**wrong)  # type: ignore[arg-type]


def test_dates_that_can_never_match_are_refused() -> None:
    late, early = date(2022, 9, 2), date(2022, 9, 1)
    with pytest.raises(ValueError, match="not to be after"):
        DateRange(late, early)
    with pytest.raises(ValueError, match="not to be after"):
        Trailing(exclude=((late, early),))
    with pytest.raises(ValueError, match="offset is"):
        Trailing(offset=99_999_999_999)
    with pytest.raises(ValueError, match="trailing is"):
        Trailing(trailing=99_999_999_999)
    last = DateRange(early, date.max)
    assert baseline_buckets(last, MONTH[1], DAY, MONTH[:3], ()) == days(1, 3)
