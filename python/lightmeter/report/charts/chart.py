"""Drawing charts as SVG: shapes, colours, scales, ticks and legends.

A chart has two forms. As a separate document, it has colours as attributes, on white, for any
program that reads SVG. Within a page, the same elements take colours from the page's style by
class, and follow a dark mode.
"""

import base64
import math
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from lightmeter.files import write_atomically
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.text import counted, shorten

# Okabe and Ito's blue and vermilion, which every kind of colour vision can distinguish. In print,
# the reference is an area and the target a line.
PALETTE = {
    "ink": "#1f2328",
    "quiet": "#59636e",
    "line": "#d1d9e0",
    "paper": "#ffffff",
    "reference": "#0072b2",
    "target": "#d55e00",
}

_WIDTH = 460
_TITLE = 26  # above the chart, in a document of its own


@dataclass(frozen=True)
class Chart:
    """Hold a chart with its text alternative.

    Attributes
    ----------
    title
        Title of the chart.
    description
        Description in words.
    height
        Height in units of which the chart is 460 wide.
    body
        SVG elements of the drawing.
    linked
        Whether it contains links; its ARIA role is then ``group`` instead of ``img``.
    """

    title: str
    description: str
    height: int
    body: Html
    linked: bool = False

    def inline(self, ident: str) -> Html:
        """Return the chart for a page, in the page's colours; `ident` must be unique there."""
        return self._svg(f"{ident}-", None, viewBox=f"0 0 {_WIDTH} {self.height}")

    def svg(self) -> Html:
        """Return an SVG document."""
        height, title = self.height + _TITLE, shorten(self.title, 60)
        size = {"width": _WIDTH, "height": height}
        above = joined(
            tag("rect", y=-_TITLE, **size, fill=PALETTE["paper"]),
            tag("text", title, x=8, y=-8, font_size=14, font_weight=600, fill=PALETTE["ink"]),
        )
        box = f"0 {-_TITLE} {_WIDTH} {height}"
        return self._svg("", above, xmlns="http://www.w3.org/2000/svg", viewBox=box, **size)

    def _svg(self, ident: str, above: Html | None, **attributes: str | float) -> Html:
        return tag(
            "svg",
            tag("title", self.title, id=f"{ident}t"),
            tag("desc", self.description, id=f"{ident}d"),
            above,
            self.body,
            **attributes,
            role="group" if self.linked else "img",
            aria_labelledby=f"{ident}t {ident}d",
            font_family="system-ui, sans-serif",
            font_size=12,
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the SVG document."""
        write_atomically(path, self.svg().encode())

    def image_tag(self) -> Html:
        """Return an ``img`` element with the document, for places that drop inline SVG."""
        data = base64.b64encode(self.svg().encode()).decode()
        return tag(
            "img",
            src=f"data:image/svg+xml;base64,{data}",
            alt=f"{self.title}: {self.description}",
            width=_WIDTH,
            height=self.height + _TITLE,
        )

    _repr_html_ = image_tag


# --- shapes and scales ---

LEFT, RIGHT, TOP = 50, 442, 26  # of the part for the data, of a chart that is 460 wide

# Values closer to each other than this are drawn as one, because their scale would be infinite.
LEAST_SPAN = 1e-300

Map = Callable[[float], float]


def rule(x1: float, y1: float, x2: float, y2: float, tone: str) -> Html:
    """Return a straight line."""
    path = f"M{rounded(x1)} {rounded(y1)}L{rounded(x2)} {rounded(y2)}"
    return tag("path", d=path, **paint(None, tone))


def label(x: float, y: float, text: str, anchor: str | None = None, tone: str = "quiet") -> Html:
    """Return a line of text, escaped."""
    return tag("text", text, x=rounded(x), y=rounded(y), text_anchor=anchor, **paint(tone))


def dot(x: float, y: float, radius: float, **more: float) -> Html:
    """Return a circle as two arcs, so that paths suffice; `more` are attributes."""
    r = rounded(radius)
    path = (
        f"M{rounded(x - radius)} {rounded(y)}a{r} {r} 0 1 0 "
        f"{rounded(2 * radius)} 0a{r} {r} 0 1 0 {rounded(-2 * radius)} 0z"
    )
    return tag("path", d=path, **paint("target"), **more)


def cross(x: float, y: float) -> Html:
    """Return a cross of two lines."""
    path = f"M{rounded(x - 3)} {rounded(y - 3)}l6 6m0 -6l-6 6"
    return tag("path", d=path, **paint(None, "ink"), stroke_width=1.5)


def paint(fill: str | None, stroke: str | None = None) -> dict[str, str]:
    """Return colours as attributes, and as classes for the style of a page."""
    tones = {"fill": fill, "stroke": stroke}
    names = " ".join(f"{use[0]}-{tone}" for use, tone in tones.items() if tone)
    paints = {use: PALETTE[tone] for use, tone in tones.items() if tone}
    return {"cls": names, **paints, **({} if fill else {"fill": "none"})}


def rounded(value: float) -> str:
    """Return a coordinate or length, rounded to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def scale(low: float, high: float, start: float, end: float) -> Map:
    """Return the linear map of `low` to `start` and `high` to `end`."""
    span = high - low
    factor = (end - start) / (span if span > LEAST_SPAN else 1.0)
    return lambda value: start + (value - low) * factor


def ticks(low: float, high: float, most: int, *, least: float = 0.0) -> list[float]:
    """Return at most `most` round numbers from `low` to `high`, at least `least` apart."""
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


def levels(y: Map, values: Collection[float], show: Callable[[float], str]) -> Html:
    """Return horizontal lines at these values, behind the data, with labels."""
    texts = (label(LEFT - 6, y(value) + 4, show(value), "end") for value in values)
    return joined((rule(LEFT, y(value), RIGHT, y(value), "line") for value in values), texts)


def tick_mark(x: float, floor: float, text: str, below: float = 16) -> Html:
    """Return a tick at the bottom of a chart, and its text, which stays inside the chart."""
    middle = min(x, _WIDTH - 4 * len(text))
    return joined(
        rule(x, floor, x, floor + 4, "quiet"), label(middle, floor + below, text, "middle")
    )


def legend(*signs: tuple[Callable[[float], Html], str]) -> Html:
    """Return a legend: each sign is a function that draws it at x, with its description."""
    parts, at = [], LEFT
    for sign, words in signs:
        parts += [sign(at), label(at + 22, 15, words, tone="ink")]
        at += 43 + 8 * len(words)
    return joined(parts)


def legend_of_sides(n: Iterable[int]) -> Html:
    """Return a legend of the two sides, with the number of values of each."""
    target, reference = (counted(size, "value") for size in n)
    line = paint("target", "target")
    return legend(
        (lambda at: box(at, 0.45, **paint("reference")), f"reference, {reference}"),
        (lambda at: box(at, 0.12, **line, stroke_width="2"), f"target, {target}"),
    )


def box(x: float, opacity: float, **colours: str) -> Html:
    """Return the sign of an area for a legend."""
    return tag("rect", x=x, y=6, width=14, height=9, fill_opacity=opacity, **colours)
