"""One segment against the others of its bucket: what they do together is no anomaly.

Segments may always differ from each other, and some vary more than others. So a segment is not
compared with the others as they are: those whose level is far out would alarm in every bucket, and
those that vary much in too many. What the others have in common is taken away instead:

- The level of a segment is its mean over its own window of past buckets.
- What is common in a bucket is the median, over the other segments, of their difference from their
  own level. It is one of many, so that single segments that changed do not matter.
- A segment less what is common is judged against the same of its own past buckets, by the rule that
  judges any bucket against its past. So each segment is judged by how much it varies itself.

It holds for means and for logarithms of standard deviations alike.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.drift import FeatureDrift, Thresholds, compare_views
from lightmeter.monitor.shelf import Contents
from lightmeter.monitor.summaries import MEAN, MISSING, ODD, STDDEV, VALUES, N, Summary
from lightmeter.profile import ProfileView
from lightmeter.sketch import QuantileSketch

LEAST_PEERS = 3
_MOST_VALUES = 100_000  # of a side, to be looked at

_Numbers = NDArray[np.float64]
_Summaries = Mapping[datetime, Summary | None]


class Peer(NamedTuple):
    """A segment of a bucket.

    Attributes:
        start: of the bucket.
        window: starts of the buckets that it is compared with.
        summaries: of the bucket and of all others that anybody is compared with.
    """

    start: datetime
    window: Sequence[datetime]
    summaries: _Summaries


class Common(NamedTuple):
    """How far means are from their level, NaN where that is not known, and standard deviations."""

    mean: float
    factor: float


class Shared:
    """What segments have in common, bucket by bucket."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        """Of all segments that have the bucket; each has a place in the order of these."""
        self._peers = peers
        now = peers[0].start
        self._starts = sorted({now}.union(*(peer.window for peer in peers)))
        names = {
            name
            for peer in peers
            if (summary := peer.summaries.get(now)) is not None
            for name, kind in summary.kinds.items()
            if kind == "number"
        }
        self.names = tuple(sorted(names))
        self._at = {start: at for at, start in enumerate(self._starts)}
        self._common = {row: self._of(row) for row in (MEAN, STDDEV)}

    def _of(self, row: int) -> tuple[_Numbers, NDArray[np.int64]]:
        """The medians of the others by bucket, segment and feature, and how many others there are.

        Not known of a bucket without enough others, which is NaN.
        """
        values = np.full((len(self._starts), len(self._peers), len(self.names)), np.nan)
        weights = np.zeros_like(values)
        for place, peer in enumerate(self._peers):
            for start, summary in peer.summaries.items():
                if summary is None or start not in self._at:
                    continue
                table = summary.aligned(self.names)
                at = self._at[start]
                numbers = table[row]
                if row == STDDEV:
                    numbers = np.log(np.where(numbers > 0, numbers, np.nan))
                values[at, place] = np.where(table[N] > 0, numbers, np.nan)
                if start in peer.window:
                    weights[at, place] = table[N]
        weights[np.isnan(values)] = 0.0
        with np.errstate(all="ignore"):
            levels = (weights * np.nan_to_num(values)).sum(axis=0) / weights.sum(axis=0)
        return _medians_of_others(values - levels)

    def others(self, place: int) -> int:
        """How many other segments have the bucket."""
        _, counts = self._common[MEAN]
        at = counts[self._at[self._peers[place].start], place]
        return int(at.max()) if at.size else 0

    def is_known(self, place: int, feature: str) -> bool:
        """Whether it can be said what is common of a feature in the bucket."""
        if feature not in self.names:
            return False
        at = self._at[self._peers[place].start], place, self.names.index(feature)
        return not math.isnan(self._common[MEAN][0][at])

    def common(self, place: int, start: datetime, feature: str) -> Common:
        """What the others of a bucket have in common of a feature."""
        index = self.names.index(feature)
        at = self._at[start], place, index
        spread = float(self._common[STDDEV][0][at])
        factor = 1.0 if math.isnan(spread) else math.exp(spread)
        return Common(float(self._common[MEAN][0][at]), factor)

    def adjusted(self, place: int, start: datetime) -> Summary | None:
        """A bucket of a segment without what is common.

        Features of which that is not known have no values; those that are no numbers are left out.
        """
        summary = self._peers[place].summaries.get(start)
        if summary is None:
            return None
        at = self._at[start], place
        table = summary.aligned(self.names).copy()
        known = ~np.isnan(self._common[MEAN][0][at])
        table[:, ~known] = 0.0
        table[MEAN, known] -= self._common[MEAN][0][at][known]
        table[STDDEV, known] /= np.exp(np.nan_to_num(self._common[STDDEV][0][at][known]))
        table[[MISSING, VALUES, ODD]] = 0.0
        return summary.with_table(self.names, table)


def _medians_of_others(values: _Numbers) -> tuple[_Numbers, NDArray[np.int64]]:
    """Of each value, the median of the others along the second axis, and how many there are.

    NaN stands for no value, and for fewer than `LEAST_PEERS` others.
    """
    order = np.argsort(values, axis=1)  # NaN comes last
    ranked = np.take_along_axis(values, order, axis=1)
    ranks = np.argsort(order, axis=1)
    there = ~np.isnan(values)
    others = there.sum(axis=1, keepdims=True) - there
    low, high = (others - 1) // 2, others // 2
    medians = np.zeros_like(values)
    for middle in (low, high):
        # Without the value itself those behind it move up by one.
        at = np.clip(middle + (there & (ranks <= middle)), 0, values.shape[1] - 1)
        medians += np.take_along_axis(ranked, at, axis=1) / 2
    return np.where(others >= LEAST_PEERS, medians, np.nan), others


def look_at(
    feature: str,
    target: tuple[Contents, Common],
    past: Iterable[tuple[Contents, Common]],
    thresholds: Thresholds,
) -> FeatureDrift | None:
    """The comparison of a feature of a segment with its past, without what is common.

    Args:
        feature: of numbers.
        target: the bucket, and what is common in it.
        past: the same of those that it is compared with; where that is not known they are left out.
        thresholds: of the comparison.
    """
    sides = [
        _view_of(feature, [target]),
        _view_of(feature, [each for each in past if not math.isnan(each[1].mean)]),
    ]
    lines = compare_views(target=sides[0], reference=sides[1], thresholds=thresholds).features
    return next((line for line in lines if line.feature == feature), None)


def _view_of(feature: str, buckets: Sequence[tuple[Contents, Common]]) -> ProfileView:
    core = _core.Profile()
    for contents, common in buckets:
        column = contents.columns.get(feature)
        if column is not None and column.mean is not None:
            values = _values_of(column.numbers, _MOST_VALUES // len(buckets))
            values = column.mean - common.mean + (values - column.mean) / common.factor
            core.log_numbers(feature, values, column.role, column.meaning.origin)
    return ProfileView(core)


def _values_of(numbers: QuantileSketch, most: int) -> _Numbers:
    values, weights = numbers.weights()
    if numbers.n > most:
        weights = np.maximum(1, np.round(weights * (most / numbers.n)))
    return np.repeat(np.asarray(values, dtype=np.float64), weights.astype(np.int64))
