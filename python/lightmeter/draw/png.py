"""The chart of `trend` as a PNG, for mail: its programs show no SVG. Pillow draws it."""

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from lightmeter.draw.axes import LEFT, RIGHT, TOP, Map, ticks
from lightmeter.draw.lines import Mark, known, runs, scales
from lightmeter.draw.shapes import PALETTE
from lightmeter.draw.time_axis import round_dates
from lightmeter.text import number, shorten

WIDTH = 460  # at which it is meant to be shown; the picture has twice as many pixels
_TITLE, _FLOOR, _HEIGHT = 24, 190, 214
_SHARP = 2  # pixels of the picture for one
_FINE = 2  # drawn pixels for one of the picture: Pillow's lines have no soft edges
_SCALE = _SHARP * _FINE
_MOST_TITLE = 62
_COLOURS = 64
_LEAST_DASH = 1e-6
# The font that comes with Pillow has the letters of English.
_INSTEAD = {
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{INFINITY}": "inf",
    "\N{HORIZONTAL ELLIPSIS}": "...",
}
_BAND = "#d9eaf4"  # the reference at 15 %

Anchor = Literal["ls", "ms", "rs"]
Place = tuple[float, float]


def trend_png(title: str, marks: Sequence[Mark]) -> bytes:
    """The line through all values, the band of what is expected, and a dot at each anomaly.

    Args:
        title: what it shows.
        marks: at least one, in order of time.
    """
    sheet = _Sheet()
    x, y, low, high = scales(marks, (LEFT, RIGHT), (_FLOOR, TOP + 8))
    sheet.text(8, -8, shorten(title, _MOST_TITLE), "ls", "ink", 13)
    _band(sheet, marks, x, y)
    for tick in ticks(low, high, 4):
        sheet.line([(LEFT, y(tick)), (RIGHT, y(tick))], "line", 1)
        sheet.text(LEFT - 6, y(tick) + 4, number(tick), "rs", "quiet")
    _edges(sheet, marks, x, y)
    for run in runs(marks, [known(mark.value) for mark in marks]):
        places = [(x(mark.at.timestamp()), y(mark.value or 0.0)) for mark in run]
        sheet.line(places, "target", 1.5)
        if len(run) == 1:
            sheet.dot(*places[0], 1.5)
    for mark in marks:
        across = x(mark.at.timestamp())
        if mark.bad and mark.value is not None and known(mark.value):
            sheet.dot(across, y(mark.value), 4)
        elif mark.bad or mark.failed:
            sheet.cross(across, _FLOOR - 7)
    sheet.line([(LEFT, _FLOOR), (RIGHT, _FLOOR)], "quiet", 1)
    for date, text in round_dates([mark.at for mark in marks]):
        across = x(date.timestamp())
        sheet.line([(across, _FLOOR), (across, _FLOOR + 4)], "quiet", 1)
        sheet.text(across, _HEIGHT - 7, text, "rs" if across > RIGHT - 18 else "ms", "quiet")
    _legend(sheet, marks)
    return sheet.png()


