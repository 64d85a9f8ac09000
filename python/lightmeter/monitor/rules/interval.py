"""The rule on how buckets varied before."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lightmeter.drift.prediction import predicted_interval, units_of
from lightmeter.drift.readings import Unlike
from lightmeter.monitor.results import NOT_ENOUGH, Result
from lightmeter.monitor.rules.rule import RULES
from lightmeter.monitor.rules.scalar import ScalarRule, within
from lightmeter.monitor.scalars import Share, hue_interval, scalar_of, share_of
from lightmeter.monitor.shares import share_interval
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.profile import ColumnView
from lightmeter.profile.scalars import is_hue, nearest_turn, prediction_interval

_OF_ONE_BUCKET = ("n", "min", "max", "distinct")  # which no number of values makes surer


@RULES("interval")
@dataclass(frozen=True, kw_only=True)
class IntervalRule(ScalarRule):
    """A number lies outside of the prediction interval of the baseline's buckets.

    The interval is Student's, and knows how many values each bucket has: see
    `lightmeter.drift.prediction`. For shares (missing_rate, failure_rate) it is also one of counts:
    see `share_interval`. For the mean of a hue, which lies on a circle, see `hue_interval`: value
    and limits then get as many turns as bring them together, so that 253 may be -2. Buckets whose
    pictures were read differently, see `lightmeter.drift.readings`, are left out.

    Attributes:
        alpha: the chance of an anomaly, for each feature, where nothing changed. It holds within a
            factor of two for means and shares; where numbers are very skewed, within one of six.
    """

    alpha: float = 0.001

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        super().__post_init__()
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; expected between 0 and 1")

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature that has the number."""
        columns = self._columns(target)
        past: dict[str, list[_Point]] = {name: [] for name in columns}
        shares: dict[str, list[Share]] = {name: [] for name in columns}
        few = dict.fromkeys(columns, "fewer than 3 buckets")
        for before in baseline:
            unlike = Unlike(target.view.readings, before.view.readings)
            for name, column in self._columns(before).items():
                if name not in columns:
                    continue
                if reason := unlike.reason(name):
                    few[name] = f"fewer than 3 buckets were read alike; {reason}"
                    continue
                if (point := _point(column, self.scalar)) is not None:
                    past[name].append(point)
                if (share := share_of(column, self.scalar)) is not None:
                    shares[name].append(share)
        results = []
        for name, column in columns.items():
            point, points = _point(column, self.scalar), past[name]
            if point is None:
                continue
            value = point.value
            if len(points) < 3:
                results.append(Result(name, NOT_ENOUGH, value, words=few[name]))
            elif (share := share_of(column, self.scalar)) is not None:
                bounds = share_interval(shares[name], share.n, self.alpha)
                results.append(within(name, value, *bounds))
            elif (limits := self._limits(column, points, point.n)) is None:
                results.append(Result(name, NOT_ENOUGH, value, words="no direction of the hues"))
            else:
                turned = is_hue(column, self.scalar)
                value = nearest_turn(value, sum(limits) / 2) if turned else value
                results.append(within(name, value, *limits))
        return results

    def _limits(
        self, column: ColumnView, points: Sequence["_Point"], n: int
    ) -> tuple[float, float] | None:
        series, spreads = [point.value for point in points], [point.spread for point in points]
        sizes = [point.n for point in points]
        if is_hue(column, self.scalar):
            return hue_interval(series, sizes, _variance(spreads, sizes), n, self.alpha)
        (unit,) = units_of(np.array([*series, *spreads])[:, None]).tolist()
        series, spreads = [each / unit for each in series], [each / unit for each in spreads]
        if self.scalar in _OF_ONE_BUCKET:
            low, high = prediction_interval(series, self.alpha)
        else:
            within = _variance(spreads, sizes)
            low, high = predicted_interval(series, sizes, within, n, self.alpha)
        return low * unit, high * unit

    def false_alarms(self) -> float | None:
        """`alpha` for each feature named in full.

        Unknown for patterns, and for numbers that may be far from normal, such as the largest.
        """
        if self.scalar not in ("mean", "missing_rate", "failure_rate"):
            return None
        if not self.features or any(char in name for name in self.features for char in "*?["):
            return None
        return self.alpha * len(self.features)


class _Point(NamedTuple):
    """A number of a feature in one bucket, how many values it is of, and how they vary.

    The spread is the standard deviation of the number for one value; 0 where it is not known.
    """

    value: float
    n: int
    spread: float


def _variance(spreads: Sequence[float], sizes: Sequence[int]) -> float:
    squares = (n * spread**2 for n, spread in zip(sizes, spreads, strict=True))
    return sum(squares) / sum(sizes)


def _point(column: ColumnView, scalar: str) -> _Point | None:
    if (value := scalar_of(column, scalar)) is None:
        return None
    spread = column.stddev if scalar in ("mean", "stddev") else None
    if spread is None or not math.isfinite(spread):
        spread = 0.0
    spread /= 1 if scalar == "mean" else math.sqrt(2)
    return _Point(value, max(1, column.n - column.missing), spread)
