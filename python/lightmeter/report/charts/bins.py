"""Two distributions on the same bins."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.sketch import QuantileSketch

HUE_CIRCLE = 255.0
_MOST_BINS = 32
_FEWEST_BINS = 10
_TINY = 1e-300  # so that parts of it are no zeros
_LIMIT = 1e300  # of the axis, so that its width is a number


class Bins(NamedTuple):
    """The share of each side's values in each bin. All bins are equally wide."""

    edges: NDArray[np.float64]  # one more than the bins
    target: NDArray[np.float64]  # each sums to 1, or is empty for a side without numbers
    reference: NDArray[np.float64]
    below: bool  # the first bin also holds what lies below it
    above: bool  # and the last what lies above


def common_bins(target: QuantileSketch, reference: QuantileSketch, *, hue: bool = False) -> Bins:
    """Bins for both sketches, at least one of which holds numbers.

    The width follows Freedman and Diaconis' rule, rounded to a number that reads well. Whole
    numbers of a small range get a bin each. A few far values would squeeze all others into one
    bin, so the outermost bins take them.

    Args:
        target: one side.
        reference: the other.
        hue: the values are hues. If they spread over more than half the circle, all of it is shown.
    """
    pooled = QuantileSketch()
    pooled.merge_many([target, reference])
    low, high = pooled.min, pooled.max
    values, _ = pooled.weights()
    whole = max(abs(low), abs(high)) < 2**50 and bool((values == np.floor(values)).all())
    if hue and high - low > HUE_CIRCLE / 2:
        edges = np.linspace(0.0, HUE_CIRCLE, 31)
    elif whole and high - low < _MOST_BINS:
        edges = np.arange(low - 0.5, high + 1.0)
    else:
        edges = _edges(*_core_range(pooled), _width(target, reference), whole)
    return Bins(
        edges,
        _shares(target, edges),
        _shares(reference, edges),
        bool(low < edges[0]),
        bool(high > edges[-1]),
    )


def _core_range(pooled: QuantileSketch) -> tuple[float, float]:
    """The range of all values, or of most if that is less than a quarter of it."""
    low, high = (min(max(end, -_LIMIT), _LIMIT) for end in (pooled.min, pooled.max))
    q01, q99 = (float(q) for q in pooled.quantiles([0.01, 0.99]))
    if high - low > 4 * (q99 - q01) > 0:
        margin = 0.1 * (q99 - q01)
        low, high = max(low, q01 - margin), min(high, q99 + margin)
    return low, high


def _width(*sides: QuantileSketch) -> float:
    """Freedman and Diaconis' bin width: of both sides, the smaller one."""
    widths = []
    for side in sides:
        q25, q75 = (float(q) for q in side.quantiles([0.25, 0.75]))
        if q75 > q25:
            widths.append(2 * (q75 - q25) / side.n ** (1 / 3))
    return min(widths, default=0.0)


def _edges(low: float, high: float, width: float, whole: bool) -> NDArray[Any]:
    spread = high - low
    least = max(4 * math.ulp(max(abs(low), abs(high))), _TINY)
    if not spread > least:  # one value; a bin needs room around it
        room = max(abs(low) * 1e-3, 0.5)
        return np.array([low - room, high + room])
    step = _readable(min(max(width, spread / _MOST_BINS), spread / _FEWEST_BINS))
    if whole:
        step = max(step, 1.0)
    first = math.floor(low / step)
    last = math.floor(high / step) + 1
    if not (abs(first) < 2**50 and abs(last) < 2**50):  # steps would be lost beside the values
        return np.linspace(low, high, _FEWEST_BINS + 1)
    return np.arange(first, last + 1) * step


def _readable(width: float) -> float:
    """The next smaller of 1, 2 and 5 times a power of ten: at most 2.5 times as many bins."""
    power = 10.0 ** math.floor(math.log10(width))
    return max(step * power for step in (0.5, 1.0, 2.0, 5.0) if step * power <= width)


def _shares(sketch: QuantileSketch, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share in each [edge, next edge). The outermost bins take what lies beyond them."""
    if sketch.n == 0:
        return np.empty(0)
    below = sketch.ranks(np.nextafter(edges[1:-1], -np.inf))
    shares: NDArray[np.float64] = np.diff(below, prepend=0.0, append=1.0)
    return shares
