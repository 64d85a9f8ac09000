"""The records of a store's state. They know no monitor and no alert.

Their types say what a row of a table must hold, where times are milliseconds since 1970 UTC.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator

from lightmeter.times import from_ms

Time = Annotated[datetime, BeforeValidator(from_ms)]
Flag = Annotated[bool, BeforeValidator((False, True).__getitem__)]
ResultState = Literal["ok", "pending", "anomaly", "not enough data", "error"]
States = Annotated[frozenset[ResultState], BeforeValidator(lambda text: frozenset(text.split(",")))]
IncidentKind = Literal["anomaly", "error"]


class Line(NamedTuple):
    """What is followed from bucket to bucket; `segment` is its text."""

    dataset: str
    segment: str
    monitor: str
    feature: str


class Place(NamedTuple):
    """What a monitor judges: a bucket of a segment, which is given as text."""

    monitor: str
    dataset: str
    segment: str
    start: datetime


class ResultRow(NamedTuple):
    """What is kept of one feature in one bucket; `feature` is empty for the bucket itself."""

    monitor: str
    dataset: str
    segment: str
    start: Time
    feature: str
    state: ResultState
    value: float | None
    lower: float | None
    upper: float | None
    baseline: int
    images: int
    words: str
    cause: str


class JudgedBucket(NamedTuple):
    """What the next run has to know of a bucket: its version when it was judged, and all states."""

    version: int
    states: frozenset[ResultState]


class BucketRows(NamedTuple):
    """All that is kept of a bucket: where it is, its version, and at least one result."""

    place: Place
    version: int
    results: Sequence[ResultRow]


class Told(NamedTuple):
    """An incident that somebody has been told of.

    Attributes:
        dataset: where it is.
        segment: of the dataset, as text.
        kind: of the incident.
        start: start of its first bucket.
        monitor: the first one that found it.
        open: whether they believe that it lasts.
    """

    dataset: str
    segment: str
    kind: IncidentKind
    start: Time
    monitor: str
    open: Flag

    @property
    def place(self) -> tuple[str, str, IncidentKind]:
        """What only one incident at a time can be about."""
        return self.dataset, self.segment, self.kind


class Accepted(NamedTuple):
    """From `since` on, what monitors find where these three patterns match is normal."""

    dataset: str
    segment: str
    monitor: str
    since: Time
    note: str
    at: Time


class Source(NamedTuple):
    """A monitor of which results are kept.

    Attributes:
        monitor: its name.
        dataset: what it watches.
        path: of its file; empty for none.
        rank: its place among the monitors of its file, from 0 on.
        key: a digest of all but buckets that its results follow from.
        config: its table of the file, as JSON.
    """

    monitor: str
    dataset: str
    path: str
    rank: int
    key: bytes
    config: str
