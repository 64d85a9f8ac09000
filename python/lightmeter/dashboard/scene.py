"""What the pages of a dataset or segment are made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lightmeter.alerts.memory import Acknowledged, Snooze
from lightmeter.draw.html import Html, tag
from lightmeter.draw.lines import Point
from lightmeter.monitor.incidents import Evaluation, Incident, Line
from lightmeter.store.store import Bucket
from lightmeter.text import shorten

__all__ = ["SIGNS", "Group", "Scene", "badge", "group", "points", "title_of"]

# State, class of the style, and a shape, so that the colour is not needed.
SIGNS = {
    "anomaly": ("drift", "●"),
    "error": ("possible", "▲"),
    "not enough data": ("possible", "◌"),
    "ok": ("none", "○"),
    "not watched": ("", "–"),  # noqa: RUF001
}
_WORST_FIRST = list(SIGNS)


@dataclass(frozen=True)
class Scene:
    """A dataset, or one segment of it.

    Attributes:
        dataset: its name.
        segment: the segment; empty for the dataset as a whole.
        place: the segment as text.
        buckets: earliest first.
        lines: the evaluations of each line, earliest first.
        incidents: what was found in them.
        acknowledged: what somebody knows of.
        snoozes: what is not told for now.
    """

    dataset: str
    segment: Mapping[str, str]
    place: str
    buckets: Sequence[Bucket]
    lines: Mapping[Line, Sequence[Evaluation]]
    incidents: Sequence[Incident]
    acknowledged: Sequence[Acknowledged] = ()
    snoozes: Sequence[Snooze] = ()

    @property
    def title(self) -> str:
        """As one calls it."""
        return title_of(self.dataset, self.segment)

    @cached_property
    def anomalous(self) -> set[datetime]:
        """Starts of the buckets in which there was an anomaly."""
        return {
            one.start for points in self.lines.values() for one in points if one.state == "anomaly"
        }

    @property
    def state(self) -> str:
        """The worst open incident; if there is none, the worst latest state."""
        kinds = {incident.kind for incident in self.incidents if incident.end is None}
        if not kinds:
            last = [points[-1] for points in self.lines.values()]
            newest: dict[str, datetime] = {}
            for one in last:
                newest[one.monitor] = max(one.start, newest.get(one.monitor, one.start))
            kinds = {one.state for one in last if one.start == newest[one.monitor]}
        return min(kinds or {"not watched"}, key=_WORST_FIRST.index)

    def state_of(self, line: Line) -> str:
        """The same of one line."""
        kinds = {
            incident.kind
            for incident in self.incidents
            if incident.line == line and incident.end is None
        }
        return min(kinds or {self.lines[line][-1].state}, key=_WORST_FIRST.index)

    def features(self) -> dict[str, list[Line]]:
        """The lines of each feature."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.feature, []).append(line)
        return found


@dataclass(frozen=True)
class Group:
    """Incidents that began in the same bucket of a scene, the largest first."""

    scene: Scene
    start: datetime
    kind: str
    incidents: tuple[Incident, ...]

    @property
    def open(self) -> bool:
        """Whether any lasts."""
        return any(incident.end is None for incident in self.incidents)

    def words(self, most: int = 3) -> str:
        """The causes, and how many more there are."""
        causes = (one.first.words.partition(";")[0] for one in self.incidents)
        names = (one.line.feature or one.line.monitor for one in self.incidents)
        told = list(dict.fromkeys(a or b for a, b in zip(causes, names, strict=True)))
        named = ", ".join(shorten(words, 160) for words in told[:most])
        return f"{named} and {len(told) - most} more" if len(told) > most else named


def title_of(dataset: str, segment: Mapping[str, str]) -> str:
    """What one calls a dataset or segment."""
    pairs = ", ".join(f"{key}={value}" for key, value in segment.items())
    return f"{dataset} [{pairs}]" if pairs else dataset


def group(scenes: Iterable[Scene]) -> list[Group]:
    """All incidents of the scenes, the latest first."""
    groups = []
    for scene in scenes:
        found: dict[tuple[datetime, str], list[Incident]] = {}
        for incident in scene.incidents:
            found.setdefault((incident.start, incident.kind), []).append(incident)
        for (start, kind), incidents in found.items():
            ordered = sorted(incidents, key=lambda one: (-_size(one.first), one.line))
            groups.append(Group(scene, start, kind, tuple(ordered)))
    return sorted(groups, key=lambda one: (-one.start.timestamp(), one.scene.title, one.kind))


def points(evaluations: Sequence[Evaluation]) -> list[Point]:
    """For a chart."""
    return [
        Point(
            at=one.start,
            value=one.value,
            lower=one.lower,
            upper=one.upper,
            bad=one.state == "anomaly",
            failed=one.state == "error",
        )
        for one in evaluations
    ]


def badge(state: str) -> Html:
    """A state with its sign."""
    look, sign = SIGNS[state]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {state}", cls=f"verdict {look}")


def _size(one: Evaluation) -> float:
    """How many times over its limit."""
    if one.value is None or not one.upper:
        return 0.0
    return abs(one.value / one.upper)
