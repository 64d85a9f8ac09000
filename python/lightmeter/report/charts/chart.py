"""A chart as SVG text.

It has two forms. As a document of its own it carries its colours as attributes, on white, for any
program that reads SVG. Inside a page the same elements take their colours from the page's style by
class, and so follow a dark mode.
"""

import base64
import os
from dataclasses import dataclass

from lightmeter.files import write_atomically
from lightmeter.report.charts.html import Html, tag
from lightmeter.report.charts.shapes import PALETTE
from lightmeter.text import shorten

_WIDTH = 460
_TITLE = 26  # above the chart, in a document of its own
_FONT = {"font_family": "system-ui, sans-serif", "font_size": "12"}


@dataclass(frozen=True)
class Chart:
    """A chart with its text alternative.

    Attributes:
        title: what it shows.
        description: what it shows, in words.
        height: in its own units, of which it is 460 wide.
        body: the drawing.
        linked: whether there are links in it, which a picture has not: it then is a group.
    """

    title: str
    description: str
    height: int
    body: Html
    linked: bool = False

    def inline(self, ident: str) -> Html:
        """For a page: `ident` must be unique in it; colours are the page's."""
        return tag(
            "svg",
            tag("title", self.title, id=f"{ident}-t"),
            tag("desc", self.description, id=f"{ident}-d"),
            self.body,
            viewBox=f"0 0 {_WIDTH} {self.height}",
            role="group" if self.linked else "img",
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
            role="group" if self.linked else "img",
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
