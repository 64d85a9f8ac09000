"""When a series changed for good, by how much, and whether by a step or by creeping."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_EARLIEST = 14  # buckets before a change, which say what the level was
_NEAR, _CLEAR = 7.0, 9.0  # residual variances: of starts that fit as well, of a better shape
_RIDGE = 1e-9


class Change(NamedTuple):
    """A change for good of one feature.

    Attributes:
        first: the earliest bucket at which it may have begun.
        last: the latest one.
        shape: ``"step"``, ``"creep"``, or empty until one fits clearly better.
        before: the level before it, in the unit of the statistic.
        now: the level in the end.
    """

    first: int
    last: int
    shape: str
    before: float
    now: float


def change_of(values: Numbers, weights: Numbers, factor: float) -> Change:
    """Return the change that fits the series of one feature best, by least squares.

    Args:
        values: one for each bucket up to now, of which there are 35 at least.
        weights: of these; of their inverses the variances are multiples.
        factor: how many buckets count as one.
    """
    buckets = len(values)
    starts = np.arange(_EARLIEST, buckets - 1)
    at = np.arange(buckets, dtype=np.float64)

    def after(part: Numbers) -> Numbers:
        """Sums from each start on."""
        return np.asarray(part.sum() - np.cumsum(part)[starts - 1])

    total = weights.sum()
    off = values - (weights * values).sum() / total
    own = float((weights * off * off).sum())
    w0, w1, w2 = after(weights), after(weights * at), after(weights * at * at)
    y0, y1 = after(weights * off), after(weights * off * at)
    begin = starts - 1.0
    fits = {}
    for shape, xy, x, xx in (
        ("step", y0, w0, w0),
        ("creep", y1 - begin * y0, w1 - begin * w0, w2 - 2 * begin * w1 + begin**2 * w0),
    ):
        square = xx - x * x / total
        known = square > _RIDGE * np.maximum(xx, 1e-300)
        slope = np.where(known, xy / np.where(known, square, 1.0), 0.0)
        fits[shape] = own - slope * xy, slope, x / total
    shape = min(fits, key=lambda each: float(fits[each][0].min()))
    rss, slope, share = fits[shape]
    best = int(rss.argmin())
    variance = factor * max(0.0, float(rss[best])) / max(buckets - 3, 1)
    other = min(float(fits[each][0].min()) for each in fits if each != shape)
    is_clear = other >= rss[best] + _CLEAR * variance
    fit = rss if is_clear else np.minimum(fits["step"][0], fits["creep"][0])
    near = np.flatnonzero(fit <= rss[best] + _NEAR * variance)
    mean = float((weights * values).sum() / total)
    before = mean - float(slope[best] * share[best])
    length = buckets - starts[best] if shape == "creep" else 1
    return Change(
        int(starts[near[0]]),
        int(starts[near[-1]]),
        shape if is_clear else "",
        before,
        before + float(slope[best]) * length,
    )
