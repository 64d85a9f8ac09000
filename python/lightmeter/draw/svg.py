"""Charts as SVG text: histograms of two sides, and bars of categories.

A chart has two forms. As a document of its own it carries its colours as attributes, on white, for
any program that reads SVG. Inside a page the same elements take their colours from the page's
style by class, and so follow a dark mode.
"""

import base64
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lightmeter.draw.bins import HUE_CIRCLE, Bins
from lightmeter.draw.html import Html, joined, tag
from lightmeter.files import write_atomically
from lightmeter.text import number, percent, shorten
from lightmeter.times import day

__all__ = [
    "LEAST_SPAN",
    "LEFT",
    "PALETTE",
    "RIGHT",
    "TOP",
    "Bar",
    "Chart",
    "Map",
    "bars",
    "differences",
    "grid",
    "histograms",
    "label",
    "paint",
    "rounded",
    "rule",
    "scale",
    "ticks",
]

# Okabe and Ito's blue and vermilion, which every kind of colour vision tells apart; the reference
# is also an area and the target a line, for print.
PALETTE = {
    "ink": "#1f2328",
    "quiet": "#59636e",
    "line": "#d1d9e0",
    "paper": "#ffffff",
    "reference": "#0072b2",
    "target": "#d55e00",
}

_WIDTH = 460
LEFT, RIGHT, TOP = 46, 442, 26

# Values closer to each other than this are drawn as one: their scale would be infinite.
LEAST_SPAN = 1e-300
_TITLE = 26  # above the chart, in a document of its own

Map = Callable[[float], float]

_FONT = {"font_family": "system-ui, sans-serif", "font_size": "12"}


