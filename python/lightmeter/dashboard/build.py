"""Writing the site of a store."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from lightmeter._core import __version__
from lightmeter.dashboard.baseline import Chosen, bucket_digests, find_baseline, read_bucket
from lightmeter.dashboard.bucket import Day, bucket_html
from lightmeter.dashboard.pages import feature_html, index_html, scene_html
from lightmeter.dashboard.scene import Scene
from lightmeter.dashboard.site import Site, Written
from lightmeter.drift import compare_views
from lightmeter.monitor.incidents import find_incidents, line_of, lines_of
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_page, feature_page, segment_page
from lightmeter.store.buckets import segment_text
from lightmeter.store.store import Store
from lightmeter.times import to_utc

__all__ = ["write_dashboard"]

# Of segments, of which there may be many, fewer buckets have a page.
_SEGMENT_DAYS = 7


def write_dashboard(
    store: Store,
    out: str | os.PathLike[str],
    results: Iterable[Result] = (),
    *,
    days: int | None = None,
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
        days: how many buckets of a dataset have a page: the latest so many, and the latest so many
            with an anomaly; None for all of them. Of each segment, 7 at most of both.
        now: the time, which says what is snoozed; None takes the clock. Without a time zone it is
            local time.

    Raises:
        StoreError: the store cannot be read.
        OSError: the site cannot be written; `FileExistsError` if `out` holds something else.
    """
    site = Site(out)
    acknowledged = store.state.acknowledged()
    snoozes = store.state.snoozed(to_utc(now or datetime.now(UTC)))
    by_segment: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    chosen = Chosen()
    for result in results:
        chosen.add(result)
        by_segment[result.dataset, segment_text(result.segment)].append(result)
    pages: set[str] = set()
    scenes: dict[str, list[Scene]] = {}
    for dataset in store.datasets():
        segments = sorted(store.segments(dataset), key=segment_text)
        if {} not in segments:
            segments.insert(0, {})
        briefs: list[Scene] = []
        for segment in reversed(segments):  # the whole of it last, whose page lists the others
            place = segment_text(segment)
            lines = lines_of(by_segment.pop((dataset, place), ()))
            incidents = find_incidents(lines)
            buckets = store.buckets(dataset, segment=segment)
            scene = Scene(dataset, segment, place, buckets, lines, incidents, acknowledged, snoozes)
            _write_scene(site, store, scene, briefs, days, pages, chosen)
            # What other pages say of it; of many segments the results take up most of the memory.
            last = {line: history[-1:] for line, history in lines.items()}
            briefs.insert(0, replace(scene, lines=last))
        scenes[dataset] = briefs
    site.write("index.html", index_html(scenes, pages))
    return site.finish()


def _write_scene(
    site: Site,
    store: Store,
    scene: Scene,
    briefs: list[Scene],
    days: int | None,
    pages: set[str],
    chosen: Chosen,
) -> None:
    most = len(scene.buckets) if days is None else days
    shown = _shown(scene, min(most, _SEGMENT_DAYS) if scene.segment else most)
    pages |= {bucket_page(scene.dataset, scene.place, start) for start in shown}
    for day in _days(scene, shown):
        _write_day(site, store, day, chosen)
    for feature, lines in scene.features().items():
        if feature:
            path = feature_page(scene.dataset, scene.place, feature)
            site.write(path, feature_html(scene, feature, lines, pages))
    segments = () if scene.segment else briefs
    site.write(segment_page(scene.dataset, scene.place), scene_html(scene, segments, pages))


def _shown(scene: Scene, days: int) -> list[datetime]:
    starts = [bucket.start for bucket in scene.buckets]
    anomalous = [start for start in starts if start in scene.anomalous]
    return sorted({*starts[-days:], *anomalous[-days:]}) if days > 0 else []


def _days(scene: Scene, shown: list[datetime]) -> Iterator[Day]:
    by_start: dict[datetime, list[Result]] = {start: [] for start in shown}
    for results in scene.lines.values():
        for result in results:
            if result.start in by_start:
                by_start[result.start].append(result)
    for before, start, after in zip([None, *shown], shown, [*shown[1:], None], strict=False):
        yield Day(scene, start, by_start[start], before, after)


def _write_day(site: Site, store: Store, day: Day, chosen: Chosen) -> None:
    """Reading and comparing profiles takes a while, so what they are made of is looked at first."""
    bucket = day.scene.dataset, day.scene.place, day.start
    baseline = find_baseline(store, day.scene, day.start, chosen)
    digests = bucket_digests(store, *bucket)
    said = [(line_of(result), *result[1:6]) for result in day.results]
    made_of = __version__, baseline.words, baseline.made_of, digests, day.before, day.after, said
    inputs = hashlib.sha256(repr(made_of).encode()).hexdigest()
    if site.is_fresh(day.page, inputs):
        return
    comparison = compare_views(target=read_bucket(store, *bucket), reference=baseline.read())
    site.write(day.page, bucket_html(day, comparison, baseline.words), inputs)
