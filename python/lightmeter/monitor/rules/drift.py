"""The rule about drift."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from lightmeter.drift.compare import DIFFERENTLY, Comparison
from lightmeter.drift.describe.sentences import causes, describe
from lightmeter.drift.prediction import ENOUGH
from lightmeter.drift.row import (
    RATES,
    EffectName,
    FeatureDrift,
    Thresholds,
    carrying,
    fill,
    q_values,
)
from lightmeter.monitor.against_past import AgainstPast, Tested
from lightmeter.monitor.config import ComparingMonitor, each_of
from lightmeter.monitor.peers import change_beside, without_common
from lightmeter.monitor.results import PERHAPS, BySegment, Result, joined
from lightmeter.monitor.shelf import Side, Summary
from lightmeter.store.tables import ResultState
from lightmeter.text import number, with_minus

INDEPENDENT = "assumes that images are independent"
_LIGHT = ".Luma.mean", ".Brightness.mean"
_NEARLY = 0.7  # of the limit, from which on a change of light explains others
_LEAST_P = 1e-22  # smaller ones are 9.8 standard deviations, too


class DriftRule(ComparingMonitor):
    """A rule that finds features whose distribution differs from that of the baseline.

    A bucket is judged against the spread of past buckets (see `lightmeter.drift.prediction`), so
    its images need not be independent. The value of a result is the number of standard deviations
    of a normal distribution with the same p-value, and its upper limit is the threshold of an
    anomaly. A significant change that is too small has no limit. Each segment has
    families of its own (see `lightmeter.drift.row`), so `q` is the chance per bucket for any number
    of segments, and a change of one does not make findings in others more likely.

    The baseline may be a file, a range of days, or another dataset. Then the past buckets of the
    dataset itself show how much buckets vary. With fewer than 14 of these, images are assumed to be
    independent, and the results say so.

    Attributes
    ----------
    q
        The chance that a bucket without drift raises any alarm.
    effect
        The smallest K-S distance, or difference of shares, that raises an alarm.
    spread
        The smallest absolute logarithm of the ratio of standard deviations that raises an alarm.
    tail
        The smallest change of the share of values in a tail that raises an alarm.
    metric
        A distance of `FeatureDrift` to judge by instead, such as ``"hellinger"``.
    above
        The largest value of that distance that is ok.
    """

    RULE_VERSION: ClassVar[int] = 6
    type: Literal["drift"] = "drift"
    q: float = Field(0.01, gt=0, le=0.5)
    effect: float = Field(Thresholds.effect, ge=0, le=1)
    spread: float = Field(Thresholds.spread, ge=0)
    tail: float = Field(Thresholds.tail, ge=0, le=1)
    metric: (
        Literal["hellinger", "hellinger_debiased", "psi", "js", "ks", "wasserstein", "effect"]
        | None
    ) = None
    above: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.metric is None) != (self.above is None):
            raise ValueError("got one of metric and above; expected both or neither")
        if self.metric is not None and "q" in self.model_fields_set:
            raise ValueError("got q and metric; expected q alone, or metric with above")
        if self.metric is None and (self.baseline.most or ENOUGH) < ENOUGH:
            raise ValueError(
                f"baseline.trailing is {self.baseline.trailing}; expected at least {ENOUGH}, which "
                "drift needs (28 buckets find smaller changes)"
            )
        return self

    @property
    def least(self) -> int:
        """Return the number of trailing buckets that are needed to judge a bucket."""
        return super().least if self.metric else ENOUGH

    @property
    def judges_by_spread(self) -> bool:
        """Return whether it uses the variation of earlier buckets with any baseline."""
        return self.metric is None

    def false_alarms(self) -> float | None:
        """Return `q`; None for a distance, because it depends on the number of images."""
        return None if self.metric else self.q

    def measure(self, side: Side) -> list[Result]:
        """Return one result per feature that has the metric."""
        comparison = self._compared(side)
        metric, above, results = str(self.metric), self.above or 0.0, list[Result]()
        for row in sorted(comparison.features, key=lambda row: (row.feature, row.kind in RATES)):
            value = getattr(row, metric)
            if value is None or not self.takes(row.feature):
                continue
            unlike = comparison.unlike.reason(row.feature)
            if unlike:
                results.append(Result(row.feature, "not enough data", words=unlike))
            else:
                state: ResultState = "anomaly" if value > above else "ok"
                words = joined(describe(row, self._thresholds), row.reason)
                results.append(Result(row.feature, state, value, None, above, words))
        return _distinct(results)

    def judge(self, sides: Mapping[str, Side]) -> BySegment:
        """Return the results of the segments of one bucket, which share `q`."""
        if self.metric is not None:
            return super().judge(sides)
        sides, alone = without_common(sides) if self.baseline.peers else (sides, {})
        tested, failed = each_of(sides, self.tested)
        return alone | failed | self.decide(tested, sides)

    def tested(self, side: Side) -> list[Tested]:
        """Return the p-value of each feature, or a reason why there is none."""
        target, past = side.beside or (side.summary, side.past.summaries)
        expected, buckets = None, 0
        if side.own is not None and side.beside is None:
            expected, buckets = Summary(side.past.merged._core), len(past)
            # Without enough earlier buckets, those of the baseline show how much buckets vary.
            past = side.own.summaries if len(side.own.summaries) >= ENOUGH else past
            if len(past) < ENOUGH:
                return self._independent(side)
        compared = AgainstPast(target, past, expected, buckets)
        return [test for test in compared.tests() if self.takes(test.feature)]

    def decide(
        self, tested: Mapping[str, Sequence[Tested]], sides: Mapping[str, Side]
    ) -> BySegment:
        """Return the results of each segment of a bucket."""
        # Each segment has its own families, so a change of one makes no other more suspicious.
        judged = [
            (f"{segment} {test.family}", test)
            for segment, tests in tested.items()
            for test in tests
            if test.p_value is not None
        ]
        families = [family for family, _ in judged]
        q_of_each = q_values([test.p_value or 0.0 for _, test in judged], families)
        for (_, test), q in zip(judged, q_of_each, strict=True):
            test.q = q
        # In a family with anomalies, the limit of p-values is q times the share of anomalies. In a
        # family without any, it is the p-value that passes the gate of the families without any;
        # see `q_values`.
        many, bad = Counter(families), Counter(name for name, test in judged if test.q <= self.q)
        limits = {
            name: self.q * bad[name] / n if bad[name] else self.q / (n * (len(many) - len(bad)))
            for name, n in many.items()
        }
        results = {}
        for segment, tests in tested.items():
            rows: _Rows = {}
            side = sides.get(segment)
            is_bad = any(test.q <= self.q for test in tests)
            if is_bad and side is not None and side.beside is None:  # only if needed: it is slow
                features = self._compared(side).features
                rows = {(row.feature, row.kind in RATES): row for row in features}
            found = [
                self._decided(test, limits.get(f"{segment} {test.family}", 0.0), rows, side)
                for test in tests
            ]
            results[segment] = _distinct(self._with_causes(found, rows))
        return results

    def _decided(self, test: Tested, limit: float, rows: "_Rows", side: Side | None) -> Result:
        if test.p_value is None:
            return Result(test.feature, "not enough data", words=test.words)
        value, upper = _deviations(test.p_value), _deviations(limit)
        words = [with_minus(f"q {test.q:.2g}"), test.words]
        if test.q > self.q:
            return Result(test.feature, "ok", value, None, upper, joined(*words))
        cause, name, size = "", None, 0.0
        row = rows.get((test.feature, test.is_rate))
        if side is not None and side.beside is not None:
            cause, name, size = change_beside(*side.beside, test.feature)
        elif row is not None and row.effect is not None:
            if row.reason.startswith(DIFFERENTLY):
                return Result(test.feature, "not enough data", words=row.reason)
            _rest_on_largest(row, self._thresholds)
            fill(row, words=describe(row, self._thresholds))
            cause, name, size = row.words, row.effect_name, row.effect or 0.0
            if test.ratio and abs(math.log(test.ratio)) >= self.spread:
                cause = describe(row, self._thresholds, _differs(row, test.ratio))
        if name is not None and not self._thresholds.reaches(name, size):
            words = ["significant, but below the minimum effect", f"{name} {size:.2g}", *words]
            return Result(test.feature, "ok", value, None, None, joined(*words))
        words = [cause or f"{test.feature} changed", *words]
        return Result(test.feature, "anomaly", value, None, upper, joined(*words))

    def _with_causes(self, results: list[Result], rows: "_Rows") -> list[Result]:
        """Return the results, with the likely causes, and with those of their consequences."""
        drifted = {result.feature for result in results if result.state == "anomaly"}
        if not drifted:
            return results
        # Light that varies only as usual between buckets explains nothing.
        light = [each for each in results if each.feature.endswith(_LIGHT) and each.upper]
        still = all((each.value or 0.0) < _NEARLY * (each.upper or 0.0) for each in light)
        for row in rows.values():
            is_odd = row.feature in drifted
            fill(row, verdict="drift" if is_odd else "none", q_value=0.0 if is_odd else None)
            if still and not is_odd:
                fill(row, level_target=row.level_reference)
        bad = [row for row in rows.values() if row.verdict == "drift"]
        found = causes([*rows.values()], bad, self.q)
        leads = {each.rows[0].feature: each for each in found}
        consequences = {row.feature: each.cause for each in found for row in each.rows[1:]}
        for at, result in enumerate(results):
            if result.state == "anomaly" and (cause := leads.get(result.feature)):
                words = joined(cause.words.partition("; ")[0], result.words.partition("; ")[2])
                results[at] = result._replace(cause=cause.cause, words=words)
            elif result.state == "anomaly" and result.feature in consequences:
                results[at] = result._replace(cause=PERHAPS + consequences[result.feature])
        return results

    @property
    def _thresholds(self) -> Thresholds:
        least = {"effect": self.effect, "spread": self.spread, "tail": self.tail}
        return Thresholds(drift=self.q, possible=max(Thresholds.possible, self.q), **least)

    def _independent(self, side: Side) -> list[Tested]:
        """Return the tests of a comparison of the bucket with the whole baseline."""
        return [
            Tested(
                row.feature,
                row.kind in RATES,
                row.family,
                None if row.verdict == "not enough data" else row.p_high,
                row.reason if row.verdict == "not enough data" else INDEPENDENT,
            )
            for row in self._compared(side, tested=True).features
            if row.q_value is not None or row.verdict == "not enough data"
            if row.topic != "together"  # which has no size, and is judged nowhere else
            if self.takes(row.feature) and (row.n_target or row.n_reference)
        ]

    def _compared(self, side: Side, *, tested: bool = False) -> Comparison:
        return Comparison(
            target=side.target.view,
            reference=side.past.merged,
            thresholds=self._thresholds,
            tested=tested,
        )


_Rows = dict[tuple[str, bool], FeatureDrift]  # by feature, and whether it is a rate


def _differs(row: FeatureDrift, ratio: float) -> str:
    """Return text about a standard deviation that changed by this ratio."""
    name, unit = (f"the share of {row.name}", " %") if row.scale == "percent" else (row.name, "")
    each, how = "image" if row.prefix else "value", "more" if ratio > 1 else "less"
    stddev = row.stddev_target or 0.0
    was, now = (f"{number(size, 3)}{unit}" for size in (stddev / ratio, stddev))
    return f"{name} differs {how} from {each} to {each}: standard deviation {now} instead of {was}"


def _rest_on_largest(row: FeatureDrift, by: Thresholds) -> None:
    """Set the effect of a row to the size that shows its change; see `carrying`.

    `FeatureDrift.effect` is the size with the largest lower bound, which may be another one for
    samples.
    """
    if row.kind in ("number", "hue"):
        sizes: dict[EffectName, float | None]
        sizes = {"shift": row.ks, "spread": row.spread, "tail": row.tail}
        known = {key: abs(x) for key, x in sizes.items() if x is not None and math.isfinite(x)}
        if known:
            name = carrying(known, by)
            fill(row, effect_name=name, effect=known[name])


def _deviations(p: float) -> float:
    return -NormalDist().inv_cdf(max(p, _LEAST_P) / 2)


def _distinct(results: list[Result]) -> list[Result]:
    """Return one result per feature, by name: the first of the worst.

    A rate and a column may have the same name, such as ``a:missing``.
    """
    worst = dict[str, Result]()
    order = ("anomaly", "ok", "not enough data")
    for each in sorted(results, key=lambda each: order.index(each.state)):
        worst.setdefault(each.feature, each)
    return [worst[feature] for feature in sorted(worst)]
