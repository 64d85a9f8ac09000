"""What is put into a store, what is listed of it, and what must hold for both."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from lightmeter.profile.segments import Segment
from lightmeter.times import EPOCH, from_ms

# A time, or None where it is left open; a segment, or None for the dataset as a whole.
Moment = datetime | date | None
Part = Segment | None
MERGED = "", "&"  # the first characters of the writers of roll-ups; others begin with none of these


class StoredProfile(NamedTuple):
    """A row of a profile, but for its body. Times and lengths are in milliseconds.

    Attributes:
        dataset: its name.
        segment: as text; empty for the dataset as a whole.
        start: of the bucket, since 1970 UTC.
        writer: who wrote it; what a roll-up merged has none, or the text of its tags.
        seq: the number of the put.
        span: length of the bucket.
        images: how many it is of.
        updated: when it was put.
        tags: as text, such as ``&model=v7&site=hall&``.
        sha256: of the body.
        crc: of all before it, or -1 less that without a body.
    """

    dataset: str
    segment: str
    start: int
    writer: str
    seq: int
    span: int
    images: int
    updated: int
    tags: str
    sha256: bytes
    crc: int

    @property
    def bucket(self) -> datetime:
        """The start of the bucket, unless it is damaged."""
        try:
            return from_ms(self.start)
        except TypeError:
            return EPOCH

    @property
    def is_merged(self) -> bool:
        """Whether a roll-up made it."""
        return self.writer[:1] in MERGED

    def __str__(self) -> str:
        """Return it in words."""
        place = f"{self.dataset} {self.segment}".rstrip()
        return f"the profile {place} {self.bucket:%Y-%m-%d %H:%M} of {self.writer!r}"


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
        tags: of the profiles, values by name, such as ``{"model": ["v7"]}``.
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
    tags: Mapping[str, Sequence[str]]


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
        return f"{self.profile or 'the store'}: {self.reason}"
