"""How the numbers of two sides lie to each other, read off their sketches for sentences."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core

_EDGE = 0.01  # of the reference, at either end
_TRIMMED = 0.05  # of a side, at either end
_MIDDLES = 0.5, 0.6, 0.7, 0.8, 0.9  # of a side
_KOLMOGOROV = 1.358  # standard errors, which D exceeds in one case of twenty
_ROUNDING = 1e-9  # values; what a product of shares and counts may be off by


class Numbers:
    """The values of one side with their counts."""

    def __init__(self, sketch: _core.QuantileSketch) -> None:
        """Of a sketch that holds some."""
        self.values, self.counts = sketch.weights()
        self.before = np.concatenate(([0], np.cumsum(self.counts)))
        self.n = int(self.before[-1])

    def at_most(self, value: float) -> float:
        """The share of values up to this one."""
        return float(self.before[np.searchsorted(self.values, value, "right")]) / self.n

    def below(self, value: float) -> float:
        """The share of values that are less."""
        return float(self.before[np.searchsorted(self.values, value, "left")]) / self.n

    def within(self, low: float, high: float) -> float:
        """The share of values from `low` to `high`, both of which belong to it."""
        return self.at_most(high) - self.below(low)

    def quantile(self, share: float) -> float:
        """The least value that at least this share of values does not exceed."""
        place = np.searchsorted(self.before[1:], share * self.n - _ROUNDING)
        return float(self.values[place])

    def width(self, share: float) -> float:
        """From the least to the greatest of so many values in the middle."""
        return self.quantile((1 + share) / 2) - self.quantile((1 - share) / 2)

    def trimmed_mean(self) -> float:
        """The mean without the least and the greatest twentieth."""
        ends = np.clip(self.before, _TRIMMED * self.n, (1 - _TRIMMED) * self.n)
        weights = np.diff(ends)
        return float(np.dot(self.values, weights / weights.sum()))


class End(NamedTuple):
    """What lies beyond all but a hundredth of the reference, at one of its ends.

    Attributes:
        share: of the target.
        own: of the reference.
        rest: Kolmogorov and Smirnov's D of everything else.
        chance: what that exceeds in one of twenty cases where nothing changed.
    """

    share: float
    own: float
    rest: float
    chance: float

    @property
    def tail(self) -> float:
        """By how much the share rose."""
        return self.share - self.own


class Shape(NamedTuple):
    """What a mean and a standard deviation do not tell.

    Pairs are of the target and of the reference.

    Attributes:
        above: the upper end.
        below: the lower end.
        more: by how much the share above some threshold rose at most.
        less: the same of the share below some threshold.
        larger: the chance that a value of the target is larger than one of the reference; that they
            are equal counts half.
        trimmed: means without a twentieth at either end.
        widths: how wide the middle half is, and the middle six to nine tenths.
        least: the least value of either side.
        value: the number whose share changed the most.
        most: by how much the share of values from one to another changed the most.
    """

    above: End
    below: End
    more: float
    less: float
    larger: float
    trimmed: tuple[float, float]
    widths: tuple[tuple[float, float], ...]
    least: float
    value: float
    most: float


def shape_of(target: Numbers, reference: Numbers) -> Shape:
    """Of two sides with values."""
    sides, sizes = (target, reference), (target.n, reference.n)
    pool = np.union1d(target.values, reference.values)
    passed, passed_before = _passed(target, pool), _passed(reference, pool)
    # Before the first value, and after each: how much more of the target has passed.
    ahead = np.concatenate(([0.0], passed - passed_before))
    return Shape(
        above=_end(passed, passed_before, sizes),
        below=_end(_from_above(passed), _from_above(passed_before), sizes),
        more=max(0.0, float(-ahead.min())),
        less=max(0.0, float(ahead.max())),
        larger=_larger(passed, passed_before),
        trimmed=_pair(side.trimmed_mean() for side in sides),
        widths=tuple(_pair(side.width(share) for side in sides) for share in _MIDDLES),
        least=float(pool[0]),
        value=float(pool[np.abs(np.diff(ahead)).argmax()]),
        most=float(np.ptp(ahead)),
    )


def _pair(values: Iterable[float]) -> tuple[float, float]:
    target, reference = values
    return target, reference


def _from_above(passed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of values that are at least each one, the greatest first."""
    return 1 - np.concatenate(([0.0], passed[:-1]))[::-1]


def _end(
    passed: NDArray[np.float64], passed_before: NDArray[np.float64], sizes: tuple[int, int]
) -> End:
    """The upper end of distribution functions; of those from above, the lower end."""
    last = int(np.searchsorted(passed_before, 1 - _EDGE - _ROUNDING / sizes[1]))
    most, most_before = float(passed[last]), float(passed_before[last])
    if not most:
        return End(1.0, 1 - most_before, 1.0, 0.0)
    apart = np.abs(passed[: last + 1] / most - passed_before[: last + 1] / most_before)
    kept = most * sizes[0], most_before * sizes[1]
    chance = _KOLMOGOROV * math.sqrt(1 / kept[0] + 1 / kept[1])
    return End(1 - most, 1 - most_before, float(apart.max()), chance)


def _larger(passed: NDArray[np.float64], passed_before: NDArray[np.float64]) -> float:
    """Mann and Whitney's count, as a share."""
    at, at_before = (np.diff(side, prepend=0.0) for side in (passed, passed_before))
    return float(np.dot(at, passed_before - at_before / 2))


def _passed(side: Numbers, pool: NDArray[np.float64]) -> NDArray[np.float64]:
    places = np.searchsorted(side.values, pool, "right")
    return np.asarray(side.before[places] / side.n, np.float64)
