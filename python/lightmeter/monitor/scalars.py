"""Numbers that a rule can follow, and the interval that the next one of a series falls into."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from lightmeter.drift.prediction import predicted_interval
from lightmeter.monitor.dated import lag_of
from lightmeter.profile import ColumnView
from lightmeter.profile.scalars import HUE_STEPS, Scalar, arc, nearest_turn
from lightmeter.profile.scalars import SCALARS as PROFILE_SCALARS

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


SCALARS: dict[str, Scalar] = PROFILE_SCALARS | {"lag": lag_of}


def scalar_of(column: ColumnView, name: str) -> float | None:
    """A number of a feature by name; None where it does not exist, see `ColumnView`."""
    value = SCALARS[name](column)
    return None if value is None else float(value)


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
