"""Choosing and drawing the chart of a feature: histograms on the same bins, or bars."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from lightmeter.drift.compare import Comparison
from lightmeter.drift.prediction import Numbers
from lightmeter.drift.row import FeatureDrift
from lightmeter.profile import ColumnView
from lightmeter.profile.features import Meaning
from lightmeter.profile.scalars import HUE_STEPS
from lightmeter.report.charts.chart import (
    LEAST_SPAN,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Map,
    label,
    legend_of_sides,
    levels,
    paint,
    rounded,
    rule,
    scale,
    tick_mark,
    ticks,
)
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.sketch import QuantileSketch
from lightmeter.text import counted, number, percent, shorten
from lightmeter.times import day

_MOST_BINS = 32
_FEWEST_BINS = 10
_LIMIT = 1e300  # of the axis, so that its width is a number


class Bins(NamedTuple):
    """Hold the share of each side's values in bins of equal width."""

    edges: Numbers  # one more than the bins
    target: Numbers  # each sums to 1, or is empty for a side without numbers
    reference: Numbers
    below: bool  # whether the first bin includes lower values
    above: bool  # whether the last bin includes higher values


def common_bins(target: QuantileSketch, reference: QuantileSketch, *, hue: bool = False) -> Bins:
    """Return bins for two sketches, at least one of which holds numbers.

    Their number is about twice the cube root of the number of values of the smaller side, with a
    round width. Integers of a small range have one bin each. A few far values would squeeze all
    others into one bin, so the outermost bins include them.

    Parameters
    ----------
    target
        Numbers of the target.
    reference
        Numbers of the reference.
    hue
        Whether values are hues. If they cover more than half of the circle, all of it is shown.
    """
    pooled = QuantileSketch()
    pooled.merge_many([target, reference])
    low, high = pooled.min, pooled.max
    values, _ = pooled.weights()
    whole = max(abs(low), abs(high)) < 2**50 and bool((values == np.floor(values)).all())
    if hue and high - low > HUE_STEPS / 2:
        edges = np.linspace(0.0, HUE_STEPS, 31)
    elif whole and high - low < _MOST_BINS:
        edges = np.arange(low - 0.5, high + 1.0)
    else:
        n = min(side.n for side in (target, reference) if side.n)
        edges = _edges(*_core_range(pooled), 2 * n ** (1 / 3), whole)
    return Bins(
        edges,
        _shares(target, edges),
        _shares(reference, edges),
        bool(low < edges[0]),
        bool(high > edges[-1]),
    )


def _core_range(pooled: QuantileSketch) -> tuple[float, float]:
    """Return the range of all values, or of most values if that is less than a quarter of it."""
    low, high = np.clip((pooled.min, pooled.max), -_LIMIT, _LIMIT).tolist()
    q01, q99 = pooled.quantiles([0.01, 0.99]).tolist()
    if high - low > 4 * (q99 - q01) > 0:
        margin = 0.1 * (q99 - q01)
        low, high = max(low, q01 - margin), min(high, q99 + margin)
    return low, high


def _edges(low: float, high: float, bins: float, whole: bool) -> Numbers:
    spread = high - low
    if not spread > max(4 * math.ulp(max(abs(low), abs(high))), LEAST_SPAN):
        room = max(abs(low) * 1e-3, 0.5)  # one value; a bin needs room around it
        return np.array([low - room, high + room])
    # The next smaller of 1, 2 and 5 times a power of ten, which gives at most 2.5 times as many
    # bins.
    width = spread / min(max(bins, _FEWEST_BINS), _MOST_BINS)
    power = 10.0 ** math.floor(math.log10(width))
    step = max(each * power for each in (0.5, 1.0, 2.0, 5.0) if each * power <= width)
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step), math.floor(high / step) + 1
    if max(abs(first), abs(last)) >= 2**50:  # steps would be lost beside the values
        return np.linspace(low, high, _FEWEST_BINS + 1)
    return np.arange(first, last + 1, dtype=float) * step


