"""Statistics of a feature by name, with the bounds that a sketch guarantees."""

import math
from collections.abc import Callable, Sequence
from operator import attrgetter, methodcaller
from typing import NamedTuple

import numpy as np

from lightmeter import _core
from lightmeter.profile.view import ColumnView
from lightmeter.sketch import QuantileSketch

HUE_STEPS = 255.0  # around the circle, on the scale that profiles report
LONGEST_TEXT = 124  # bytes of UTF-8: a profile cuts texts at 128, where a character ends
INEXACT = 2**53  # from which a profile rounds integers

Scalar = Callable[[ColumnView], float | None]

_QUANTILES = {f"q_{q:02}": q / 100 for q in (1, 5, 10, 25, 75, 90, 95, 99)} | {"median": 0.5}
_RANKS = {"min": 0.0, **_QUANTILES, "max": 1.0}
VALUES = {*_RANKS, "mean"}  # which can be compared with the value of an image
_DEVIATIONS = 3.0  # standard errors of a distinct count that is estimated


def _sum(column: ColumnView) -> float | None:
    """Return the sum of the numbers; of bools this is the count of True."""
    if column.mean is None or column.meaning.is_circular:
        return None
    total = column.mean * column._numbers.n
    return total if column.types.number or column.types.date else float(round(total))


def _distinct_rate(column: ColumnView) -> float | None:
    values = column.n - column.missing
    return min(1.0, column.distinct / values) if values else None


_PLAIN = ("n", "missing_rate", "failure_rate", "distinct", "mean", "stddev", "min", "max")
SCALARS: dict[str, Scalar] = {
    **{name: attrgetter(name) for name in _PLAIN},
    **{name: methodcaller("quantile", q) for name, q in _QUANTILES.items()},
}
# Further statistics for contracts.
COUNTS: dict[str, Scalar] = {
    "missing": attrgetter("missing"),
    "distinct_rate": _distinct_rate,
    "sum": _sum,
    **{f"{name}s": attrgetter(f"types.{name}") for name in ("integer", "text", "bool", "date")},
    "fractions": attrgetter("types.number"),
}


def scalar_of(column: ColumnView, name: str) -> float | None:
    """Return a statistic of a feature by name; None if it does not exist; see `ColumnView`."""
    value = (SCALARS.get(name) or COUNTS[name])(column)
    return None if value is None else float(value)


def bounds_of(column: ColumnView, name: str) -> tuple[float, float] | None:
    """Return the least and greatest possible value of a statistic; None if it does not exist.

    Both are equal, except for estimates of sketches: quantiles of a sample, whose ranks hold with
    99 % probability, and distinct counts, which are within three standard errors. Infinite values
    count in `min`, `max`, quantiles and distinct counts; with them, `mean`, `stddev` and `sum` do
    not exist.
    """
    numbers = column._numbers
    if name in _RANKS and not column.meaning.is_circular:
        q = _RANKS[name]
        error = numbers.error() if name in _QUANTILES else 0.0
        low, high = (_at(numbers, min(1.0, max(0.0, q + off))) for off in (-error, error))
        return None if low is None or high is None else (low, high)
    if name in ("distinct", "distinct_rate"):
        return _distinct_bounds(column, name)
    value = scalar_of(column, name)
    is_infinite = name in ("mean", "stddev", "sum") and numbers.pos_inf + numbers.neg_inf > 0
    return None if value is None or is_infinite else (value, value)


def _at(numbers: QuantileSketch, share: float) -> float | None:
    """Return a quantile, with infinite values included; None without numbers."""
    total = numbers.n + numbers.neg_inf + numbers.pos_inf
    below = share * total - numbers.neg_inf
    if below < 0 or 0 < total == numbers.neg_inf:
        return -math.inf
    if below >= numbers.n and numbers.pos_inf:
        return math.inf
    return float(numbers.quantiles(min(1.0, below / numbers.n))[0]) if total else None


