"""How much more buckets differ from each other than those of independent images would."""

import statistics
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lightmeter.monitor.summaries import MEAN, STDDEV, N, Summary

_LEAST_BUCKETS = 8
_NEAR = 14  # buckets on either side
_MEDIAN_SQUARE = 0.4549  # of a standard normal value


def long_run_factor(history: NDArray[np.float64]) -> float | None:
    """Return the variance of the means of buckets, over what it would be of independent images.

    It is about the ordinary buckets: changes that last and rare ones that are far off hardly
    matter, as it is by the median of squares around the median of the buckets near by.

    Args:
        history: of a feature, a row for each bucket in order of time: how many values it has, their
            mean and their standard deviation.

    Returns:
        The factor; None where too little is known.
    """
    n, means, stddevs = history[history[:, 0] >= 2].T
    if len(n) < _LEAST_BUCKETS:
        return None
    within = ((n - 1) * stddevs**2).sum() / (n - 1).sum()
    # Rounding of what is constant within each bucket is no variance.
    if within <= (1e-9 * max(1.0, float(np.abs(means).max()))) ** 2:
        return None
    near = [np.median(means[max(0, at - _NEAR) : at + _NEAR + 1]) for at in range(len(means))]
    squares = n * (means - np.array(near)) ** 2 / within
    return float(np.median(squares)) / _MEDIAN_SQUARE


def design_of(segments: Iterable[Sequence[Summary]], takes: Callable[[str], bool]) -> float | None:
    """Return the median design effect of numbers in the buckets of segments, in order of time.

    It is 1 where images are independent, and 12 where 12 images say as much as one.

    Args:
        segments: of each its buckets.
        takes: says which features are in question.
    """
    effects: list[float] = []
    for summaries in segments:
        kinds = {name: kind for each in summaries for name, kind in each.kinds.items()}
        names = tuple(name for name, kind in kinds.items() if kind == "number" and takes(name))
        tables = [each.aligned(names)[[N, MEAN, STDDEV]] for each in summaries]
        for index in range(len(names)):
            factor = long_run_factor(np.array([table[:, index] for table in tables]))
            if factor is not None:
                effects.append(factor)
    return statistics.median(effects) if effects else None
