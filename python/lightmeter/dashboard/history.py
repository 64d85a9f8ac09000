"""A dataset or segment: its buckets with their baselines, results and incidents."""

import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from itertools import chain, groupby

from lightmeter.drift.row import column_of
from lightmeter.errors import LightmeterError
from lightmeter.monitor.config import ComparingMonitor, Selection
from lightmeter.monitor.results import (
    BAD,
    Incident,
    Result,
    find_incidents,
    lead_of,
    load_results,
    place_text,
    series_of,
    stretch_text,
)
from lightmeter.monitor.rules import monitor_of
from lightmeter.monitor.rules.drift import DriftRule
from lightmeter.monitor.shelf import Past, Shelf, Summary
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page
from lightmeter.profile import ProfileView
from lightmeter.profile.scalars import HUE_STEPS
from lightmeter.report.charts.lines import Mark
from lightmeter.store.tables import Bucket, Series, Source
from lightmeter.text import counted, shorten

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
        """Return the worst open incident, or else the worst state of the newest results.

        Monitors that wait for data do not count if another one compared the bucket with others.
        """
        judged = [result for result in self.newest if result.monitor not in self.waiting]
        counted = judged if any(result.baseline for result in judged) else self.newest
        incidents = [incident.kind for incident in self.lasting]
        return worst(incidents or (result.state for result in counted))

    @property
    def waiting(self) -> list[str]:
        """Return the monitors that have too little data for any of their newest results."""
        judging = {result.monitor for result in self.newest if result.state != "not enough data"}
        return sorted({result.monitor for result in self.newest} - judging)


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
    newest, known = defaultdict[str, list[Result]](list), defaultdict[str, list[Result]](list)
    monitors = [source[:2] for source in sources_of(shelf, dataset)]
    for result in load_results(shelf.store, monitors, segment=segment, turning=True):
        known[result.segment].append(result)
    for result in latest(shelf, dataset, segment, 1):
        newest[result.segment].append(result)
        known[result.segment].append(result)
    incidents = defaultdict[str, list[Incident]](list)
    for incident in find_incidents(chain.from_iterable(known.values())):
        incidents[incident.segment].append(incident)
    histories = []
    for text in segments_of(shelf, dataset) if segment is None else [segment]:
        buckets, results = shelf.buckets(dataset, text), known[text]
        bad = {each.bucket for each in results if each.state == "anomaly" and each.feature}
        whole = (bucket.start for bucket in shelf.regular(dataset, text))
        paged = [start for start in whole if start in bad][-_MOST_PAGED:]
        histories.append(History(dataset, text, buckets, newest[text], incidents[text], paged))
    return histories


def sources_of(shelf: Shelf, dataset: str) -> list[Source]:
    """Return the monitors of a dataset, as they were in their last run."""
    return [source for source in shelf.store.state.sources() if source.dataset == dataset]


def segments_of(shelf: Shelf, dataset: str) -> list[str]:
    """Return the segments of a dataset as texts, after an empty one for the whole dataset."""
    return sorted({"", *shelf.segments(dataset)})


def latest(shelf: Shelf, dataset: str, segment: str | None, most: int) -> Iterator[Result]:
    """Yield the results of the last buckets that each monitor judged in a segment."""
    for source in sources_of(shelf, dataset):
        yield from shelf.store.state.latest(source.monitor, dataset, segment, most)


RECENT = 90  # buckets in a chart or table


