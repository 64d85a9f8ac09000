"""Where in the picture something changed: the grid of both sides as heat maps."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from lightmeter.drift.describe.findings import findings
from lightmeter.drift.names import GRID_SIDE
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.document import section
from lightmeter.report.charts.heat import Grid, heat_map
from lightmeter.report.charts.html import Html, tag

_TITLES = {"luma": "Brightness (mean luma)", "sharpness": "Sharpness"}


def on_heat_map(line: FeatureDrift) -> bool:
    """Whether a heat map shows the line, so that it needs no chart of its own."""
    return line.cell is not None and line.kind == "number"


def where(
    features: Iterable[FeatureDrift], anchor: Callable[[FeatureDrift], str] | None = None
) -> tuple[Html | None, dict[str, str]]:
    """The section with the heat maps, None without a grid; and the id of that of each feature.

    Args:
        features: those of other metrics are passed over.
        anchor: a further id for each feature.
    """
    figures: list[Html] = []
    idents: dict[str, str] = {}
    for index, (chart, lines) in enumerate(heat_maps(features)):
        told = findings([line for line in lines if line.verdict in CHANGED])
        idents |= {line.feature: f"f-grid-{index}" for line in lines}
        figures.append(
            tag(
                "figure",
                (tag("span", id=anchor(line)) for line in lines) if anchor else None,
                tag("h3", tag("bdi", chart.title)),
                (tag("p", f"{each.sentence}.") for each in told),
                chart.inline(f"f-map-{index}"),
                id=f"f-grid-{index}",
            )
        )
    if not figures:
        return None, idents
    words = "The pictures in 16 parts. Each number is the mean over all pictures of a side."
    grids = tag("div", figures, cls="cards wide")
    return section("Where in the picture", tag("p", words, cls="quiet"), grids), idents


def heat_maps(features: Iterable[FeatureDrift]) -> Iterator[tuple[Chart, list[FeatureDrift]]]:
    """Of each grid the chart and its lines."""
    grids: dict[tuple[str, str], list[FeatureDrift]] = {}
    for line in features:
        if line.cell is not None and on_heat_map(line):
            grids.setdefault((line.prefix, line.cell.number), []).append(line)
    several = len({prefix for prefix, _ in grids}) > 1
    for (prefix, number), lines in sorted(grids.items()):
        title = f"{prefix}: {_TITLES[number]}" if several else _TITLES[number]
        target, reference = _grid(lines, "level_target"), _grid(lines, "level_reference")
        yield heat_map(title, target, reference, light=number == "luma"), lines


def _grid(lines: Sequence[FeatureDrift], level: str) -> Grid:
    grid = np.full((GRID_SIDE, GRID_SIDE), np.nan)
    for line in lines:
        assert line.cell is not None
        grid[line.cell.row, line.cell.column] = getattr(line, level)
    return grid
