"""What features are called in sentences, and what they are about."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS, Scale
from lightmeter.image.numbers import Group as ImageGroup
from lightmeter.profile.features import Origin

# What people look at together, in the order of pages.
Group = Literal[ImageGroup, "together", "file", "Exif", "values"]


class GridCell(NamedTuple):
    """A cell of the 4 x 4 grid, and which of its numbers: ``luma`` or ``sharpness``."""

    number: str
    row: int
    column: int


@dataclass(frozen=True)
class Said:
    """What sentences and pages say of a feature.

    Attributes:
        name: such as ``saturation``.
        group: what it is shown together with.
        scale: of its values; None where that is not known.
        prefix: of the images that it is measured in, such as ``image``; empty of other values.
        cell: which number of the grid it is; None of others.
    """

    name: str = ""
    group: Group = "values"
    scale: Scale | None = None
    prefix: str = ""
    cell: GridCell | None = None


# Where the rules would say something odd.
_NAMES = {
    "ImagePixelWidth": "width",
    "ImagePixelHeight": "height",
    "Colorspace": "colour space",
    "Colorfulness": "colourfulness",
    "Luma.stddev": "contrast",
    "JpegQuality": "JPEG quality",
    "glare_percent": "glare",
}
_OF_FILES = frozenset((*FACTS, "Colorspace", "Failure"))
GRID_SIDE = 4
_GRID = re.compile(r"Grid\.r([0-3])c([0-3])(?:\.(sharpness))?")


_NUMBERS = {number.name: number for number in IMAGE_NUMBERS}
# Of what has no number for each image but is about the same, such as Hue.pixels.
_FIRST_GROUPS = {name.partition(".")[0]: number.group for name, number in _NUMBERS.items()}


def said(feature: str, origin: Origin, prefixes: Collection[str]) -> Said:
    """What is said of a feature; of a logged value its whole name.

    Args:
        feature: such as ``image.Brightness.mean``, which is "brightness".
        origin: where its values come from.
        prefixes: those of the features of images. Where there are several, each is said.
    """
    prefix = prefix_of(feature, prefixes)
    if origin == "value" or not prefix:
        return Said(feature, "values")
    rest = feature.removeprefix(f"{prefix}.")
    first, _, last = rest.partition(".")
    name = _spoken(rest) if len(prefixes) == 1 else f"{prefix} {_spoken(rest)}"
    if origin != "image":
        return Said(name, "Exif", prefix=prefix)
    number = _NUMBERS.get(rest) or _NUMBERS.get(last)  # of the image, or of a band of it
    group = number.group if number is not None else _FIRST_GROUPS.get(first)
    if group == "size" or first in _OF_FILES:  # a size is shown with what is known of its file
        return Said(name, "file", number and number.scale, prefix)
    return Said(name, group or "values", number and number.scale, prefix, _cell(rest))


def prefix_of(name: str, prefixes: Iterable[str]) -> str:
    """The longest of the prefixes that a feature has; empty if it has none."""
    return max((each for each in prefixes if name.startswith(f"{each}.")), key=len, default="")


def says(feature: str, prefix: str) -> str:
    """What the number of an image is and what more of it means; empty of anything else."""
    number = _NUMBERS.get(feature.removeprefix(f"{prefix}.")) if prefix else None
    return number.says if number is not None else ""


def _cell(name: str) -> GridCell | None:
    parts = _GRID.fullmatch(name)
    return GridCell(parts[3] or "luma", int(parts[1]), int(parts[2])) if parts else None


def _spoken(name: str) -> str:
    first, _, rest = name.partition(".")
    if name in _NAMES:
        return _NAMES[name]
    if cell := _cell(name):
        number = "brightness" if cell.number == "luma" else cell.number
        return f"{number} {place(cell)}"
    if name not in _NUMBERS and name not in FACTS:
        if rest in _NUMBERS:  # of a band
            return f"{first} {_spoken(rest)}"
        first = first.lower() if first in _FIRST_GROUPS else first
        return f"{first} {rest.replace('_', ' ')}".rstrip()
    if name.endswith("_percent"):
        return f"{name.removesuffix('_percent')} pixels"
    first = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", first).lower()
    if rest in ("", "mean", "circular_mean"):
        return first
    if rest in ("share", "stddev"):
        return f"{'share' if rest == 'share' else 'contrast'} of {first}"
    return f"{first}{' of' * (rest in ('rows', 'columns'))} {rest.replace('_', ' ')}"


def place(cell: GridCell) -> str:
    """Where a cell of the grid is."""
    vertical = ("top", "upper", "lower", "bottom")[cell.row]
    return f"at the {vertical} {('left', 'inner left', 'inner right', 'right')[cell.column]}"
