"""What monitors say of buckets: reading it, the incidents that it makes, and their words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from lightmeter.profile.segments import parse_segment
from lightmeter.store.store import Store
from lightmeter.store.tables import IncidentKind, Line, Result, ResultState
from lightmeter.text import shorten

OK: Final = "ok"
PENDING: Final = "pending"
ANOMALY: Final = "anomaly"
NOT_ENOUGH: Final = "not enough data"
ERROR: Final = "error"
BAD = frozenset({PENDING, ANOMALY})
JUDGED = BAD | {OK}

_SMALL = 0.5  # of the largest excess
_LONGEST = 120  # characters of a cause
_NEVER = datetime.max.replace(tzinfo=UTC)

__all__ = ["Result"]


def load_results(
    store: Store,
    monitors: Iterable[tuple[str, str]] | None = None,
    *,
    segment: str | None = None,
    bucket: datetime | None = None,
    turning: bool = False,
) -> list[Result]:
    """Return what is kept, by monitor, dataset, segment, bucket and feature.

    Parameters
    ----------
    store
        Where results are kept.
    monitors
        Name and dataset of those in question; None for all.
    segment
        The one in question, as text; None for all.
    bucket
        Start of the one in question; None for all.
    turning
        Take no more of all buckets than enough for incidents to be the same.
    """
    state = store.state
    load = state.turning_points if turning else partial(state.results, start=bucket)
    with store.snapshot():
        every = (source[:2] for source in state.sources()) if monitors is None else monitors
        return [result for pair in sorted(every) for result in load(*pair, segment)]


def load_newest(store: Store, monitors: Iterable[tuple[str, str]]) -> list[Result]:
    """Return what is kept of the newest bucket of each monitor, which are name and dataset.

    It is that of all segments which the monitor watches.
    """
    with store.snapshot():
        return [result for monitor in monitors for result in store.state.newest(*monitor)]


# Incidents


class Stretch(NamedTuple):
    """Consecutive buckets in which a monitor found a feature anomalous, or could not judge.

    Attributes
    ----------
    line
        What it is about.
    kind
        ``anomaly`` or ``error``.
    start
        Start of its first bucket.
    end
        Start of the bucket it was over by; None while it is not.
    first
        The result it began with, or what is left of them.
    """

    line: Line
    kind: IncidentKind
    start: datetime
    end: datetime | None
    first: Result


@dataclass(frozen=True)
class Incident:
    """Consecutive bad buckets of a dataset and segment, however many monitors and features.

    Attributes
    ----------
    dataset
        Where it is.
    segment
        Of the dataset, as text.
    kind
        ``anomaly`` or ``error``.
    start
        Start of its first bucket.
    end
        Start of the bucket it was over by; None while it is not.
    stretches
        Of what it is made: those that tell a cause, then the largest first.
    """

    dataset: str
    segment: str
    kind: IncidentKind
    start: datetime
    end: datetime | None
    stretches: tuple[Stretch, ...] = ()

    @property
    def place(self) -> tuple[str, str, IncidentKind]:
        """Return what only one incident at a time can be about."""
        return self.dataset, self.segment, self.kind

    @property
    def firsts(self) -> list[Result]:
        """Return the first result of each stretch."""
        return [stretch.first for stretch in self.stretches]


def ends(kind: IncidentKind, state: ResultState) -> bool:
    """Return whether an incident is over by a bucket of this state.

    An anomaly lasts until a bucket is ``ok``: one with too little data, or that could not be
    judged, says nothing about it. It also ends where data that came late made it ``pending``. An
    error lasts until a bucket could be judged, whatever it said.
    """
    return state in (OK, PENDING) if kind == ANOMALY else state != ERROR


def line_of(result: Result) -> Line:
    """Return the line that the result belongs to."""
    return Line(result.dataset, result.segment, result.monitor, result.feature)


def lines_of(results: Iterable[Result]) -> dict[Line, list[Result]]:
    """Return the results of each line in order of time."""
    ordered = sorted(results, key=lambda result: (line_of(result), result.bucket))
    return {line: list(its) for line, its in groupby(ordered, line_of)}


def find_incidents(results: Iterable[Result]) -> list[Incident]:
    """Return the incidents that results make, by dataset, segment and time."""
    groups: list[list[Stretch]] = []
    place, end = None, _NEVER
    stretches = _stretches(results)
    for stretch in sorted(stretches, key=lambda each: (each.line[:2], each.kind, each.start)):
        if (stretch.line[:2], stretch.kind) != place or stretch.start > end:
            groups.append([])
            place, end = (stretch.line[:2], stretch.kind), stretch.start
        groups[-1].append(stretch)
        end = max(end, stretch.end or _NEVER)
    return sorted(map(_incident, groups), key=lambda each: (*each.place[:2], each.start, each.kind))


def _stretches(results: Iterable[Result]) -> Iterator[Stretch]:
    """Yield all stretches; `ends` says when one is over.

    A bucket that a monitor judged without a word on a line may end what it said of it before: an
    error, once the bucket can be judged; a feature that is gone for good; a rate that is 0 again.
    """
    lines = lines_of(results)
    states: defaultdict[tuple[str, ...], defaultdict[datetime, set[ResultState]]]
    states = defaultdict(lambda: defaultdict(set))
    for line, its in lines.items():
        for result in its:
            states[line[:3]][result.bucket].add(result.state)
    for line, its in lines.items():
        if all(result.state not in (ANOMALY, ERROR) for result in its):
            continue
        said = {result.bucket: result for result in its}
        lasting: dict[IncidentKind, Stretch] = {}
        for start, others in sorted(states[line[:3]].items()):
            state = said[start].state if start in said else _silent(others)
            if state in (ANOMALY, ERROR):
                lasting.setdefault(state, Stretch(line, state, start, None, said[start]))
            for kind in [kind for kind in lasting if state is not None and ends(kind, state)]:
                yield lasting.pop(kind)._replace(end=start)
        yield from lasting.values()


def _silent(states: set[ResultState]) -> ResultState | None:
    """Return the state of a line without a word, given those of the others; None if unknown."""
    if ERROR in states:
        return None
    return NOT_ENOUGH if JUDGED.isdisjoint(states) else OK


def _incident(group: Sequence[Stretch]) -> Incident:
    ordered = sorted(group, key=lambda each: (*lead_of(each.first), each.line))
    (dataset, segment, *_), kind, start, *_ = group[0]
    end = max(each.end or _NEVER for each in group)
    return Incident(dataset, segment, kind, start, None if end == _NEVER else end, tuple(ordered))


def lead_of(result: Result) -> tuple[bool, float]:
    """Return what results are ordered by: those that tell a cause, then the largest first."""
    return not result.cause, -excess(result)


def excess(result: Result) -> float:
    """Return how many times over its limit a result is."""
    return abs(result.value / result.upper) if result.value is not None and result.upper else 0.0


# Words


def joined(*words: str) -> str:
    """Return the words of a result, of which some may be empty."""
    return "; ".join(filter(None, words))


def causes_text(results: Iterable[Result], most: int = 3) -> str:
    """Return what happened by the words of results, the first ones, and how many more there are.

    Causes stand for all else. Without any, what is small beside the largest is none of the first.
    """
    ordered = list(results)
    is_told = any(result.cause for result in ordered)
    largest = max(map(excess, ordered), default=0.0)
    words: dict[str, bool] = {}
    for result in ordered:
        is_small = not result.cause if is_told else excess(result) < _SMALL * largest
        cause = result.words.partition(";")[0] or result.feature or result.monitor
        words.setdefault(cause, is_small)
    shown = [shorten(cause, _LONGEST) for cause, is_small in words.items() if not is_small][:most]
    return ", ".join(shown) + (f" and {more} more" if (more := len(words) - len(shown)) else "")


def place_text(dataset: str, segment: str) -> str:
    """Return a dataset, or a segment given as text, as one reads it: ``cells [camera=left]``."""
    pairs = (f"{key}={value}" for key, value in parse_segment(segment).items())
    return f"{dataset} [{', '.join(pairs)}]" if segment else dataset


def bucket_text(start: datetime) -> str:
    """Return the start of a bucket as one reads it: a day, or a time in UTC."""
    is_day = (start.hour, start.minute, start.second) == (0, 0, 0)
    return f"{start:%Y-%m-%d}" if is_day else f"{start:%Y-%m-%d %H:%M} UTC"


def stretch_text(first: datetime, last: datetime) -> str:
    """Return the buckets from one to another as one reads them."""
    return bucket_text(first) if first == last else f"{bucket_text(first)} to {bucket_text(last)}"