class Compared:
    """The buckets of a dataset or segment with the baselines of its monitors.

    Attributes
    ----------
    history
        The history of the dataset or segment.
    """

    def __init__(self, shelf: Shelf, history: History, sees: Callable[[str], bool]) -> None:
        """Prepare for reading; baselines of datasets that `sees` refuses are not shown."""
        self.history, self._shelf, self._sees = history, shelf, sees
        self._where = history.dataset, history.segment
        self._kept: dict[str, dict[datetime, Past]] = {}  # by monitor
        # Whether it is the whole of several segments, whose scenes may differ.
        self.is_mixed = not history.segment and len(segments_of(shelf, history.dataset)) > 2

    @cached_property
    def scores(self) -> frozenset[str]:
        """Return the names of the monitors whose values are z-scores."""
        names = {each.monitor for its in self.series.values() for each in its if each.baseline}
        sources = sources_of(self._shelf, self.history.dataset)
        rules = (monitor_of(source) for source in sources if source.monitor in names)
        return frozenset(x.name for x in rules if isinstance(x, DriftRule) and x.metric is None)

    @cached_property
    def series(self) -> Mapping[Series, Sequence[Result]]:
        """Return the results of each series in the last buckets, earliest first."""
        results = latest(self._shelf, *self._where, RECENT)
        ordered = sorted(results, key=lambda result: (series_of(result), result.bucket))
        return {series: list(its) for series, its in groupby(ordered, series_of)}

    def state_of(self, series: Series) -> str:
        """Return the worst open incident of a series, or else the state of its newest result."""
        stretches = (stretch for each in self.history.lasting for stretch in each.stretches)
        kinds = [each.kind for each in stretches if each.series == series and each.end is None]
        return worst(kinds or [self.series[series][-1].state])

    def ranked(self) -> list[tuple[Series, str]]:
        """Return the series with their states: first the worst, then those with a cause.

        A result about a whole bucket is left out if its monitor has judged a later one.
        """
        newest, ranked = set(map(series_of, self.history.newest)), []
        for series, results in self.series.items():
            state = self.state_of(series)
            if series.feature or series in newest or state in ("anomaly", "error"):
                ranked.append((STATES.index(state), *min(map(lead_of, results)), series))
        return [(series, STATES[rank]) for rank, *_, series in sorted(ranked)]

    def results(self, start: datetime) -> list[Result]:
        """Return all results of a bucket."""
        ours = [source[:2] for source in sources_of(self._shelf, self.history.dataset)]
        segment = self.history.segment
        return load_results(self._shelf.store, ours, segment=segment, bucket=start)

    def view(self, start: datetime) -> ProfileView:
        """Return the merged profile of a bucket."""
        return self._shelf.contents(*self._where, start).view

    def monitor(self, results: Sequence[Result]) -> ComparingMonitor | None:
        """Return the monitor whose baseline is shown: the first of type drift, or else any."""
        names = {result.monitor for result in results if result.baseline}
        sources = sources_of(self._shelf, self.history.dataset)
        found = [
            monitor
            for source in sorted(sources, key=lambda source: source.rank)
            if source.monitor in names
            if isinstance(monitor := monitor_of(source), ComparingMonitor)
            if self._sees(monitor.baseline.dataset or monitor.dataset)
        ]
        return min(found, key=lambda monitor: monitor.type != "drift", default=None)

    def baseline(
        self, start: datetime, monitor: ComparingMonitor | None
    ) -> tuple[str, ProfileView]:
        """Return a description of the baseline of a bucket, and its merged profile."""
        if monitor is None:
            return "no baseline", ProfileView.merge_many(())
        past, file = self._pasts(monitor).get(start), monitor.baseline.reference
        words, view = "it", ProfileView.merge_many(each.view for each in past or ())
        if file is not None:
            words = file.name
        elif past is not None:
            words = counted(len(past.starts), "bucket")
            if past.where != self._where:
                words = f"{shorten(place_text(*past.where), 120)}, {words}"
            if past.starts:
                words += f", {stretch_text(past.starts[0], past.starts[-1])}"
        broken = " cannot be read" * (past is None)
        return f"baseline of “{shorten(monitor.name, 60)}”: {words}{broken}", view

    def levels(
        self, feature: str, monitor: ComparingMonitor | None, since: datetime | None = None
    ) -> list[Mark]:
        """Return the level of a feature in the last buckets, with the range of its baseline.

        A baseline of all earlier buckets is cut off at `since`.
        """
        level = cache(partial(_level, feature))  # of buckets, which are in many baselines

        @cache
        def band(past: Past | None) -> tuple[float | None, float | None]:
            seen = map(level, past.summaries if past else ())
            values = [value for value in seen if value is not None]
            return min(values, default=None), max(values, default=None)

        pasts = self._pasts(monitor)
        levels = []
        for bucket in self.history.buckets[-RECENT:]:
            summary = self._shelf.in_short(*self._where, bucket.start)
            past = pasts.get(bucket.start)
            if past and since and monitor and monitor.TAKES_ALL:
                starts = tuple(start for start in past.starts if start < since)
                past = self._shelf.past(past.where, starts)
            # A hue lies on a circle, so it has no range.
            low, high = (None, None) if summary.kinds.get(feature) == "hue" else band(past)
            levels.append(Mark(bucket.start, level(summary), low, high))
        return levels

    def _pasts(self, monitor: ComparingMonitor | None) -> Mapping[datetime, Past]:
        """Return the baseline of each bucket that has a page or is one of the last.

        Baselines that cannot be read are left out.
        """
        if monitor is None:
            return {}
        if monitor.name not in self._kept:
            pasts = self._kept[monitor.name] = {}
            last = (bucket.start for bucket in self.history.buckets[-RECENT:])
            judged = self._shelf.store.state.judged(monitor.name, *self._where)
            bad = {key[1] for key, each in judged.items() if not BAD.isdisjoint(each.states)}
            selection = Selection(self._shelf, monitor, self._where[1], bad)
            with contextlib.suppress(LightmeterError, OSError):
                for start in sorted({*self.history.paged, *last}):
                    pasts[start] = selection.past(start)
        return self._kept[monitor.name]


def _level(feature: str, summary: Summary) -> float | None:
    """Return the mean of numbers, the mean direction of hues, or a rate; None without any."""
    name = column_of(feature)
    kind = summary.kinds.get(name)
    # For hues, `mean` and `stddev` are the mean cosine and sine.
    n, mean, stddev, _, _, missing, values, odd = summary.aligned((name,))[:, 0].tolist()
    if feature != name or kind == "failure":
        rates = {":missing": (missing, missing + values), ":not a number": (odd, n + odd)}
        hits, total = rates.get(feature.removeprefix(name), (values, missing + values))
        return hits / total if total else None
    if kind == "hue" and n:
        return math.atan2(stddev, mean) / math.tau * HUE_STEPS % HUE_STEPS
    return mean if kind == "number" and n else None
