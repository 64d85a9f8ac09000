"""The dates along an axis of time."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from lightmeter.draw.time_axis import round_dates

FIRST = datetime(2022, 9, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize("hours", [1, 5, 24, 7 * 24, 30 * 24])
@pytest.mark.parametrize("count", [1, 2, 3, 13, 26, 52, 400])
def test_every_axis_of_time_has_a_date(hours: int, count: int) -> None:
    times = [FIRST + at * timedelta(hours=hours) for at in range(count)]
    dates = round_dates(times)
    assert 1 <= len(dates) <= 6
    assert all(times[0] <= date <= times[-1] for date, _ in dates)
    assert any(re.search("[A-Z][a-z][a-z]", text) for _, text in dates)


def test_weeks_of_half_a_year_have_their_months() -> None:
    weeks = [FIRST + week * timedelta(days=7) for week in range(26)]
    assert [text for _, text in round_dates(weeks)] == [
        f"01 {month}" for month in ("Oct", "Nov", "Dec", "Jan", "Feb")
    ]


def test_hours_of_one_day_name_it() -> None:
    hours = [FIRST + hour * timedelta(hours=1) for hour in range(3)]
    assert [text for _, text in round_dates(hours)] == ["05 Sep 10:00", "11:00", "12:00"]
