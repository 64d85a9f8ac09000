"""Which chart shows a feature of both sides best."""

from collections import Counter
from functools import reduce

from lightmeter.drift.row import FeatureDrift
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.features import Meaning
from lightmeter.report.charts.bars import Bar, bars, differences
from lightmeter.report.charts.bins import common_bins
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.histogram import histograms
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
    meanings = [column.meaning for column in columns if column is not None]
    meaning = reduce(Meaning.join, meanings)
    bins, sizes = common_bins(*sides, hue=meaning.is_hue), (sides[0].n, sides[1].n)
    return histograms(name, bins, sizes, hue=meaning.is_hue, dates=meaning.is_date)


def category_bars(
    name: str, target: ColumnView | None, reference: ColumnView | None
) -> Chart | None:
    """The most frequent strings and integers of both sides; None where there are none."""
    rows = _rows(target, reference)
    return bars(name, rows, (_total(target), _total(reference))) if rows else None


def category_differences(
    name: str, target: ColumnView | None, reference: ColumnView | None
) -> Chart | None:
    """How their shares differ; None where there are none."""
    rows = _rows(target, reference)
    return differences(name, rows, (_total(target), _total(reference))) if rows else None


def _rows(target: ColumnView | None, reference: ColumnView | None) -> list[Bar]:
    """By falling share; what does not fit is one row. A share is of all values, also of others."""
    shares = [_shares(column) for column in (target, reference)]
    most = Counter(shares[0]) | Counter(shares[1])
    order = sorted(most, key=lambda value: (-most[value], value))
    shown = order if len(order) <= _MOST_BARS else order[: _MOST_BARS - 1]
    rows = [Bar(value, *(side.get(value, 0.0) for side in shares)) for value in shown]
    if len(shown) < len(order):
        rest = [sum(side.get(value, 0.0) for value in order[len(shown) :]) for side in shares]
        rows.append(Bar(f"{len(order) - len(shown)} others", rest[0], rest[1]))
    return rows


def _shares(column: ColumnView | None) -> dict[str, float]:
    total = _total(column)
    if column is None or total == 0:
        return {}
    return {item.value: min(item.est / total, 1.0) for item in column.frequent}


def _total(column: ColumnView | None) -> int:
    """Values; files for failures, so that the bars are rates."""
    if column is None:
        return 0
    return column.n if column.kind == "failure" else column.n - column.missing
