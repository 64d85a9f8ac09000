"""From the results of buckets to the incidents in them. Pure: no store, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from lightmeter.monitor.results import ANOMALY, ERROR, NOT_ENOUGH, OK, PENDING, Result
from lightmeter.store.records import IncidentKind, Line, ResultState
from lightmeter.text import shorten


class Stretch(NamedTuple):
    """Consecutive buckets in which a monitor found a feature anomalous, or could not judge.

    Attributes:
        first: the result it began with, or what is left of them.
        end: start of the bucket it was over by; None while it is not.
    """

    first: Result
    end: datetime | None

    @property
    def line(self) -> Line:
        """What it is about."""
        return line_of(self.first)

    @property
    def kind(self) -> IncidentKind:
        """Return ``anomaly`` or ``error``."""
        return ERROR if self.first.state == ERROR else ANOMALY

    @property
    def start(self) -> datetime:
        """Start of its first bucket."""
        return self.first.bucket


@dataclass(frozen=True)
class Incident:
    """Consecutive bad buckets of a dataset and segment, however many monitors and features.

    Attributes:
        dataset: where it is.
        segment: of the dataset, as text.
        kind: ``anomaly`` or ``error``.
        start: start of its first bucket.
        end: start of the bucket it was over by; None while it is not.
        stretches: of what it is made: those that tell a cause, then the largest first.
    """

    dataset: str
    segment: str
    kind: IncidentKind
    start: datetime
    end: datetime | None
    stretches: tuple[Stretch, ...] = ()

    @property
    def place(self) -> tuple[str, str, IncidentKind]:
        """What only one incident at a time can be about."""
        return self.dataset, self.segment, self.kind

    def covers(self, start: datetime) -> bool:
        """Return whether the bucket that starts at `start` is one of its."""
        return self.start <= start and (self.end is None or start < self.end)


_SMALL = 0.5  # of the largest excess
_LONGEST = 120  # characters of a cause
_NEVER = datetime.max.replace(tzinfo=UTC)


def _silent(states: set[ResultState]) -> ResultState | None:
    """The state of a line without a word, given those of the others; None if nothing follows."""
    if ERROR in states:
        return None
    return OK if states & {OK, PENDING, ANOMALY} else NOT_ENOUGH


def ends(kind: IncidentKind, state: ResultState) -> bool:
    """Whether an incident is over by a bucket of this state.

    An anomaly lasts until a bucket is ``ok``: one with too little data, or that could not be
    judged, says nothing about it. It also ends where data that came late made it ``pending``. An
    error lasts until a bucket could be judged, whatever it said.
    """
    return state in (OK, PENDING) if kind == ANOMALY else state != ERROR


def line_of(result: Result) -> Line:
    """The line that the result belongs to."""
    return Line(result.dataset, result.segment, result.monitor, result.feature)


def lines_of(results: Iterable[Result]) -> dict[Line, list[Result]]:
    """The results of each line in order of time."""
    lines: defaultdict[Line, list[Result]] = defaultdict(list)
    for result in results:
        lines[line_of(result)].append(result)
    return {line: sorted(lines[line], key=lambda result: result.bucket) for line in sorted(lines)}


def find_stretches(lines: Mapping[Line, Sequence[Result]]) -> list[Stretch]:
    """Return all stretches, by line and time; `ends` says when one is over.

    A bucket that a monitor judged without a word on a line may end what it said of it before: an
    error, once the bucket can be judged; a feature that is gone for good; a rate that is 0 again.
    """
    states: defaultdict[tuple[str, str, str], defaultdict[datetime, set[ResultState]]]
    states = defaultdict(lambda: defaultdict(set))
    for line, results in lines.items():
        for result in results:
            states[line[:3]][result.bucket].add(result.state)
    stretches = []
    for line, results in lines.items():
        if not any(result.state in (ANOMALY, ERROR) for result in results):
            continue
        said = {result.bucket: result for result in results}
        lasting: dict[IncidentKind, Result] = {}
        for start, others in sorted(states[line[:3]].items()):
            state = said[start].state if start in said else _silent(others)
            if state in (ANOMALY, ERROR):
                lasting.setdefault(state, said[start])
            for kind in [kind for kind in lasting if state is not None and ends(kind, state)]:
                stretches.append(Stretch(lasting.pop(kind), start))
        stretches += [Stretch(first, None) for first in lasting.values()]
    return sorted(stretches, key=lambda stretch: (stretch.line, stretch.start, stretch.kind))


def find_incidents(stretches: Iterable[Stretch]) -> list[Incident]:
    """Return the incidents that stretches make, by dataset, segment and time."""
    groups: list[list[Stretch]] = []
    newest: dict[tuple[str, str, IncidentKind], tuple[list[Stretch], datetime]] = {}
    for stretch in sorted(stretches, key=lambda stretch: stretch.start):
        place = stretch.line.dataset, stretch.line.segment, stretch.kind
        group, end = newest.get(place, ([], stretch.start))
        if not group or stretch.start > end:
            groups.append(group := [])
        group.append(stretch)
        newest[place] = group, max(end, stretch.end or _NEVER)
    return sorted(map(_incident, groups), key=lambda each: (*each.place[:2], each.start, each.kind))


def _incident(group: Sequence[Stretch]) -> Incident:
    ordered = sorted(group, key=lambda each: (*lead_of(each.first), each.line))
    end, first = max(each.end or _NEVER for each in group), group[0]
    place = first.line.dataset, first.line.segment, first.kind
    return Incident(*place, first.start, None if end == _NEVER else end, tuple(ordered))


def lead_of(result: Result) -> tuple[bool, float]:
    """Return what results are ordered by: those that tell a cause, then the largest first."""
    return not result.cause, -excess(result)


def excess(result: Result) -> float:
    """Return how many times over its limit a result is."""
    if result.value is None or not result.upper:
        return 0.0
    return abs(result.value / result.upper)


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
