"""From p-values and effects to verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightmeter.drift.families import q_values
from lightmeter.drift.feature import FeatureDrift, Verdict, changed

__all__ = ["CHANGED", "DEFAULT_THRESHOLDS", "Thresholds", "judge"]

# Verdicts that ask for a look.
CHANGED: frozenset[str | None] = frozenset({"drift", "possible", "inconclusive"})


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What verdicts are reached by.

    Attributes:
        drift: ``drift`` needs a q-value of at most this: 0.05, so that of comparisons where nothing
            changed at most one in twenty holds a false ``drift``, however many features there are.
        possible: ``possible`` needs at most this: 0.15, where whylogs' begins.
        effect: both need an effect of at least this: 0.1. With many images every difference is
            sure; one below a tenth of the probability mass has no visible consequence.
        min_values: values needed on each side: 10, with which the strongest drift just gets p =
            1e-5 and a common one little chance.
        delta: the chance that an interval misses the truth, where a profile holds samples: 0.01.
    """

    drift: float = 0.05
    possible: float = 0.15
    effect: float = 0.1
    min_values: int = 10
    delta: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if not 0 < self.drift <= self.possible < 1:
            raise ValueError(
                f"drift is {self.drift} and possible {self.possible}; "
                "expected 0 < drift <= possible < 1"
            )
        if not 0 <= self.effect <= 1:
            raise ValueError(f"effect is {self.effect}; expected 0 to 1")
        if self.min_values < 1:
            raise ValueError(f"min_values is {self.min_values}; expected at least 1")
        if not 0 < self.delta < 1:
            raise ValueError(f"delta is {self.delta}; expected between 0 and 1")


DEFAULT_THRESHOLDS = Thresholds()


def judge(features: Sequence[FeatureDrift], by: Thresholds) -> list[FeatureDrift]:
    """The features with q-values, verdicts and reasons.

    A feature whose verdict is set stays as it is. All others that have enough values on both sides
    are judged together, in their families. Each enters with the upper end of its p-value. The lower
    end only says whether the verdict could have been another one. A copy does not enter: it gets
    what the feature gets that it is a copy of.
    """
    judged = list(features)
    tested: list[int] = []
    copies: list[int] = []
    for index, feature in enumerate(features):
        if feature.verdict is not None or feature.reason:
            continue
        if min(feature.n_target, feature.n_reference) < by.min_values:
            judged[index] = changed(
                feature, verdict="not enough data", reason=_too_few(feature, by.min_values)
            )
        else:
            (copies if feature.same_as else tested).append(index)
    families = [features[index].family for index in tested]
    sure = q_values([_known(features[index].p_high) for index in tested], families)
    hopeful = q_values([_known(features[index].p_low) for index in tested], families)
    for index, q_high, q_low in zip(tested, sure, hopeful, strict=True):
        feature = features[index]
        verdict = _verdict(q_high, _known(feature.effect_low), by)
        if verdict != _verdict(q_low, _known(feature.effect_high), by):
            verdict = "inconclusive"
        reason = _reason(feature, verdict, q_high, by)
        judged[index] = changed(feature, q_value=q_high, verdict=verdict, reason=reason)
    originals = {(judged[index].feature, judged[index].kind): judged[index] for index in tested}
    for index in copies:
        line = originals[features[index].same_as, features[index].kind]
        judged[index] = changed(
            features[index], q_value=line.q_value, verdict=line.verdict, reason=line.reason
        )
    return judged


def _known(value: float | None) -> float:
    assert value is not None
    return value


def _verdict(q: float, effect: float, by: Thresholds) -> Verdict:
    if effect < by.effect or q > by.possible:
        return "none"
    return "drift" if q <= by.drift else "possible"


def _too_few(feature: FeatureDrift, needed: int) -> str:
    if feature.n_target == 0:
        return f"only in the reference, {feature.n_reference} values"
    if feature.n_reference == 0:
        return f"only in the target, {feature.n_target} values"
    side = "target" if feature.n_target <= feature.n_reference else "reference"
    n = min(feature.n_target, feature.n_reference)
    return f"{n} values in the {side}; {needed} are needed"


def _reason(feature: FeatureDrift, verdict: Verdict, q: float, by: Thresholds) -> str:
    effect = _known(feature.effect)
    sizes = f"{feature.effect_name} {effect:.2g}"
    if verdict == "inconclusive":
        low, high = _known(feature.effect_low), _known(feature.effect_high)
        return f"{sizes}, which may be {low:.2g} to {high:.2g}: the profiles hold samples"
    if verdict == "none" and q <= by.drift:
        return f"surely different (q {q:.1g}), but little: {sizes}, less than {by.effect:g}"
    groups = f", by {feature.groups_target} and {feature.groups_reference} groups"
    return f"{sizes}, q {q:.2g}{groups if feature.groups_target is not None else ''}"
