"""What the pages of a dataset or segment are made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lightmeter.draw.html import Html, tag
from lightmeter.draw.lines import Mark
from lightmeter.monitor.incidents import Incident
from lightmeter.monitor.results import Result
from lightmeter.store.profiles import Bucket
from lightmeter.store.records import Acknowledged, Line, Snoozed
from lightmeter.text import shorten

__all__ = ["SIGNS", "Group", "Scene", "badge", "group", "marks", "title_of"]

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
        lines: the results of each line, earliest first.
        incidents: what was found in them.
        acknowledged: what somebody knows of.
        snoozes: what is not told for now.
    """

    dataset: str
    segment: Mapping[str, str]
    place: str
    buckets: Sequence[Bucket]
    lines: Mapping[Line, Sequence[Result]]
    incidents: Sequence[Incident]
    acknowledged: Sequence[Acknowledged] = ()
    snoozes: Sequence[Snoozed] = ()

    @property
    def title(self) -> str:
        """As one calls it."""
        return title_of(self.dataset, self.segment)

    @cached_property
    def anomalous(self) -> set[datetime]:
        """Starts of the buckets in which there was an anomaly."""
        return {
            result.start
            for results in self.lines.values()
            for result in results
            if result.state == "anomaly"
        }

    @property
    def state(self) -> str:
        """The worst open incident; if there is none, the worst latest state."""
        states: set[str] = {incident.kind for incident in self.incidents if incident.end is None}
        if not states:
            last = [results[-1] for results in self.lines.values()]
            newest: dict[str, datetime] = {}
            for result in last:
                start = newest.get(result.monitor, result.start)
                newest[result.monitor] = max(result.start, start)
            states = {result.state for result in last if result.start == newest[result.monitor]}
        return min(states or {"not watched"}, key=_WORST_FIRST.index)

    def state_of(self, line: Line) -> str:
        """The same of one line."""
        kinds: set[str] = {
            incident.kind
            for incident in self.incidents
            if incident.line == line and incident.end is None
        }
        return min(kinds or {self.lines[line][-1].state}, key=_WORST_FIRST.index)

    def features(self) -> dict[str, list[Line]]:
        """The lines of each feature."""
        features: dict[str, list[Line]] = {}
        for line in self.lines:
            features.setdefault(line.feature, []).append(line)
        return features


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
        causes: dict[str, None] = {}
        for incident in self.incidents:
            words = incident.first.words.partition(";")[0]
            causes[words or incident.line.feature or incident.line.monitor] = None
        named = ", ".join(shorten(words, 160) for words in list(causes)[:most])
        return f"{named} and {len(causes) - most} more" if len(causes) > most else named


def title_of(dataset: str, segment: Mapping[str, str]) -> str:
    """What one calls a dataset or segment."""
    pairs = ", ".join(f"{key}={value}" for key, value in segment.items())
    return f"{dataset} [{pairs}]" if pairs else dataset


def group(scenes: Iterable[Scene]) -> list[Group]:
    """All incidents of the scenes, the latest first."""
    groups = []
    for scene in scenes:
        together: dict[tuple[datetime, str], list[Incident]] = {}
        for incident in scene.incidents:
            together.setdefault((incident.start, incident.kind), []).append(incident)
        for (start, kind), incidents in together.items():
            incidents.sort(key=lambda incident: (-_size(incident.first), incident.line))
            groups.append(Group(scene, start, kind, tuple(incidents)))
    return sorted(
        groups, key=lambda group: (-group.start.timestamp(), group.scene.title, group.kind)
    )


def marks(results: Sequence[Result]) -> list[Mark]:
    """For a chart."""
    return [
        Mark(
            at=result.start,
            value=result.value,
            lower=result.lower,
            upper=result.upper,
            bad=result.state == "anomaly",
            failed=result.state == "error",
        )
        for result in results
    ]


def badge(state: str) -> Html:
    """A state with its sign."""
    look, sign = SIGNS[state]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {state}", cls=f"verdict {look}")


def _size(result: Result) -> float:
    """How many times over its limit."""
    if result.value is None or not result.upper:
        return 0.0
    return abs(result.value / result.upper)
