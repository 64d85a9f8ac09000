"""Choosing the chart of a feature, and drawing bars of categories."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from lightmeter.drift.compare import Comparison
from lightmeter.drift.row import FeatureDrift
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.features import Meaning
from lightmeter.report.charts.chart import (
    RIGHT,
    TOP,
    Chart,
    label,
    legend_of_sides,
    paint,
    rounded,
    scale,
)
from lightmeter.report.charts.histogram import common_bins, histograms
from lightmeter.report.charts.html import joined, tag
from lightmeter.sketch import QuantileSketch
from lightmeter.text import percent, shorten

_MOST_BARS = 8


def chart_of(line: FeatureDrift, comparison: Comparison) -> Chart | None:
    """Return the chart of a row: a pair of bars for a rate, otherwise the chart of its feature."""
    if line.kind in ("missing", "not a number"):
        rates = Bar(line.kind, *line.levels[::-1])
        return bars(line.feature, [rates], (line.n_target, line.n_reference))
    sides = comparison.target, comparison.reference
    return None if line.kind == "vector" else feature_chart(line.feature, *sides)


def feature_chart(name: str, target: ProfileView, reference: ProfileView) -> Chart | None:
    """Return overlaid histograms of numbers, or bars of categories; None without values."""
    columns = [view.get_column(name) if name in view else None for view in (target, reference)]
    kinds = {column.kind for column in columns if column is not None}
    draw = category_bars if kinds & {"category", "failure"} else number_histograms
    return draw(name, *columns)


def number_histograms(
    name: str, target: ColumnView | None, reference: ColumnView | None
) -> Chart | None:
    """Return histograms of the numbers of both sides; None without numbers."""
    columns = target, reference
    sides = [QuantileSketch() if column is None else column.numbers for column in columns]
    if not any(side.n for side in sides):
        return None
    meaning = reduce(Meaning.join, (column.meaning for column in columns if column is not None))
    bins, sizes = common_bins(*sides, hue=meaning.is_hue), (sides[0].n, sides[1].n)
    return histograms(name, bins, sizes, hue=meaning.is_hue, dates=meaning.is_date)


def category_bars(
    name: str, target: ColumnView | None, reference: ColumnView | None
) -> Chart | None:
    """Return bars of the most frequent strings and integers of both sides; None without any.

    Bars are in descending order; the rest is one row. Shares are relative to all values.
    """
    totals = _total(target), _total(reference)
    shares = [
        {item.value: min(item.est / total, 1.0) for item in column.frequent}
        if column is not None and total
        else {}
        for column, total in zip((target, reference), totals, strict=True)
    ]
    most = Counter(shares[0]) | Counter(shares[1])
    order = sorted(most, key=lambda value: (-most[value], value))
    shown = order if len(order) <= _MOST_BARS else order[: _MOST_BARS - 1]
    rows = [Bar(value, *(side.get(value, 0.0) for side in shares)) for value in shown]
    if others := order[len(shown) :]:
        rest = (sum(side.get(value, 0.0) for value in others) for side in shares)
        rows.append(Bar(f"{len(others)} others", *rest))
    return bars(name, rows, totals) if rows else None


def _total(column: ColumnView | None) -> int:
    """Return the number of values or, for failures, of files, so that bars are rates."""
    if column is None:
        return 0
    return column.n if column.kind == "failure" else column.n - column.missing


@dataclass(frozen=True)
class Bar:
    """Hold a category: its name and its share on both sides, 0 to 1."""

    name: str
    target: float
    reference: float


def bars(title: str, categories: Sequence[Bar], n: tuple[int, int]) -> Chart:
    """Draw the share of each category on both sides as pairs of bars.

    Parameters
    ----------
    title
        Name of the feature.
    categories
        Categories in the order of rows, at most a dozen.
    n
        Number of values of the target and of the reference.
    """
    left, row = 150, 34
    top = max((max(bar.target, bar.reference) for bar in categories), default=0.0) or 1.0
    x = scale(0.0, top, left, RIGHT - 50)
    parts = [legend_of_sides(n)]
    for index, bar in enumerate(categories):
        y = TOP + 8 + index * row
        parts.append(label(left - 8, y + 16, shorten(bar.name, 18), "end", "ink"))
        for side, share, at in (("reference", bar.reference, y), ("target", bar.target, y + 12)):
            opacity = 0.45 if side == "reference" else 1
            width = rounded(max(x(share) - left, 0.5))
            bar_paint = {**paint(side), "fill_opacity": opacity}
            parts.append(tag("rect", x=left, y=at, width=width, height=10, **bar_paint))
            parts.append(label(x(share) + 5, at + 10, percent(share)))
    height = TOP + 12 + max(len(categories), 1) * row
    shares = "; ".join(
        f"{shorten(bar.name, 40)}: {percent(bar.reference)} of the reference, "
        f"{percent(bar.target)} of the target"
        for bar in categories
    )
    return Chart(title, shares or "no values", height, joined(parts))
