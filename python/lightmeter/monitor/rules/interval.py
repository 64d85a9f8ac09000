"""The rule on how a number of buckets varied before."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field

from lightmeter.drift.prediction import predicted_interval, units_of
from lightmeter.drift.readings import Unlike
from lightmeter.monitor.config import ComparingMonitor
from lightmeter.monitor.results import ANOMALY, NOT_ENOUGH, OK, Result
from lightmeter.monitor.scalars import Share, hue_interval, share_interval, share_of
from lightmeter.monitor.shelf import Side
from lightmeter.profile import ColumnView
from lightmeter.profile.scalars import (
    SCALARS,
    is_hue,
    nearest_turn,
    prediction_interval,
    scalar_of,
)
from lightmeter.text import near

_LEAST = 3  # buckets
_OF_ONE_BUCKET = ("n", "min", "max", "distinct")  # which no number of values makes surer


def _known(scalar: str) -> str:
    if scalar not in SCALARS:
        raise ValueError(near(scalar, SCALARS, f"expected one of {', '.join(SCALARS)}"))
    return scalar


class IntervalRule(ComparingMonitor):
    """A number lies outside of the prediction interval of the baseline's buckets.

    The interval is Student's, and knows how many values each bucket has: see
    `lightmeter.drift.prediction`. For shares (missing_rate, failure_rate) it is also one of counts:
    see `share_interval`. For the mean of a hue, which lies on a circle, see `hue_interval`: value
    and limits then get as many turns as bring them together, so that 253 may be -2. Buckets whose
    pictures were read differently, see `lightmeter.drift.readings`, are left out. Rolled-up days
    are no hours.

    Attributes:
        scalar: which number, see `SCALARS`.
        alpha: the chance of an anomaly, for each feature, where nothing changed. It holds within a
            factor of two for means and shares; where numbers are very skewed, within one of six.
    """

    BY_LENGTH: ClassVar[bool] = True  # rolled-up days are no hours

    type: Literal["interval"] = "interval"
    scalar: Annotated[str, AfterValidator(_known)] = "mean"
    alpha: float = Field(0.001, gt=0, lt=1)

    def measure(self, side: Side) -> list[Result]:
        """Return one result per feature that has the number."""
        target = side.target
        columns = {name: column for name, column in target.columns.items() if self.takes(name)}
        past: dict[str, list[ColumnView]] = {name: [] for name in columns}
        few = dict.fromkeys(columns, "fewer than 3 buckets")
        for before in side.past:
            unlike = Unlike(target.view.readings, before.view.readings)
            for name in columns.keys() & before.columns.keys():
                if reason := unlike.reason(name):
                    few[name] = f"fewer than 3 buckets were read alike; {reason}"
                else:
                    past[name].append(before.columns[name])
        results = [self._judged(column, past[name], few[name]) for name, column in columns.items()]
        return [result for result in results if result is not None]

    def false_alarms(self) -> float | None:
        """Return `alpha` for each feature named in full.

        Unknown for patterns, and for numbers that may be far from normal, such as the largest.
        """
        if self.scalar not in ("mean", "missing_rate", "failure_rate"):
            return None
        if not self.features or any(char in name for name in self.features for char in "*?["):
            return None
        return self.alpha * len(self.features)

    def _judged(self, column: ColumnView, past: Sequence[ColumnView], few: str) -> Result | None:
        point = self._point(column)
        points = [before for each in past if (before := self._point(each)) is not None]
        if point is None:
            return None
        if len(points) < _LEAST:
            return Result(column.name, NOT_ENOUGH, point.value, words=few)
        limits = self._limits(column, points, point)
        if limits is None:
            return Result(column.name, NOT_ENOUGH, point.value, words="no direction of the hues")
        is_circular = is_hue(column, self.scalar)
        value = nearest_turn(point.value, sum(limits) / 2) if is_circular else point.value
        low, high = limits
        room = 1e-9 * (max(map(abs, limits)) or 1.0)  # rounding of a constant is no change
        is_outside = value < low - room or value > high + room
        return Result(column.name, ANOMALY if is_outside else OK, value, low, high)

    def _limits(
        self, column: ColumnView, points: Sequence["_Point"], now: "_Point"
    ) -> tuple[float, float] | None:
        if now.share is not None:
            shares = [point.share for point in points if point.share is not None]
            return share_interval(shares, now.share.n, self.alpha)
        series, sizes = [point.value for point in points], [point.n for point in points]
        spreads = [point.spread for point in points]
        if is_hue(column, self.scalar):
            return hue_interval(series, sizes, _variance(spreads, sizes), now.n, self.alpha)
        (unit,) = units_of(np.array([*series, *spreads])[:, None]).tolist()
        series, spreads = [each / unit for each in series], [each / unit for each in spreads]
        if self.scalar in _OF_ONE_BUCKET:
            low, high = prediction_interval(series, self.alpha)
        else:
            within = _variance(spreads, sizes)
            low, high = predicted_interval(series, sizes, within, now.n, self.alpha)
        return low * unit, high * unit

    def _point(self, column: ColumnView) -> "_Point | None":
        if (value := scalar_of(column, self.scalar)) is None:
            return None
        spread = column.stddev if self.scalar in ("mean", "stddev") else None
        if spread is None or not math.isfinite(spread):
            spread = 0.0
        spread /= 1 if self.scalar == "mean" else math.sqrt(2)
        values = max(1, column.n - column.missing)
        return _Point(value, values, spread, share_of(column, self.scalar))


class _Point(NamedTuple):
    """A number of a feature in one bucket, how many values it is of, and how they vary.

    The spread is the standard deviation of the number for one value; 0 where it is not known.
    """

    value: float
    n: int
    spread: float
    share: Share | None


def _variance(spreads: Sequence[float], sizes: Sequence[int]) -> float:
    squares = (n * spread**2 for n, spread in zip(sizes, spreads, strict=True))
    return sum(squares) / sum(sizes)
