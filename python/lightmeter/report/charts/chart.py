"""A chart as SVG text, and what charts are drawn of: shapes, colours, scales, ticks, a legend.

It has two forms. As a document of its own it carries its colours as attributes, on white, for any
program that reads SVG. Inside a page the same elements take their colours from the page's style by
class, and so follow a dark mode.
"""

import base64
import math
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

from lightmeter.files import write_atomically
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.text import counted, shorten

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
_TITLE = 26  # above the chart, in a document of its own


@dataclass(frozen=True)
class Chart:
    """A chart with its text alternative.

    Attributes
    ----------
    title
        What it shows.
    description
        What it shows, in words.
    height
        In its own units, of which it is 460 wide.
    body
        The drawing.
    linked
        Whether there are links in it, which an image has not: it then is a group.
    """

    title: str
    description: str
    height: int
    body: Html
    linked: bool = False

    def inline(self, ident: str) -> Html:
        """For a page: `ident` must be unique in it; colours are the page's."""
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
        """Return an ``img`` element that holds the document; survives where inline SVG does not."""
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

# Values closer to each other than this are drawn as one: their scale would be infinite.
LEAST_SPAN = 1e-300

Map = Callable[[float], float]


def rule(x1: float, y1: float, x2: float, y2: float, tone: str) -> Html:
    """Return a straight line."""
    path = f"M{rounded(x1)} {rounded(y1)}L{rounded(x2)} {rounded(y2)}"
    return tag("path", d=path, **paint(None, tone))


def label(x: float, y: float, text: str, anchor: str = "start", tone: str = "quiet") -> Html:
    """Return a line of text, escaped."""
    place = None if anchor == "start" else anchor
    return tag("text", text, x=rounded(x), y=rounded(y), text_anchor=place, **paint(tone))


def dot(x: float, y: float, radius: float, **more: float) -> Html:
    """Return a circle as two arcs, so that one kind of element does; `more` are attributes."""
    r = rounded(radius)
    path = (
        f"M{rounded(x - radius)} {rounded(y)}a{r} {r} 0 1 0 "
        f"{rounded(2 * radius)} 0a{r} {r} 0 1 0 {rounded(-2 * radius)} 0z"
    )
    return tag("path", d=path, **paint("target"), **more)


def cross(x: float, y: float) -> Html:
    """Return two lines across each other."""
    path = f"M{rounded(x - 3)} {rounded(y - 3)}l6 6m0 -6l-6 6"
    return tag("path", d=path, **paint(None, "ink"), stroke_width=1.5)


def paint(fill: str | None, stroke: str | None = None) -> dict[str, str]:
    """Colours as attributes, and as classes, by which the style of a page overrides them."""
    tones = {"fill": fill, "stroke": stroke}
    names = " ".join(f"{use[0]}-{tone}" for use, tone in tones.items() if tone)
    paints = {use: PALETTE[tone] for use, tone in tones.items() if tone}
    return {"cls": names, **paints, **({} if fill else {"fill": "none"})}


def rounded(value: float) -> str:
    """Return a place or length, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def scale(low: float, high: float, start: float, end: float) -> Map:
    """Return the linear map of low to start and high to end."""
    span = high - low
    factor = (end - start) / (span if span > LEAST_SPAN else 1.0)
    return lambda value: start + (value - low) * factor


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


def levels(y: Map, values: Collection[float], show: Callable[[float], str]) -> Html:
    """Lines across at these values, behind the data, and what they stand for."""
    texts = (label(LEFT - 6, y(value) + 4, show(value), "end") for value in values)
    return joined((rule(LEFT, y(value), RIGHT, y(value), "line") for value in values), texts)


def tick_mark(x: float, floor: float, text: str, below: float = 16) -> Html:
    """Return a tick at the foot of a chart, and its text, which stays inside of the chart."""
    middle = min(x, _WIDTH - 4 * len(text))
    return joined(
        rule(x, floor, x, floor + 4, "quiet"), label(middle, floor + below, text, "middle")
    )


def legend(*signs: tuple[Callable[[float], Html], str]) -> Html:
    """Return what the signs of a chart stand for: each is drawn at a place, and has its words
    beside.
    """
    parts, at = [], LEFT
    for sign, words in signs:
        parts += [sign(at), label(at + 22, 15, words, tone="ink")]
        at += 43 + 8 * len(words)
    return joined(parts)


def legend_of_sides(n: tuple[int, int]) -> Html:
    """Return what the colours stand for, with the values of the target and of the reference."""
    target, reference = (counted(size, "value") for size in n)
    area, outline = paint("reference"), paint("target", "target") | {"stroke_width": "2"}
    return legend(
        (lambda at: box(at, 0.45, **area), f"reference, {reference}"),
        (lambda at: box(at, 0.12, **outline), f"target, {target}"),
    )


def box(x: float, opacity: float, **colours: str) -> Html:
    """Return a sign for an area."""
    return tag("rect", x=x, y=6, width=14, height=9, fill_opacity=opacity, **colours)
