"""Writing the site of a store."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lightmeter._core import __version__
from lightmeter.dashboard.history import History
from lightmeter.dashboard.pages.bucket import ShownBucket, bucket_html
from lightmeter.dashboard.pages.dataset import dataset_html
from lightmeter.dashboard.pages.feature import feature_html
from lightmeter.dashboard.pages.index import index_html
from lightmeter.dashboard.shown_baseline import (
    ShownMonitors,
    bucket_digests,
    find_baseline,
    read_bucket,
)
from lightmeter.dashboard.site import Site, Written
from lightmeter.drift import compare_views
from lightmeter.monitor.incidents import find_incidents, line_of, lines_of
from lightmeter.monitor.results import Result
from lightmeter.profile.names import Group, groups_of
from lightmeter.profile.segments import segment_text
from lightmeter.store.store import Store
from lightmeter.times import to_utc

__all__ = ["write_dashboard"]

# Of segments, of which there may be many, fewer buckets have a page.
_SEGMENT_BUCKETS = 7


def write_dashboard(
    store: Store,
    out: str | os.PathLike[str],
    results: Iterable[Result] = (),
    *,
    buckets: int | None = None,
    now: datetime | None = None,
) -> Written:
    """Write a site about everything in `store`, changing only files whose content changes.

    The distributions of a bucket are drawn against the baseline of the first drift monitor of its
    dataset or segment, or else of the first monitor that has one; where there is none, against the
    7 buckets before it in which no monitor found an anomaly. The page says which.

    Args:
        store: what is shown.
        out: the folder; a new one, an empty one, or one that was written before.
        results: what the monitors say, of all buckets.
        buckets: how many of a dataset have a page: the latest so many, and the latest so many with
            an anomaly; None for all of them. Of each segment, 7 at most of both.
        now: the time, which says what is snoozed; None takes the clock. Without a time zone it is
            local time.

    Raises:
        StoreError: the store cannot be read.
        OSError: the site cannot be written; `FileExistsError` if `out` holds something else.
    """
    site = Site(out)
    acknowledged = store.state.acknowledged()
    accepted = store.state.accepted()
    snoozes = store.state.snoozed(to_utc(now or datetime.now(UTC)))
    of_segment: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    monitors = ShownMonitors()
    for result in results:
        monitors.add(result)
        of_segment[result.dataset, segment_text(result.segment)].append(result)
    pages: set[str] = set()
    datasets: dict[str, list[History]] = {}
    for dataset in store.datasets():
        segments = sorted(store.segments(dataset), key=segment_text)
        if {} not in segments:
            segments.insert(0, {})
        briefs: list[History] = []
        for segment in reversed(segments):  # the whole of it last, whose page lists the others
            text = segment_text(segment)
            lines = lines_of(of_segment.pop((dataset, text), ()))
            history = History(
                dataset=dataset,
                segment=segment,
                segment_text=text,
                buckets=store.buckets(dataset, segment=segment),
                lines=lines,
                incidents=find_incidents(lines),
                acknowledged=acknowledged,
                snoozes=snoozes,
                accepted=accepted,
            )
            _write_history(site, store, history, briefs, buckets, pages, monitors)
            # What other pages say of it; of many segments the results take up most of the memory.
            last = {line: results[-1:] for line, results in lines.items()}
            briefs.insert(0, replace(history, lines=last))
        datasets[dataset] = briefs
    site.write("index.html", index_html(datasets, pages))
    return site.finish()


def _write_history(
    site: Site,
    store: Store,
    history: History,
    segments: list[History],
    most: int | None,
    pages: set[str],
    monitors: ShownMonitors,
) -> None:
    """The pages of a dataset or segment; their paths are added to `pages`."""
    most = len(history.buckets) if most is None else most
    starts = _shown(history, min(most, _SEGMENT_BUCKETS) if history.segment else most)
    pages |= {history.bucket_page(start) for start in starts}
    for bucket in _buckets(history, starts):
        _write_bucket(site, store, bucket, monitors)
    for feature, lines in history.features().items():
        if feature:
            html = feature_html(history, feature, lines, pages)
            site.write(history.feature_page(feature), html)
    segments = [] if history.segment else segments
    site.write(history.page, dataset_html(history, segments, pages, _groups(store, history)))


def _groups(store: Store, history: History) -> dict[str, Group]:
    """What the features of the last bucket are about."""
    if not history.lines or not history.buckets:
        return {}
    last = history.buckets[-1].start
    return groups_of(read_bucket(store, history.dataset, history.segment_text, last)._core)


def _shown(history: History, most: int) -> list[datetime]:
    """Starts of the buckets that have a page."""
    starts = [bucket.start for bucket in history.buckets]
    anomalous = [start for start in starts if start in history.anomalous]
    return sorted({*starts[-most:], *anomalous[-most:]}) if most > 0 else []


def _buckets(history: History, starts: Sequence[datetime]) -> Iterator[ShownBucket]:
    results: dict[datetime, list[Result]] = {start: [] for start in starts}
    for line in history.lines.values():
        for result in line:
            if result.start in results:
                results[result.start].append(result)
    for before, start, after in zip([None, *starts], starts, [*starts[1:], None], strict=False):
        yield ShownBucket(history, start, results[start], before, after)


def _write_bucket(site: Site, store: Store, bucket: ShownBucket, monitors: ShownMonitors) -> None:
    """Reading and comparing profiles takes a while, so what they are made of is looked at first."""
    history = bucket.history
    where = history.dataset, history.segment_text, bucket.start
    baseline = find_baseline(store, history, bucket.start, monitors)
    digests = bucket_digests(store, *where)
    results = [
        (line_of(result), result.state, result.value, result.lower, result.upper, result.words)
        for result in bucket.results
    ]
    neighbours = bucket.before, bucket.after
    made_of = __version__, baseline.words, baseline.made_of, digests, *neighbours, results
    inputs = hashlib.sha256(repr(made_of).encode()).hexdigest()
    if site.is_fresh(bucket.page, inputs):
        return
    comparison = compare_views(target=read_bucket(store, *where), reference=baseline.read())
    site.write(bucket.page, bucket_html(bucket, comparison, baseline.words), inputs)
