"""The records of a store's state, which are rows of its tables. They know no monitor and no alert.

Their types say what a row must hold, where times are milliseconds since 1970 UTC.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
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


class Result(NamedTuple):
    """What a monitor says of one feature in one bucket.

    A rule says what the first six are; the rest is filled in by who asked it.

    Attributes:
        feature: empty for the bucket itself.
        state: ``ok``, ``pending``, ``anomaly``, ``not enough data`` or ``error``. What is pending
            is an anomaly that has not lasted for as many buckets as the monitor asks for.
        value: what was judged, where that is a number.
        lower: the least that would be ok.
        upper: the most that would be ok.
        words: what changed, such as "saturation fell by 38 %".
        monitor: its name.
        dataset: of the bucket.
        segment: of the bucket, as text; empty for the dataset as a whole.
        bucket: its start, in UTC.
        baseline: how many buckets it was compared with.
        images: how many there are in the bucket.
        cause: what happened to the pictures, such as ``out of focus``, if this tells it.
        since: the first day on which a change for good may have begun.
    """

    feature: str
    state: ResultState
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    words: str = ""
    monitor: str = ""
    dataset: str = ""
    segment: str = ""
    bucket: Time = datetime.min.replace(tzinfo=UTC)
    baseline: int = 0
    images: int = 0
    cause: str = ""
    since: None | Time = None  # noqa: RUF036  # `from_ms` takes no None

    @property
    def place(self) -> Place:
        """The bucket, and who judged it."""
        return Place(self.monitor, self.dataset, self.segment, self.bucket)


class JudgedBucket(NamedTuple):
    """What the next run has to know of a bucket: its version when it was judged, and all states."""

    monitor: str
    dataset: str
    segment: str
    bucket: Time
    version: int
    states: States


class BucketRows(NamedTuple):
    """All that is kept of a bucket: where it is, its version, and at least one result."""

    place: Place
    version: int
    results: Sequence[Result]


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

    @property
    def watcher(self) -> tuple[str, str]:
        """The monitor that found it, by name and dataset."""
        return self.monitor, self.dataset


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
