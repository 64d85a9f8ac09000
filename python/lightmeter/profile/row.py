"""The row of an image: those of its numbers that images are compared by together."""

import math

from lightmeter.image.measure import Measured
from lightmeter.image.metrics import Raised
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile.returned import plain_returned

__all__ = ["is_compared", "numbers_of"]

# Hues as though they lay on a line. Hashes are strings.
_LEFT_OUT = {number.name for number in IMAGE_NUMBERS if number.role not in ("plain", "angle")}


def is_compared(name: str, value: object) -> bool:
    """Whether a value belongs in the row of its image, by its name without a prefix."""
    return isinstance(value, int | float) and math.isfinite(value) and name not in _LEFT_OUT


def numbers_of(prefix: str, measured: Measured) -> dict[str, float]:
    """By the names of their features: what was measured, numbers of the file's header, and those
    that functions of the reading returned. What the image does not have is absent.
    """
    numbers = {
        f"{prefix}.{name}": value
        for name, value in measured.meter.measurement().items()
        if is_compared(name, value) and isinstance(value, int | float)
    }
    for name, fact in (measured.facts or {}).items():
        if isinstance(fact, int | float):
            numbers[f"{prefix}.{name}"] = fact
    for name, returned in measured.returned:
        own = plain_returned(f"{prefix}.{name}", returned)
        if not isinstance(own, Raised):
            numbers.update(
                (feature, value)
                for feature, value in own.items()
                if isinstance(value, int | float) and math.isfinite(value)
            )
    return numbers
