"""The chart of a grid of places: two sides and their difference, as colours and numbers."""

from collections.abc import Callable, Sequence
from itertools import chain

from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.report.charts.shapes import PALETTE, label, rounded
from lightmeter.text import NONE

Grid = Sequence[Sequence[float | None]]  # rows of cells; None where nothing is known
Colour = tuple[int, int, int]
Ramp = Callable[[float], Colour]

_LEFT, _GAP, _HEAD = 8, 12, 22
_WIDTH, _ROW = 216, 36  # of a grid, of a row
_STEPS = 9  # of a key


def heat_map(title: str, target: Grid, reference: Grid, *, light: bool = False) -> Chart:
    """The reference, the target, and the target less the reference.

    Args:
        title: what it shows.
        target: at least one row of cells.
        reference: as many.
        light: the values are lightness from 0 to 255, so that the lowest are drawn the darkest;
            else they start at 0, and the highest are the darkest.
    """
    difference = [
        [None if a is None or b is None else a - b for a, b in zip(*rows, strict=True)]
        for rows in zip(target, reference, strict=True)
    ]
    low, high = _range([*target, *reference], light=light)
    most = max(map(abs, _known(difference)), default=0.0)
    level = _ramp(low, high, *((_DARK, _BRIGHT) if light else (_PALE, _DEEP)))
    change = _around_zero(most)
    right, below = _LEFT + _WIDTH + _GAP, _HEAD + len(target) * _ROW + _GAP
    sides = {"reference": reference, "target": target}
    body = joined(
        _grid("reference", reference, level, _LEFT, 0),
        _grid("target", target, level, right, 0),
        _grid("target minus reference", difference, change, _LEFT, below, signed=True),
        _key("of both sides", low, high, level, right, below),
        _key("of the difference", -most, most, change, right, below + 56, signed=True),
    )
    return Chart(title, _description(sides, difference), 2 * below - _GAP + 4, body)


def _known(grid: Grid) -> list[float]:
    return [value for value in chain(*grid) if value is not None]


def _range(grid: Grid, *, light: bool) -> tuple[float, float]:
    """From which to which value the colours go."""
    values = _known(grid) or [0.0]
    if not light:
        return 0.0, max(values)
    # What hardly differs is not to look as different as day and night.
    middle, half = (min(values) + max(values)) / 2, max((max(values) - min(values)) / 2, 32.0)
    low = min(max(middle - half, 0.0), max(255.0 - 2 * half, 0.0))
    return low, low + 2 * half


_DARK, _BRIGHT = (32, 32, 32), (248, 248, 248)
_PALE, _DEEP = (239, 243, 255), (8, 69, 148)
_SAME = (247, 247, 247)


def _ramp(low: float, high: float, first: Colour, last: Colour) -> Ramp:
    def colour(value: float) -> Colour:
        share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.0
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
        return red, green, blue

    return colour


def _around_zero(most: float) -> Ramp:
    less, more = (_ramp(0.0, most, _SAME, _rgb(PALETTE[side])) for side in ("reference", "target"))
    return lambda value: (more if value > 0 else less)(abs(value))


def _rgb(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _grid(
    name: str, grid: Grid, ramp: Ramp, left: float, top: float, *, signed: bool = False
) -> Html:
    parts = [label(left, top + 15, name, tone="ink")]
    texts = _texts(grid, signed=signed)
    for at, row in enumerate(grid):
        width = _WIDTH / len(row)
        for column, value in enumerate(row):
            x, y = left + column * width, top + _HEAD + at * _ROW
            parts.append(_cell(x, y, width, _ROW, None if value is None else ramp(value)))
            parts.append(
                tag(
                    "text",
                    texts[at][column],
                    x=rounded(x + width / 2),
                    y=rounded(y + _ROW / 2 + 5),
                    text_anchor="middle",
                    font_size=14,
                    fill=_ink(None if value is None else ramp(value)),
                )
            )
    return joined(parts)


def _cell(x: float, y: float, width: float, height: float, colour: Colour | None) -> Html:
    red, green, blue = colour or _SAME
    place = {"x": rounded(x), "y": rounded(y), "width": rounded(width), "height": rounded(height)}
    return tag("rect", **place, fill=f"#{red:02x}{green:02x}{blue:02x}")


def _ink(colour: Colour | None) -> str:
    """Black or white, whichever is easier to read on `colour`."""
    red, green, blue = ((part / 255) ** 2.2 for part in colour or _SAME)
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"


def _texts(grid: Grid, *, signed: bool = False) -> list[list[str]]:
    """The values, all with as many places as give the largest three digits."""
    largest = max(map(abs, _known(grid)), default=0.0)
    places = 0
    while largest and largest * 10**places < 100 and places < 12:
        places += 1
    return [[_text(value, places, signed=signed) for value in row] for row in grid]


def _text(value: float | None, places: int, *, signed: bool) -> str:
    if value is None:
        return NONE
    rounded_value = round(value, places) + 0.0  # which turns -0 into 0
    shown = f"{rounded_value:{'+' if signed and rounded_value else ''},.{places}f}"
    return shown.replace("-", "\N{MINUS SIGN}")


def _key(
    name: str, low: float, high: float, ramp: Ramp, left: float, top: float, *, signed: bool = False
) -> Html:
    """Which colours stand for which values."""
    width = _WIDTH / _STEPS
    values = [low + (high - low) * step / (_STEPS - 1) for step in range(_STEPS)]
    ((first, last),) = _texts([[low, high]], signed=signed)
    return joined(
        label(left, top + 15, name, tone="ink"),
        (
            _cell(left + step * width, top + _HEAD, width + 0.3, 10, ramp(value))
            for step, value in enumerate(values)
        ),
        label(left, top + _HEAD + 23, first),
        label(left + _WIDTH, top + _HEAD + 23, last, "end"),
    )


def _description(sides: dict[str, Grid], difference: Grid) -> str:
    """The numbers, row by row."""
    texts = {name: _texts(grid) for name, grid in sides.items()}
    texts["target minus reference"] = _texts(difference, signed=True)
    return "; ".join(
        f"{name}, rows from the top: {' / '.join(', '.join(row) for row in rows)}"
        for name, rows in texts.items()
    )
