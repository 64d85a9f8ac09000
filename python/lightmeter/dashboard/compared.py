"""What buckets are drawn against: the baseline that the rule of their monitor chooses."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property, partial
from typing import NamedTuple

from lightmeter.dashboard.history import RECENT, History
from lightmeter.drift.row import column_of
from lightmeter.errors import LightmeterError
from lightmeter.monitor.baseline import Selection
from lightmeter.monitor.config import ComparingMonitor
from lightmeter.monitor.evaluate import BAD
from lightmeter.monitor.results import Result, load_results
from lightmeter.monitor.rules import monitor_of
from lightmeter.monitor.shelf import Past, Shelf
from lightmeter.monitor.sitemap import stretch_text
from lightmeter.monitor.summaries import COSINE, MEAN, MISSING, ODD, SINE, VALUES, N, Summary
from lightmeter.profile import ProfileView
from lightmeter.profile.scalars import HUE_STEPS
from lightmeter.text import counted, shorten


class Level(NamedTuple):
    """A feature in a bucket, in its own unit, with the least and the greatest of its baseline."""

    start: datetime
    value: float | None
    low: float | None
    high: float | None


class Compared:
    """The buckets of a dataset or segment beside those that they are compared with.

    Attributes:
        history: of the dataset or segment.
    """

    def __init__(self, shelf: Shelf, history: History, sees: Callable[[str], bool]) -> None:
        """Read nothing yet; baselines of datasets that `sees` refuses are not shown."""
        self.history, self._shelf, self._sees = history, shelf, sees
        self._where = history.dataset, history.segment_text
        self._kept: dict[str, Mapping[datetime, Past]] = {}

    def results(self, start: datetime) -> list[Result]:
        """Return all that is kept of a bucket."""
        dataset, segment = self._where
        store = self._shelf.store
        ours = [each[:2] for each in store.state.sources() if each.dataset == dataset]
        return load_results(store, ours, segment=segment, bucket=start)

    def view(self, start: datetime) -> ProfileView:
        """Return what a bucket holds."""
        return self._shelf.contents(*self._where, start).view

    def monitor(self, results: Sequence[Result]) -> ComparingMonitor | None:
        """Return whose baseline is shown: the first on drift, or else the first that compared."""
        names = {result.monitor for result in results if result.baseline}
        for monitor in self._monitors:
            if monitor.name in names and self._sees(monitor.baseline.dataset or monitor.dataset):
                return monitor
        return None

    @cached_property
    def _monitors(self) -> list[ComparingMonitor]:
        sources = self._shelf.store.state.sources()
        ours = [each for each in sources if each.dataset == self.history.dataset]
        found = map(monitor_of, sorted(ours, key=lambda source: source.rank))
        comparing = (monitor for monitor in found if isinstance(monitor, ComparingMonitor))
        return sorted(comparing, key=lambda monitor: monitor.type != "drift")

    def baseline(
        self, start: datetime, monitor: ComparingMonitor | None
    ) -> tuple[str, ProfileView]:
        """Return what a bucket is compared with, in words and as one profile."""
        nothing = ProfileView.merge_many([])
        if monitor is None:
            return "no baseline", nothing
        words, file = f"baseline of “{shorten(monitor.name, 60)}”: ", monitor.baseline.reference
        try:
            past = self._pasts(monitor)[start]
            view = ProfileView.merge_many(each.view for each in past)
        except (LightmeterError, OSError):
            return f"{words}{file.name if file else 'it'} cannot be read", nothing
        if file is not None:
            return f"{words}{file.name}", view
        if past.where != self._where:
            words += f"{shorten(' '.join(filter(None, past.where)), 120)}, "
        words += counted(len(past.starts), "bucket")
        if past.starts:
            words += f", {stretch_text(past.starts[0], past.starts[-1])}"
        return words, view

    def levels(self, feature: str, monitor: ComparingMonitor | None) -> list[Level]:
        """Return a feature in the last buckets."""
        level = cache(partial(_level, feature))  # of buckets, which are in many baselines

        @cache
        def band(past: Past | None) -> tuple[float | None, float | None]:
            values = [
                value
                for summary in (past.summaries if past else ())
                if summary.kinds.get(feature) != "hue"  # which goes round
                if (value := level(summary)) is not None
            ]
            return (min(values), max(values)) if values else (None, None)

        try:
            pasts = {} if monitor is None else self._pasts(monitor)
        except (LightmeterError, OSError):
            pasts = {}
        levels = []
        for bucket in self.history.buckets[-RECENT:]:
            summary = self._shelf.in_short(*self._where, bucket.start)
            levels.append(Level(bucket.start, level(summary), *band(pasts.get(bucket.start))))
        return levels

    def _pasts(self, monitor: ComparingMonitor) -> Mapping[datetime, Past]:
        """Return what each bucket is compared with that has a page or is one of the last."""
        if monitor.name in self._kept:
            return self._kept[monitor.name]
        state, buckets = self._shelf.store.state, self.history.buckets
        wanted = {*self.history.paged, *(bucket.start for bucket in buckets[-RECENT:])}
        judged = state.judged(monitor.name, *self._where)
        bad = {key[1] for key, each in judged.items() if not BAD.isdisjoint(each.states)}
        selection = Selection(self._shelf, monitor, self._where[1], bad.__contains__)
        pasts = {each.start: selection.past(each) for each in buckets if each.start in wanted}
        return self._kept.setdefault(monitor.name, pasts)


def _level(feature: str, summary: Summary) -> float | None:
    """Return the mean of numbers, the mean direction of hues, or a rate; None without any."""
    name = column_of(feature)
    if name not in summary.kinds:
        return None
    column = summary.table[:, summary.names.index(name)].tolist()
    n, missing, values, odd = (column[row] for row in (N, MISSING, VALUES, ODD))
    hits, total = {
        f"{name}:missing": (missing, missing + values),
        f"{name}:not a number": (odd, n + odd),
    }.get(feature, (values, missing + values))
    kind = summary.kinds[name]
    if feature != name or kind == "failure":
        return hits / total if total else None
    if kind == "hue" and n:
        return math.atan2(column[SINE], column[COSINE]) / math.tau * HUE_STEPS % HUE_STEPS
    return column[MEAN] if kind == "number" and n else None
