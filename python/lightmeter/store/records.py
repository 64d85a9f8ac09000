"""The records of a store's state. They know no monitor and no alert."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from lightmeter.nesting import parse_json

ResultState = Literal["ok", "pending", "anomaly", "not enough data", "error"]
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


class Basis(NamedTuple):
    """What the results of a bucket rest on.

    Attributes:
        rank: of the monitor among those of its run, from 0 on.
        drift: whether its rule is one on drift.
        dataset: what it compared with, as are the next two; as `segment_text`.
        segment: of that dataset.
        starts: of the buckets, earliest first.
        file: the absolute path of the profile file it compared with instead; empty for none.
        digest: of all that the results follow from.
        streaks: see `Kept`.
    """

    rank: int
    drift: bool
    dataset: str
    segment: str
    starts: tuple[datetime, ...]
    file: str
    digest: bytes
    streaks: str = ""


class ResultRow(NamedTuple):
    """What is kept of one feature in one bucket; `feature` is empty for the bucket itself."""

    monitor: str
    dataset: str
    segment: str
    start: datetime
    feature: str
    state: ResultState
    value: float | None
    lower: float | None
    upper: float | None
    baseline: int
    images: int
    words: str


class Kept(NamedTuple):
    """All that a next run has to know of a bucket.

    Attributes:
        states: of the results.
        digest: of what they follow from, or else of themselves.
        streaks: JSON of the anomalous features, and for how many buckets in a row each is, as far
            as that matters; less than 0 for one that could not be judged in this bucket. Empty for
            none.
    """

    states: frozenset[ResultState]
    digest: bytes
    streaks: str = ""

    @property
    def is_anomalous(self) -> bool:
        """Whether anything in it is, also if that does not count yet."""
        return not self.states.isdisjoint(("anomaly", "pending"))


class BucketRows(NamedTuple):
    """All that is kept of a bucket. `basis` is None where no rule on profiles came to an end."""

    place: Place
    kept: Kept
    basis: Basis | None
    results: Sequence[ResultRow]


class Told(NamedTuple):
    """An incident that somebody has been told of, and whether they believe that it lasts."""

    line: Line
    kind: IncidentKind
    start: datetime
    open: bool


class Accepted(NamedTuple):
    """From a bucket on, what is found on lines whose four parts match these patterns is normal."""

    patterns: Line
    since: datetime
    note: str
    at: datetime


class Source(NamedTuple):
    """A monitor of which results are kept; `path` is that of its file, empty for none."""

    monitor: str
    dataset: str
    path: str


def streaks_of(text: str) -> dict[str, int]:
    """Return `Kept.streaks` as it was written.

    Raises:
        ValueError: the text is damaged.
    """
    streaks: Any = parse_json(text) if text else {}
    if not isinstance(streaks, dict) or not all(
        isinstance(count, int) for count in streaks.values()
    ):
        raise ValueError(f"{text!r:.100} are no streaks")
    return streaks
