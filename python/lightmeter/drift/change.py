"""When a series changed for good, by how much, and whether by a step or by creeping."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_EARLIEST = 14  # buckets before a change, which say what the level was
_NEAR, _CLEAR = 6.0, 9.0  # residual variances: of starts that fit as well, of a better shape


class Change(NamedTuple):
    """A change for good of one feature.

    Attributes:
        first: the earliest bucket at which it may have begun.
        last: the latest one.
        shape: ``"step"``, ``"creep"``, or empty until one fits clearly better.
        before: the level before it, in its own unit.
        now: the level in the end.
        size: of the difference, in standard deviations of one value.
    """

    first: int
    last: int
    shape: str
    before: float
    now: float
    size: float


class Episode(NamedTuple):
    """A change of one feature from the bucket at which it was found to that at which it is over.

    Attributes:
        opened: the first one.
        closed: the one behind the last one.
        values: of all buckets, in standard deviations of one value.
        weights: of these; of their inverses the variances are multiples.
        factor: how many buckets count as one.
        centre: what a value of 0 is in its own unit.
        unit: what a value of 1 is more than that.
    """

    opened: int
    closed: int
    values: Numbers
    weights: Numbers
    factor: float
    centre: float = 0.0
    unit: float = 1.0

    def change(self, at: int) -> Change:
        """Return what fits the buckets up to `at` best, by weighted least squares.

        Of each possible start a step and a creep are fitted. What fits nearly as well may be, too:
        the range of starts holds the true one in at least 90 % of the cases of the bench.
        """
        buckets = at + 1
        w, y, x = self.weights[:buckets], self.values[:buckets], np.arange(buckets, dtype=float)
        starts = np.arange(_EARLIEST, buckets - 1)
        total = w.sum()
        mean = (w * y).sum() / total
        y = y - mean

        def since(part: Numbers) -> Numbers:
            return np.asarray(np.cumsum(part[::-1])[::-1][starts])

        w0, w1, w2 = since(w), since(w * x), since(w * x * x)
        y0, y1, b = since(w * y), since(w * y * x), starts - 1
        # Sums of a step or creep with the values, of itself, and of its squares.
        sums = (y0, w0, w0), (y1 - b * y0, w1 - b * w0, w2 - 2 * b * w1 + b * b * w0)
        slopes, shares, losses = [], [], []
        for xy, each, square in sums:
            around = np.maximum(square - each * each / total, 1e-9 * square + 1e-300)
            slopes.append(xy / around)
            shares.append(each / total)
            losses.append((w * y * y).sum() - xy * xy / around)
        loss = np.array(losses)
        shape, best = divmod(int(loss.argmin()), len(starts))
        variance = self.factor * max(0.0, loss.min()) / max(buckets - 3, 1)
        is_clear = loss[1 - shape].min() >= loss.min() + _CLEAR * variance
        near = starts[loss.min(axis=0) <= loss.min() + _NEAR * variance]
        slope = slopes[shape][best]
        moved = float(slope) * (buckets - int(starts[best]) if shape else 1)
        before = self.centre + self.unit * float(mean - slope * shares[shape][best])
        name = ("step", "creep")[shape] if is_clear else ""
        now = before + self.unit * moved
        return Change(int(near[0]), int(near[-1]), name, before, now, abs(moved))
