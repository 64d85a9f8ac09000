"""The page of a feature: for each monitor a chart, what happened, and the values."""

from collections.abc import Sequence
from dataclasses import replace

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History, events_of, worst
from lightmeter.dashboard.parts import RECENT, badge, bucket_address, crumbs, feed, head, link
from lightmeter.dashboard.timeline import line_chart
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.report.charts.document import document, table
from lightmeter.report.charts.html import Content, Html, joined, tag
from lightmeter.report.charts.lines import expected
from lightmeter.store.records import Line
from lightmeter.text import number, shorten


def feature_html(history: History, feature: str, lines: Sequence[Line], extras: Extras) -> Html:
    """The page.

    Args:
        history: of the dataset or segment.
        feature: its name.
        lines: of the feature, one for each monitor.
        extras: what is added.
    """
    page = history.feature_page(feature)
    state = worst(history.state_of(line) for line in lines)
    return document(
        f"{feature}, {history.title}",
        tag(
            "header", crumbs(page, history, feature), head("Feature", feature, state, history.title)
        ),
        tag("main", (_line(page, history, line, at) for at, line in enumerate(lines))),
        forms=extras.forms,
    )


def _line(page: str, history: History, line: Line, at: int) -> Html:
    monitor = shorten(line.monitor, 80)
    results = history.lines[line]
    mine = (
        replace(incident, stretches=(stretch,), start=stretch.start, end=stretch.end)
        for incident in history.incidents
        for stretch in incident.stretches
        if stretch.line == line
    )
    events = events_of([replace(history, incidents=list(mine))])
    return tag(
        "section",
        tag("h2", tag("bdi", monitor), id=f"m{at}"),
        line_chart(page, history, line, results, f"c{at}"),
        feed(page, events),
        _values(page, history, line, f"v{at}"),
    )


def _values(page: str, history: History, line: Line, ident: str) -> Html:
    recent = history.lines[line][-RECENT:]

    def row(result: Result) -> dict[str, Content]:
        bucket, to = (
            bucket_text(result.bucket),
            bucket_address(history, result.bucket, line.feature),
        )
        return {
            "bucket": link(page, to, bucket) if result.bucket in history.shown else bucket,
            "value": number(result.value),
            "expected": expected(result.lower, result.upper),
            "state": badge(result.state),
            "in words": shorten(result.words, 200),
        }

    rows = map(row, reversed(recent))
    shown = table(ident, rows, left={"state"}, words={"in words"}, tall=True)
    values = "value" if len(recent) == 1 else f"{len(recent)} values"
    return joined(tag("h3", f"The last {values}", id=ident), shown)
