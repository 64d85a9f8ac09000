"""How far the numbers of one image lie from those of a reference: all together, and each alone."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.drift.describe.causes import Change, change_of
from lightmeter.drift.describe.sentences import STEPS
from lightmeter.drift.names import Said
from lightmeter.image.bands import BAND_NUMBERS
from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS, Scale
from lightmeter.profile import ColumnView
from lightmeter.text import count, number, percent

Array = NDArray[np.float64]


class _Axis(NamedTuple):
    """How a number becomes a coordinate.

    Attributes:
        resolution: what is little of it: no deviation of that size matters, and where all rows are
            equal, it takes its place beside their spread. 0 takes a part of the spread.
        offset: differences of log(value + offset) count; 0 takes the value as it is.
    """

    resolution: float
    offset: float = 0.0


_OWN = _Axis(0.0)
_BY_SCALE: dict[Scale, _Axis] = {
    "sample": _Axis(0.25),
    "squares": _Axis(0.01, 0.1),
    "bits": _Axis(0.01),
    "share": _Axis(0.0025),
    "percent": _Axis(0.25),
    "ratio": _Axis(0.01, 0.01),
    "length": _Axis(0.01, 1.0),
}
_DETAIL = _Axis(0.01, 0.05)  # of the groups focus and noise, be they in steps of a sample
_FILE_SIZE = _Axis(0.02, 1.0)
_WHOLE = _Axis(0.5)
# Cells of the grid depend on what is where in a picture, and they are many.
_CELL = 8.0

_OWN_SHARE = 0.05  # of the standard deviation of the rows
_RADIUS = STEPS / (2 * np.pi) / 0.5  # of the circle of hues; half a step is little
_MOST = float(np.finfo(np.float32).max)
_ROUNDING = 1e-9  # an image of the rows is as far as its own row
_ONE_THREAD = 2**18  # multiplications
_MOST_SPREADS = 20.0  # beyond, one is as far as another
_FARTHEST = 1e5  # in resolutions; no number on its own may swallow the precision of all

_NUMBERS = {number.name: number for number in IMAGE_NUMBERS}


def _axis(name: str, bands: Collection[str]) -> _Axis:
    first, _, rest = name.partition(".")
    if name == "FileSize":
        return _FILE_SIZE
    if FACTS.get(name) is int:
        return _WHOLE
    number = _NUMBERS.get(BAND_NUMBERS.get(rest, "") if first in bands else name)
    if number is None or number.role != "plain":
        return _OWN
    if number.scale == "sample" and number.group in ("focus", "noise"):
        return _DETAIL
    axis = _BY_SCALE[number.scale]
    return axis._replace(resolution=_CELL * axis.resolution) if number.group == "where" else axis


class Deviation(NamedTuple):
    """Of one image from the rows.

    Attributes:
        p_value: the share of rows, counting the image as one, that lie as far out.
        oddest: the name of the number that goes least with the others of the image; empty if
            that is a hue.
        is_higher: whether it is higher than they let expect.
    """

    p_value: float
    oddest: str
    is_higher: bool


def deviation(
    names: Sequence[str], rows: NDArray[Any], image: Sequence[float], bands: Collection[str] = ()
) -> Deviation:
    """Return how far an image is from the rows of a reference.

    A deviation is Mahalanobis' distance: the largest over all weighted sums of the numbers, in
    standard deviations of that sum. So a sharpness that is ordinary by itself deviates where the
    entropy beside it says that the picture should be sharper.

    The p-value is conformal. The image joins the rows, the mean and the covariances are those of
    all of them, and the share of them is counted that deviate at least as much. Were all of them
    drawn alike, each would be the farthest equally often, whatever their distribution. So p is at
    most `level` in at most a share `level` of such images: exactly, not in the limit. It does not
    hold for a burst of images that are like each other and unlike the rows; see docs/checks.md.

    Args:
        names: of the numbers, without a prefix.
        rows: a row per image.
        image: the same numbers of the image.
        bands: names of bands among those of the numbers.
    """
    # Where resolutions follow from the values, those of the image count with those of the rows:
    # else the image would be the only one that they do not know, and not one of equals.
    own = np.array([image], np.float64).clip(-_MOST, _MOST).astype(np.float32)
    points = _points(names, np.vstack([rows, own]).astype(np.float64), bands)
    points -= points.mean(axis=0)
    scatter = points.T @ points
    scatter[np.diag_indices_from(scatter)] += len(points)
    inverse = np.asarray(np.linalg.inv(scatter), np.float64)
    # OpenBLAS takes threads for a larger product, and they spin for longer than this one takes.
    some = max(1, _ONE_THREAD // len(inverse) ** 2)
    weighted = np.vstack([points[at : at + some] @ inverse for at in range(0, len(points), some)])
    squares = np.einsum("ij,ij->i", weighted, points)
    as_far = int(np.count_nonzero(squares >= squares[-1] * (1 - _ROUNDING)))
    # What goes with the other numbers follows from the rows without the image. By Sherman and
    # Morrison, but for the resolutions, in which the image counts.
    weights = weighted[-1]
    part = max(len(rows) / len(points) - squares[-1], 1e-12)
    at = int(np.argmax(weights**2 / (inverse.diagonal() + weights**2 / part)))
    plain = [name for name in names if not _is_angle(name)]
    oddest = plain[at] if at < len(plain) else ""
    return Deviation(as_far / len(points), oddest, bool(weights[at] > 0))


def _is_angle(name: str) -> bool:
    return name in _NUMBERS and _NUMBERS[name].role == "angle"


def _points(names: Sequence[str], values: Array, bands: Collection[str]) -> Array:
    """Coordinates, in resolutions; an angle has two, behind all others."""
    angles = np.array([_is_angle(name) for name in names])
    axes = [_axis(name, bands) for name in names if not _is_angle(name)]
    unit, offset = np.array(axes, np.float64).reshape(-1, 2).T
    plain, logs, own = values[:, ~angles], offset > 0, unit == 0
    plain[:, logs] = np.log(np.maximum(plain[:, logs], 0.0) + offset[logs])
    if own.any():
        table = plain[:, own]
        centre = np.median(table, axis=0)
        least = 1e-6 * np.maximum(1.0, np.abs(centre))
        unit[own] = np.maximum(_OWN_SHARE * table.std(axis=0), least)
        plain[:, own] -= centre
    turns = values[:, angles] * (2 * np.pi / STEPS)
    parts = plain / unit, _RADIUS * np.cos(turns), _RADIUS * np.sin(turns)
    return np.asarray(np.hstack(parts).clip(-_FARTHEST, _FARTHEST), np.float64)


class OddNumber(NamedTuple):
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

    def __init__(self, column: ColumnView, said: Said) -> None:
        """Of a column of numbers or angles, and what sentences say of it."""
        self.said, self._column = said, column
        values, weights = column.numbers.weights()
        # Of angles, what counts is how far they are from their mean, and not on which side.
        self._centre = column.mean if column.meaning.is_circular else None
        if self._centre is not None:
            values = np.abs(np.remainder(values - self._centre + STEPS / 2, STEPS) - STEPS / 2)
            order = np.argsort(values, kind="stable")
            values, weights = values[order], weights[order]
        self._values: list[float] = values.tolist()
        self._below: list[int] = [0, *np.cumsum(weights).tolist()]
        self._mean = column.mean or 0.0
        self._spread = max(column.stddev or 0.0, 1e-6 * abs(self._mean), 1e-12)
        self._ends = column.min, column.max  # which a sample of values may lack

    def distance(self, value: float) -> float:
        """From the mean, in standard deviations."""
        away = value - self._mean if self._centre is None else self._out(value)
        return abs(away) / self._spread

    def change(self, value: float, *, is_odd: bool) -> Change:
        """How the value differs from the mean, which has a sign only where it is odd."""
        size = min(self.distance(value) / _MOST_SPREADS, 1.0)
        kind = str(self.said.scale) if self._centre is None else "hue"
        return change_of(self._mean, value, size, kind=kind, is_sure=is_odd, is_odd=is_odd)

    def odd(self, value: float, level: float, words: str = "") -> OddNumber | None:
        """None where the value is ordinary; `words` are those to say instead of its own."""
        n, out, (least, greatest) = self._below[-1], self._out(value), self._ends
        above = n - self._below[bisect_left(self._values, out)]
        below = self._below[bisect_right(self._values, out)]
        if least is None or greatest is None:  # an angle
            below = n
        else:
            above, below = max(above, out <= greatest), max(below, least <= out)
        beyond = min(above, below)
        if (1 + beyond) / (n + 1) > level:
            return None
        how = "higher" if above <= below else "lower"
        if self._centre is not None:
            how = f"farther from {number(self._centre)}"
        most = percent(1 - beyond / n) if beyond else f"all {count(n)} images"
        words = words or f"is {how} than in {most} of the reference"
        sentence = f"{self.said.name} {number(value)} {words}"
        return OddNumber(self._column.name, value, (1 + beyond) / (n + 1), sentence)

    def _out(self, value: float) -> float:
        return value if self._centre is None else abs(math.remainder(value - self._centre, STEPS))
