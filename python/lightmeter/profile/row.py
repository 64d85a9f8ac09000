"""The row of an image: what was measured of it, by the names of the features of a profile."""

import math
from collections.abc import Iterable
from typing import Any

from lightmeter.image.bands import BAND_NUMBERS, WHOLE_NUMBERS
from lightmeter.image.measure import Measured
from lightmeter.image.metrics import FACTS as HEADER_FACTS
from lightmeter.image.metrics import Raised
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile.functions import plain_returned

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


def numbers_of(prefix: str, measured: Measured) -> dict[str, float]:
    """Return the numbers that images are compared by together, by the names of their features.

    They are what was measured, numbers of the file's header, and those that functions of the
    reading returned. What the image does not have is absent.
    """
    values: dict[str, Any] = measured.meter.measurement() | (measured.facts or {})
    numbers = {
        f"{prefix}.{name}": value for name, value in values.items() if is_compared(name, value)
    }
    for name, returned in measured.returned:
        own = plain_returned(f"{prefix}.{name}", returned)
        if not isinstance(own, Raised):
            numbers |= {feature: value for feature, value in own.items() if is_compared("", value)}
    return numbers
