"""What is known of a dataset or segment: buckets, results of monitors, incidents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from lightmeter.monitor.results import (
    ANOMALY,
    Incident,
    Result,
    excess,
    find_incidents,
    line_of,
    lines_of,
    load_results,
    place_text,
)
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page
from lightmeter.store.records import Line
from lightmeter.store.rows import Bucket
from lightmeter.store.store import Store

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
        segment: as `segment_text` writes it; empty for the dataset as a whole.
        buckets: earliest first.
        lines: the results of each line in the last buckets, earliest first.
        newest: those of the last bucket that each monitor judged.
        incidents: of all times, earliest first.
        paged: starts of the anomalous buckets that have a page, earliest first.
    """

    dataset: str
    segment: str
    buckets: Sequence[Bucket]
    lines: Mapping[Line, Sequence[Result]]
    newest: Sequence[Result]
    incidents: Sequence[Incident]
    paged: Sequence[datetime]

    @property
    def title(self) -> str:
        """Return its name on pages."""
        return place_text(self.dataset, self.segment)

    @property
    def page(self) -> str:
        """Return the path of its page."""
        return dataset_page(self.dataset, self.segment)

    def bucket_page(self, start: datetime) -> str:
        """Return the path of the page of a bucket; its own where the bucket has none."""
        paged = start in self.paged
        return bucket_page(self.dataset, self.segment, start) if paged else self.page

    def feature_page(self, feature: str) -> str:
        """Return the path of the page of a feature."""
        return feature_page(self.dataset, self.segment, feature)

    @property
    def lasting(self) -> list[Incident]:
        """Return the incidents that last."""
        return [incident for incident in self.incidents if incident.end is None]

    @property
    def state(self) -> str:
        """Return the worst open incident, or else the worst state of the newest results."""
        states = [incident.kind for incident in self.lasting]
        return worst(states or (result.state for result in self.newest))

    def state_of(self, line: Line) -> str:
        """Return the worst open incident of a line, or else the state of its newest result."""
        stretches = (stretch for incident in self.lasting for stretch in incident.stretches)
        kinds = [each.kind for each in stretches if each.line == line and each.end is None]
        return worst(kinds or [self.lines[line][-1].state])

    @cached_property
    def ranked(self) -> list[tuple[Line, str]]:
        """Return the lines with their states, first those that need a look, then by excess.

        What a monitor once said of the bucket itself is over where it has judged since.
        """
        newest, ranked = set(map(line_of, self.newest)), []
        for line, results in self.lines.items():
            state = self.state_of(line)
            if line.feature or line in newest or state in ("anomaly", "error"):
                ranked.append((STATES.index(state), -max(map(excess, results)), line))
        return [(line, STATES[rank]) for rank, _, line in sorted(ranked)]


Event = tuple[History, Incident]


def load_histories(shelf: Shelf, dataset: str, segment: str | None = None) -> list[History]:
    """Read what is known of a dataset and its segments, in brief: with the newest results alone.

    Args:
        shelf: what is read of the store.
        dataset: its name.
        segment: the only one in question, as text; None for the whole of it, and then all segments.
    """
    monitors = [each[:2] for each in shelf.store.state.sources() if each.dataset == dataset]
    newest, turns = (defaultdict[str, list[Result]](list) for _ in range(2))
    for result in _latest(shelf.store, dataset, segment):
        newest[result.segment].append(result)
    for result in load_results(shelf.store, monitors, segment=segment, turning=True):
        turns[result.segment].append(result)
    histories = []
    for text in segments_of(shelf, dataset) if segment is None else [segment]:
        buckets, length = shelf.buckets(dataset, text), shelf.datasets[dataset]
        both = turns[text] + newest[text]
        known = {(each.monitor, each.feature, each.bucket): each for each in both}.values()
        incidents = find_incidents(known)
        bad = {each.bucket for each in known if each.state == ANOMALY and each.feature}
        whole = (bucket.start for bucket in buckets if bucket.end - bucket.start == length)
        paged = [start for start in whole if start in bad][-_MOST_PAGED:]
        lines = lines_of(newest[text])
        histories.append(History(dataset, text, buckets, lines, newest[text], incidents, paged))
    return histories


def segments_of(shelf: Shelf, dataset: str) -> list[str]:
    """Return the whole of a dataset, and then its segments, as texts."""
    return sorted({"", *shelf.segments(dataset)})


def in_full(store: Store, history: History) -> History:
    """Return a history with the results of its last buckets."""
    latest = _latest(store, history.dataset, history.segment, RECENT)
    return replace(history, lines=lines_of(latest))


def _latest(store: Store, dataset: str, segment: str | None, most: int = 1) -> Iterator[Result]:
    """Yield the results of the last buckets that each monitor judged in a segment."""
    for source in store.state.sources():
        if source.dataset == dataset:
            yield from store.state.latest(source.monitor, dataset, segment, most)


def events_of(histories: Iterable[History]) -> list[Event]:
    """Return all incidents with their places, the latest first."""
    events = [(history, incident) for history in histories for incident in history.incidents]
    return sorted(events, key=lambda event: (event[1].start, *event[1].place), reverse=True)
