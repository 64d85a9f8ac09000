"""What a notebook shows of a comparison.

It has to survive a notebook that nobody has declared trusted: JupyterLab then drops scripts, style
sheets, inline SVG and frames, and keeps tables, inline styles and images.
"""

from lightmeter.draw.html import Html, tag
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.feature import FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.drift.words import headline, sentence
from lightmeter.report.card import verdict_badge
from lightmeter.report.charts import chart_of
from lightmeter.report.numbers import change
from lightmeter.text import number

__all__ = ["CELL", "notebook_html"]

CELL = "text-align:left;padding:2px 10px"  # the style of a cell of a table
_MOST_CHARTS = 6
_MOST_ROWS = 40


def notebook_html(comparison: Comparison) -> Html:
    """The comparison in the elements and styles that an untrusted notebook keeps."""
    changed = [line for line in comparison.features if line.verdict in CHANGED]
    findings = (
        tag("li", tag("b", sentence(line)), f" ({line.verdict}; {line.reason})")
        for line in changed[:_MOST_ROWS]
    )
    heads = ("feature", "verdict", "change", "difference", "p", "q", "values, ref. / target")
    head = tag("tr", (tag("th", head, style=CELL) for head in heads))
    body = (
        tag("tr", (tag("td", cell, style=CELL) for cell in _cells(line)))
        for line in comparison.features[:_MOST_ROWS]
    )
    more = len(comparison.features) - _MOST_ROWS
    charts = (
        chart_of(line, comparison.target, comparison.reference) for line in changed[:_MOST_CHARTS]
    )
    return tag(
        "div",
        tag("h3", headline(comparison.features)),
        tag("ul", findings) if changed else None,
        tag("table", tag("thead", head), tag("tbody", body)),
        tag("p", f"and {more} more features") if more > 0 else None,
        (chart.image_tag() for chart in charts if chart is not None),
    )


def _cells(line: FeatureDrift) -> tuple[str, ...]:
    return (
        line.feature,
        verdict_badge(line),
        change(line),
        number(line.effect, 2),
        number(line.p_value, 2),
        number(line.q_value, 2),
        f"{line.n_reference:,} / {line.n_target:,}",
    )
