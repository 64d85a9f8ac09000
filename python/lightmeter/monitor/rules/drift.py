"""The rule on drift."""

import math
from dataclasses import InitVar, dataclass
from typing import Literal, get_args

from lightmeter.drift import FeatureDrift, Thresholds, compare_views
from lightmeter.drift.feature import RATES
from lightmeter.drift.words import finding
from lightmeter.monitor.results import ANOMALY, NOT_ENOUGH, OK, Result
from lightmeter.monitor.rules.rule import RULES, FeatureRule
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.store.records import ResultState

__all__ = ["DriftRule"]


Metric = Literal["p", "hellinger", "hellinger_debiased", "psi", "js", "ks", "wasserstein", "effect"]


@RULES("drift")
@dataclass(frozen=True, kw_only=True)
class DriftRule(FeatureRule):
    """The distribution of a feature differs from the baseline's.

    Attributes:
        metric: ``"p"`` judges by the verdict of `lightmeter.compare`. A distance of `FeatureDrift`,
            such as ``"hellinger"``, judges by that number.
        q: for ``"p"``: the chance that a bucket without drift raises any alarm.
        effect: for ``"p"``: the smallest effect that raises an alarm.
        above: for a distance: the largest value that is ok.
        preset: ``"whylabs"`` stands for the metric ``"hellinger"`` and for 0.7 as `above`.
    """

    metric: Metric = "p"
    q: float = 0.01
    effect: float = 0.1
    above: float | None = None
    preset: InitVar[Literal["whylabs"] | None] = None

    def __post_init__(self, preset: str | None) -> None:
        """Refuse what can only be a mistake."""
        if preset not in (None, "whylabs"):
            raise ValueError(f"preset is {preset!r}; expected 'whylabs'")
        if preset and self.metric == "p":
            object.__setattr__(self, "metric", "hellinger")
            object.__setattr__(self, "above", 0.7 if self.above is None else self.above)
        if self.metric not in get_args(Metric):
            raise ValueError(f"metric is {self.metric!r}; expected one of {get_args(Metric)}")
        if self.metric == "p" and self.above is not None:
            raise ValueError("got above without metric; expected both or neither")
        if self.metric != "p" and self.above is None:
            raise ValueError(f"got metric {self.metric!r} without above; expected both")
        if self.above is not None and not math.isfinite(self.above):
            raise ValueError(f"above is {self.above}; expected a finite number")
        if not 0 < self.q <= 0.15:
            raise ValueError(f"q is {self.q}; expected 0 < q <= 0.15")
        if not 0 <= self.effect <= 1:
            raise ValueError(f"effect is {self.effect}; expected 0 <= effect <= 1")

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature that has the metric.

        With ``"p"`` there is no upper limit: a p-value and three sizes decide, not one number.
        A rate and a column may have the same name, such as ``a:missing``: the worse one counts.
        """
        comparison = compare_views(
            target=target.view,
            reference=baseline.merged.view,
            thresholds=Thresholds(drift=self.q, effect=self.effect),
        )
        results = []
        state: ResultState
        for drift in sorted(
            comparison.features, key=lambda drift: (drift.feature, drift.kind in RATES)
        ):
            name = drift.feature
            if not self._takes(name):
                continue
            if self.metric != "p":
                value = getattr(drift, self.metric)
                assert self.above is not None
                if value is not None:
                    state = ANOMALY if value > self.above else OK
                    results.append(Result(name, state, value, None, self.above, _cause(drift)))
            elif drift.verdict == NOT_ENOUGH:
                results.append(Result(name, NOT_ENOUGH, words=drift.reason))
            elif drift.verdict is not None:
                state = ANOMALY if drift.verdict == "drift" else OK
                results.append(Result(name, state, drift.effect, words=_cause(drift)))
        return _distinct(results)

    def false_alarms(self) -> float | None:
        """`q` bounds the chance of any. For a distance it depends on the images in a bucket."""
        return self.q if self.metric == "p" else None


def _distinct(results: list[Result]) -> list[Result]:
    """One result per feature, by name: the worst, and the first of those that are as bad."""
    worst: dict[str, Result] = {}
    order = (ANOMALY, OK, NOT_ENOUGH)
    for each in sorted(results, key=lambda each: order.index(each.state)):
        worst.setdefault(each.feature, each)
    return [worst[feature] for feature in sorted(worst)]


def _cause(drift: FeatureDrift) -> str:
    """How the feature changed, and how surely."""
    return "; ".join(filter(None, (finding(drift), drift.reason)))