@dataclass(frozen=True)
class Chart:
    """A chart with its text alternative.

    Attributes:
        title: what it shows.
        description: what it shows, in words.
        height: in its own units, of which it is 460 wide.
        body: the drawing.
    """

    title: str
    description: str
    height: int
    body: Html

    def inline(self, ident: str) -> Html:
        """For a page: `ident` must be unique in it; colours are the page's."""
        return tag(
            "svg",
            tag("title", self.title, id=f"{ident}-t"),
            tag("desc", self.description, id=f"{ident}-d"),
            self.body,
            viewBox=f"0 0 {_WIDTH} {self.height}",
            role="img",
            aria_labelledby=f"{ident}-t {ident}-d",
            **_FONT,
        )

    def svg(self) -> Html:
        """An SVG document."""
        height = self.height + _TITLE
        title = shorten(self.title, 60)
        return tag(
            "svg",
            tag("title", self.title, id="t"),
            tag("desc", self.description, id="d"),
            tag("rect", y=-_TITLE, width=_WIDTH, height=height, fill=PALETTE["paper"]),
            tag("text", title, x=8, y=-8, font_size=14, font_weight=600, fill=PALETTE["ink"]),
            self.body,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 {-_TITLE} {_WIDTH} {height}",
            width=_WIDTH,
            height=height,
            role="img",
            aria_labelledby="t d",
            **_FONT,
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the SVG document."""
        write_atomically(path, self.svg().encode())

    def image_tag(self) -> Html:
        """An ``img`` element that holds the document; survives where inline SVG does not."""
        data = base64.b64encode(self.svg().encode()).decode()
        return tag(
            "img",
            src=f"data:image/svg+xml;base64,{data}",
            alt=f"{self.title}: {self.description}",
            width=_WIDTH,
            height=self.height + _TITLE,
        )

    def _repr_html_(self) -> Html:
        return self.image_tag()


@dataclass(frozen=True)
class Bar:
    """One category: its name and its share on both sides."""

    name: str
    target: float
    reference: float


def histograms(
    title: str, bins: Bins, n: tuple[int, int], *, hue: bool = False, dates: bool = False
) -> Chart:
    """Both sides' shares on the same bins.

    Args:
        title: the feature.
        bins: from `lightmeter.draw.bins.common_bins`.
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
    parts = [_legend(n)]
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
    parts = [_legend(n)]
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


def differences(title: str, categories: Sequence[Bar], n: tuple[int, int]) -> Chart:
    """How the share of each category changed: to the right where the target has more.

    Args:
        title: the feature.
        categories: in the order of rows.
        n: values of the target and of the reference.
    """
    left, row, half = 150, 24, 56
    top = max((abs(bar.target - bar.reference) for bar in categories), default=0.0) or 1.0
    x = scale(-top, top, left + half, RIGHT - half)
    parts = [_legend(n)]
    for index, bar in enumerate(categories):
        y = TOP + 8 + index * row
        change = bar.target - bar.reference
        side = "target" if change > 0 else "reference"
        start, end = sorted((x(0.0), x(change)))
        parts.append(label(left - 8, y + 11, shorten(bar.name, 18), "end", "ink"))
        width = rounded(max(end - start, 0.5))
        parts.append(tag("rect", x=rounded(start), y=y, width=width, height=14, **paint(side)))
        text = _points(change)
        parts.append(
            label(end + 5, y + 11, text) if change > 0 else label(start - 5, y + 11, text, "end")
        )
    height = TOP + 12 + max(len(categories), 1) * row
    parts.append(rule(x(0.0), TOP + 4, x(0.0), height - 6, "quiet"))
    changes = "; ".join(
        f"{shorten(bar.name, 40)}: {_points(bar.target - bar.reference)}" for bar in categories
    )
    description = f"Share in the target minus share in the reference. {changes}"
    return Chart(title, description, height, joined(parts))


def _points(change: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{100 * change:+.1f} pp".replace("-", "\N{MINUS SIGN}")


def _description(bins: Bins, n: tuple[int, int], show: Callable[[float], str]) -> str:
    def side(name: str, shares: Sequence[float], size: int) -> str:
        if not len(shares):
            return f"{name}: no values"
        at = max(range(len(shares)), key=lambda index: shares[index])
        between = f"{show(bins.edges[at])} and {show(bins.edges[at + 1])}"
        return f"{name}, {size:,} values: most between {between}, {percent(shares[at])}"

    sides = (
        side("Reference", bins.reference.tolist(), n[1]),
        side("target", bins.target.tolist(), n[0]),
    )
    return "; ".join(sides)


def scale(low: float, high: float, start: float, end: float) -> Map:
    """The linear map of low to start and high to end."""
    span = high - low
    factor = (end - start) / (span if span > LEAST_SPAN else 1.0)
    return lambda value: start + (value - low) * factor


def _steps(bins: Bins, shares: Iterable[float], x: Map, y: Map, floor: float) -> str:
    path = [f"M{rounded(x(bins.edges[0]))} {rounded(floor)}"]
    for share, edge in zip(shares, bins.edges[1:], strict=True):
        path.append(f"V{rounded(y(share))}H{rounded(x(edge))}")
    path.append(f"V{rounded(floor)}")
    return "".join(path)


def ticks(low: float, high: float, most: int, *, least: float = 0.0) -> list[float]:
    """At most `most` round numbers from `low` to `high`, at least `least` apart."""
    spread = high - low
    if not spread > LEAST_SPAN:
        return [low]
    power = 10.0 ** math.floor(math.log10(spread / most))
    for step in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0):
        first = math.ceil(low / (step * power))
        last = math.floor(high / (step * power))
        if last - first < most and step * power >= least:
            return [index * step * power for index in range(first, last + 1)]
    return [low, high]


def _legend(n: tuple[int, int]) -> Html:
    target, reference = (f"{size:,} value{'' if size == 1 else 's'}" for size in n)
    area, outline = paint("reference"), paint("target", "target")
    outline |= {"fill_opacity": "0.12", "stroke_width": "2"}
    return joined(
        tag("rect", x=LEFT, y=6, width=14, height=9, fill_opacity=".45", **area),
        label(LEFT + 20, 15, f"reference, {reference}", tone="ink"),
        tag("rect", x=LEFT + 200, y=7, width=13, height=8, **outline),
        label(LEFT + 220, 15, f"target, {target}", tone="ink"),
    )


def _hue_strip(low: float, high: float, x: Map, y: float) -> Html:
    parts = []
    edges = [low + (high - low) * step / 24 for step in range(25)]
    for start, end in pairwise(edges):
        width = x(end) - x(start) + 0.3  # no seam between them
        degrees = (start + end) / 2 % HUE_CIRCLE * 360 / HUE_CIRCLE
        place = {"x": rounded(x(start)), "y": rounded(y), "width": rounded(width)}
        parts.append(tag("rect", **place, height=6, fill=f"hsl({degrees:.0f},70%,55%)"))
    return joined(parts)


def grid(y: float) -> Html:
    """A line across, behind the data."""
    return rule(LEFT, y, RIGHT, y, "line")


def rule(x1: float, y1: float, x2: float, y2: float, tone: str) -> Html:
    """A straight line."""
    path = f"M{rounded(x1)} {rounded(y1)}L{rounded(x2)} {rounded(y2)}"
    return tag("path", d=path, **paint(None, tone))


def label(x: float, y: float, text: str, anchor: str = "start", tone: str = "quiet") -> Html:
    """A line of text, escaped."""
    place = None if anchor == "start" else anchor
    return tag("text", text, x=rounded(x), y=rounded(y), text_anchor=place, **paint(tone))


def paint(fill: str | None, stroke: str | None = None) -> dict[str, str]:
    """Colours as attributes, and as classes, by which the style of a page overrides them."""
    tones = {"fill": fill, "stroke": stroke}
    names = " ".join(f"{use[0]}-{tone}" for use, tone in tones.items() if tone)
    paints = {use: PALETTE[tone] for use, tone in tones.items() if tone}
    return {"cls": names, **paints, **({} if fill else {"fill": "none"})}


def rounded(value: float) -> str:
    """A place or length, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
