"""Time buckets and segments: where in a store a profile belongs."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl, quote

from lightmeter.times import to_utc

__all__ = [
    "Segment",
    "bucket_start",
    "parse_segment",
    "segment_text",
]

# What distinguishes images of one dataset, such as {"camera": "left"}; empty stands for all of it.
Segment = Mapping[str, str]

_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_WEEK = timedelta(weeks=1)


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
        TypeError: it is no mapping, or a key or value is not a string.
        ValueError: a key is empty.
    """
    if not isinstance(segment, Mapping | None):
        raise TypeError(f"got {segment!r} as a segment; expected a dict, such as {{'camera': 'a'}}")
    pairs = sorted((segment or {}).items())
    for key, value in pairs:
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"got the segment {segment!r}; expected strings as keys and values")
        if not key:
            raise ValueError(f"got the segment {segment!r} with an empty key")
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)


def parse_segment(text: str) -> dict[str, str]:
    """The segment that `segment_text` wrote.

    Raises:
        TypeError: it is no text, as in a damaged store.
    """
    if not isinstance(text, str):
        raise TypeError(f"the segment {text!r} is no text")
    return dict(parse_qsl(text, keep_blank_values=True, separator="&"))
