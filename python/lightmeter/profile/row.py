"""The row of an image: what was measured of it, by the names of the features of a profile."""

import math
from collections.abc import Iterable
from typing import Any

from lightmeter.image.bands import BAND_NUMBERS, WHOLE_NUMBERS
from lightmeter.image.measure import Measured
from lightmeter.image.metrics import ERROR
from lightmeter.image.metrics import FACTS as HEADER_FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile.columns import is_vector, plain_value
from lightmeter.profile.functions import returned_values

Cell = str | int | float | list[str]
Row = dict[str, Cell]

# What the names of the features of a row begin with.
PREFIX = "image."

# Every number of an image by the name of its feature, and the type of its values; hashes are texts.
NUMBERS: dict[str, type[int] | type[float] | type[str]] = {
    f"{PREFIX}{number.name}": str if number.scale == "hash" else int if number.integral else float
    for number in IMAGE_NUMBERS
}
# Every other feature of an image but its Exif tags.
FACTS: dict[str, type[int] | type[str]] = {
    f"{PREFIX}Colorspace": str,
    **{f"{PREFIX}{name}": kind for name, kind in HEADER_FACTS.items()},
}

# Hues as though they lay on a line. Hashes are strings.
_LEFT_OUT = {number.name for number in IMAGE_NUMBERS if number.role not in ("plain", "angle")}


def numbers_of_bands(bands: Iterable[str]) -> dict[str, type]:
    """Return the numbers of a picture of these bands, as `NUMBERS` has those of another."""
    of_bands = {
        f"{PREFIX}{band}.{name}": NUMBERS[f"{PREFIX}{number}"]
        for band in bands
        for name, number in BAND_NUMBERS.items()
    }
    return of_bands | {f"{PREFIX}{name}": NUMBERS[f"{PREFIX}{name}"] for name in WHOLE_NUMBERS}


def is_compared(name: str, value: object) -> bool:
    """Return whether images are compared by a value, by its name without a prefix."""
    return isinstance(value, int | float) and math.isfinite(value) and name not in _LEFT_OUT


def cells_of(measured: Measured) -> dict[str, Any]:
    """Return all that was measured of an image but its Exif, by names without a prefix.

    What it could have and has not is None, and so is a number that is not finite. Vectors are left
    out. What a function of the user raised is such as ``glare.Error``.
    """
    numbers = measured.meter.measurement()
    cells: dict[str, Any] = {}
    for name in measured.meter._names:
        value, kind = numbers.get(name), NUMBERS.get(f"{PREFIX}{name}")
        cells[name] = value if value is None or kind is None else kind(value)
    cells["Colorspace"] = measured.meter.mode
    for name, returned in measured.returned:
        for feature, value in returned_values(name, returned).items():
            plain = plain_value(value, feature)
            if is_vector(plain) or (plain is None and feature == f"{name}.{ERROR}"):
                continue
            is_finite = not isinstance(plain, float) or math.isfinite(plain)
            cells[feature] = plain if is_finite else None
    return cells | (measured.facts or {})


def numbers_of(prefix: str, measured: Measured) -> dict[str, float]:
    """Return the numbers that images are compared by together, by the names of their features.

    They are what was measured, numbers of the file's header, and those that functions of the
    reading returned. What the image does not have is absent.
    """
    cells = cells_of(measured).items()
    return {f"{prefix}.{name}": value for name, value in cells if is_compared(name, value)}
