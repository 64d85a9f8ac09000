"""Drawing heat maps of a grid: two sides and their difference, as colours and numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lightmeter.report.charts.chart import PALETTE, Chart, label, rounded
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.text import NONE

Grid = NDArray[np.float64]  # rows of cells; NaN where nothing is known
Colour = tuple[int, ...]

_WIDTH, _GAP, _HEAD, _ROW = 146, 11, 22, 34  # of a grid, between two, above one, of a row
_DARK, _BRIGHT = (16, 16, 16), (252, 252, 252)
_PALE, _DEEP = (239, 243, 255), (8, 69, 148)
_SAME = (247, 247, 247)
_LESS, _MORE = (tuple(bytes.fromhex(PALETTE[side][1:])) for side in ("reference", "target"))


def heat_map(title: str, target: Grid, reference: Grid, changed: Grid, *, light: bool) -> Chart:
    """Draw the reference, the target, and the change: the target minus the reference.

    Parameters
    ----------
    title
        Title of the chart.
    target
        At least one row of cells.
    reference
        A grid of the same size.
    changed
        1 for each cell to mark with * in the last grid; otherwise 0 or NaN.
    light
        Whether values are lightness from 0 to 255, shown as gray of that lightness; otherwise they
        start at 0, and the highest are the darkest.
    """
    change = target - reference
    high = 255.0 if light else max(_largest(target), _largest(reference))
    first, last = (_DARK, _BRIGHT) if light else (_PALE, _DEEP)
    most = _largest(change)
    grids = {"reference": reference, "target": target, "change": change}
    parts, words = [], []
    for at, (name, grid) in enumerate(grids.items()):
        texts = _texts(grid, signed=grid is change)
        for row, column in np.argwhere(changed == 1) if grid is change else ():
            texts[row][column] += "*"
        colours = [
            _between(_SAME, _MORE if value > 0 else _LESS, abs(value) / (most or 1))
            if grid is change
            else _between(first, last, value / (high or 1))
            for value in grid.ravel().tolist()
        ]
        parts.append(_grid(name, texts, colours, at * (_WIDTH + _GAP)))
        words.append(f"{name}, rows from the top: {' / '.join(map(', '.join, texts))}")
    return Chart(title, "; ".join(words), _HEAD + len(target) * _ROW, joined(parts))


def _largest(grid: Grid) -> float:
    return float(np.nan_to_num(np.abs(grid)).max())


def _between(first: Colour, last: Colour, share: float) -> Colour:
    """Return a colour between two; for an unknown share the colour of no change."""
    if np.isnan(share):
        return _SAME
    share = min(max(share, 0.0), 1.0)
    return tuple(round(a + (b - a) * share) for a, b in zip(first, last, strict=True))


def _texts(grid: Grid, *, signed: bool) -> list[list[str]]:
    """Return the values as texts, with two or three digits for the largest."""
    largest, places = _largest(grid), 0
    while 0 < largest * 10**places < (10 if signed else 100) and places < 12:
        places += 1

    def text(value: float) -> str:
        shown = round(value, places) + 0.0  # which turns -0 into 0
        sign = "+" if signed and shown else ""
        return f"{shown:{sign}.{places}f}".replace("-", "\N{MINUS SIGN}")

    return [[NONE if np.isnan(value) else text(value) for value in row] for row in grid.tolist()]


def _grid(
    name: str, texts: Sequence[Sequence[str]], colours: Sequence[Colour], left: float
) -> Html:
    parts = [label(left, 15, name, tone="ink")]
    width = _WIDTH / len(texts[0])
    for at, colour in enumerate(colours):
        row, column = divmod(at, len(texts[0]))
        x, y = left + column * width, _HEAD + row * _ROW
        fill = f"#{bytes(colour).hex()}"
        parts.append(tag("rect", x=rounded(x), y=y, width=rounded(width), height=_ROW, fill=fill))
        # Black or white text, whichever is easier to read on the colour.
        light = np.dot((0.2126, 0.7152, 0.0722), (np.array(colour) / 255) ** 2.2)
        ink = "#000000" if light > 0.18 else "#ffffff"
        parts.append(
            tag(
                "text",
                texts[row][column],
                y=y + _ROW // 2 + 4,
                font_size=11,
                x=rounded(x + width / 2),
                text_anchor="middle",
                fill=ink,
            )
        )
    return joined(parts)