class _Sheet:
    """A drawing in the units of the page's charts, without any text that Pillow cannot write."""

    def __init__(self) -> None:
        size = WIDTH * _SCALE, (_HEIGHT + _TITLE) * _SCALE
        self._image = Image.new("RGB", size, PALETTE["paper"])
        self._draw = ImageDraw.Draw(self._image)

    def line(self, places: Sequence[Place], tone: str, width: float) -> None:
        if len(places) > 1:
            pixels = [self._at(*place) for place in places]
            self._draw.line(pixels, PALETTE[tone], round(width * _SCALE), joint="curve")

    def dashes(self, places: Sequence[Place], tone: str) -> None:
        """A broken line."""
        left, on = 5.0, True
        for (x, y), (to_x, to_y) in pairwise(places):
            length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
            at = 0.0
            while at < length:
                end = min(at + left, length)
                if on:
                    a, b = at / length, end / length
                    start = x + a * (to_x - x), y + a * (to_y - y)
                    self.line([start, (x + b * (to_x - x), y + b * (to_y - y))], tone, 1)
                left -= end - at
                at = end
                if left < _LEAST_DASH:  # adding what rounding leaves over would not move `at`
                    on = not on
                    left = 5.0 if on else 3.0

    def area(self, places: Sequence[Place]) -> None:
        self._draw.polygon([self._at(*place) for place in places], _BAND)

    def dot(self, x: float, y: float, radius: float) -> None:
        self._draw.circle(self._at(x, y), radius * _SCALE, PALETTE["target"])

    def cross(self, x: float, y: float) -> None:
        self.line([(x - 3, y - 3), (x + 3, y + 3)], "ink", 1.5)
        self.line([(x - 3, y + 3), (x + 3, y - 3)], "ink", 1.5)

    def text(
        self, x: float, y: float, words: str, anchor: Anchor, tone: str, size: float = 11
    ) -> None:
        """Smaller where it would not fit to the left of its end."""
        shown = "".join(_INSTEAD.get(char, char if char < "\x7f" else "?") for char in words)
        font = ImageFont.load_default(size * _SCALE)
        if anchor == "rs" and (length := font.getlength(shown)) > (x - 2) * _SCALE:
            font = ImageFont.load_default(size * _SCALE * (x - 2) * _SCALE / length)
        self._draw.text(self._at(x, y), shown, PALETTE[tone], font, anchor)

    def png(self) -> bytes:
        whole = self._image.resize(
            (WIDTH * _SHARP, (_HEIGHT + _TITLE) * _SHARP), Image.Resampling.BOX
        )
        file = io.BytesIO()
        whole.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        return file.getvalue()

    def _at(self, x: float, y: float) -> Place:
        return x * _SCALE, (y + _TITLE) * _SCALE


def _limits(marks: Sequence[Mark], x: Map, y: Map) -> Iterator[tuple[list[Place], list[Place]]]:
    """The upper and the lower edge of each stretch with limits; to the frame where one is none."""
    for run in runs(marks, [known(mark.upper) or known(mark.lower) for mark in marks]):
        places = []
        for upper, edge in ((True, TOP + 4.0), (False, float(_FLOOR))):
            ends = []
            for mark in run:
                limit = mark.upper if upper else mark.lower
                end = edge if limit is None or not known(limit) else y(limit)
                ends.append((x(mark.at.timestamp()), end))
            if len(ends) == 1:  # something to see
                ends = [(ends[0][0] - 3, ends[0][1]), (ends[0][0] + 3, ends[0][1])]
            places.append(ends)
        yield places[0], places[1]


def _band(sheet: _Sheet, marks: Sequence[Mark], x: Map, y: Map) -> None:
    for above, below in _limits(marks, x, y):
        sheet.area([*above, *below[::-1]])


def _edges(sheet: _Sheet, marks: Sequence[Mark], x: Map, y: Map) -> None:
    for above, below in _limits(marks, x, y):
        for edge, end in ((above, TOP + 4), (below, _FLOOR)):
            if any(place != end for _, place in edge):
                sheet.dashes(edge, "reference")


def _legend(sheet: _Sheet, marks: Sequence[Mark]) -> None:
    sheet.line([(LEFT, 11), (LEFT + 16, 11)], "target", 1.5)
    sheet.text(LEFT + 22, 15, "value", "ls", "ink")
    at = LEFT + 78.0
    if any(known(mark.upper) or known(mark.lower) for mark in marks):
        sheet.area([(at, 6), (at + 14, 6), (at + 14, 15), (at, 15)])
        sheet.dashes([(at, 6), (at + 14, 6)], "reference")
        sheet.text(at + 20, 15, "expected", "ls", "ink")
        at += 100
    if any(mark.bad for mark in marks):
        sheet.dot(at + 4, 10.5, 4)
        sheet.text(at + 14, 15, "anomaly", "ls", "ink")
        at += 90
    if any(mark.failed for mark in marks):
        sheet.cross(at + 4, 10.5)
        sheet.text(at + 14, 15, "not judged", "ls", "ink")
