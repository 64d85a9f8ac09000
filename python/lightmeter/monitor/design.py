"""How much more buckets differ from each other than those of independent images would."""

import math
import statistics
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.segments import segment_text
from lightmeter.store.store import Store

_MOST_READ = 2000  # buckets, of all segments
_LEAST_BUCKETS = 8
_LEAST_PER_TIME = 3
_LEVEL = 0.01  # that any time is said to differ where none does
_NEAR = 14  # buckets on either side
_MEDIAN_SQUARE = 0.4549  # of a standard normal value
_EXPLAINED = 0.3  # of the variance between buckets


class Spread(NamedTuple):
    """A feature in the buckets of a segment, in order of time; an entry for each.

    Attributes:
        feature: its name.
        is_date: whether it holds dates.
        starts: of the buckets.
        n: how many numbers.
        means: their means.
        stddevs: their standard deviations.
    """

    feature: str
    is_date: bool
    starts: list[datetime]
    n: NDArray[np.float64]
    means: NDArray[np.float64]
    stddevs: NDArray[np.float64]


class Design(NamedTuple):
    """Design effects: 1 where images are independent, 12 where 12 images say as much as one.

    Attributes:
        median: of the features.
        worst: the largest.
        feature: which one has it.
        features: how many there are.
    """

    median: float
    worst: float
    feature: str
    features: int


def spreads_of(store: Store, dataset: str, now: datetime) -> dict[str, list[Spread]]:
    """The numbers of a dataset by segment, which is given as text; of the latest buckets only.

    Raises:
        StoreError: the store cannot be read.
    """
    shelf = Shelf(store)
    segments = [segment_text(segment) for segment in store.segments(dataset)]
    most = max(2 * _LEAST_BUCKETS, _MOST_READ // max(1, len(segments)))
    return {
        segment: _spreads(shelf, dataset, segment, now, most)
        for segment in segments[: _MOST_READ // (2 * _LEAST_BUCKETS)]
    }


def _spreads(shelf: Shelf, dataset: str, segment: str, now: datetime, most: int) -> list[Spread]:
    length = shelf.datasets[dataset]
    entries: dict[str, list[tuple[datetime, float, float, float]]] = {}
    dates: set[str] = set()
    buckets = [each for each in shelf.buckets(dataset, segment) if each.end - each.start == length]
    for bucket in [each for each in buckets if each.end <= now][-most:]:
        for name, column in shelf.contents(dataset, segment, bucket.start).columns.items():
            mean, stddev = column.mean, column.stddev
            if column.kind != "number" or mean is None or stddev is None:
                continue
            if column.role == "date":
                dates.add(name)
            values = column.n - column.missing
            entries.setdefault(name, []).append((bucket.start, values, mean, stddev))
    spreads = []
    for name, those in entries.items():
        starts, *numbers = zip(*those, strict=True)
        arrays = [np.array(series, dtype=np.float64) for series in numbers]
        spreads.append(Spread(name, name in dates, list(starts), *arrays))
    return spreads


def design_of(spreads: Iterable[Spread]) -> Design | None:
    """The variance of the means of buckets, over what it would be of independent images.

    It is about the ordinary buckets: changes that last and rare ones that are far off hardly
    matter. None where too little is stored.
    """
    effects: dict[str, list[float]] = {}
    for spread in spreads:
        effect = None if spread.is_date else _effect(spread)
        if effect is not None:
            effects.setdefault(spread.feature, []).append(effect)
    if not effects:
        return None
    by_feature = {feature: statistics.median(those) for feature, those in effects.items()}
    worst = max(by_feature, key=lambda feature: by_feature[feature])
    median = statistics.median(by_feature.values())
    return Design(median, by_feature[worst], worst, len(by_feature))


def _effect(spread: Spread) -> float | None:
    """By the median of squares, around the median of the buckets near by."""
    enough = spread.n >= 2
    n, means, stddevs = spread.n[enough], spread.means[enough], spread.stddevs[enough]
    if len(n) < _LEAST_BUCKETS:
        return None
    within = ((n - 1) * stddevs**2).sum() / (n - 1).sum()
    # Rounding of what is constant within each bucket is no variance.
    if within <= (1e-9 * max(1.0, float(np.abs(means).max()))) ** 2:
        return None
    near = [np.median(means[max(0, at - _NEAR) : at + _NEAR + 1]) for at in range(len(means))]
    squares = n * (means - np.array(near)) ** 2 / within
    return float(np.median(squares)) / _MEDIAN_SQUARE


def differing_times(spreads: Iterable[Spread], kind: str) -> tuple[list[int], str] | None:
    """The hours or weekdays in which numbers differ from those of most others.

    Each is tested against the median of all by Student's test, by Bonferroni at 1 % over all of
    them and all features. They also have to explain a good part of how buckets differ.

    Args:
        spreads: of a segment.
        kind: ``"hour"`` or ``"weekday"``.

    Returns:
        The times of the feature of which they explain most, and its name; None where none differ.
    """
    spreads = [spread for spread in spreads if not spread.is_date]
    best: tuple[float, list[int], str] | None = None
    for spread in spreads:
        times = np.array(
            [at.hour if kind == "hour" else at.weekday() for at in spread.starts], dtype=np.int64
        )
        explained, differing = _differing(times, spread.means, len(spreads))
        if differing and (best is None or explained > best[0]):
            best = explained, differing, spread.feature
    return None if best is None else best[1:]


def _differing(
    times: NDArray[np.int64], means: NDArray[np.float64], tests: int
) -> tuple[float, list[int]]:
    """The share of the variance that times explain, and those that differ."""
    kinds, counts = np.unique(times, return_counts=True)
    dof = len(times) - len(kinds)
    if len(kinds) < 2 or counts.min() < _LEAST_PER_TIME or dof < 1:
        return 0.0, []
    centres = np.array([means[times == kind].mean() for kind in kinds])
    usual = np.median(centres)
    rest = ((means - centres[np.searchsorted(kinds, times)]) ** 2).sum()
    total = ((means - means.mean()) ** 2).sum()
    rounding = len(means) * (1e-9 * max(1.0, float(np.abs(means).max()))) ** 2
    if total <= rounding or 1 - rest / total < _EXPLAINED:
        return 0.0, []
    error = max(rest, rounding) / dof
    bound = _core.student_quantile(_LEVEL / (len(kinds) * tests), dof)
    deviations = np.abs(centres - usual) / np.sqrt(error * (1 / counts + math.pi / 2 / len(times)))
    differing = [int(kind) for kind in kinds[deviations > bound]]
    return float(1 - rest / total), differing
