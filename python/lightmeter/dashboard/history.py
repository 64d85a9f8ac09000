"""What is known of a dataset or segment: buckets, results of monitors, incidents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from lightmeter.monitor.incidents import (
    Incident,
    causes,
    excess,
    find_incidents,
    find_stretches,
    lines_of,
)
from lightmeter.monitor.results import ANOMALY, Result, load_turning_points
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.sitemap import bucket_page, feature_page, segment_page
from lightmeter.profile.segments import parse_segment
from lightmeter.store.records import Accepted, Line
from lightmeter.store.rows import Bucket
from lightmeter.store.store import Store
from lightmeter.text import shorten

STATES = ("anomaly", "error", "pending", "not enough data", "ok", "not watched")  # the worst first
RECENT = 90  # buckets in a chart or table
_MOST_PAGED = 100  # anomalous buckets that have a page, of a dataset or segment


def worst(states: Iterable[str]) -> str:
    """Return the worst state; ``not watched`` if there is none."""
    return min(states, key=STATES.index, default="not watched")


@dataclass(frozen=True)
class History:
    """A dataset, or one segment of it.

    Attributes:
        dataset: its name.
        segment_text: the segment as `segment_text` writes it; empty for the dataset as a whole.
        buckets: earliest first.
        lines: the results of each line in the last buckets, earliest first.
        incidents: of all times, earliest first.
        paged: starts of the anomalous buckets that have a page, earliest first.
        accepted: the changes that were made the new normal.
    """

    dataset: str
    segment_text: str
    buckets: Sequence[Bucket]
    lines: Mapping[Line, Sequence[Result]]
    incidents: Sequence[Incident]
    paged: Sequence[datetime]
    accepted: Sequence[Accepted]

    @cached_property
    def segment(self) -> str:
        """Return the name of the segment on pages, such as ``camera=left``."""
        pairs = parse_segment(self.segment_text).items()
        return ", ".join(f"{key}={value}" for key, value in pairs)

    @property
    def title(self) -> str:
        """Return its name on pages."""
        return f"{self.dataset} [{self.segment}]" if self.segment else self.dataset

    @property
    def page(self) -> str:
        """Return the path of its page."""
        return segment_page(self.dataset, self.segment_text)

    def bucket_page(self, start: datetime) -> str:
        """Return the path of the page of a bucket; its own where the bucket has none."""
        if start not in self.paged:
            return self.page
        return bucket_page(self.dataset, self.segment_text, start)

    def feature_page(self, feature: str) -> str:
        """Return the path of the page of a feature."""
        return feature_page(self.dataset, self.segment_text, feature)

    @property
    def open_incidents(self) -> list[Incident]:
        """Return the incidents that last."""
        return [incident for incident in self.incidents if incident.end is None]

    @property
    def state(self) -> str:
        """Return the worst open incident, or else the worst state of the newest results."""
        last = (results[-1] for results in self.lines.values())
        newest = (each.state for each in last if each.bucket == self._newest[each.monitor])
        return worst([incident.kind for incident in self.open_incidents] or newest)

    @cached_property
    def _newest(self) -> Mapping[str, datetime]:
        """Return the last bucket that each monitor judged."""
        newest: dict[str, datetime] = {}
        for results in self.lines.values():
            last = results[-1]
            newest[last.monitor] = max(last.bucket, newest.get(last.monitor, last.bucket))
        return newest

    def state_of(self, line: Line) -> str:
        """Return the worst open incident of a line, or else the state of its newest result."""
        stretches = (each for incident in self.open_incidents for each in incident.stretches)
        kinds = [each.kind for each in stretches if each.line == line and each.end is None]
        return worst(kinds or [self.lines[line][-1].state])

    @cached_property
    def ranked(self) -> list[tuple[Line, str]]:
        """Return the lines with their states, first those that need a look, then by excess."""

        def rank(pair: tuple[Line, str]) -> tuple[int, float, Line]:
            line, state = pair
            return STATES.index(state), -max(map(excess, self.lines[line])), line

        states = {line: self.state_of(line) for line in self.lines}
        # What a monitor once said of the bucket itself is over where it has judged since.
        over = {
            line
            for line, results in self.lines.items()
            if not line.feature and states[line] not in ("anomaly", "error")
            if results[-1].bucket < self._newest[line.monitor]
        }
        return sorted(
            ((line, state) for line, state in states.items() if line not in over), key=rank
        )

    def features(self) -> dict[str, list[Line]]:
        """Return the lines of each feature."""
        lines: dict[str, list[Line]] = {}
        for line in self.lines:
            if line.feature:
                lines.setdefault(line.feature, []).append(line)
        return lines


class Event(NamedTuple):
    """An incident of a dataset or segment."""

    history: History
    incident: Incident


def load_histories(shelf: Shelf, dataset: str, segment: str | None = None) -> list[History]:
    """Read what is known of a dataset and its segments, in brief: with the newest results alone.

    Args:
        shelf: what is read of the store.
        dataset: its name.
        segment: the only one in question, as text; None for the whole of it, and then all segments.
    """
    monitors = [each[:2] for each in shelf.store.state.sources() if each.dataset == dataset]
    latest, turns = (defaultdict[str, list[Result]](list) for _ in range(2))
    for result in _latest(shelf.store, dataset, segment):
        latest[result.segment].append(result)
    for result in load_turning_points(shelf.store, monitors, segment=segment):
        turns[result.segment].append(result)
    histories = []
    for text in segments_of(shelf, dataset) if segment is None else [segment]:
        buckets, length = shelf.buckets(dataset, text), shelf.datasets[dataset]
        both = turns[text] + latest[text]
        every = {(each.monitor, each.feature, each.bucket): each for each in both}
        incidents = find_incidents(find_stretches(lines_of(every.values())))
        bad = {each.bucket for each in both if each.state == ANOMALY and each.feature}
        paged = [
            bucket.start
            for bucket in buckets
            if bucket.start in bad and bucket.end - bucket.start == length
        ][-_MOST_PAGED:]
        lines = lines_of(latest[text])
        histories.append(History(dataset, text, buckets, lines, incidents, paged, shelf.accepted))
    return histories


def segments_of(shelf: Shelf, dataset: str) -> list[str]:
    """Return the whole of a dataset, and then its segments, as texts."""
    return sorted({"", *shelf.segments(dataset)})


def in_full(store: Store, history: History) -> History:
    """Return a history with the results of its last buckets."""
    latest = _latest(store, history.dataset, history.segment_text, RECENT)
    return replace(history, lines=lines_of(latest))


def _latest(store: Store, dataset: str, segment: str | None, most: int = 1) -> Iterator[Result]:
    """Yield the results of the last buckets that each monitor judged in a segment."""
    for source in store.state.sources():
        if source.dataset == dataset:
            yield from store.state.latest(source.monitor, dataset, segment, most)


def causes_text(results: Iterable[Result]) -> str:
    """Return what happened by the words of results, the first ones, and how many more there are."""
    shown, more = causes(results)
    words = ", ".join(shorten(cause, 160) for cause in shown)
    return f"{words} and {more} more" if more else words


def events_of(histories: Iterable[History]) -> list[Event]:
    """Return all incidents, the latest first."""
    events = [Event(history, each) for history in histories for each in history.incidents]

    def place(event: Event) -> tuple[float, str, str]:
        return -event.incident.start.timestamp(), event.history.title, event.incident.kind

    return sorted(events, key=place)