def _shares(sketch: QuantileSketch, edges: Numbers) -> Numbers:
    """Return the share in each [edge, next edge); the outermost bins include values beyond them."""
    if sketch.n == 0:
        return np.empty(0)
    below = sketch.ranks(np.nextafter(edges[1:-1], -np.inf))
    return np.diff(below, prepend=0.0, append=1.0)


def histograms(
    title: str, bins: Bins, n: Sequence[int], *, hue: bool = False, dates: bool = False
) -> Chart:
    """Draw the shares of both sides on the same bins.

    Parameters
    ----------
    title
        Name of the feature.
    bins
        Bins from `common_bins`.
    n
        Number of values of the target and of the reference.
    hue
        Whether to draw the colours of the hue circle along the axis.
    dates
        Whether values are days since 1970.
    """
    show = day if dates else number
    floor, height = 176, 212 if hue else 204
    low, high = bins.edges[[0, -1]].tolist()
    top = max(shares.max() for shares in (bins.target, bins.reference) if len(shares))
    x = scale(low, high, LEFT, RIGHT)
    y = scale(0.0, top, floor, TOP + 8)
    parts = [legend_of_sides(n), levels(y, ticks(0.0, top, 3), percent)]
    lines = []
    for side, shares, opacity, width in (
        ("reference", bins.reference, 0.3, 1),
        ("target", bins.target, 0.12, 2),
    ):
        if len(shares):
            edges = zip(shares, bins.edges[1:], strict=True)
            steps = (f"V{rounded(y(share))}H{rounded(x(edge))}" for share, edge in edges)
            path = f"M{rounded(x(low))} {floor}{''.join(steps)}V{floor}"
            parts.append(tag("path", d=f"{path}z", **paint(side), fill_opacity=opacity))
            lines.append(tag("path", d=path, **paint(None, side), stroke_width=width))
    parts += [*lines, rule(LEFT, floor, RIGHT, floor, "quiet")]
    if hue:
        parts.append(_hue_strip(low, high, x, floor + 2))
    unit = bins.edges[1] - bins.edges[0] == 1 and low % 1 == 0.5
    most = 4 if dates else 6  # that have room side by side
    start = LEFT + 16 if bins.below else -math.inf
    end = RIGHT - 16 if bins.above else math.inf
    for tick in ticks(low, high, most, least=1.0 if unit or dates else 0.0):
        if start <= x(tick) <= end:
            parts.append(tick_mark(x(tick), floor, show(tick), height - 12 - floor))
    for is_open, at, sign in ((bins.below, LEFT, "≤"), (bins.above, RIGHT, "≥")):
        parts += [label(at, height - 12, sign, "middle")] if is_open else []
    return Chart(title, _description(bins, n, show), height, joined(parts))


def _description(bins: Bins, n: Sequence[int], show: Callable[[float], str]) -> str:
    def side(name: str, shares: Numbers, size: int) -> str:
        if not len(shares):
            return f"{name}: no values"
        at = int(shares.argmax())
        between = f"{show(bins.edges[at])} to {show(bins.edges[at + 1])}"
        return f"{name}, {counted(size, 'value')}: highest bar {between}, {percent(shares[at])}"

    return f"{side('Reference', bins.reference, n[1])}; {side('target', bins.target, n[0])}"


def _hue_strip(low: float, high: float, x: Map, y: float) -> Html:
    parts, step = [], (high - low) / 24
    for start in (low + at * step for at in range(24)):
        fill = f"hsl({(start + step / 2) % HUE_STEPS * 360 / HUE_STEPS:.0f},70%,55%)"
        width = rounded(x(start + step) - x(start) + 0.3)  # no seam between them
        left = rounded(x(start))
        parts.append(tag("rect", x=left, y=rounded(y), width=width, height=6, fill=fill))
    return joined(parts)


