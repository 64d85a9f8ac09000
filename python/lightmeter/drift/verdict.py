"""From p-values and effects to verdicts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from lightmeter.drift.families import q_values
from lightmeter.drift.row import EffectName, FeatureDrift, Verdict, changed
from lightmeter.text import counted

# Verdicts that ask for a look.
CHANGED: frozenset[str | None] = frozenset({"drift", "possible", "inconclusive"})

_RANGES = {
    **dict.fromkeys(("effect", "tail"), (0.0, 1.0)),
    "spread": (0.0, 100.0),
    "min_values": (1, math.inf),
    "delta": (1e-9, 1 - 1e-9),
}


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What verdicts are reached by.

    Attributes:
        drift: ``drift`` needs a q-value of at most this: 0.05, so that of comparisons where nothing
            changed at most one in twenty holds a false ``drift``, however many features there are.
        possible: ``possible`` needs at most this: 0.15, where whylogs' begins.
        effect: the least shift (D, or V of hue), total variation or difference of rates: 0.1. With
            many images every difference is sure; one below a tenth of the probability mass has no
            visible consequence. A verdict needs one size, of those that apply, at its least size.
        spread: the least ``spread``: 0.2, a standard deviation that is 22 % larger or 18 % smaller.
        tail: the least ``tail``: 0.03, so that 0.05 of the target lie where 0.02 of the reference
            do. A change in a tenth of the batch has no larger D than 0.1, but it has such a tail.
        min_values: values needed on each side: 10, with which the strongest drift just gets p =
            1e-5 and a common one little chance.
        delta: the chance that an interval misses the truth, where a profile holds samples: 0.01.
    """

    drift: float = 0.05
    possible: float = 0.15
    effect: float = 0.1
    spread: float = 0.2
    tail: float = 0.03
    min_values: int = 10
    delta: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if not 0 < self.drift <= self.possible < 1:
            raise ValueError(
                f"drift is {self.drift} and possible {self.possible}; "
                "expected 0 < drift <= possible < 1"
            )
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; expected {low:g} to {high:g}")

    def least(self, name: EffectName | None) -> float:
        """The least size of that name that a verdict needs."""
        return self.spread if name == "spread" else self.tail if name == "tail" else self.effect


DEFAULT_THRESHOLDS = Thresholds()


class ThresholdOptions(TypedDict, total=False):
    """Fields of `Thresholds`, as keywords."""

    drift: float
    possible: float
    effect: float
    spread: float
    tail: float
    min_values: int
    delta: float


# Of the values; if as many moved, that is what happened, however much spread and tail changed.
MOST_MOVED = 0.5


def carrying(sizes: Mapping[EffectName, float], by: Thresholds) -> EffectName:
    """The size that a verdict rests on: the largest in units of its least one.

    That is ``shift`` where half of the values moved: what moves far is a tail as well.
    """
    moved = sizes.get("shift", 0.0)
    if moved >= MOST_MOVED and moved >= by.effect:
        return "shift"

    def units(name: EffectName) -> float:
        least = by.least(name)
        return sizes[name] / least if least else math.inf

    return max(sizes, key=units)


def judge(
    features: Sequence[FeatureDrift], by: Thresholds, *, tested: bool = True
) -> list[FeatureDrift]:
    """Return the features with q-values, verdicts and reasons.

    Features that were not `tested` only learn that they have not enough data.
    A feature whose verdict is set stays as it is. All others that have enough values on both sides
    are judged together, in their families. Each enters with the upper end of its p-value. The lower
    end only says whether the verdict could have been another one.
    """
    judged = list(features)
    asked: list[int] = []
    for index, line in enumerate(features):
        if line.verdict is not None or line.reason:
            continue
        if min(line.n_target, line.n_reference) < by.min_values:
            reason = _too_few(line, by.min_values)
            judged[index] = changed(line, verdict="not enough data", reason=reason)
        elif tested:
            asked.append(index)
    families = [features[index].family for index in asked]
    highs = [features[index].p_high or 0.0 for index in asked]
    lows = [features[index].p_low or 0.0 for index in asked]
    sure = q_values(highs, families)
    hopeful = sure if lows == highs else q_values(lows, families)
    for index, q, q_low in zip(asked, sure, hopeful, strict=True):
        line = judged[index]
        verdict = _verdict(q, line, line.effect_low, by)
        if verdict != _verdict(q_low, line, line.effect_high, by):
            verdict = "inconclusive"
        reason = _reason(line, verdict, q, by)
        judged[index] = changed(line, q_value=q, verdict=verdict, reason=reason)
    return judged


_WORST_FIRST = ["drift", "inconclusive", "possible", "none", "not enough data", None]
_MOST = 10.0  # least sizes; D is no larger, when everything changed


def by_severity(lines: Iterable[FeatureDrift], by: Thresholds) -> list[FeatureDrift]:
    """Return the lines in order: by verdict; what is lost, files or Exif; then by effect.

    An effect counts with the lower end of its interval, in whole units of its least size, of which
    many features have equally many. Between these the distance decides, which has no bound. What
    all numbers together say comes behind what they say by themselves.
    """

    def severity(line: FeatureDrift) -> tuple[int, bool, bool, int, float, str]:
        least = by.least(line.effect_name)
        units = min((line.effect_low or 0.0) / least if least else _MOST, _MOST)
        distance = math.inf if line.wasserstein_in_sd is None else abs(line.wasserstein_in_sd)
        lost = line.kind == "failure" or (line.kind == "missing" and line.group == "Exif")
        rank, together = _WORST_FIRST.index(line.verdict), line.group == "together"
        return rank, not lost, together, -round(units), -distance, line.feature

    return sorted(lines, key=severity)


def _verdict(q: float, feature: FeatureDrift, effect: float | None, by: Thresholds) -> Verdict:
    if (effect or 0.0) < by.least(feature.effect_name) or q > by.possible:
        return "none"
    return "drift" if q <= by.drift else "possible"


def _too_few(feature: FeatureDrift, needed: int) -> str:
    n = {"target": feature.n_target, "reference": feature.n_reference}
    side = min(n, key=n.__getitem__)
    if n[side] == 0:
        other = "reference" if side == "target" else "target"
        return f"only in the {other}, {counted(n[other], 'value')}"
    return f"{counted(n[side], 'value')} in the {side}; {needed} are needed"


def _reason(feature: FeatureDrift, verdict: Verdict, q: float, by: Thresholds) -> str:
    sizes = f"{feature.effect_name} {feature.effect or 0:.2g}"
    if verdict == "inconclusive":
        between = f"{feature.effect_low or 0:.2g} to {feature.effect_high or 0:.2g}"
        return f"{sizes}, which may be {between}: the profiles hold samples"
    if verdict == "none" and q <= by.drift:
        least = by.least(feature.effect_name)
        return f"surely different (q {q:.1g}), but little: {sizes}, less than {least:g}"
    if feature.groups_target is None:
        return f"{sizes}, q {q:.2g}"
    groups = f"{feature.groups_target} and {feature.groups_reference} groups"
    return f"{sizes}, q {q:.2g}, by {groups}"
