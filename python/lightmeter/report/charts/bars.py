"""The charts of categories: their shares on two sides, and how these differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightmeter.report.charts.chart import RIGHT, TOP, Chart, label, legend, paint, rounded, scale
from lightmeter.report.charts.html import joined, tag
from lightmeter.text import percent, shorten


@dataclass(frozen=True)
class Bar:
    """One category: its name and its share on both sides."""

    name: str
    target: float
    reference: float


def bars(title: str, categories: Sequence[Bar], n: tuple[int, int]) -> Chart:
    """The share of each category on both sides, as pairs of bars.

    Args:
        title: the feature.
        categories: in the order of rows; draw at most a dozen.
        n: values of the target and of the reference.
    """
    left, row = 150, 34
    top = max((max(bar.target, bar.reference) for bar in categories), default=0.0) or 1.0
    x = scale(0.0, top, left, RIGHT - 50)
    parts = [legend(n)]
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
