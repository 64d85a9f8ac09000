"""What a notebook shows of a comparison.

It has to survive a notebook that nobody has declared trusted: JupyterLab then drops scripts, style
sheets, inline SVG and frames, and keeps tables, inline styles and images.
"""

from itertools import islice

from lightmeter.drift.compare import Comparison
from lightmeter.drift.describe.findings import headline
from lightmeter.drift.verdict import CHANGED
from lightmeter.report.card import said_first, verdict_badge
from lightmeter.report.charts.features import chart_of
from lightmeter.report.charts.html import Html, tag
from lightmeter.report.numbers import cells
from lightmeter.report.where import heat_maps, on_heat_map
from lightmeter.text import counted

_CELL = "text-align:left;padding:2px 10px"  # the style of a cell of a table
_MOST_CHARTS = 6
_MOST_FINDINGS = 12
_MOST_ROWS = 40


def notebook_html(comparison: Comparison) -> Html:
    """The comparison in the elements and styles that an untrusted notebook keeps."""
    changed = [line for line in comparison.features if line.verdict in CHANGED]
    told, left = comparison.findings, len(comparison.findings) - _MOST_FINDINGS
    listed = (
        tag("li", tag("b", each.sentence), f" ({each.lines[0].verdict}; {each.certainty})")
        for each in told[:_MOST_FINDINGS]
    )
    rows = [
        {"feature": line.feature, "verdict": verdict_badge(line), **cells(line)}
        for line in comparison.features[:_MOST_ROWS]
    ]
    head = tag("tr", (tag("th", name, style=_CELL) for name in rows[0])) if rows else None
    body = (tag("tr", (tag("td", cell, style=_CELL) for cell in row.values())) for row in rows)
    more = len(comparison.features) - _MOST_ROWS
    grids = heat_maps(comparison.features) if any(map(on_heat_map, changed)) else ()
    sides = comparison.target, comparison.reference
    charts = (chart_of(line, *sides) for line in changed if not on_heat_map(line))
    return tag(
        "div",
        said_first(comparison),
        tag("h3", headline(comparison.features)),
        tag("ul", listed) if changed else None,
        tag("p", f"and {left} more") if left > 0 else None,
        tag("table", tag("thead", head), tag("tbody", body)),
        tag("p", f"and {counted(more, 'more feature')}") if more > 0 else None,
        (tag("p", note) for note in comparison.notes),
        (chart.image_tag() for chart, _ in grids),
        (chart.image_tag() for chart in islice(charts, _MOST_CHARTS) if chart is not None),
    )