def _distinct_bounds(column: ColumnView, name: str) -> tuple[float, float] | None:
    values = column.n - column.missing
    if column.kind == "vector" or (name == "distinct_rate" and not values):
        return None  # vectors are not compared
    items, others, _ = seen_values(column)
    low = high = float(len(items))
    if others:
        summary, numbers = column._core.summary(column.name), column._numbers
        estimate, *ends = (summary[f"cardinality/{key}"] for key in ("est", "lower_1", "upper_1"))
        infinite = (numbers.pos_inf > 0) + (numbers.neg_inf > 0)  # which are not in the estimate
        low, high = (infinite + estimate + _DEVIATIONS * (end - estimate) for end in ends)
    if any(item.is_rounded for item in items):
        high = float(values)
    total = values if name == "distinct_rate" else 1
    return max(0.0, low) / total, min(float(values), high) / total


class Seen(NamedTuple):
    """Hold a value that was seen between `lower` and `upper` times.

    `value` is a text or a number; a bool is 0 or 1.
    """

    value: str | float
    lower: int
    upper: int

    @property
    def is_rounded(self) -> bool:
        """Return whether the value may include others, as a long text or a large integer."""
        if isinstance(self.value, str):
            return len(self.value.encode()) > LONGEST_TEXT
        return isinstance(self.value, int) and abs(self.value) >= INEXACT


class SeenValues(NamedTuple):
    """Hold what a profile knows about the values of a feature.

    Attributes
    ----------
    items
        Values that certainly occurred, most frequent first.
    others
        Maximum number of observations with other values.
    most
        Maximum number of observations with any single other value.
    """

    items: list[Seen]
    others: int
    most: int


def seen_values(column: ColumnView) -> SeenValues:
    """Return the values that occurred, as far as a profile lists them."""
    numbers, strings = column._numbers, column._core.strings(column.name)
    items = [Seen(*item) for item in strings.items()]
    most = column._vectors + (0 if strings.is_exact else items[-1].upper)
    values, counts = (array.tolist() for array in numbers.weights())
    plain = [_plain(value, column._integers > 0) for value in values]
    if numbers.is_exact:
        items += map(Seen, plain, counts, counts)
    else:  # integers are listed apart if there are no others, and these are a sample
        listed = [] if items else column.frequent
        items += [Seen(int(item.value), item.lower, item.upper) for item in listed]
        rest = listed[-1].upper if listed else numbers.n
        known = {item.value for item in items}
        items += [Seen(value, 1, rest) for value in plain if value not in known]
        most += rest
    for value, times in ((math.inf, numbers.pos_inf), (-math.inf, numbers.neg_inf)):
        items.append(Seen(value, times, times))
    items = sorted((item for item in items if item.lower), key=lambda item: -item.upper)
    others = column.n - column.missing - sum(item.lower for item in items)
    return SeenValues(items, others, min(others, most))


def _plain(value: float, has_integers: bool) -> float:
    is_integer = value.is_integer() and (has_integers or abs(value) < INEXACT)
    return int(value) if is_integer else value


def is_hue(column: ColumnView, scalar: str) -> bool:
    """Return whether a statistic is itself an angle, so that 0 follows 254."""
    return scalar == "mean" and column.meaning.is_circular


def nearest_turn(hue: float, to: float) -> float:
    """Return `hue` plus whole turns of 255 steps that bring it within half a turn of `to`."""
    return to + math.remainder(hue - to, HUE_STEPS)


def arc(low: float, high: float) -> tuple[float, float]:
    """Return the arc from one hue to another, one turn lower if it passes 255, to be near 0."""
    high += HUE_STEPS * (high < low)
    turn = HUE_STEPS * (high > HUE_STEPS)
    return low - turn, high - turn


def prediction_interval(series: Sequence[float], alpha: float) -> tuple[float, float]:
    """Return the prediction interval of the next normal value, with coverage 1 - alpha.

    The interval is the mean plus and minus ``t s sqrt(1 + 1/n)``, where t is the two-sided quantile
    of Student's distribution with n - 1 degrees of freedom. It accounts for the unknown mean and
    spread: three standard deviations of seven values are exceeded in 3 % of cases, not in 0.3 %.

    Parameters
    ----------
    series
        At least two values.
    alpha
        Between 0 and 1.
    """
    n, values = len(series), np.asarray(series)
    mean, spread = float(values.mean()), float(values.std(ddof=1)) * math.sqrt(1 + 1 / n)
    half = _core.student_quantile(alpha, n - 1) * spread
    return mean - half, mean + half
