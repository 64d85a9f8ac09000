"""How much more buckets differ from each other than those of independent images would."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.monitor.summaries import MEAN, STDDEV, N, Summary

_LEAST_BUCKETS = 8
_NEAR = 14  # buckets on either side
_MEDIAN_SQUARE = 0.4549  # of a standard normal value


class Design(NamedTuple):
    """Design effects: 1 where images are independent, 12 where 12 images say as much as one.

    Attributes:
        median: of the features.
        worst: the largest.
        feature: which one has it.
    """

    median: float
    worst: float
    feature: str


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


def design_of(segments: Iterable[Sequence[Summary]], takes: Callable[[str], bool]) -> Design | None:
    """Return the design effects of numbers in the buckets of segments, in order of time.

    Args:
        segments: of each its buckets.
        takes: says which features are in question.
    """
    effects: dict[str, list[float]] = {}
    for summaries in segments:
        kinds = {name: kind for each in summaries for name, kind in each.kinds.items()}
        names = tuple(name for name, kind in kinds.items() if kind == "number" and takes(name))
        tables = [each.aligned(names)[[N, MEAN, STDDEV]] for each in summaries]
        for index, name in enumerate(names):
            factor = long_run_factor(np.array([table[:, index] for table in tables]))
            if factor is not None:
                effects.setdefault(name, []).append(factor)
    if not effects:
        return None
    by_feature = {name: statistics.median(those) for name, those in effects.items()}
    worst = max(by_feature, key=lambda name: by_feature[name])
    return Design(statistics.median(by_feature.values()), by_feature[worst], worst)
