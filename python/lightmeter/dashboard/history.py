"""What is known of a dataset or segment: buckets, results of monitors, incidents."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from lightmeter.monitor.incidents import Incident, Stretch, causes
from lightmeter.monitor.results import NOT_ENOUGH, Result
from lightmeter.monitor.sitemap import bucket_page, feature_page, segment_page
from lightmeter.store.records import Accepted, Line
from lightmeter.store.rows import Bucket
from lightmeter.text import shorten

STATES = ("anomaly", "error", "pending", "not enough data", "ok", "not watched")  # the worst first


def worst(states: Iterable[str]) -> str:
    """The worst state; ``not watched`` if there is none."""
    return min(states, key=STATES.index, default="not watched")


@dataclass(frozen=True)
class History:
    """A dataset, or one segment of it.

    Attributes:
        dataset: its name.
        segment: the segment; empty for the dataset as a whole.
        segment_text: the segment as `segment_text` writes it.
        buckets: earliest first.
        lines: the results of each line, earliest first.
        incidents: in those results.
        accepted: the changes that were made the new normal.
        shown: starts of the buckets that have a page.
    """

    dataset: str
    segment: Mapping[str, str]
    segment_text: str
    buckets: Sequence[Bucket]
    lines: Mapping[Line, Sequence[Result]]
    incidents: Sequence[Incident]
    accepted: Sequence[Accepted] = ()
    shown: Container[datetime] = ()

    def brief(self) -> "History":
        """What the pages of others say of it, which is little: all results take much memory."""
        return replace(self, lines={line: results[-1:] for line, results in self.lines.items()})

    @property
    def title(self) -> str:
        """What pages call it."""
        return title_of(self.dataset, self.segment)

    @property
    def page(self) -> str:
        """Path of its page."""
        return segment_page(self.dataset, self.segment_text)

    def bucket_page(self, start: datetime) -> str:
        """Path of the page of a bucket."""
        return bucket_page(self.dataset, self.segment_text, start)

    def feature_page(self, feature: str) -> str:
        """Path of the page of a feature."""
        return feature_page(self.dataset, self.segment_text, feature)

    @cached_property
    def anomalous(self) -> set[datetime]:
        """Starts of the buckets in which there was an anomaly."""
        return {
            result.bucket
            for results in self.lines.values()
            for result in results
            if result.state == "anomaly"
        }

    @property
    def state(self) -> str:
        """The worst open incident; if there is none, the worst state of the newest results.

        The newest results are those that each monitor has of the last bucket it judged.
        """
        kinds = {incident.kind for incident in self.incidents if incident.end is None}
        if kinds:
            return worst(kinds)
        last = [results[-1] for results in self.lines.values()]
        return worst(
            result.state for result in last if result.bucket == self._newest[result.monitor]
        )

    @cached_property
    def _newest(self) -> Mapping[str, datetime]:
        """The last bucket that each monitor judged."""
        newest: dict[str, datetime] = {}
        for results in self.lines.values():
            last = results[-1]
            newest[last.monitor] = max(last.bucket, newest.get(last.monitor, last.bucket))
        return newest

    def is_waiting_no_more(self, line: Line) -> bool:
        """Whether a monitor had too little data for any feature, and has judged since."""
        last = self.lines[line][-1]
        waited = not line.feature and self.state_of(line) == NOT_ENOUGH
        return waited and last.bucket < self._newest[line.monitor]

    @cached_property
    def _by_line(self) -> Mapping[Line, Sequence[Stretch]]:
        stretches: dict[Line, list[Stretch]] = {}
        for incident in self.incidents:
            for stretch in incident.stretches:
                stretches.setdefault(stretch.line, []).append(stretch)
        return stretches

    def state_of(self, line: Line) -> str:
        """The worst open incident of a line; if there is none, the state of its newest result."""
        stretches = self._by_line.get(line, ())
        kinds = {stretch.kind for stretch in stretches if stretch.end is None}
        return worst(kinds or {self.lines[line][-1].state})

    @property
    def open_incidents(self) -> int:
        """How many last."""
        return sum(incident.end is None for incident in self.incidents)

    def anomalies(self, line: Line) -> int:
        """How often a line was anomalous, each time for consecutive buckets."""
        return sum(stretch.kind == "anomaly" for stretch in self._by_line.get(line, ()))

    def features(self) -> dict[str, list[Line]]:
        """The lines of each feature."""
        lines: dict[str, list[Line]] = {}
        for line in self.lines:
            lines.setdefault(line.feature, []).append(line)
        return lines


class Event(NamedTuple):
    """An incident of a dataset or segment."""

    history: History
    incident: Incident

    def words(self) -> str:
        """Return the causes, and how many more there are."""
        return causes_text(stretch.first for stretch in self.incident.stretches)


def causes_text(results: Iterable[Result]) -> str:
    """Return what happened by the words of results, the first ones, and how many more there are."""
    shown, more = causes(results)
    words = ", ".join(shorten(cause, 160) for cause in shown)
    return f"{words} and {more} more" if more else words


def segment_name(segment: Mapping[str, str]) -> str:
    """What pages call a segment, such as ``camera=left``; empty for the whole dataset."""
    return ", ".join(f"{key}={value}" for key, value in segment.items())


def title_of(dataset: str, segment: Mapping[str, str]) -> str:
    """What pages call a dataset or segment."""
    return f"{dataset} [{segment_name(segment)}]" if segment else dataset


def events_of(histories: Iterable[History]) -> list[Event]:
    """Return all incidents, the latest first."""
    events = [Event(history, each) for history in histories for each in history.incidents]
    return sorted(
        events,
        key=lambda event: (
            -event.incident.start.timestamp(),
            event.history.title,
            event.incident.kind,
        ),
    )
