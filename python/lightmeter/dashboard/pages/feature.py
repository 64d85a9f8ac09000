"""The page of a feature: its level over time, and the results of each monitor."""

from collections.abc import Sequence
from dataclasses import replace

from lightmeter.dashboard.compared import Compared
from lightmeter.dashboard.history import worst
from lightmeter.dashboard.pages.parts import (
    Extras,
    assumption,
    header,
    judged,
    link,
    mark_of,
    quoted,
    words_of,
)
from lightmeter.drift.row import column_of
from lightmeter.monitor.results import bucket_text
from lightmeter.report.charts.html import Content, Html, document, section, table, tag
from lightmeter.report.charts.lines import trend
from lightmeter.store.tables import Series
from lightmeter.text import shorten

_IN_TABLE = 14  # buckets


def feature_html(compared: Compared, feature: str, extras: Extras) -> Html:
    """Return the page of a feature in the buckets of a dataset or segment."""
    history, page = compared.history, compared.history.feature_page(feature)
    series = [each for each in compared.series if each.feature == feature]
    charts, tables = [_level(compared, page, feature, series)], []
    for at, each in enumerate(series):
        results = compared.series[each]
        marks = [mark_of(result, page, history) for result in results]
        if any(mark.value is not None or mark.bad or mark.failed for mark in marks):
            chart = trend(f"{feature} by {shorten(each.monitor, 80)}", marks)
            title = tag("h3", "Judged by ", quoted(each.monitor))
            charts.append(tag("figure", title, chart.inline(f"m{at}")))
        recent = results[: -_IN_TABLE - 1 : -1]
        rows = (
            {
                "bucket": link(page, history.bucket_page(result.bucket), bucket_text(result.bucket))
                if result.bucket in history.paged
                else bucket_text(result.bucket),
                **judged(result),
            }
            for result in recent
        )
        shown = table(f"v{at}", rows, left={"state"}, words={"in words"})
        title = tag("h2", "The last values of ", quoted(each.monitor), id=f"v{at}")
        tables.append(tag("section", title, shown, assumption(recent)))
    state = worst(map(compared.state_of, series))
    return document(
        f"{feature}, {history.title}",
        header(page, history, "Feature", feature, state, history.title),
        tag("main", section("Over time", tag("div", charts, cls="cards wide")), tables),
        forms=extras.forms,
    )


def _level(compared: Compared, page: str, feature: str, series: Sequence[Series]) -> Html | None:
    """Draw a feature in its own unit with its baseline; return None without numbers."""
    history = compared.history
    results = [result for each in series for result in compared.series[each]]
    judged_bad = [mark_of(each, page, history) for each in results if each.state == "anomaly"]
    bad = {mark.at: mark.to for mark in judged_bad}
    changed = [result for each in series if (result := compared.series[each][-1]).since]
    since = changed[0].since if changed else None
    monitor = compared.monitor(changed or results)
    levels = compared.levels(feature, monitor, since)
    marks = [replace(each, bad=each.at in bad, to=bad.get(each.at)) for each in levels]
    if not any(mark.value is not None for mark in marks):
        return None
    what, words = "rate" if column_of(feature) != feature else "mean", list[Content]()
    if monitor is not None:
        words += ["The band is the range of the baseline of ", quoted(monitor.name), ". "]
    if changed:
        words.append(
            "The vertical line is the earliest day on which the change may have begun; the "
            "horizontal lines are the medians before it and of the last 7 buckets: "
            f"{words_of(changed[0])}."
        )
    return tag(
        "figure",
        tag("h3", f"The {what} of the feature"),
        trend(feature, marks, what=what, band="baseline", since=since).inline("level"),
        tag("p", words, cls="quiet"),
    )
