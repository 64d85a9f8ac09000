"""From the results of buckets to the incidents in them. Pure: no store, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lightmeter.monitor.results import ANOMALY, ERROR, NOT_ENOUGH, OK, PENDING, Result
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.records import IncidentKind, Line, ResultState


@dataclass(frozen=True)
class Stretch:
    """Consecutive buckets in which a monitor found a feature anomalous, or could not judge.

    Attributes:
        line: what it is about.
        kind: ``anomaly`` or ``error``.
        start: start of its first bucket.
        end: start of the bucket it was over by; None while it is not.
        first: the result it began with, or what is left of them.
    """

    line: Line
    kind: IncidentKind
    start: datetime
    end: datetime | None
    first: Result


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


class Silence(Result):
    """Stands in for a result: the monitor judged this bucket but reported nothing for this line.

    Examples: an error, once the bucket can be judged; a feature that is back, or gone for good; a
    rate that is 0 again. Its words are those on the bucket itself.
    """

    __slots__ = ()


class Histories:
    """What lines went through, with a `Silence` for each bucket that was judged without a word."""

    def __init__(self, lines: Mapping[Line, Sequence[Result]]) -> None:
        """Of all lines of the monitors in question: what one says ends what another began."""
        self._lines = lines
        states: defaultdict[tuple[str, str, str], defaultdict[datetime, set[ResultState]]]
        states = defaultdict(lambda: defaultdict(set))
        self._words: dict[tuple[tuple[str, str, str], datetime], str] = {}
        for line, results in lines.items():
            for result in results:
                states[line[:3]][result.bucket].add(result.state)
                if not line.feature and result.words:
                    self._words[line[:3], result.bucket] = result.words
        self._silent = {
            key: {start: state for start, there in buckets.items() if (state := _silent(there))}
            for key, buckets in states.items()
        }

    def of(self, line: Line) -> list[Result]:
        """In order of time; also of a line of which nothing is said any more."""
        results = list(self._lines.get(line, ()))
        starts = {result.bucket for result in results}
        segment = parse_segment(line.segment)
        silent = [
            Silence(
                line.feature,
                state,
                words=self._words.get((line[:3], start), ""),
                monitor=line.monitor,
                dataset=line.dataset,
                segment=segment,
                bucket=start,
            )
            for start, state in self._silent.get(line[:3], {}).items()
            if start not in starts
        ]
        return sorted([*results, *silent], key=lambda result: result.bucket)


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
    return Line(result.dataset, segment_text(result.segment), result.monitor, result.feature)


def lines_of(results: Iterable[Result]) -> dict[Line, list[Result]]:
    """The results of each line in order of time."""
    lines: defaultdict[Line, list[Result]] = defaultdict(list)
    for result in results:
        lines[line_of(result)].append(result)
    return {line: sorted(lines[line], key=lambda result: result.bucket) for line in sorted(lines)}


def find_stretches(lines: Mapping[Line, Sequence[Result]]) -> list[Stretch]:
    """Return all stretches, by line and time; `ends` says when one is over."""
    stretches, histories = [], Histories(lines)
    for line, results in lines.items():
        if not any(result.state in (ANOMALY, ERROR) for result in results):
            continue
        lasting: dict[IncidentKind, Result] = {}
        for result in histories.of(line):
            if result.state in (ANOMALY, ERROR):
                lasting.setdefault(result.state, result)
            for kind in [kind for kind in lasting if ends(kind, result.state)]:
                first = lasting.pop(kind)
                stretches.append(Stretch(line, kind, first.bucket, result.bucket, first))
        stretches += [
            Stretch(line, kind, first.bucket, None, first) for kind, first in lasting.items()
        ]
    return sorted(stretches, key=lambda stretch: (stretch.line, stretch.start, stretch.kind))


def find_incidents(stretches: Iterable[Stretch]) -> list[Incident]:
    """Return the incidents that stretches make, by dataset, segment and time."""
    places: defaultdict[tuple[str, str, IncidentKind], list[Stretch]] = defaultdict(list)
    for stretch in stretches:
        places[stretch.line.dataset, stretch.line.segment, stretch.kind].append(stretch)
    incidents = []
    for place in places:
        members: list[Stretch] = []
        end: datetime | None = None
        for stretch in sorted(places[place], key=lambda stretch: stretch.start):
            if members and end is not None and stretch.start > end:
                incidents.append(_incident(place, end, members))
                members = []
            if not members:
                end = stretch.end
            elif end is not None:
                end = None if stretch.end is None else max(end, stretch.end)
            members.append(stretch)
        incidents.append(_incident(place, end, members))
    return sorted(incidents, key=lambda each: (each.dataset, each.segment, each.start, each.kind))


def _incident(
    place: tuple[str, str, IncidentKind], end: datetime | None, members: Sequence[Stretch]
) -> Incident:
    ordered = sorted(members, key=lambda each: (*lead_of(each.first), each.line))
    return Incident(*place, min(each.start for each in members), end, tuple(ordered))


def lead_of(result: Result) -> tuple[bool, float]:
    """Return what results are ordered by: those that tell a cause, then the largest first."""
    return not result.cause, -excess(result)


def excess(result: Result) -> float:
    """Return how many times over its limit a result is."""
    if result.value is None or not result.upper:
        return 0.0
    return abs(result.value / result.upper)


def causes(results: Iterable[Result], most: int = 3) -> tuple[list[str], int]:
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
    shown = [cause for cause, is_small in words.items() if not is_small][:most]
    return shown, len(words) - len(shown)
