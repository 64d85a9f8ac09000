"""Time buckets and segments: where in a store a profile belongs."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl, quote

__all__ = [
    "Segment",
    "bucket_start",
    "duration_text",
    "parse_duration",
    "parse_segment",
    "segment_text",
    "to_duration",
    "to_utc",
]

# What distinguishes images of one dataset, such as {"camera": "left"}; empty stands for all of it.
Segment = Mapping[str, str]

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([wdhms])")
_LONGEST = timedelta(days=36_500)  # so that no date a store holds leaves the calendar
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_WEEK = timedelta(weeks=1)
_MILLISECOND = timedelta(milliseconds=1)  # the grain of the times in a store


def parse_duration(text: str) -> timedelta:
    """``"30s"``, ``"15m"``, ``"1h"``, ``"1d"`` or ``"2w"`` as a timedelta.

    Raises:
        ValueError: `text` is none of these, or longer than a hundred years.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"got the duration {text!r}; expected a number and a unit out of s, m, h, d, w, "
            "such as '1h'"
        )
    duration = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if duration > _LONGEST:
        raise ValueError(f"got the duration {text!r}; expected {_LONGEST.days}d at most")
    return duration


def to_duration(length: str | timedelta) -> timedelta:
    """The length of a bucket, or an age: a timedelta, or what `parse_duration` reads.

    Raises:
        TypeError: it is neither a string nor a timedelta.
        ValueError: it is no duration, not positive, or no whole number of milliseconds.
    """
    if isinstance(length, str):
        return parse_duration(length)
    if not isinstance(length, timedelta):
        raise TypeError(f"got {length!r} as a duration; expected a timedelta, or text such as '1h'")
    if length < _MILLISECOND or length % _MILLISECOND:
        raise ValueError(
            f"got the duration {length!r}; expected a whole number of milliseconds, at least one"
        )
    return length


def duration_text(duration: timedelta) -> str:
    """What `parse_duration` reads, in the largest unit that fits; fractions of a second as such."""
    seconds, rest = divmod(duration, timedelta(seconds=1))
    if rest:
        return f"{duration.total_seconds():g}s"
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def to_utc(at: datetime | date) -> datetime:
    """A point in time as an aware datetime in UTC.

    A datetime without a time zone is local time, as everywhere in Python. A plain date is its
    midnight in UTC.

    Raises:
        TypeError: it is neither a date nor a datetime.
        OverflowError: it is not within the years 1 to 9999 in UTC.
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
    except (ValueError, OSError) as error:  # of the C library, which knows the local time
        raise OverflowError(f"got {at}, which is not within the years 1 to 9999") from error


def bucket_start(at: datetime | date, every: timedelta) -> datetime:
    """Start of the bucket of length `every` that holds `at`.

    Buckets count from Monday, 5 January 1970, 00:00 UTC, in both directions, so days start at
    midnight and weeks on a Monday.

    Raises:
        ValueError: the bucket does not lie within the years 1 to 9999, the only ones that a
            datetime can name.
    """
    try:
        start = (utc := to_utc(at)) - (utc - _MONDAY) % every
        start + every
    except OverflowError:
        raise ValueError(
            f"got {at}, whose bucket does not begin and end within the years 1 to 9999"
        ) from None
    return start


def segment_text(segment: Segment | None) -> str:
    """One text per segment: ``key=value`` percent-encoded, sorted by key, joined by ``&``.

    Raises:
        TypeError: a key or value is not a string.
        ValueError: a key is empty.
    """
    pairs = sorted((segment or {}).items())
    for key, value in pairs:
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"got the segment {segment!r}; expected strings as keys and values")
        if not key:
            raise ValueError(f"got the segment {segment!r} with an empty key")
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)


def parse_segment(text: str) -> dict[str, str]:
    """The segment that `segment_text` wrote."""
    return dict(parse_qsl(text, keep_blank_values=True, separator="&"))
