"""The history of a dataset or segment in short: buckets, newest results, incidents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lightmeter.monitor.results import Incident, Result, find_incidents, load_results, place_text
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page
from lightmeter.store.tables import Bucket

STATES = ("anomaly", "error", "pending", "not enough data", "ok", "not watched")  # the worst first
_MOST_PAGED = 100  # pages of anomalous buckets per dataset or segment


def worst(states: Iterable[str]) -> str:
    """Return the worst state; ``not watched`` if there is none."""
    return min(states, key=STATES.index, default="not watched")


@dataclass(frozen=True)
class History:
    """The history of a dataset, or of one segment of it.

    Attributes
    ----------
    dataset
        The name of the dataset.
    segment
        The text of the segment; empty for the whole dataset.
    buckets
        All buckets, earliest first.
    newest
        The results of the last bucket that each monitor judged.
    incidents
        All incidents, earliest first.
    paged
        The starts of the anomalous buckets that have a page, earliest first.
    """

    dataset: str
    segment: str
    buckets: Sequence[Bucket]
    newest: Sequence[Result]
    incidents: Sequence[Incident]
    paged: Sequence[datetime]

    @property
    def title(self) -> str:
        """Return the name of the dataset or segment on pages."""
        return place_text(self.dataset, self.segment)

    @property
    def page(self) -> str:
        """Return the path of its page."""
        return dataset_page(self.dataset, self.segment)

    def bucket_page(self, start: datetime) -> str:
        """Return the path of the page of a bucket, or else that of the dataset or segment."""
        paged = start in self.paged
        return bucket_page(self.dataset, self.segment, start) if paged else self.page

    def feature_page(self, feature: str) -> str:
        """Return the path of the page of a feature."""
        return feature_page(self.dataset, self.segment, feature)

    @property
    def lasting(self) -> list[Incident]:
        """Return the open incidents."""
        return [incident for incident in self.incidents if incident.end is None]

    @property
    def state(self) -> str:
        """Return the worst open incident, or else the worst state of the newest results."""
        states = [incident.kind for incident in self.lasting]
        return worst(states or (result.state for result in self.newest))


def load_histories(shelf: Shelf, dataset: str, segment: str | None = None) -> list[History]:
    """Return the histories of a dataset and its segments.

    Parameters
    ----------
    shelf
        The cache of the store.
    dataset
        The name of the dataset.
    segment
        A single segment, as text; None for the whole dataset, followed by all segments.
    """
    newest: defaultdict[str, list[Result]] = defaultdict(list)
    known: defaultdict[str, dict[object, Result]] = defaultdict(dict)
    monitors = [each[:2] for each in shelf.store.state.sources() if each.dataset == dataset]
    for result in latest(shelf, dataset, segment, 1):
        newest[result.segment].append(result)
    turns = load_results(shelf.store, monitors, segment=segment, turning=True)
    for result in (*turns, *(result for results in newest.values() for result in results)):
        known[result.segment][result.place, result.feature] = result
    histories = []
    for text in segments_of(shelf, dataset) if segment is None else [segment]:
        buckets, results = shelf.buckets(dataset, text), known[text].values()
        bad = {each.bucket for each in results if each.state == "anomaly" and each.feature}
        whole = (bucket.start for bucket in shelf.regular(dataset, text))
        paged = [start for start in whole if start in bad][-_MOST_PAGED:]
        incidents = find_incidents(results)
        histories.append(History(dataset, text, buckets, newest[text], incidents, paged))
    return histories


def segments_of(shelf: Shelf, dataset: str) -> list[str]:
    """Return the segments of a dataset as texts, after an empty one for the whole dataset."""
    return sorted({"", *shelf.segments(dataset)})


def latest(shelf: Shelf, dataset: str, segment: str | None, most: int) -> Iterator[Result]:
    """Yield the results of the last buckets that each monitor judged in a segment."""
    for source in shelf.store.state.sources():
        if source.dataset == dataset:
            yield from shelf.store.state.latest(source.monitor, dataset, segment, most)
