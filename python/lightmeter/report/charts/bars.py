"""The charts of categories: their shares on two sides, and how these differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lightmeter.report.charts.axes import RIGHT, TOP, legend, scale
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.html import joined, tag
from lightmeter.report.charts.shapes import label, paint, rounded, rule
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


def _points(change: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{100 * change:+.1f} pp".replace("-", "\N{MINUS SIGN}")


def differences(
    title: str,
    categories: Sequence[Bar],
    n: tuple[int, int],
    *,
    what: str = "Share in the target minus share in the reference.",
    show: Callable[[float], str] = _points,
) -> Chart:
    """How the share of each category changed: to the right where the target has more.

    Args:
        title: the feature.
        categories: in the order of rows.
        n: values of the target and of the reference.
        what: is drawn, as a sentence.
        show: a difference as text.
    """
    left, row, half = 150, 24, 56
    top = max((abs(bar.target - bar.reference) for bar in categories), default=0.0) or 1.0
    x = scale(-top, top, left + half, RIGHT - half)
    parts = [legend(n)]
    for index, bar in enumerate(categories):
        y = TOP + 8 + index * row
        change = bar.target - bar.reference
        side = "target" if change > 0 else "reference"
        start, end = sorted((x(0.0), x(change)))
        parts.append(label(left - 8, y + 11, shorten(bar.name, 18), "end", "ink"))
        width = rounded(max(end - start, 0.5))
        parts.append(tag("rect", x=rounded(start), y=y, width=width, height=14, **paint(side)))
        text = show(change).replace("-", "\N{MINUS SIGN}")
        parts.append(
            label(end + 5, y + 11, text) if change > 0 else label(start - 5, y + 11, text, "end")
        )
    height = TOP + 12 + max(len(categories), 1) * row
    parts.append(rule(x(0.0), TOP + 4, x(0.0), height - 6, "quiet"))
    changes = "; ".join(
        f"{shorten(bar.name, 40)}: {show(bar.target - bar.reference)}" for bar in categories
    )
    description = f"{what} {changes}"
    return Chart(title, description, height, joined(parts))
