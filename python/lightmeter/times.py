"""Converting times and durations from text to UTC and milliseconds, and back."""

import re
from datetime import UTC, date, datetime, timedelta

from lightmeter.text import number

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)  # the grain of the times in profiles and stores

_DATE_LENGTH = len("2022-09-07")
_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile(r"([1-9][0-9]{0,12})([wdhms]|ms)")
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_LONGEST = 36_500 * 86_400_000  # milliseconds, so that no date a store holds leaves the calendar


def to_utc(at: datetime | date) -> datetime:
    """Return a point in time as an aware datetime in UTC.

    A datetime without a time zone is local time, as in `datetime.astimezone`. A date is its
    midnight in UTC.

    Raises
    ------
    TypeError
        `at` is neither a date nor a datetime.
    ValueError
        The time is outside the years 1 to 9999 in UTC.
    """
    if not isinstance(at, date):
        raise TypeError(
            f"got {at!r} as a time; expected a date or a datetime, such as date(2022, 9, 7) or "
            "datetime.now()"
        )
    if not isinstance(at, datetime):
        return datetime(at.year, at.month, at.day, tzinfo=UTC)
    try:
        return at.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError(f"got {at!r}; expected a time in the years 1 to 9999 in UTC") from None


def parse_time(text: str) -> datetime:
    """Return the time of an ISO 8601 text in UTC; see `to_utc` for times without a zone.

    Raises
    ------
    ValueError
        The text is not a time.
    """
    kind = date if len(text) <= _DATE_LENGTH else datetime
    try:
        return to_utc(kind.fromisoformat(text))
    except ValueError:
        expected = "expected one such as 2022-09-07 or 2022-09-07T12:00:00+02:00"
        raise ValueError(f"got the time {text!r}; {expected}") from None


def to_ms(at: datetime) -> int:
    """Return the milliseconds from 1970 to an aware datetime, rounded down."""
    return (at - EPOCH) // MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return the datetime in UTC of milliseconds since 1970.

    A time beyond the range of datetime becomes its first or last value.

    Raises
    ------
    TypeError
        The value from a damaged file is not a number.
    """
    try:
        return EPOCH + milliseconds * MILLISECOND
    except OverflowError:
        return (datetime.max if milliseconds > 0 else datetime.min).replace(tzinfo=UTC)


# Durations


def to_duration(length: str | timedelta) -> timedelta:
    """Return a duration from a timedelta, or from a text such as ``"30s"``, ``"15m"`` or ``"1h"``.

    The units are ms, s, m, h, d and w.

    Raises
    ------
    TypeError
        `length` is neither a string nor a timedelta.
    ValueError
        The value is not a duration, not positive, not an integer number of milliseconds, or a text
        for more than a hundred years.
    """
    if isinstance(length, str):
        match = _DURATION.fullmatch(length)
        if match is None or int(match[1]) * _UNITS[match[2]] > _LONGEST:
            raise ValueError(
                f"got the duration {length!r}; expected a number and a unit out of ms, s, m, h, d, "
                "w, such as '1h'; at most a hundred years"
            )
        length = int(match[1]) * _UNITS[match[2]] * MILLISECOND
    if not isinstance(length, timedelta):
        raise TypeError(f"got {length!r} as a duration; expected a timedelta, or text such as '1h'")
    if length < MILLISECOND or length % MILLISECOND:
        raise ValueError(
            f"got the duration {length!r}; expected a whole number of milliseconds, at least one"
        )
    return length


def duration_text(duration: timedelta) -> str:
    """Return a duration as text for `to_duration`, in the largest unit that divides it."""
    milliseconds = duration // MILLISECOND
    unit = next(unit for unit, size in _UNITS.items() if milliseconds % size == 0)
    return f"{milliseconds // _UNITS[unit]}{unit}"


# Buckets


def bucket_start(at: datetime | date, every: timedelta) -> datetime:
    """Return the start of the bucket of length `every` that contains `at`.

    Buckets are counted from Monday, 5 January 1970, 00:00 UTC, in both directions, so that days
    start at midnight and weeks on Monday.

    Raises
    ------
    ValueError
        The bucket is outside the years 1 to 9999, the range of datetime.
    """
    try:
        start = (utc := to_utc(at)) - (utc - _MONDAY) % every
        start + every
    except OverflowError:
        raise ValueError(
            f"got {at}, whose bucket does not begin and end within the years 1 to 9999"
        ) from None
    return start


# Exif dates, which profiles store in days since 1970


def day(days: float) -> str:
    """Return a day as text, such as ``2022-09-07``; a number if it is outside the calendar."""
    try:
        return (EPOCH + days * DAY).date().isoformat()
    except (OverflowError, ValueError):
        return number(days)
