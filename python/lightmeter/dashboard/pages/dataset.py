"""The page of a dataset or segment: its features, segments, anomalies and buckets."""

from collections.abc import Container, Mapping, Sequence

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History, events_of, segment_name
from lightmeter.dashboard.pages.overview import overview_row
from lightmeter.dashboard.parts import crumbs, feed, head, lines_table, link, pair
from lightmeter.dashboard.timeline import drift_timeline
from lightmeter.drift.names import Group
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Content, Html, tag
from lightmeter.store.records import Line

_NOT_JUDGED = tag("p", "No monitor has judged this yet.")
_HOW_TO_JUDGE = tag("p", "See ", tag("code", "lightmeter monitor run"), ".", cls="quiet")


def dataset_html(
    history: History,
    segments: Sequence[History],
    groups: Mapping[str, Group],
    drift: Container[Line],
    extras: Extras,
) -> Html:
    """The page.

    Args:
        history: of the dataset or segment.
        segments: those of its segments.
        groups: those of the features of its last bucket.
        drift: which lines a rule on drift judges.
        extras: what is added.
    """
    page = history.page
    note = "no buckets"
    if history.buckets:
        images = sum(bucket.images for bucket in history.buckets)
        span = pair(history.buckets[0].start, history.buckets[-1].start)
        many = f"{len(history.buckets):,} bucket{'' if len(history.buckets) == 1 else 's'}"
        note = f"{many}, {span}, {images:,} image{'' if images == 1 else 's'}"
    kind, state = "Segment" if history.segment else "Dataset", extras.state_of(history)
    lines: Content = lines_table(page, history, groups)
    if not history.lines:  # a live page has a button for it
        lines = _NOT_JUDGED, None if extras.forms else _HOW_TO_JUDGE
    return document(
        history.title,
        tag("header", crumbs(page, history), head(kind, history.title, state, note)),
        tag(
            "main",
            extras.on_dataset(page, history),
            _segments(page, segments, extras) if segments else None,
            drift_timeline(page, history, drift),
            section("Features", lines, ident="lines"),
            section("Anomalies", feed(page, events_of([history]))),
            _buckets(page, history),
        ),
        forms=extras.forms,
    )


def _segments(page: str, segments: Sequence[History], extras: Extras) -> Html:
    rows = (
        overview_row(
            page,
            "segment",
            segment_name(history.segment),
            [history],
            [extras.state_of(history)],
            {},
        )
        for history in segments
    )
    return section("Segments", table("segments", rows, left={"state"}), ident="segments")


def _buckets(page: str, history: History) -> Html | None:
    """Every bucket that has a page."""
    paths = {
        bucket.start: history.bucket_page(bucket.start)
        for bucket in history.buckets
        if bucket.start in history.shown
    }
    if not paths:
        return None
    all_shown = len(paths) == len(history.buckets)
    which = "Each" if all_shown else "The latest, and the latest with an anomaly"
    mark = tag("span", "●", tag("span", " anomaly", cls="hidden"), cls="verdict drift")
    buckets = (
        tag(
            "li",
            link(page, paths[start], bucket_text(start)),
            (" ", mark) if start in history.anomalous else None,
        )
        for start in sorted(paths, reverse=True)
    )
    words = tag("p", f"{which}: distributions against the baseline.", cls="quiet")
    return section("Buckets", words, tag("ul", buckets, cls="days"))
