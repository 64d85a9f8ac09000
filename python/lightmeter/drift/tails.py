"""Where one value lies among those of a reference, and how to say so."""

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

import numpy as np

from lightmeter.drift.describe.signs import Change
from lightmeter.profile import ColumnView
from lightmeter.text import count, number, percent

_CIRCLE = 255.0
_FARTHEST = 20.0  # standard deviations; beyond, one is as far as another


class Finding(NamedTuple):
    """A number of an image that is out of the ordinary.

    Attributes:
        feature: such as ``image.Sharpness``.
        value: of the image.
        tail_probability: the share of the images of the reference, and this one, that lie at least
            as far out on that side. By itself it is no reason: each number has two sides, so that
            of 60 numbers of an ordinary image about 2 * 0.02 * 60 = 2.4 are at 0.02 or less.
        sentence: says so in words.
        cause: what happened to the image, such as ``out of focus``, if this tells it.
    """

    feature: str
    value: float
    tail_probability: float
    sentence: str
    cause: str = ""


class Tail:
    """The values that one feature has in a reference.

    Of many images a profile keeps a sample of values; then the shares are as exact as its ranks.
    """

    def __init__(self, column: ColumnView, spoken: str) -> None:
        """Of a column of numbers or angles, called `spoken` in sentences."""
        self.feature = column.name
        values, weights = column.numbers.weights()
        # Of angles, what counts is how far they are from their mean, and not on which side.
        self._centre = column.mean if column.meaning.is_circular else None
        if self._centre is not None:
            values = np.array([abs(_turn(value, self._centre)) for value in values.tolist()])
            order = np.argsort(values, kind="stable")
            values, weights = values[order], weights[order]
        self._values: list[float] = values.tolist()
        self._ends = column.min, column.max  # which a sample of values may lack
        self._below: list[int] = [0, *np.cumsum(weights).tolist()]
        self.n = int(self._below[-1])
        self._mean = 0.0 if self._centre is not None else column.mean or 0.0
        self._spread = max(column.stddev or 0.0, 1e-6 * abs(self._mean), 1e-12)
        self._spoken = spoken

    def distance(self, value: float) -> float:
        """From the mean, in standard deviations."""
        return abs(self._out(value) - self._mean) / self._spread

    def change(self, value: float, *, is_odd: bool) -> Change:
        """How the value differs from the mean, which has a sign only where it is odd."""
        if self._centre is not None:
            moved = _turn(value, self._centre)
            by = moved * 2 * math.pi / _CIRCLE
        else:
            moved = by = value - self._mean
            if self.feature.endswith("_percent"):
                by = moved / 100
            elif value > 0 and self._mean > 0:
                by = math.log(value / self._mean)
        sign = (moved > 0) - (moved < 0) if is_odd else 0
        return Change(sign, by, min(self.distance(value) / _FARTHEST, 1.0), is_odd)

    def probability(self, value: float) -> float:
        """The share of the images, and this one, that lie at least as far out on its side."""
        return (1 + min(self._beyond(value))) / (self.n + 1)

    def finding(self, value: float, level: float) -> Finding | None:
        """None where the value is ordinary."""
        above, below = self._beyond(value)
        tail = (1 + min(above, below)) / (self.n + 1)
        if tail > level:
            return None
        return Finding(self.feature, value, tail, self._sentence(value, above, below))

    def _beyond(self, value: float) -> tuple[int, int]:
        """How many are at least as high, and at least as low."""
        out = self._out(value)
        above = self.n - self._below[bisect_left(self._values, out)]
        below = self._below[bisect_right(self._values, out)]
        least, greatest = self._ends
        if least is None or greatest is None:  # an angle
            return above, self.n
        return max(above, out <= greatest), max(below, least <= out)

    def _sentence(self, value: float, above: int, below: int) -> str:
        how = "higher" if above <= below else "lower"
        if self._centre is not None:
            how = f"farther from {number(self._centre)}"
        beyond = min(above, below)
        most = percent(1 - beyond / self.n) if beyond else f"all {count(self.n)} images"
        return f"{self._spoken} {number(value)} is {how} than in {most} of the reference"

    def _out(self, value: float) -> float:
        return value if self._centre is None else abs(_turn(value, self._centre))


def _turn(angle: float, centre: float) -> float:
    return math.remainder(angle - centre, _CIRCLE)
