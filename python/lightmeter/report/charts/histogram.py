"""The chart of numbers: histograms of two sides on the same bins."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from lightmeter.report.charts.axes import LEFT, RIGHT, TOP, Map, grid, legend, scale, ticks
from lightmeter.report.charts.bins import HUE_CIRCLE, Bins
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.report.charts.shapes import label, paint, rounded, rule
from lightmeter.text import number, percent
from lightmeter.times import day


def histograms(
    title: str, bins: Bins, n: tuple[int, int], *, hue: bool = False, dates: bool = False
) -> Chart:
    """Both sides' shares on the same bins.

    Args:
        title: the feature.
        bins: from `lightmeter.report.charts.bins.common_bins`.
        n: values of the target and of the reference.
        hue: draw the colours of the hue circle along the axis.
        dates: the values are days since 1970.
    """
    show = day if dates else number
    floor, height = 176, 212 if hue else 204
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    top = max(float(shares.max()) for shares in (bins.target, bins.reference) if len(shares))
    x = scale(low, high, LEFT, RIGHT)
    y = scale(0.0, top, floor, TOP + 8)
    parts = [legend(n)]
    for tick in ticks(0.0, top, 3):
        parts.append(grid(y(tick)))
        parts.append(label(LEFT - 6, y(tick) + 4, percent(tick), "end"))
    steps = {
        side: _steps(bins, shares, x, y, floor)
        for side, shares in (("reference", bins.reference), ("target", bins.target))
        if len(shares)
    }
    for side, path in steps.items():
        opacity = 0.3 if side == "reference" else 0.12
        parts.append(tag("path", d=f"{path}z", **paint(side), fill_opacity=opacity))
    for side, path in steps.items():
        width = 1 if side == "reference" else 2
        parts.append(tag("path", d=path, **paint(None, side), stroke_width=width))
    parts.append(rule(LEFT, floor, RIGHT, floor, "quiet"))
    if hue:
        parts.append(_hue_strip(low, high, x, floor + 2))
    unit = len(bins.edges) > 1 and bins.edges[1] - bins.edges[0] == 1 and low % 1 == 0.5
    most = 4 if dates else 6  # that have room side by side
    for tick in ticks(low, high, most, least=1.0 if unit or dates else 0.0):
        if (bins.below and x(tick) < LEFT + 16) or (bins.above and x(tick) > RIGHT - 16):
            continue
        parts.append(rule(x(tick), floor, x(tick), floor + 4, "quiet"))
        parts.append(label(x(tick), height - 12, show(tick), "middle"))
    if bins.below:
        parts.append(label(LEFT, height - 12, "≤", "middle"))
    if bins.above:
        parts.append(label(RIGHT, height - 12, "≥", "middle"))
    return Chart(title, _description(bins, n, show), height, joined(parts))


def _description(bins: Bins, n: tuple[int, int], show: Callable[[float], str]) -> str:
    def side(name: str, shares: Sequence[float], size: int) -> str:
        if not len(shares):
            return f"{name}: no values"
        at = max(range(len(shares)), key=lambda index: shares[index])
        between = f"{show(bins.edges[at])} and {show(bins.edges[at + 1])}"
        values = f"{size:,} {'value' if size == 1 else 'values'}"
        return f"{name}, {values}: most between {between}, {percent(shares[at])}"

    sides = (
        side("Reference", bins.reference.tolist(), n[1]),
        side("target", bins.target.tolist(), n[0]),
    )
    return "; ".join(sides)


def _steps(bins: Bins, shares: Iterable[float], x: Map, y: Map, floor: float) -> str:
    path = [f"M{rounded(x(bins.edges[0]))} {rounded(floor)}"]
    for share, edge in zip(shares, bins.edges[1:], strict=True):
        path.append(f"V{rounded(y(share))}H{rounded(x(edge))}")
    path.append(f"V{rounded(floor)}")
    return "".join(path)


def _hue_strip(low: float, high: float, x: Map, y: float) -> Html:
    parts = []
    edges = [low + (high - low) * step / 24 for step in range(25)]
    for start, end in pairwise(edges):
        width = x(end) - x(start) + 0.3  # no seam between them
        degrees = (start + end) / 2 % HUE_CIRCLE * 360 / HUE_CIRCLE
        place = {"x": rounded(x(start)), "y": rounded(y), "width": rounded(width)}
        parts.append(tag("rect", **place, height=6, fill=f"hsl({degrees:.0f},70%,55%)"))
    return joined(parts)
