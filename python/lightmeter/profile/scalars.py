"""Numbers of a feature by name, and between which bounds a sketch knows them."""

import math
from collections.abc import Callable, Sequence
from operator import attrgetter, methodcaller

import numpy as np

from lightmeter import _core
from lightmeter.profile.view import ColumnView

__all__ = ["COUNTS", "HUE_STEPS", "SCALARS", "Scalar", "arc", "bounds_of", "is_hue"]
__all__ += ["mean_interval", "nearest_turn", "prediction_interval", "rate_limit", "scalar_of"]
__all__ += ["seen_values"]

HUE_STEPS = 255.0  # around the circle, on the scale that profiles report

Scalar = Callable[[ColumnView], float | None]

_QUANTILES = {f"q_{q:02}": q / 100 for q in (1, 5, 10, 25, 75, 90, 95, 99)} | {"median": 0.5}
_DEVIATIONS = 3.0  # standard errors of a distinct count that is estimated


def _sum(column: ColumnView) -> float | None:
    """Of the numbers; of bools the count of True."""
    if column.mean is None or column.meaning.is_circular:
        return None
    total = column.mean * _core.numbers_of(column._core, column.name).n
    return total if column.types.number or column.types.date else float(round(total))


def _distinct_rate(column: ColumnView) -> float | None:
    values = column.n - column.missing
    return min(1.0, column.distinct / values) if values else None


_PLAIN = ("n", "missing_rate", "failure_rate", "distinct", "mean", "stddev", "min", "max")
SCALARS: dict[str, Scalar] = {
    **{name: attrgetter(name) for name in _PLAIN},
    **{name: methodcaller("quantile", q) for name, q in _QUANTILES.items()},
}
# What contracts expect besides.
COUNTS: dict[str, Scalar] = {
    "missing": attrgetter("missing"),
    "distinct_rate": _distinct_rate,
    "sum": _sum,
    **{f"{name}s": attrgetter(f"types.{name}") for name in ("integer", "text", "bool", "date")},
    "fractions": attrgetter("types.number"),
}


def scalar_of(column: ColumnView, name: str) -> float | None:
    """Return a number of a feature by name; None where it does not exist, see `ColumnView`."""
    value = (SCALARS.get(name) or COUNTS[name])(column)
    return None if value is None else float(value)


def bounds_of(column: ColumnView, name: str) -> tuple[float, float] | None:
    """Return the least and the greatest that a number of a feature can be; None as `scalar_of`.

    They are equal but for what a sketch estimates: a quantile of a sample, whose ranks hold with
    99 % probability, and a distinct count, which is off by at most three standard errors.
    """
    q = _QUANTILES.get(name)
    if q is not None and (error := _core.numbers_of(column._core, column.name).error()) > 0:
        low, high = (column.quantile(min(1.0, max(0.0, q + off))) for off in (-error, error))
        return None if low is None or high is None else (low, high)
    if name in ("distinct", "distinct_rate"):
        return _distinct_bounds(column, name)
    value = scalar_of(column, name)
    return None if value is None else (value, value)


def _distinct_bounds(column: ColumnView, name: str) -> tuple[float, float] | None:
    values = column.n - column.missing
    if name == "distinct_rate" and not values:
        return None
    total = values if name == "distinct_rate" else 1
    numbers = _core.numbers_of(column._core, column.name)
    strings = column._core.strings(column.name)
    if numbers.is_exact and strings.is_exact:
        distinct = (len(numbers.weights()[0]) + len(strings.items())) / total
        return distinct, distinct
    summary = column._core.summary(column.name)
    estimate, *ends = (summary[f"cardinality/{key}"] for key in ("est", "lower_1", "upper_1"))
    low, high = (estimate + _DEVIATIONS * (end - estimate) for end in ends)
    return max(0.0, low) / total, min(float(values), high) / total


def seen_values(column: ColumnView) -> tuple[set[str], bool]:
    """Return texts of values that were certainly seen, and whether these are all there were.

    A bool is ``0`` or ``1``; a number that is no integer has the digits that Python writes.
    """
    numbers = _core.numbers_of(column._core, column.name)
    texts = {item.value for item in column.frequent if item.lower > 0}
    texts.update(map(_text_of, numbers.weights()[0].tolist()))  # of a sample, too
    infinite = {"inf": numbers.pos_inf, "-inf": numbers.neg_inf}
    texts.update(text for text, count in infinite.items() if count)
    are_integers_listed = column.lists_all and not column.types.number + column.types.date
    are_strings_listed = column._core.strings(column.name).is_exact
    return texts, are_strings_listed and (numbers.is_exact or are_integers_listed)


def _text_of(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def is_hue(column: ColumnView, scalar: str) -> bool:
    """Return whether the number is itself an angle, so that 0 follows 254."""
    return scalar == "mean" and column.meaning.is_circular


def nearest_turn(hue: float, to: float) -> float:
    """Return `hue` and as many whole turns as bring it within half a turn of `to`."""
    return to + math.remainder(hue - to, HUE_STEPS)


def arc(low: float, high: float) -> tuple[float, float]:
    """Return the same arc, on the turn before where it passes 255: those around 0 stay near."""
    turn = HUE_STEPS * (high > HUE_STEPS)
    return low - turn, high - turn


def prediction_interval(series: Sequence[float], alpha: float) -> tuple[float, float]:
    """Return the prediction interval of the next of normal values; its coverage is 1 - alpha.

    The mean plus and minus ``t s sqrt(1 + 1/n)``, t being the two-sided quantile of Student's
    distribution with n - 1 degrees of freedom, which pays for the mean and the spread not being
    known: three standard deviations of seven values are exceeded in 3 % of cases, not in 0.3 %.

    Args:
        series: two values or more.
        alpha: between 0 and 1.
    """
    n = len(series)
    mean = math.fsum(series) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in series) / (n - 1))
    half = _core.student_quantile(alpha, n - 1) * spread * math.sqrt(1 + 1 / n)
    return mean - half, mean + half


def mean_interval(column: ColumnView, size: int, alpha: float) -> tuple[float, float]:
    """Return the prediction interval of the mean of so many further values like these.

    It is Student's, with the first term of Cornish and Fisher for the longer tail of skewed values.
    The difference of two means of as many values has no skewness.

    Args:
        column: a feature with numbers that differ.
        size: of how many values the mean will be.
        alpha: between 0 and 1.
    """
    values, weights = _core.numbers_of(column._core, column.name).weights()
    n = int(weights.sum())
    away = values - np.average(values, weights=weights)
    spread = math.sqrt(np.average(away**2, weights=weights))
    skewness = float(np.average((away / spread) ** 3, weights=weights))
    unit, t = math.sqrt(1 / size + 1 / n), _core.student_quantile(alpha, max(1, n - 1))
    tilt = skewness * (size**-2 - n**-2) / unit**3 * (t * t - 1) / 6
    mean, width = column.mean or 0.0, (column.stddev or 0.0) * unit
    return mean - width * (t + max(0.0, -tilt)), mean + width * (t + max(0.0, tilt))


def rate_limit(rate: float, n: int, size: int, alpha: float) -> float:
    """Return the upper prediction limit of a share of so many further observations.

    Agresti and Coull's two more of either kind keep the spread of a share of 0 from being 0.
    """
    share = (rate * n + 2) / (n + 4)
    t = _core.student_quantile(alpha, max(1, n - 1))
    return rate + t * math.sqrt(share * (1 - share) * (1 / n + 1 / size))
