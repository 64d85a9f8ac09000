"""Prediction limits: where numbers of a batch that is yet to come are."""

import math
from bisect import bisect_left, bisect_right

import numpy as np

from lightmeter import _core
from lightmeter.profile import ColumnView

_TAME = 0.7, 1.5  # the greatest skewness and excess kurtosis


def _moments(column: ColumnView) -> tuple[int, float, float]:
    """Return how many numbers there are, their skewness and their excess kurtosis."""
    values, weights = _core.numbers_of(column._core, column.name).weights()
    away = values - np.average(values, weights=weights)
    away /= math.sqrt(np.average(away**2, weights=weights))
    third, fourth = (float(np.average(away**power, weights=weights)) for power in (3, 4))
    return int(weights.sum()), third, fourth - 3


def is_tame(column: ColumnView) -> bool:
    """Return whether numbers that differ have no long tail, so that few cannot move their mean."""
    _, skewness, kurtosis = _moments(column)
    return abs(skewness) <= _TAME[0] and kurtosis <= _TAME[1]


def mean_interval(column: ColumnView, size: int, alpha: float) -> tuple[float, float]:
    """Return the prediction interval of the mean of so many further values like these.

    It is Student's, with the first term of Cornish and Fisher for the longer tail of skewed values.
    The difference of two means of as many values has no skewness.

    Args:
        column: a feature with numbers that differ.
        size: of how many values the mean will be.
        alpha: between 0 and 1.
    """
    n, skewness, _ = _moments(column)
    unit, t = math.sqrt(1 / size + 1 / n), _core.student_quantile(alpha, max(1, n - 1))
    tilt = skewness * (size**-2 - n**-2) / unit**3 * (t * t - 1) / 6
    mean, width = column.mean or 0.0, (column.stddev or 0.0) * unit
    return mean - width * (t + max(0.0, -tilt)), mean + width * (t + max(0.0, tilt))


def rate_limit(hits: int, n: int, size: int, alpha: float) -> float:
    """Return the upper prediction limit of a share of so many further observations.

    It is the greatest that Fisher's exact test does not find to be more than `hits` of `n`.
    """

    def is_more(more: int) -> bool:
        return _core.fisher_more(more, size, hits, n) <= alpha

    return (bisect_left(range(size + 1), True, key=is_more) - 1) / size


def quantile_share(q: float, n: int, size: int, alpha: float) -> float | None:
    """Return the share of values like `n` that the quantile of so many further ones is not below.

    None where it may be below all of them. It asks nothing of the distribution: the quantile is
    below a value if so many further ones are, which Fisher's exact test finds to be more.
    """
    below = max(1, math.ceil(q * size))

    def chance(hits: int) -> float:
        return _core.fisher_more(below, size, hits, n)

    hits = bisect_right(range(n + 1), alpha, key=chance) - 1
    return None if hits < 0 else hits / n
