"""The page of a dataset or segment: its segments, features and anomalies."""

from collections.abc import Sequence

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import RECENT, History, events_of
from lightmeter.dashboard.parts import (
    badge,
    crumbs,
    feature_name,
    feed,
    head,
    mark_of,
    overview_row,
    quoted,
)
from lightmeter.monitor.sitemap import stretch_text
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Content, Html, tag
from lightmeter.report.charts.lines import expected, sparkline, trend
from lightmeter.store.records import Line
from lightmeter.text import counted, number

_MOST_CHARTS = 6
_NOT_JUDGED = tag("p", "No monitor has judged this yet.")
_HOW_TO_JUDGE = tag("p", "See ", tag("code", "lightmeter monitor run"), ".", cls="quiet")


def dataset_html(history: History, segments: Sequence[History], extras: Extras) -> Html:
    """Make the page of a dataset or segment, whose `segments` are known in brief."""
    page, note = history.page, "no buckets"
    if history.buckets:
        images = sum(bucket.images for bucket in history.buckets)
        span = stretch_text(history.buckets[0].start, history.buckets[-1].start)
        note = f"{counted(len(history.buckets), 'bucket')}, {span}, {counted(images, 'image')}"
    kind = "Segment" if history.segment else "Dataset"
    rows = [
        overview_row(page, "segment", each.segment, [each], [extras.state_of(each)])
        for each in segments
    ]
    features: Content = table(
        "features",
        (_row(history, line, state) for line, state in history.ranked),
        left={"state", f"last {RECENT} buckets", "monitor"},
    )
    if not history.lines:  # a live page has a button for it
        features = _NOT_JUDGED, None if extras.forms else _HOW_TO_JUDGE
    return document(
        history.title,
        tag(
            "header",
            crumbs(page, history),
            head(kind, history.title, extras.state_of(history), note),
        ),
        tag(
            "main",
            extras.on_dataset(page, history),
            section("Segments", table("segments", rows, left={"state"}), ident="segments")
            if rows
            else None,
            section("Anomalies", feed(page, events_of([history]))),
            _over_time(history),
            section("Features", features, ident="features"),
        ),
        forms=extras.forms,
    )


def _row(history: History, line: Line, state: str) -> dict[str, Content]:
    results = history.lines[line]
    return {
        "feature": feature_name(history.page, history, line),
        "state": badge(state),
        f"last {RECENT} buckets": sparkline(list(map(mark_of, results))),
        "last value": number(results[-1].value),
        "expected": expected(results[-1].lower, results[-1].upper),
        "monitor": quoted(line.monitor),
    }


def _over_time(history: History) -> Html | None:
    """Draw what was judged of the features that need a look; None where nothing was."""
    page = history.page
    several = len({line.monitor for line in history.lines}) > 1
    charts: list[Html] = []
    for line, _ in history.ranked:
        marks = [mark_of(result, page, history) for result in history.lines[line]]
        if len(charts) < _MOST_CHARTS and any(m.value is not None and m.upper for m in marks):
            title = f"{line.feature} by {line.monitor}"
            chart = trend(title, marks, what="distance", band="no anomaly")
            name = tag("h3", feature_name(page, history, line))
            by = tag("p", "by ", quoted(line.monitor), cls="quiet") if several else None
            charts.append(tag("figure", name, chart.inline(f"t{len(charts)}"), by))
    if not charts:
        return None
    words = (
        "How far a bucket is from what it is compared with. Above the dashed line is an anomaly."
    )
    words_of_it = tag("p", words, cls="quiet")
    return section("Over time", words_of_it, tag("div", charts, cls="cards"), ident="time")