_MOST_BARS = 8


def chart_of(row: FeatureDrift, comparison: Comparison) -> Chart | None:
    """Return bars of rates or categories, or histograms; None for vectors and without values."""
    if row.kind in ("missing", "not a number"):
        return bars(row.feature, [(row.kind, row.levels[::-1])], (row.n_target, row.n_reference))
    if row.kind == "vector":
        return None
    name, views = row.feature, (comparison.target, comparison.reference)
    columns = [view.get_column(name) if name in view else None for view in views]
    kinds = {column.kind for column in columns if column is not None}
    draw = category_bars if kinds & {"category", "failure"} else number_histograms
    return draw(name, *columns)


def number_histograms(name: str, *columns: ColumnView | None) -> Chart | None:
    """Return histograms of the numbers of the target and the reference; None without numbers."""
    sides = [QuantileSketch() if column is None else column.numbers for column in columns]
    if not any(side.n for side in sides):
        return None
    meaning = reduce(Meaning.join, (column.meaning for column in columns if column is not None))
    bins, sizes = common_bins(*sides, hue=meaning.is_hue), [side.n for side in sides]
    return histograms(name, bins, sizes, hue=meaning.is_hue, dates=meaning.role == "date")


def category_bars(name: str, *columns: ColumnView | None) -> Chart | None:
    """Return bars of the most frequent strings and integers of both sides; None without any.

    Bars are in descending order; the rest is one row. Shares are relative to all values.
    """
    totals = [*map(_total, columns)]
    shares = [
        {item.value: min(item.est / total, 1.0) for item in column.frequent}
        if column is not None and total
        else {}
        for column, total in zip(columns, totals, strict=True)
    ]
    most = Counter(shares[0]) | Counter(shares[1])
    order = sorted(most, key=lambda value: (-most[value], value))
    shown = order if len(order) <= _MOST_BARS else order[: _MOST_BARS - 1]
    rows = [(value, [side.get(value, 0.0) for side in shares]) for value in shown]
    if others := order[len(shown) :]:
        rest = [sum(side.get(value, 0.0) for value in others) for side in shares]
        rows.append((f"{len(others)} others", rest))
    return bars(name, rows, totals) if rows else None


def _total(column: ColumnView | None) -> int:
    """Return the number of values or, for failures, of files, so that bars are rates."""
    if column is None:
        return 0
    return column.n if column.kind == "failure" else column.n - column.missing


def bars(title: str, categories: Sequence[tuple[str, Sequence[float]]], n: Sequence[int]) -> Chart:
    """Draw the share of each category on both sides as pairs of bars.

    Parameters
    ----------
    title
        Name of the feature.
    categories
        Names of one to a dozen categories, with their shares of the target and reference, 0 to 1.
    n
        Number of values of the target and of the reference.
    """
    left, row = 150, 34
    top = max(share for _, shares in categories for share in shares) or 1.0
    x = scale(0.0, top, left, RIGHT - 50)
    parts = [legend_of_sides(n)]
    for index, (name, (target, reference)) in enumerate(categories):
        y = TOP + 8 + index * row
        parts.append(label(left - 8, y + 16, shorten(name, 18), "end", "ink"))
        for side, share, at, opacity in (
            ("reference", reference, y, 0.45),
            ("target", target, y + 12, 1),
        ):
            width = rounded(max(x(share) - left, 0.5))
            colours = paint(side)
            parts.append(
                tag("rect", x=left, y=at, width=width, height=10, **colours, fill_opacity=opacity)
            )
            parts.append(label(x(share) + 5, at + 10, percent(share)))
    height = TOP + 12 + len(categories) * row
    shares = "; ".join(
        f"{shorten(name, 40)}: {percent(reference)} of the reference, "
        f"{percent(target)} of the target"
        for name, (target, reference) in categories
    )
    return Chart(title, shares, height, joined(parts))
