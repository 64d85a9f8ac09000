"""The rule on drift."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass
from functools import cached_property
from itertools import compress
from statistics import NormalDist
from typing import Literal, NamedTuple, get_args

from lightmeter.drift import Comparison, FeatureDrift, Thresholds, compare_views
from lightmeter.drift.families import q_values
from lightmeter.drift.feature import RATES, EffectName, changed
from lightmeter.drift.prediction import ENOUGH
from lightmeter.drift.readings import DIFFERENTLY
from lightmeter.drift.verdict import carrying
from lightmeter.drift.words import finding
from lightmeter.monitor.against_past import Baseline, PastTest, against_past
from lightmeter.monitor.results import ANOMALY, NOT_ENOUGH, OK, Result
from lightmeter.monitor.rules.rule import RULES, FeatureRule
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.store.records import ResultState
from lightmeter.text import counted

Metric = Literal["p", "hellinger", "hellinger_debiased", "psi", "js", "ks", "wasserstein", "effect"]

_INDEPENDENT = "assumes that images are independent"
_LEAST_P = 1e-22  # smaller ones are 9.8 standard deviations, too


class Tested(NamedTuple):
    """What was measured of a feature, before it is decided what that means.

    Attributes:
        feature: empty for the bucket itself.
        is_rate: whether it is a rate of missing values, failures and the like.
        family: what it is judged together with.
        p_value: None where there is not enough data.
        words: why there is none, or what it assumes.
        look: compares the bucket with its baseline, which takes long; None where nothing is to see.
    """

    feature: str
    is_rate: bool = False
    family: str = ""
    p_value: float | None = None
    words: str = ""
    look: Callable[[], FeatureDrift | None] = lambda: None


@RULES("drift")
@dataclass(frozen=True, kw_only=True)
class DriftRule(FeatureRule):
    """The distribution of a feature differs from the baseline's.

    With the metric ``"p"`` a bucket is judged against the spread of past buckets, see
    `lightmeter.drift.prediction`: its images need not be independent. The value of a result says
    how far out it is, as standard deviations of a normal distribution that have the same p-value;
    its upper limit is where an anomaly begins. It has none where the change is sure, but too small.

    What a bucket is compared with may be a file, a range of days, or another dataset. Then the past
    buckets of its own dataset say how much buckets vary. As long as these are fewer than 14, they
    cannot: images are taken to be independent then, and the words say so.

    Attributes:
        metric: ``"p"`` judges by a test. A distance of `FeatureDrift`, such as ``"hellinger"``,
            judges by that number.
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

    @property
    def least_buckets(self) -> int:
        """With fewer buckets before it no bucket of a trailing baseline is judged."""
        return ENOUGH if self.metric == "p" else 1

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature that has the metric.

        A rate and a column may have the same name, such as ``a:missing``: the worse one counts.
        """
        if self.metric == "p":
            return self.decide({"": self.measure(target, baseline)})[""]
        comparison = compare_views(target=target.view, reference=baseline.merged.view)
        assert self.above is not None
        results = []
        for drift in sorted(
            comparison.features, key=lambda drift: (drift.feature, drift.kind in RATES)
        ):
            value = getattr(drift, self.metric)
            unlike = comparison._unlike.reason(drift.feature)
            if unlike and value is not None and self.takes(drift.feature):
                results.append(Result(drift.feature, NOT_ENOUGH, words=unlike))
            elif value is not None and self.takes(drift.feature):
                state: ResultState = ANOMALY if value > self.above else OK
                words = _cause(drift)
                results.append(Result(drift.feature, state, value, None, self.above, words))
        return _distinct(results)

    def measure(self, target: Contents, baseline: Past) -> list[Tested]:
        """The p-value of each feature, or a reason why there is none."""
        sight = _Sight(target, baseline, self._thresholds)
        past, fixed = baseline.summaries, None
        if baseline.own is not None:
            fixed = Baseline(baseline.merged.summary, baseline.count)
            past = baseline.own.summaries
            if len(past) < ENOUGH:  # then those of the baseline, if it has enough
                past = baseline.summaries
            if len(past) < ENOUGH:
                return self._independent(sight)
        if len(past) < ENOUGH:
            words = f"{counted(len(past), 'bucket')} to compare with, of {ENOUGH} needed"
            return [Tested("", words=words)]
        tests = against_past(target.summary, past, fixed, exif_read=target.view._core.exif_read)
        return [self._tested(test, sight) for test in tests if self.takes(test.feature)]

    def decide(self, tested: Mapping[str, Sequence[Tested]]) -> dict[str, list[Result]]:
        """The results of each segment of a bucket: q is over all of them."""
        judged = [each for segment in tested.values() for each in segment]
        judged = [each for each in judged if each.p_value is not None]
        p_values = [each.p_value for each in judged if each.p_value is not None]
        families = [each.family for each in judged]
        q = q_values(p_values, families)
        limits = _limits(families, [each <= self.q for each in q], self.q)
        decided = {id(each): pair for each, *pair in zip(judged, q, limits, strict=True)}
        return {
            segment: _distinct([self._result(each, *decided.get(id(each), ())) for each in lines])
            for segment, lines in tested.items()
        }

    def false_alarms(self) -> float | None:
        """`q` bounds the chance of any. For a distance it depends on the images in a bucket."""
        return self.q if self.metric == "p" else None

    @property
    def _thresholds(self) -> Thresholds:
        return Thresholds(drift=self.q, effect=self.effect)

    def _tested(self, test: PastTest, sight: "_Sight") -> Tested:
        words = test.reason
        if test.n < self._thresholds.min_values:
            least = self._thresholds.min_values
            words = f"{counted(test.n, 'value')} in the bucket; {least} are needed"
        return Tested(
            test.feature,
            test.is_rate,
            test.family,
            None if words else test.p_value,
            words,
            lambda: sight.line(test.feature, test.is_rate),
        )

    def _independent(self, sight: "_Sight") -> list[Tested]:
        """What a comparison of the bucket with all of the baseline says."""
        return [
            Tested(
                line.feature,
                line.kind in RATES,
                line.family,
                None if line.verdict == NOT_ENOUGH else line.p_high,
                line.reason if line.verdict == NOT_ENOUGH else _INDEPENDENT,
                lambda line=line: line,  # type: ignore[misc]
            )
            for line in sight.compared(tested=True).features
            if line.q_value is not None or line.verdict == NOT_ENOUGH
            if self.takes(line.feature) and (line.n_target or line.n_reference)
        ]

    def _result(self, tested: Tested, q: float | None = None, limit: float = 0.0) -> Result:
        if q is None or tested.p_value is None:
            return Result(tested.feature, NOT_ENOUGH, words=tested.words)
        value, upper = _deviations(tested.p_value), _deviations(limit)
        parts = [f"q {q:.2g}", tested.words]
        if q > self.q:
            return Result(tested.feature, OK, value, None, upper, _joined(parts))
        line = tested.look()
        if line is not None and line.reason.startswith(DIFFERENTLY):
            return Result(tested.feature, NOT_ENOUGH, words=line.reason)
        if line is not None and line.effect is not None:
            line = _with_largest(line, self._thresholds)
            parts = [finding(line), f"{line.effect_name} {line.effect:.2g}", *parts]
            if (line.effect or 0.0) < self._thresholds.least(line.effect_name):
                parts[0] = "surely different, but little"
                return Result(tested.feature, OK, value, None, None, _joined(parts))
        return Result(tested.feature, ANOMALY, value, None, upper, _joined(parts))


class _Sight:
    """A bucket beside all of its baseline, compared once somebody looks."""

    def __init__(self, target: Contents, baseline: Past, thresholds: Thresholds) -> None:
        self._target, self._baseline, self._thresholds = target, baseline, thresholds

    def compared(self, *, tested: bool) -> Comparison:
        return compare_views(
            target=self._target.view,
            reference=self._baseline.merged.view,
            thresholds=self._thresholds,
            tested=tested,
        )

    @cached_property
    def _lines(self) -> dict[tuple[str, bool], FeatureDrift]:
        features = self.compared(tested=False).features
        return {(line.feature, line.kind in RATES): line for line in features}

    def line(self, feature: str, is_rate: bool) -> FeatureDrift | None:
        return self._lines.get((feature, is_rate))


def _limits(families: Sequence[str], anomalous: Sequence[bool], q: float) -> list[float]:
    """Of each test, what its p-value would have to be at most for an anomaly, see `q_values`.

    In a family with anomalies that is q times their share. A family without any would have needed a
    p-value that passes the gate: q over the number of its tests, and of families.
    """
    tests, anomalies = Counter(families), Counter(compress(families, anomalous))
    limits = {
        family: q * anomalies[family] / n if anomalies[family] else q / (n * len(tests))
        for family, n in tests.items()
    }
    return [limits[family] for family in families]


def _with_largest(line: FeatureDrift, by: Thresholds) -> FeatureDrift:
    """The line with the size that its change shows, see `carrying`.

    `FeatureDrift.effect` is the one that is surely largest, which with samples may be another one.
    """
    assert line.effect is not None
    sizes: dict[EffectName, float | None] = {}
    if line.kind in ("number", "hue"):
        sizes = {"shift": line.ks, "spread": line.spread, "tail": line.tail}
    elif line.effect_name is not None:
        sizes = {line.effect_name: line.effect}
    known = {
        name: abs(size) for name, size in sizes.items() if size is not None and math.isfinite(size)
    }
    name = carrying(known, by)
    return changed(line, effect_name=name, effect=known[name])


def _deviations(p: float) -> float:
    return -NormalDist().inv_cdf(max(p, _LEAST_P) / 2)


def _distinct(results: list[Result]) -> list[Result]:
    """One result per feature, by name: the worst, and the first of those that are as bad."""
    worst: dict[str, Result] = {}
    order = (ANOMALY, OK, NOT_ENOUGH)
    for each in sorted(results, key=lambda each: order.index(each.state)):
        worst.setdefault(each.feature, each)
    return [worst[feature] for feature in sorted(worst)]


def _cause(drift: FeatureDrift) -> str:
    """How the feature changed, and how surely."""
    return _joined((finding(drift), drift.reason))


def _joined(parts: Sequence[str]) -> str:
    return "; ".join(filter(None, parts))
