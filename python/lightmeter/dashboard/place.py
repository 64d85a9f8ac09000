"""The pages about a dataset or a segment, each made when it is asked for."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial

from lightmeter._core import __version__
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History
from lightmeter.dashboard.pages.bucket import ShownBucket, bucket_html
from lightmeter.dashboard.pages.dataset import dataset_html
from lightmeter.dashboard.pages.feature import feature_html
from lightmeter.dashboard.shown_baseline import (
    ShownBaseline,
    ShownMonitors,
    bucket_digests,
    find_baseline,
    read_bucket,
)
from lightmeter.drift import compare_views
from lightmeter.drift.names import Group, groups_of
from lightmeter.monitor.incidents import line_of
from lightmeter.monitor.results import Result
from lightmeter.report.charts.html import Html
from lightmeter.store.store import Store


class Page:
    """A page that can be made.

    Attributes:
        path: of the page.
        html: makes it.
    """

    def __init__(self, path: str, html: Callable[[], Html]) -> None:
        """Nothing is made yet."""
        self.path, self.html = path, html

    @property
    def inputs(self) -> str | None:
        """A digest of what it is made of, where that is quicker to have than the page."""
        return None


@dataclass(frozen=True)
class PlacePages:
    """The pages about a dataset or a segment.

    Attributes:
        store: what is shown.
        history: of the dataset or segment.
        segments: those of its segments, in brief.
        monitors: whose baselines are shown.
        extras: what is added.
    """

    store: Store
    history: History
    segments: Sequence[History]
    monitors: ShownMonitors
    extras: Extras

    def __iter__(self) -> Iterator[Page]:
        """All of them."""
        starts = [each.start for each in self.history.buckets if each.start in self.history.shown]
        results: dict[datetime, list[Result]] = {start: [] for start in starts}
        for line in self.history.lines.values():
            for result in line:
                if result.bucket in results:
                    results[result.bucket].append(result)
        neighbours = zip([None, *starts], starts, [*starts[1:], None], strict=False)
        for before, start, after in neighbours:
            bucket = ShownBucket(self.history, start, results[start], before, after)
            yield _BucketPage(self.store, bucket, self.monitors)
        for feature, lines in self.history.features().items():
            if feature:
                html = partial(feature_html, self.history, feature, lines, self.extras)
                yield Page(self.history.feature_page(feature), html)
        yield Page(self.history.page, self._overview)

    def _overview(self) -> Html:
        drift = {
            line
            for line in self.history.lines
            if line.feature and self.monitors.is_drift(line.dataset, line.monitor)
        }
        return dataset_html(self.history, self.segments, self._groups(), drift, self.extras)

    def _groups(self) -> dict[str, Group]:
        """What the features of the last bucket are about."""
        history = self.history
        if not history.lines or not history.buckets:
            return {}
        last = history.buckets[-1].start
        view = read_bucket(self.store, history.dataset, history.segment_text, last)
        return groups_of(view._core)


class _BucketPage(Page):
    """Reading and comparing profiles takes a while, so what they are made of is looked at first."""

    def __init__(self, store: Store, bucket: ShownBucket, monitors: ShownMonitors) -> None:
        super().__init__(bucket.page, self._compared)
        self._store, self._bucket, self._monitors = store, bucket, monitors
        history = bucket.history
        self._place = history.dataset, history.segment_text, bucket.start

    @cached_property
    def _baseline(self) -> ShownBaseline:
        bucket = self._bucket
        judged_by = {result.monitor for result in bucket.results if result.baseline}
        monitor = self._monitors.of(bucket.history.dataset, judged_by)
        return find_baseline(self._store, bucket.history, bucket.start, monitor)

    @property
    def inputs(self) -> str:
        bucket, baseline = self._bucket, self._baseline
        digests = bucket_digests(self._store, *self._place)
        results = [
            (line_of(result), result.state, result.value, result.lower, result.upper, result.words)
            for result in bucket.results
        ]
        neighbours = bucket.before, bucket.after
        made_of = __version__, baseline.words, baseline.made_of, digests, *neighbours, results
        return hashlib.sha256(repr(made_of).encode()).hexdigest()

    def _compared(self) -> Html:
        target = read_bucket(self._store, *self._place)
        comparison = compare_views(target=target, reference=self._baseline.read(), tested=False)
        return bucket_html(self._bucket, comparison, self._baseline.words)
