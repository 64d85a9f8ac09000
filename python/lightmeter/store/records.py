"""The records of a store's state. They know no monitor and no alert.

SQLite gives whatever type it finds in the file: what makes a record of a row looks at that, and
raises TypeError, ValueError or OverflowError.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from lightmeter.nesting import parse_json
from lightmeter.times import from_ms

__all__ = [
    "Accepted",
    "Acknowledged",
    "Basis",
    "BucketRows",
    "IncidentKind",
    "Kept",
    "Line",
    "Place",
    "ResultRow",
    "ResultState",
    "Snoozed",
    "Source",
    "Told",
    "accepted_of",
    "acknowledged_of",
    "judged_of",
    "kept_of",
    "place_of",
    "result_of",
    "snoozed_of",
    "source_of",
    "streaks_of",
    "told_of",
]

ResultState = Literal["ok", "pending", "anomaly", "not enough data", "error"]
IncidentKind = Literal["anomaly", "error"]

_STATES = frozenset(get_args(ResultState))
_KINDS = get_args(IncidentKind)
_NUMBER = float, type(None)
_PLACE_TYPES = str, str, str, int
_RESULT_TYPES = (*_PLACE_TYPES, str, str, _NUMBER, _NUMBER, _NUMBER, int, int, str)


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


class Acknowledged(NamedTuple):
    """Somebody knows of an incident."""

    line: Line
    kind: IncidentKind
    start: datetime
    note: str
    at: datetime


class Accepted(NamedTuple):
    """From a bucket on, what is found on lines whose four parts match these patterns is normal."""

    patterns: Line
    since: datetime
    note: str
    at: datetime


class Snoozed(NamedTuple):
    """Nothing is told for a while of lines whose four parts match these patterns."""

    patterns: Line
    until: datetime
    note: str


class Source(NamedTuple):
    """A monitor of which results are kept; `path` is that of its file, empty for none."""

    monitor: str
    dataset: str
    path: str


def _check(values: Sequence[Any], types: Iterable[Any]) -> None:
    if not all(map(isinstance, values, types)):
        raise TypeError("a value is of another type than was written")


def source_of(row: tuple[Any, ...]) -> Source:
    """A row of names."""
    _check(row, [str] * 3)
    return Source(*row)


def place_of(values: tuple[Any, ...]) -> Place:
    """A row of the four."""
    _check(values, _PLACE_TYPES)
    return Place._make((*values[:3], from_ms(values[3])))


def result_of(row: tuple[Any, ...]) -> ResultRow:
    """A row of the fields, or one with more behind."""
    _check(row, _RESULT_TYPES)
    if row[5] not in _STATES:
        raise ValueError(f"{row[5]!r} is no state")
    return ResultRow._make((*row[:3], from_ms(row[3]), *row[4:12]))


def kept_of(
    states: Any, digest: Any, streaks: Any, sets: dict[Any, frozenset[ResultState]]
) -> Kept:
    """Of its texts; `sets` has those that were read before."""
    if states not in sets:
        _check((states,), [str])
        sets[states] = frozenset(states.split(","))
        if not sets[states] <= _STATES:
            raise ValueError(f"{states!r} are no states")
    _check((digest, streaks), [bytes, str])
    return Kept(sets[states], digest, streaks)


def streaks_of(text: str) -> dict[str, int]:
    """`Kept.streaks` as it was written.

    Raises:
        TypeError, ValueError: the text is damaged.
    """
    if not text:
        return {}
    streaks: dict[str, int] = parse_json(text)
    _check((streaks,), [dict])
    _check(list(streaks.values()), [int] * len(streaks))
    return streaks


def judged_of(row: tuple[Any, ...]) -> tuple[Place, Kept, Basis | None]:
    """A row of a place, what is kept, rank, drift and baseline."""
    place, kept = place_of(row[:4]), kept_of(row[4], row[5], row[6], {})
    streaks_of(kept.streaks)
    rank, drift, baseline = row[7:]
    _check(row[7:], (int, int, str))
    if not baseline:
        return place, kept, None
    dataset, segment, starts, file = parse_json(baseline)
    _check((dataset, segment, file), [str] * 3)
    times = tuple(map(from_ms, starts))
    compared = dataset, segment, times, file
    return place, kept, Basis(rank, bool(drift), *compared, kept.digest, kept.streaks)


def _check_kind(kind: Any) -> None:
    if kind not in _KINDS:
        raise ValueError(f"{kind!r} is no kind of incident")


def _line(values: Sequence[Any]) -> Line:
    _check(values, [str] * 4)
    return Line(*values)


def told_of(row: tuple[Any, ...]) -> Told:
    """A row of the fields, those of the line first."""
    *line, kind, start, open_ = row
    _check_kind(kind)
    _check((open_,), [int])
    return Told(_line(line), kind, from_ms(start), bool(open_))


def acknowledged_of(row: tuple[Any, ...]) -> Acknowledged:
    """A row of the fields, those of the line first."""
    *line, kind, start, note, at = row
    _check_kind(kind)
    _check((note,), [str])
    return Acknowledged(_line(line), kind, from_ms(start), note, from_ms(at))


def accepted_of(row: tuple[Any, ...]) -> Accepted:
    """A row of the fields, those of the line first."""
    *patterns, since, note, at = row
    _check((note,), [str])
    return Accepted(_line(patterns), from_ms(since), note, from_ms(at))


def snoozed_of(row: tuple[Any, ...]) -> Snoozed:
    """A row of the fields, those of the line first."""
    *patterns, until, note = row
    _check((note,), [str])
    return Snoozed(_line(patterns), from_ms(until), note)
