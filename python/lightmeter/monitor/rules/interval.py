"""The rule about the prediction interval of a number."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field

from lightmeter.contracts.generate import most_hits
from lightmeter.drift.compare import Unlike
from lightmeter.drift.prediction import predicted_interval, units_of
from lightmeter.monitor.config import ComparingMonitor
from lightmeter.monitor.results import Result
from lightmeter.monitor.shelf import Side
from lightmeter.profile import ColumnView
from lightmeter.profile.scalars import HUE_STEPS, SCALARS, arc, is_hue, nearest_turn, scalar_of
from lightmeter.text import expected, near, number

_RATES = "missing_rate", "failure_rate"
_LEAST_DIRECTION = 0.5  # length of the mean of unit vectors: that of a spread of 67 degrees
_OF_ONE_BUCKET = ("n", "min", "max", "distinct")  # more values make these no more precise


def _known(scalar: str) -> str:
    if scalar not in SCALARS:
        raise ValueError(near(scalar, SCALARS, f"expected one of {', '.join(SCALARS)}"))
    return scalar


class IntervalRule(ComparingMonitor):
    """A rule that finds numbers outside the prediction interval of the baseline.

    The interval is Student's, and takes the number of values in each bucket into account; see
    `lightmeter.drift.prediction`. For shares (missing_rate, failure_rate) see `share_interval`. For
    the mean of a hue, which lies on a circle, see `hue_interval`: full turns bring value and limits
    near each other, so 253 may be shown as -2. Buckets whose images were read differently (see
    `lightmeter.drift.compare`) and rolled-up days are not in the baseline.

    Attributes
    ----------
    scalar
        The scalar to judge; see `SCALARS`.
    alpha
        The chance of a false alarm per feature and bucket. It holds within a factor of two for
        means and shares, and within a factor of six for very skewed numbers.
    """

    BY_LENGTH: ClassVar[bool] = True

    type: Literal["interval"] = "interval"
    scalar: Annotated[str, AfterValidator(_known)] = "mean"
    alpha: float = Field(0.001, gt=0, lt=1)

    def measure(self, side: Side) -> list[Result]:
        """Return one result per feature that has the scalar."""
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
        """Return `alpha` times the number of features.

        It is None for patterns, and for scalars that may be far from normal, such as the maximum.
        """
        if self.scalar not in ("mean", *_RATES):
            return None
        if not self.features or any(char in name for name in self.features for char in "*?["):
            return None
        return self.alpha * len(self.features)

    def _judged(self, column: ColumnView, past: Sequence[ColumnView], few: str) -> Result | None:
        now, name = self._point(column), column.name
        points = [point for each in past if (point := self._point(each)) is not None]
        if now is None:
            return None
        if len(points) < self.LEAST:
            return Result(name, "not enough data", now.value, words=few)
        is_circular, value = is_hue(column, self.scalar), now.value
        limits = self._limits(points, now, is_circular=is_circular)
        if limits is None:
            return Result(name, "not enough data", value, words="the hues have no common direction")
        low, high = limits
        if is_circular:
            value = nearest_turn(value, (low + high) / 2)
        room = 1e-9 * (max(map(abs, limits)) or 1.0)  # the rounding error of a constant
        if low - room <= value <= high + room:
            return Result(name, "ok", value, low, high)
        words = f"{self.scalar} of {name} is {number(value)}, not {expected(low, high)}"
        return Result(name, "anomaly", value, low, high, words)

    def _limits(
        self, points: Sequence["_Point"], now: "_Point", *, is_circular: bool
    ) -> tuple[float, float] | None:
        if self.scalar in _RATES:
            past = [(round(point.value * point.n), point.n) for point in points]
            return share_interval(past, now.n, self.alpha)
        values, sizes, spreads = (np.array(each) for each in zip(*points, strict=True))
        unit = 1.0 if is_circular else units_of(values[:, None], spreads[:, None]).item()
        within = float(sizes @ (spreads / unit) ** 2 / sizes.sum())
        series, of_next = (values / unit).tolist(), (sizes.tolist(), within, now.n, self.alpha)
        if is_circular:
            return hue_interval(series, *of_next)
        low, high = predicted_interval(series, *of_next)
        return low * unit, high * unit

    def _point(self, column: ColumnView) -> "_Point | None":
        if (value := scalar_of(column, self.scalar)) is None:
            return None
        spread = column.stddev or 0.0
        if self.scalar not in ("mean", "stddev") or not math.isfinite(spread):
            spread = 0.0
        spread /= 1 if self.scalar == "mean" else math.sqrt(2)
        n = column.n if self.scalar in _RATES else max(1, column.n - column.missing)
        return _Point(value, 1 if self.scalar in _OF_ONE_BUCKET else n, spread)


class _Point(NamedTuple):
    """A scalar of a feature in one bucket, with the number of values and their spread.

    The spread is the standard deviation of the scalar for one value; 0 if it is unknown.
    """

    value: float
    n: int
    spread: float


def share_interval(past: Sequence[tuple[int, int]], n: int, alpha: float) -> tuple[float, float]:
    """Return the prediction interval of the share of hits in the next `n`, with coverage 1 - alpha.

    At either end, it is the wider of two intervals. One is for independent hits: Fisher's exact
    test against the whole past, which holds for rare hits, too (seven days without hits do not make
    a hit on the eighth an anomaly). The other is for shares that vary more between buckets, such as
    beta-binomial ones: `predicted_interval`. If hits are rare and come in bursts, neither interval
    accounts for the rarity of bursts.

    Parameters
    ----------
    past
        Hits and observations of two or more buckets, with at least one observation each.
    n
        The number of observations in the judged bucket, at least 1.
    alpha
        The chance that the share is outside, between 0 and 1.
    """
    hits, sizes = zip(*past, strict=True)
    low, high = predicted_interval([h / size for h, size in past], sizes, 0.0, n, alpha)
    most = most_hits(sum(hits), sum(sizes), n, alpha / 2)
    least = n - most_hits(sum(sizes) - sum(hits), sum(sizes), n, alpha / 2)
    return max(0.0, min(low, least / n)), min(1.0, max(high, most / n))


def hue_interval(
    series: Sequence[float], sizes: Sequence[int], within: float, size: int, alpha: float
) -> tuple[float, float] | None:
    """Return `predicted_interval` on the circle, as an `arc`.

    It is the interval of the differences from the mean direction, each taken the shorter way. It
    has its coverage if the hues lie well within half of the circle. It is None if the hues have
    hardly any direction, because then a hue on the other side is as ordinary as the mean.

    Parameters
    ----------
    series
        Two or more hues, 0 to 255.
    sizes
        The number of values behind each hue.
    within
        The variance of one value, in squared steps of hue.
    size
        The number of values in the judged bucket.
    alpha
        The chance that the hue is outside, between 0 and 1.
    """
    direction = np.exp(np.array(series) * (1j * math.tau / HUE_STEPS)).mean()
    if abs(direction) < _LEAST_DIRECTION:
        return None
    middle = float(np.angle(direction)) * HUE_STEPS / math.tau % HUE_STEPS
    turned = [nearest_turn(hue, middle) for hue in series]
    return arc(*predicted_interval(turned, sizes, within, size, alpha))
