"""The dates along an axis of time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

# strftime's follow the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = 86_400  # seconds


def round_dates(times: Sequence[datetime]) -> list[tuple[datetime, str]]:
    """At most six round dates with their texts, no closer than `times`, which are in order.

    There is at least one, and one of the texts names a day or a month.
    """
    days = (times[-1] - times[0]).total_seconds() / _DAY
    first, *others = _dates(times) or [times[0]]
    text = _text(first, days)
    if all(date.hour or date.minute for date in (first, *others)):
        text = f"{first:%d} {_MONTHS[first.month - 1]} {text}"
    return [(first, text), *((date, _text(date, days)) for date in others)]


def _dates(times: Sequence[datetime]) -> list[datetime]:
    first, last = times[0].timestamp(), times[-1].timestamp()
    least = min((b.timestamp() - a.timestamp() for a, b in pairwise(times)), default=_DAY)
    for hours in (1, 3, 6, 12, 24, 48, 96, 168, 336):
        step = hours * 3600
        if step < least:
            continue
        start = -(-first // step) * step
        if (last - start) / step < 6:
            count = int((last - start) // step) + 1 if last >= start else 0
            return [datetime.fromtimestamp(start + i * step, UTC) for i in range(count)]
    months = [
        datetime(year, month, 1, tzinfo=UTC)
        for year in range(times[0].year, times[-1].year + 1)
        for month in range(1, 13)
    ]
    within = [month for month in months if times[0] <= month <= times[-1]]
    every = -(-len(within) // 6) or 1
    return within[::every]


def _text(date: datetime, days: float) -> str:
    """The date beside a tick, on an axis of so many days."""
    month = _MONTHS[date.month - 1]
    if date.hour or date.minute:
        return f"{date:%H:%M}"
    return f"{date:%d} {month}" if days < 300 else f"{month} {date:%Y}"
