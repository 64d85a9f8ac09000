"""From the states of lines of buckets to the incidents in them. Pure: no store, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from lightmeter.store.buckets import parse_segment, segment_text

__all__ = [
    "Evaluation",
    "Incident",
    "Line",
    "Points",
    "Silence",
    "ends",
    "find_incidents",
    "line_of",
    "lines_of",
]


class Evaluation(Protocol):
    """What a monitor said of one bucket, as far as alerts look at it."""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""

    @property
    def segment(self) -> Mapping[str, str]:
        """The segment; empty for the dataset as a whole."""

    @property
    def monitor(self) -> str:
        """Name of the monitor."""

    @property
    def feature(self) -> str:
        """The feature; empty where it is about none."""

    @property
    def start(self) -> datetime:
        """Start of the bucket, in UTC."""

    @property
    def state(self) -> str:
        """``ok``, ``anomaly``, ``not enough data`` or ``error``."""

    @property
    def value(self) -> float | None:
        """What was judged, where that is a number."""

    @property
    def lower(self) -> float | None:
        """The least that would be ok."""

    @property
    def upper(self) -> float | None:
        """The most that would be ok."""

    @property
    def words(self) -> str:
        """The cause, such as "saturation fell by 38 %"."""


class Line(NamedTuple):
    """What is followed from bucket to bucket; `segment` is its text."""

    dataset: str
    segment: str
    monitor: str
    feature: str


@dataclass(frozen=True)
class Incident:
    """A stretch of buckets that a monitor found anomalous, or could not judge.

    Attributes:
        line: what it is about.
        kind: ``anomaly`` or ``error``.
        start: start of its first bucket.
        end: start of the bucket it was over by; None while it is not.
        first: the evaluation it began with, or what is left of them.
        silent: it was over by a bucket of which the monitor says nothing on the line.
    """

    line: Line
    kind: str
    start: datetime
    end: datetime | None
    first: Evaluation
    silent: bool = False

    def covers(self, start: datetime) -> bool:
        """Whether the bucket that starts at `start` is one of its."""
        return self.start <= start and (self.end is None or start < self.end)


@dataclass(frozen=True)
class Silence:
    """Stands in for a result: the monitor judged this bucket but reported nothing for this line.

    Examples: an error, once the bucket can be judged; a feature that is back, or gone for good; a
    rate that is 0 again.
    """

    dataset: str
    segment: Mapping[str, str]
    monitor: str
    feature: str
    start: datetime
    state: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    words: str = ""


class Points:
    """The points of lines, with a `Silence` for each bucket that was judged without a word."""

    def __init__(self, lines: Mapping[Line, Sequence[Evaluation]]) -> None:
        """Of all lines of the monitors in question: what one says ends what another began."""
        self._lines = lines
        states: defaultdict[tuple[str, str, str], defaultdict[datetime, set[str]]]
        states = defaultdict(lambda: defaultdict(set))
        for line, points in lines.items():
            for point in points:
                states[line[:3]][point.start].add(point.state)
        self._silent = {
            key: {start: state for start, said in buckets.items() if (state := _silent(said))}
            for key, buckets in states.items()
        }

    def of(self, line: Line) -> list[Evaluation]:
        """In order of time; also of a line of which nothing is said any more."""
        said = list(self._lines.get(line, ()))
        starts = {point.start for point in said}
        segment = parse_segment(line.segment)
        silent = [
            Silence(line.dataset, segment, line.monitor, line.feature, start, state)
            for start, state in self._silent.get(line[:3], {}).items()
            if start not in starts
        ]
        return sorted([*said, *silent], key=lambda point: point.start)


def _silent(said: set[str]) -> str:
    """The state of a line without a word, given those of the others; empty if nothing follows."""
    if "error" in said:
        return ""
    return "ok" if said & {"ok", "anomaly"} else "not enough data"


def ends(kind: str, state: str) -> bool:
    """Whether an incident is over by a bucket of this state.

    An anomaly lasts until a bucket is ``ok``: one with too little data, or that could not be
    judged, says nothing about it. An error lasts until a bucket could be judged, whatever it said.
    """
    return state == "ok" if kind == "anomaly" else state != "error"


def line_of(evaluation: Evaluation) -> Line:
    """The line that the evaluation is a point of."""
    segment = segment_text(evaluation.segment)
    return Line(evaluation.dataset, segment, evaluation.monitor, evaluation.feature)


def lines_of(evaluations: Iterable[Evaluation]) -> dict[Line, list[Evaluation]]:
    """The evaluations of each line in order of time."""
    lines: defaultdict[Line, list[Evaluation]] = defaultdict(list)
    for evaluation in evaluations:
        lines[line_of(evaluation)].append(evaluation)
    return {line: sorted(lines[line], key=lambda point: point.start) for line in sorted(lines)}


def find_incidents(lines: Mapping[Line, Sequence[Evaluation]]) -> list[Incident]:
    """All incidents, by line and time; `ends` says when one is over."""
    found, all_points = [], Points(lines)
    for line, said in lines.items():
        if not any(point.state in ("anomaly", "error") for point in said):
            continue
        open_: dict[str, Evaluation] = {}
        for point in all_points.of(line):
            if point.state in ("anomaly", "error"):
                open_.setdefault(point.state, point)
            for kind in [kind for kind in open_ if ends(kind, point.state)]:
                first, silent = open_.pop(kind), isinstance(point, Silence)
                found.append(Incident(line, kind, first.start, point.start, first, silent))
        found += [Incident(line, kind, first.start, None, first) for kind, first in open_.items()]
    return sorted(found, key=lambda incident: (incident.line, incident.start, incident.kind))
