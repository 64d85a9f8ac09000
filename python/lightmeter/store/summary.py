"""What a store holds, without reading its profiles."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lightmeter.profile.segments import parse_segment
from lightmeter.store.database import Database
from lightmeter.store.rows import checked_name, length_of
from lightmeter.times import from_ms, to_ms

__all__ = ["Newest", "Summary", "find_newest", "summarize"]


class Summary(NamedTuple):
    """What a store holds of a segment of a dataset.

    Attributes:
        dataset: its name.
        every: length of its buckets.
        segment: ``{}`` for the dataset as a whole.
        buckets: how many have profiles.
        first: start of the first; None without any.
        last: start of the last; None without any.
        writers: how many wrote profiles.
        images: how many the profiles are of.
        bytes: size of the profiles.
        updated: when the last was written; None without any.
    """

    dataset: str
    every: timedelta
    segment: dict[str, str]
    buckets: int
    first: datetime | None
    last: datetime | None
    writers: int
    images: int
    bytes: int
    updated: datetime | None


class Newest(NamedTuple):
    """The newest complete bucket of a segment.

    Attributes:
        dataset: its name.
        every: length of its buckets.
        segment: ``{}`` for the dataset as a whole.
        start: of the bucket.
    """

    dataset: str
    every: timedelta
    segment: dict[str, str]
    start: datetime


def find_newest(database: Database, now: datetime) -> list[Newest]:
    """A line for each segment that has one, by dataset and segment. It reads an index alone."""
    rows = database.all(
        "SELECT name, every, segment, max(start) FROM dataset JOIN profile ON dataset = id"
        " WHERE start <= ? - every GROUP BY id, segment ORDER BY 1, 3",
        (to_ms(now),),
    )
    with database.parsing():
        return [
            Newest(
                checked_name("dataset", name), length_of(every), parse_segment(text), from_ms(at)
            )
            for name, every, text, at in rows
        ]


def summarize(database: Database) -> list[Summary]:
    """A line for each segment, by dataset and segment."""
    rows = database.all(
        "SELECT name, every, coalesce(segment, ''), count(DISTINCT start), min(start), max(start),"
        " count(DISTINCT writer), coalesce(sum(images), 0), coalesce(sum(length(body)), 0),"
        " max(updated)"
        " FROM dataset LEFT JOIN profile ON dataset = id GROUP BY name, segment ORDER BY 1, 3"
    )
    with database.parsing():
        return [_summary(*row) for row in rows]


def _summary(
    name: Any,
    every: Any,
    segment: Any,
    buckets: int,
    first: Any,
    last: Any,
    writers: int,
    images: Any,
    size: int,
    updated: Any,
) -> Summary:
    """A row; SQLite gives whatever type it finds in the file."""
    if not isinstance(name, str) or not isinstance(images, int):
        raise TypeError("a name is no text, or a count no whole number")
    first, last, updated = (None if at is None else from_ms(at) for at in (first, last, updated))
    span, pairs = length_of(every), parse_segment(segment)
    return Summary(name, span, pairs, buckets, first, last, writers, images, size, updated)
