"""Exif tags of whylogs as lightmeter keeps them."""

import math
from collections.abc import Callable

from lightmeter.image.exif.tags import DATES, ENUMERATIONS
from lightmeter.image.exif.values import days_of
from lightmeter.whylogs.feature import Feature

_RATIONALS = frozenset({"XResolution", "YResolution"})


def of_lightmeter(tag: str, feature: Feature) -> None:
    """Turn the values of a tag into what lightmeter reads of a picture.

    whylogs keeps dates and rationals as texts, and enumerations as numbers. Where all values are
    known they become days since 1970, numbers, and names. A text that is no date is missing, as
    in lightmeter. Where not all are known they stay as they are.
    """
    if not (feature.numbers.is_exact and feature.strings.is_exact):
        return
    if tag in ENUMERATIONS:
        _name(feature, ENUMERATIONS[tag])
    elif tag in DATES:
        _to_numbers(feature, days_of)
    elif tag in _RATIONALS:
        _to_numbers(feature, _rational)


def _rational(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _to_numbers(feature: Feature, convert: Callable[[str], float | None]) -> None:
    strings = type(feature.strings)()
    for text, count, _ in feature.strings.items():
        number = convert(text)
        if number is not None:
            feature.numbers.update_counts([number], [count])
    feature.strings = strings


def _name(feature: Feature, names: dict[int, str]) -> None:
    numbers = feature.numbers
    for value, count in zip(*(part.tolist() for part in numbers.weights()), strict=True):
        name = names.get(int(value), f"{value:g}")
        feature.strings.update(name, count)
    feature.numbers, feature.integral = type(numbers)(), 0
