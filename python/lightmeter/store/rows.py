"""What is put into a store, what is listed of it, and what must hold for both."""

import operator
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from lightmeter.profile.segments import Segment, segment_text

# A time, or None where it is left open; a segment, or None for the dataset as a whole.
Moment = datetime | date | None
Part = Segment | None
Tags = Mapping[str, Sequence[str]]  # values by name
NO_TAGS: Tags = MappingProxyType({})
MERGED = "", "&"  # the first characters of the writers of roll-ups; others begin with none of these
_FIRST, _LAST = -(2**62), 2**62
MOST_NAMES = 2000  # bytes of the names of a row: an index of PostgreSQL takes 2700


class StoredProfile(NamedTuple):
    """Where a profile is in a store, and what is said of it.

    Attributes:
        dataset: its name.
        start: of the bucket.
        end: of the bucket.
        segment: ``{}`` for the dataset as a whole.
        writer: who wrote it; what a roll-up merged has none, or the text of its tags.
        seq: the number of the put.
        images: how many it is of.
        updated: when it was put.
        digest: SHA-256 of its bytes as they were written.
        tags: of the profile, such as ``{"model": ["v7"]}``.
    """

    dataset: str
    start: datetime
    end: datetime
    segment: dict[str, str]
    writer: str
    seq: int
    images: int
    updated: datetime
    digest: bytes
    tags: Tags = NO_TAGS

    @property
    def is_merged(self) -> bool:
        """Whether a roll-up made it."""
        return self.writer[:1] in MERGED


class Bucket(NamedTuple):
    """A stretch of time that a store has profiles of."""

    start: datetime
    end: datetime
    images: int
    writers: int
    updated: datetime


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
        tags: of the profiles.
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
    tags: Tags = NO_TAGS


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


class Collected(NamedTuple):
    """How many profiles `Store.gc` merged into others, deleted, and left as they are damaged."""

    merged: int
    deleted: int
    damaged: int


class Damage(NamedTuple):
    """A profile that cannot be read, or ``None`` for the store as a whole, and what is wrong."""

    profile: StoredProfile | None
    reason: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"{describe(self.profile) if self.profile else 'the store'}: {self.reason}"


def checked_name(what: str, name: Any) -> str:
    """Return the name of a dataset or writer.

    Raises:
        TypeError: it is no string.
        ValueError: it is empty or too long, has a zero character, or cannot be written as UTF-8.
    """
    if not isinstance(name, str):
        raise TypeError(f"got {name!r} as {what}; expected a name, which is a string")
    if not name or "\0" in name:
        got = f"{name!r} as" if name else "an empty"
        raise ValueError(f"got {got} {what}; expected a name, such as 'cells'")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(
            f"got {name!r} as {what}; expected text without halves of surrogate pairs"
        ) from None
    if size > MOST_NAMES:
        raise ValueError(f"got a {what} of {size} bytes; expected {MOST_NAMES} at most")
    return name


def checked_seq(seq: Any) -> int:
    """Return the number of a put.

    Raises:
        TypeError: it is no whole number.
        ValueError: it does not fit into 62 bits.
    """
    try:
        number = operator.index(seq)
    except TypeError:
        raise TypeError(f"got {seq!r} as seq; expected a whole number or None") from None
    if not _FIRST <= number <= _LAST:
        raise ValueError(f"got {seq} as seq; expected a number from {_FIRST} to {_LAST}")
    return number


def new_writer() -> str:
    """Return a writer for one profile (`Store.add`)."""
    return f"add-{uuid.uuid4().hex}"


def describe(row: StoredProfile) -> str:
    """Return a stored profile in words."""
    place = f" {segment_text(row.segment)}" if row.segment else ""
    return f"the profile {row.dataset}{place} {row.start:%Y-%m-%d %H:%M} of {row.writer!r}"
