"""The chart of a grid of places: two sides and their difference, as colours and numbers."""

from collections.abc import Callable, Sequence
from itertools import chain

from lightmeter.report.charts.chart import PALETTE, Chart, label, rounded
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.text import NONE

Grid = Sequence[Sequence[float | None]]  # rows of cells; None where nothing is known
Colour = tuple[int, int, int]

_WIDTH, _GAP, _HEAD, _ROW = 146, 11, 22, 34  # of a grid, between two, above one, of a row
_DARK, _BRIGHT = (16, 16, 16), (252, 252, 252)
_PALE, _DEEP = (239, 243, 255), (8, 69, 148)
_SAME = (247, 247, 247)


def heat_map(title: str, target: Grid, reference: Grid, *, light: bool = False) -> Chart:
    """The reference, the target, and the target less the reference.

    Args:
        title: what it shows.
        target: at least one row of cells.
        reference: as many.
        light: the values are lightness from 0 to 255, which is shown as it is; else they start at
            0, and the highest are the darkest.
    """
    change = [
        [None if a is None or b is None else a - b for a, b in zip(*rows, strict=True)]
        for rows in zip(target, reference, strict=True)
    ]
    first, last = (_DARK, _BRIGHT) if light else (_PALE, _DEEP)
    high = 255.0 if light else max(map(abs, _known([*target, *reference])), default=0.0)
    most = max(map(abs, _known(change)), default=0.0)
    less, more = (_rgb(PALETTE[side]) for side in ("reference", "target"))

    def level(value: float) -> Colour:
        return _between(first, last, value / high if high else 0.0)

    def around_0(value: float) -> Colour:
        return _between(_SAME, more if value > 0 else less, abs(value) / most if most else 0.0)

    grids = {"reference": reference, "target": target, "target minus reference": change}
    parts, words = [], []
    for at, (name, grid) in enumerate(grids.items()):
        is_change = grid is change
        texts = _texts(grid, signed=is_change)
        colour = around_0 if is_change else level
        parts.append(_grid(name, grid, texts, colour, at * (_WIDTH + _GAP)))
        rows = " / ".join(", ".join(row) for row in texts)
        words.append(f"{name}, rows from the top: {rows}")
    return Chart(title, "; ".join(words), _HEAD + len(target) * _ROW, joined(parts))


def _known(grid: Grid) -> list[float]:
    return [value for value in chain(*grid) if value is not None]


def _between(first: Colour, last: Colour, share: float) -> Colour:
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
    return red, green, blue


def _rgb(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _texts(grid: Grid, *, signed: bool) -> list[list[str]]:
    """The values, all with as many places as give the largest two or three digits."""
    largest = max(map(abs, _known(grid)), default=0.0)
    places = 0
    while 0 < largest * 10**places < (10 if signed else 100) and places < 12:
        places += 1

    def text(value: float) -> str:
        shown = round(value, places) + 0.0  # which turns -0 into 0
        sign = "+" if signed and shown else ""
        return f"{shown:{sign},.{places}f}".replace("-", "\N{MINUS SIGN}")

    return [[NONE if value is None else text(value) for value in row] for row in grid]


def _grid(
    name: str,
    grid: Grid,
    texts: Sequence[Sequence[str]],
    ramp: Callable[[float], Colour],
    left: float,
) -> Html:
    parts = [label(left, 15, name, tone="ink")]
    for at, row in enumerate(grid):
        width = _WIDTH / len(row)
        for column, value in enumerate(row):
            x, y = left + column * width, _HEAD + at * _ROW
            red, green, blue = _SAME if value is None else ramp(value)
            fill = f"#{red:02x}{green:02x}{blue:02x}"
            size = {"width": rounded(width), "height": str(_ROW)}
            parts.append(tag("rect", x=rounded(x), y=y, **size, fill=fill))
            # Black or white, whichever is easier to read on the colour.
            light = sum(
                weight * (part / 255) ** 2.2
                for weight, part in zip((0.2126, 0.7152, 0.0722), (red, green, blue), strict=True)
            )
            ink = "#000000" if light > 0.18 else "#ffffff"
            middle = {"x": rounded(x + width / 2), "text_anchor": "middle", "fill": ink}
            y += _ROW // 2 + 4
            parts.append(tag("text", texts[at][column], y=y, font_size=11, **middle))
    return joined(parts)
