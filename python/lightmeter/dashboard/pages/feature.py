"""The page of a feature: for each monitor a chart, what happened, and the values."""

from collections.abc import Sequence
from dataclasses import replace

from lightmeter.dashboard.history import History, grouped, worst
from lightmeter.dashboard.parts import RECENT, badge, crumbs, feed, head, link, marks
from lightmeter.draw.document import document, table
from lightmeter.draw.html import Content, Html, joined, tag
from lightmeter.draw.lines import Mark, expected, trend
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_text, slug
from lightmeter.store.records import Line
from lightmeter.text import number, shorten

__all__ = ["feature_html"]


def feature_html(history: History, feature: str, lines: Sequence[Line], pages: set[str]) -> Html:
    """The page.

    Args:
        history: of the dataset or segment.
        feature: its name.
        lines: of the feature, one for each monitor.
        pages: paths of the pages of buckets that there are.
    """
    page = history.feature_page(feature)
    state = worst(history.state_of(line) for line in lines)
    return document(
        f"{feature}, {history.title}",
        tag(
            "header", crumbs(page, history, feature), head("Feature", feature, state, history.title)
        ),
        tag("main", (_line(page, history, line, pages, at) for at, line in enumerate(lines))),
    )


def _line(page: str, history: History, line: Line, pages: set[str], at: int) -> Html:
    monitor = shorten(line.monitor, 80)
    results = history.lines[line]
    incidents = [incident for incident in history.incidents if incident.line == line]
    groups = grouped([replace(history, incidents=incidents)])
    return tag(
        "section",
        tag("h2", tag("bdi", monitor), id=f"m{at}"),
        _chart(f"{line.feature} by {monitor}", marks(results), f"c{at}"),
        feed(page, groups, pages),
        _values(page, history, line, pages, f"v{at}"),
    )


def _chart(title: str, drawn: Sequence[Mark], ident: str) -> Html | None:
    """None where nothing could be drawn."""
    if not any(mark.value is not None or mark.bad or mark.failed for mark in drawn):
        return None
    return tag("figure", trend(title, drawn).inline(ident), cls="trend")


def _values(page: str, history: History, line: Line, pages: set[str], ident: str) -> Html:
    recent = history.lines[line][-RECENT:]

    def row(result: Result) -> dict[str, Content]:
        to = history.bucket_page(result.start)
        bucket = bucket_text(result.start)
        return {
            "bucket": link(page, f"{to}#f-{slug(line.feature)}", bucket) if to in pages else bucket,
            "value": number(result.value),
            "expected": expected(result.lower, result.upper),
            "state": badge(result.state),
            "in words": shorten(result.words, 200),
        }

    rows = map(row, reversed(recent))
    shown = table(ident, rows, left={"state"}, words={"in words"}, tall=True)
    return joined(tag("h3", f"The last {len(recent)} values", id=ident), shown)
