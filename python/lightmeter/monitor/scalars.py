"""Numbers that a rule can follow, and the interval that the next one of a series falls into."""

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from lightmeter import _core
from lightmeter.drift.prediction import predicted_interval
from lightmeter.monitor.dated import lag_of
from lightmeter.profile import ColumnView

__all__ = [
    "HUE_STEPS",
    "SCALARS",
    "Share",
    "arc",
    "hue_interval",
    "is_hue",
    "nearest_turn",
    "prediction_interval",
    "scalar_of",
    "share_of",
]

HUE_STEPS = 255.0  # around the circle, on the scale that profiles report

_LEAST_DIRECTION = 0.5  # of the mean of unit vectors; so it is with a spread of 67 degrees


class Share(NamedTuple):
    """So many of so many."""

    hits: int
    n: int


def share_of(column: ColumnView, name: str) -> Share | None:
    """The counts behind a number of a feature; None where it is no share, or one of nothing.

    `n` of the failure feature is the images measured, its missing values, and the failures.
    """
    if column.n == 0:
        return None
    if name == "missing_rate":
        return Share(column.missing, column.n)
    if name == "failure_rate" and column.kind == "failure":
        return Share(column.n - column.missing, column.n)
    return None


def _quantile(q: float) -> Callable[[ColumnView], float | None]:
    return lambda column: column.quantile(q)


SCALARS: dict[str, Callable[[ColumnView], float | None]] = {
    **{
        name: attrgetter(name)
        for name in (
            *("n", "missing_rate", "failure_rate", "distinct"),
            *("mean", "stddev", "min", "max", "median"),
        )
    },
    "lag": lag_of,
    **{f"q_{q:02}": _quantile(q / 100) for q in (1, 5, 10, 25, 75, 90, 95, 99)},
}


def scalar_of(column: ColumnView, name: str) -> float | None:
    """A number of a feature by name; None where it does not exist, see `ColumnView`."""
    value = SCALARS[name](column)
    return None if value is None else float(value)


def is_hue(column: ColumnView, scalar: str) -> bool:
    """Whether the number is itself an angle, so that 0 follows 254."""
    return scalar == "mean" and column.meaning.is_circular


def nearest_turn(hue: float, to: float) -> float:
    """`hue` and as many whole turns as bring it within half a turn of `to`."""
    return to + math.remainder(hue - to, HUE_STEPS)


def arc(low: float, high: float) -> tuple[float, float]:
    """The same arc on the turn before where it passes 255, so that those around 0 stay together."""
    turn = HUE_STEPS * (high > HUE_STEPS)
    return low - turn, high - turn


def hue_interval(
    series: Sequence[float], sizes: Sequence[int], within: float, size: int, alpha: float
) -> tuple[float, float] | None:
    """`predicted_interval` on the circle, as an `arc`.

    That of the differences from the mean direction, each taken the shorter way around. It keeps its
    promise while the hues lie well within half of the circle; None where they have no direction,
    or hardly any: one on the other side is then as ordinary as the mean.

    Args:
        series: two hues or more.
        sizes: how many values each is of.
        within: the variance of one value, in steps.
        size: how many values the judged bucket has.
        alpha: between 0 and 1.
    """
    angles = [hue * math.tau / HUE_STEPS for hue in series]
    x = math.fsum(map(math.cos, angles))
    y = math.fsum(map(math.sin, angles))
    if math.hypot(x, y) < _LEAST_DIRECTION * len(series):
        return None
    middle = math.atan2(y, x) * HUE_STEPS / math.tau % HUE_STEPS
    turned = [nearest_turn(hue, middle) for hue in series]
    return arc(*predicted_interval(turned, sizes, within, size, alpha))


def prediction_interval(series: Sequence[float], alpha: float) -> tuple[float, float]:
    """Prediction interval for the next of normal values; its coverage is 1 - alpha.

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
