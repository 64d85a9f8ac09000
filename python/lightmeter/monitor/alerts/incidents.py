"""From the states of a line of buckets to the incidents in it. Pure: no store, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from lightmeter.monitor.buckets import segment_text

__all__ = ["Evaluation", "Incident", "Line", "ends", "find_incidents", "line_of", "lines_of"]


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
    """

    line: Line
    kind: str
    start: datetime
    end: datetime | None
    first: Evaluation

    def covers(self, start: datetime) -> bool:
        """Whether the bucket that starts at `start` is one of its."""
        return self.start <= start and (self.end is None or start < self.end)


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


def find_incidents(lines: Mapping[Line, Iterable[Evaluation]]) -> list[Incident]:
    """All incidents, by line and time; `ends` says when one is over."""
    found = []
    for line, points in lines.items():
        open_: dict[str, Evaluation] = {}
        for point in points:
            if point.state in ("anomaly", "error"):
                open_.setdefault(point.state, point)
            for kind in [kind for kind in open_ if ends(kind, point.state)]:
                first = open_.pop(kind)
                found.append(Incident(line, kind, first.start, point.start, first))
        found += [Incident(line, kind, first.start, None, first) for kind, first in open_.items()]
    return sorted(found, key=lambda incident: (incident.line, incident.start, incident.kind))
