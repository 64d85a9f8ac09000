"""Charts of what monitors judged over time, with its limit; of drift this is a distance."""

from collections.abc import Container, Mapping, Sequence
from math import inf

from lightmeter.dashboard.history import STATES, History
from lightmeter.dashboard.parts import RECENT, feature_name, marks
from lightmeter.monitor.results import Result
from lightmeter.report.charts.document import section
from lightmeter.report.charts.html import Html, tag
from lightmeter.report.charts.lines import trend
from lightmeter.store.records import Line
from lightmeter.text import count, shorten

_MOST = 6
_DRIFT = {"what": "distance", "band": "no drift"}


def drift_timeline(page: str, history: History, drift: Container[Line]) -> Html | None:
    """The drift of the features that need a look first; None where none was judged."""
    lines = [line for line in history.lines if line in drift]
    drawn = sorted(lines, key=lambda line: _rank(history, line))[:_MOST]
    charts = [
        tag(
            "figure",
            tag("h3", feature_name(page, line)),
            chart,
            tag("p", "by ", tag("bdi", shorten(line.monitor, 60)), cls="quiet"),
        )
        for at, line in enumerate(drawn)
        if (chart := _chart(page, history, line, history.lines[line][-RECENT:], f"t{at}", _DRIFT))
    ]
    if not charts:
        return None
    words = "How far a bucket is from what it is compared with. Above the dashed line is an anomaly"
    if len(lines) > len(drawn):
        words += f". {count(len(lines) - len(drawn))} more are in the table below"
    return section(
        "Drift over time",
        tag("p", f"{words}.", cls="quiet"),
        tag("div", charts, cls="cards"),
        ident="drift",
    )


def line_chart(
    page: str, history: History, line: Line, results: Sequence[Result], ident: str
) -> Html | None:
    """What was judged of a line; None where nothing could be drawn."""
    chart = _chart(page, history, line, results, ident)
    return tag("figure", chart, cls="trend") if chart is not None else None


def _chart(
    page: str,
    history: History,
    line: Line,
    results: Sequence[Result],
    ident: str,
    names: Mapping[str, str] = {},
) -> Html | None:
    drawn = marks(results, page, history)
    if not any(mark.value is not None or mark.bad or mark.failed for mark in drawn):
        return None
    title = f"{line.feature} by {shorten(line.monitor, 80)}"
    return trend(title, drawn, **names).inline(ident)


def _rank(history: History, line: Line) -> tuple[int, float, Line]:
    """What is anomalous now comes first, then what was farthest over its limit lately."""
    recent = history.lines[line][-RECENT:]
    over = (result.value / result.upper for result in recent if result.value and result.upper)
    return STATES.index(history.state_of(line)), -max(over, default=-inf), line
