"""Which chart shows a feature of both sides best."""

from collections import Counter
from functools import reduce

from lightmeter.drift.row import FeatureDrift
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.features import Meaning
from lightmeter.report.charts.bars import Bar, bars
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.histogram import common_bins, histograms
from lightmeter.sketch import QuantileSketch

_MOST_BARS = 8


def chart_of(line: FeatureDrift, target: ProfileView, reference: ProfileView) -> Chart | None:
    """The chart of a line: of a rate one pair of bars, else that of its feature."""
    if line.kind in ("missing", "not a number"):
        rates = (line.level_target or 0.0, line.level_reference or 0.0)
        return bars(line.feature, [Bar(line.kind, *rates)], (line.n_target, line.n_reference))
    return None if line.kind == "vector" else feature_chart(line.feature, target, reference)


def feature_chart(name: str, target: ProfileView, reference: ProfileView) -> Chart | None:
    """Overlaid histograms of numbers, bars of categories; None where neither side has values."""
    columns = [view.get_column(name) if name in view else None for view in (target, reference)]
    kinds = {column.kind for column in columns if column is not None}
    draw = category_bars if kinds & {"category", "failure"} else number_histograms
    return draw(name, *columns)


def number_histograms(
    name: str, target: ColumnView | None, reference: ColumnView | None
) -> Chart | None:
    """The numbers of both sides; None where there are none."""
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
    """The most frequent strings and integers of both sides; None where there are none.

    By falling share; what does not fit is one row. A share is of all values, also of others.
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
    """Values; files for failures, so that the bars are rates."""
    if column is None:
        return 0
    return column.n if column.kind == "failure" else column.n - column.missing
