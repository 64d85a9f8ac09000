"""Cells of the grid, said together: where the picture changed."""

import math
from collections.abc import Sequence

from lightmeter.drift.describe.level import mean_moved
from lightmeter.drift.describe.told import Finding
from lightmeter.drift.names import GRID_SIDE, place
from lightmeter.drift.row import FeatureDrift

_CELLS = GRID_SIDE**2
_VERBS = {"luma": ("darkened", "brightened"), "sharpness": ("lost sharpness", "got sharper")}
# The grid changed everywhere alike if no place changed by less than this share of the most.
_EVEN = 0.5


def of_grid(lines: Sequence[FeatureDrift]) -> Finding:
    """Where the picture changed most, if there is such a place."""
    first = lines[0]
    assert first.cell is not None
    several = first.name.startswith(f"{first.prefix} ")
    picture = f"the {first.prefix} picture" if several else "the picture"
    changes = list(map(_change, lines))
    sure = [
        change if mean_moved(line) else 0.0 for change, line in zip(changes, lines, strict=True)
    ]
    most = max(sure, key=abs)
    if not most:
        return Finding(f"{picture} changed in {len(lines)} places", tuple(lines))
    verb = _VERBS[first.cell.number][most > 0]
    if len(lines) == _CELLS and min(change / most for change in changes) >= _EVEN:
        return Finding(f"{picture} {verb} everywhere alike", tuple(lines), is_even=True)
    cell = lines[sure.index(most)].cell
    assert cell is not None
    return Finding(f"{picture} {verb} most {place(cell.row, cell.column)}", tuple(lines))


def _change(line: FeatureDrift) -> float:
    """By how much the mean changed; of sharpness the logarithm."""
    target, reference = line.level_target or 0.0, line.level_reference or 0.0
    if line.scale == "squares" and min(target, reference) > 0:
        return math.log(target / reference)
    return target - reference
