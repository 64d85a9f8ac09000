"""The rule on how buckets varied before."""

from dataclasses import dataclass

from lightmeter.monitor.results import NOT_ENOUGH, Result
from lightmeter.monitor.rules.rule import RULES
from lightmeter.monitor.rules.scalar import ScalarRule, within
from lightmeter.monitor.scalars import (
    Share,
    hue_interval,
    is_hue,
    nearest_turn,
    prediction_interval,
    scalar_of,
    share_of,
)
from lightmeter.monitor.shares import share_interval
from lightmeter.monitor.shelf import Contents, Past

__all__ = ["IntervalRule"]


@RULES("interval")
@dataclass(frozen=True, kw_only=True)
class IntervalRule(ScalarRule):
    """A number lies outside of the prediction interval of the baseline's buckets.

    The interval is Student's. For shares (missing_rate, failure_rate) it is also one of counts: see
    `share_interval`. For the mean of a hue, which lies on a circle, see `hue_interval`: value and
    limits then get as many turns as bring them together, so that 253 may be -2.

    Attributes:
        alpha: the chance of an anomaly, for each feature, where nothing changed. For shares it is a
            bound. For other numbers it holds as far as they are normal, as means nearly are.
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
        values: dict[str, list[float]] = {name: [] for name in columns}
        shares: dict[str, list[Share]] = {name: [] for name in columns}
        for before in baseline:
            for name, column in self._columns(before).items():
                if name not in columns:
                    continue
                if (number := scalar_of(column, self.scalar)) is not None:
                    values[name].append(number)
                if (share := share_of(column, self.scalar)) is not None:
                    shares[name].append(share)
        results = []
        for name, column in columns.items():
            value, series = scalar_of(column, self.scalar), values[name]
            if value is None:
                continue
            if len(series) < 3:
                results.append(Result(name, NOT_ENOUGH, value, words="fewer than 3 buckets"))
            elif (share := share_of(column, self.scalar)) is not None:
                results.append(
                    within(name, value, *share_interval(shares[name], share.n, self.alpha))
                )
            elif not is_hue(column, self.scalar):
                results.append(within(name, value, *prediction_interval(series, self.alpha)))
            elif (limits := hue_interval(series, self.alpha)) is None:
                results.append(Result(name, NOT_ENOUGH, value, words="no direction of the hues"))
            else:
                results.append(within(name, nearest_turn(value, sum(limits) / 2), *limits))
        return results

    def false_alarms(self) -> float | None:
        """`alpha` for each feature named in full.

        Unknown for patterns, and for numbers that may be far from normal, such as the largest.
        """
        if self.scalar not in ("mean", "missing_rate", "failure_rate"):
            return None
        if not self.features or any(char in name for name in self.features for char in "*?["):
            return None
        return self.alpha * len(self.features)
