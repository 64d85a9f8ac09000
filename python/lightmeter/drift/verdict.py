"""From p-values and effects to verdicts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lightmeter.drift.families import q_values
from lightmeter.drift.row import EffectName, FeatureDrift, Verdict, fill
from lightmeter.text import counted


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What verdicts are reached by.

    >>> lm.compare(target=target, reference=reference, effect=0.2)

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
    min_values: float = 10
    delta: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        are_levels = 0 < self.drift <= self.possible < 1 and 1e-9 <= self.delta <= 1 - 1e-9
        are_sizes = 0 <= self.effect <= 1 and 0 <= self.tail <= 1 and 0 <= self.spread <= 100
        if not (are_levels and are_sizes and self.min_values >= 1):
            raise ValueError(
                f"got {self}; expected 0 < drift <= possible < 1, effect and tail from 0 to 1, "
                "spread from 0 to 100, min_values from 1, delta between 0 and 1"
            )

    def least(self, name: EffectName | None) -> float:
        """The least size of that name that a verdict needs.

        >>> lm.Thresholds().least("shift")
        0.1
        """
        return self.spread if name == "spread" else self.tail if name == "tail" else self.effect

    def units(self, name: EffectName | None, size: float) -> float:
        """A size in units of the least one."""
        least = self.least(name)
        return size / least if least else math.inf


# Of the values; if as many moved, that is what happened, however much spread and tail changed.
MOST_MOVED = 0.5


def carrying(sizes: Mapping[EffectName, float], by: Thresholds) -> EffectName:
    """The size that a verdict rests on: the largest in units of its least one.

    That is ``shift`` where half of the values moved: what moves far is a tail as well.
    """
    if sizes.get("shift", 0.0) >= max(MOST_MOVED, by.effect):
        return "shift"
    return max(sizes, key=lambda name: by.units(name, sizes[name]))


def judge(rows: Sequence[FeatureDrift], by: Thresholds, *, tested: bool = True) -> None:
    """Set q-values, verdicts and reasons.

    Rows that were not `tested` only learn that they have not enough data.
    A row whose verdict is set stays as it is. All others that have enough values on both sides
    are judged together, in their families. Each enters with the upper end of its p-value. The lower
    end only says whether the verdict could have been another one.
    """
    asked: list[FeatureDrift] = []
    for row in rows:
        if row.verdict is not None or row.reason:
            continue
        if min(row.n_target, row.n_reference) < by.min_values:
            fill(row, verdict="not enough data", reason=_too_few(row, by.min_values))
        elif tested:
            asked.append(row)
    families = [row.family for row in asked]
    q_high = q_values([row.p_high or 0.0 for row in asked], families)
    q_low = q_values([row.p_low or 0.0 for row in asked], families)
    for row, q, least_q in zip(asked, q_high, q_low, strict=True):
        verdict = _verdict(q, row, row.effect_low, by)
        is_sure = verdict == _verdict(least_q, row, row.effect_high, by)
        fill(row, q_value=q, verdict=verdict if is_sure else "inconclusive")
        fill(row, reason=_reason(row, q, by))


_WORST_FIRST = ["drift", "inconclusive", "possible", "none", "not enough data", None]
_MOST = 10.0  # least sizes; D is no larger, when everything changed


def by_severity(rows: Iterable[FeatureDrift], by: Thresholds) -> list[FeatureDrift]:
    """Return the rows in order: by verdict; what is lost, files or Exif; then by effect.

    An effect counts with the lower end of its interval, in whole units of its least size, of which
    many features have equally many. Between these the distance decides, which has no bound. What
    all numbers together say comes behind what they say by themselves.
    """

    def severity(row: FeatureDrift) -> tuple[int, bool, bool, int, float, str]:
        units = min(by.units(row.effect_name, row.effect_low or 0.0), _MOST)
        distance = math.inf if row.wasserstein_in_sd is None else abs(row.wasserstein_in_sd)
        lost = row.kind == "failure" or (row.kind == "missing" and row.group == "Exif")
        rank, together = _WORST_FIRST.index(row.verdict), row.group == "together"
        return rank, not lost, together, -round(units), -distance, row.feature

    return sorted(rows, key=severity)


def _verdict(q: float, row: FeatureDrift, effect: float | None, by: Thresholds) -> Verdict:
    if (effect or 0.0) < by.least(row.effect_name) or q > by.possible:
        return "none"
    return "drift" if q <= by.drift else "possible"


def _too_few(row: FeatureDrift, needed: float) -> str:
    n = {"target": row.n_target, "reference": row.n_reference}
    side, other = sorted(n, key=n.__getitem__)
    if not n[side]:
        return f"only in the {other}, {counted(n[other], 'value')}"
    return f"{counted(n[side], 'value')} in the {side}; {needed:g} are needed"


def _reason(row: FeatureDrift, q: float, by: Thresholds) -> str:
    size = f"{row.effect_name} {row.effect or 0:.2g}"
    if row.verdict == "inconclusive":
        between = f"{row.effect_low or 0:.2g} to {row.effect_high or 0:.2g}"
        return f"{size}, which may be {between}: the profiles hold samples"
    if row.verdict == "none" and q <= by.drift:
        least = by.least(row.effect_name)
        return f"surely different (q {q:.1g}), but little: {size}, less than {least:g}"
    if row.groups_target is None:
        return f"{size}, q {q:.2g}"
    return f"{size}, q {q:.2g}, by {row.groups_target} and {row.groups_reference} groups"
