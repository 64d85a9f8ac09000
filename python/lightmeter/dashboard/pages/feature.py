"""The page of a feature: its level over time, and what each monitor judged."""

from collections.abc import Sequence

from lightmeter.dashboard.compared import Compared
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import worst
from lightmeter.dashboard.parts import (
    assumption,
    badge,
    crumbs,
    head,
    link,
    mark_of,
    quoted,
    words_of,
)
from lightmeter.drift.row import column_of
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Content, Html, tag
from lightmeter.report.charts.lines import Mark, expected, trend
from lightmeter.store.records import Line
from lightmeter.text import number, shorten

_IN_TABLE = 14  # buckets


def feature_html(compared: Compared, feature: str, lines: Sequence[Line], extras: Extras) -> Html:
    """Make the page.

    Args:
        compared: the buckets of a dataset or segment.
        feature: its name.
        lines: of the feature, one for each monitor.
        extras: what is added.
    """
    history, page = compared.history, compared.history.feature_page(feature)
    state = worst(map(history.state_of, lines))
    judged = [_judged(compared, page, line, f"m{at}") for at, line in enumerate(lines)]
    charts = [_level(compared, page, feature, lines), *judged]
    return document(
        f"{feature}, {history.title}",
        tag("header", crumbs(page, history), head("Feature", feature, state, history.title)),
        tag(
            "main",
            section("Over time", tag("div", charts, cls="cards wide")),
            (_values(compared, page, line, f"v{at}") for at, line in enumerate(lines)),
        ),
        forms=extras.forms,
    )


def _level(compared: Compared, page: str, feature: str, lines: Sequence[Line]) -> Html | None:
    """Draw the feature in its own unit with its baseline; None of one without numbers."""
    history = compared.history
    results = [result for line in lines for result in history.lines[line]]
    monitor = compared.monitor(results)
    bad = {
        each.bucket: mark_of(each, page, history).to for each in results if each.state == "anomaly"
    }
    marks = [
        Mark(start, value, low, high, bad=start in bad, to=bad.get(start))
        for start, value, low, high in compared.levels(feature, monitor)
    ]
    if not any(mark.value is not None for mark in marks):
        return None
    what = "rate" if column_of(feature) != feature else "mean"
    words: Content = "Each bucket."
    if monitor is not None:
        band = " The band is from the lowest to the highest bucket of the baseline of "
        words = words, band, quoted(monitor.name), "."
    return tag(
        "figure",
        tag("h3", f"The {what} itself"),
        trend(feature, marks, what=what, band="baseline").inline("level"),
        tag("p", words, cls="quiet"),
    )


def _judged(compared: Compared, page: str, line: Line, ident: str) -> Html | None:
    """Draw what a monitor judged; None where nothing could be drawn."""
    results = compared.history.lines[line]
    marks = [mark_of(result, page, compared.history) for result in results]
    if not any(mark.value is not None or mark.bad or mark.failed for mark in marks):
        return None
    chart = trend(f"{line.feature} by {shorten(line.monitor, 80)}", marks)
    return tag("figure", tag("h3", "Judged by ", quoted(line.monitor)), chart.inline(ident))


def _values(compared: Compared, page: str, line: Line, ident: str) -> Html:
    history = compared.history

    def row(result: Result) -> dict[str, Content]:
        bucket = bucket_text(result.bucket)
        is_paged = result.bucket in history.paged
        return {
            "bucket": link(page, history.bucket_page(result.bucket), bucket)
            if is_paged
            else bucket,
            "state": badge(result.state),
            "value": number(result.value),
            "expected": expected(result.lower, result.upper),
            "in words": words_of(result),
        }

    recent = history.lines[line][-_IN_TABLE:]
    shown = table(ident, map(row, reversed(recent)), left={"state"}, words={"in words"})
    title = tag("h2", "The last values of ", quoted(line.monitor), id=ident)
    return tag("section", title, shown, assumption(recent))
