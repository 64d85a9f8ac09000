"""Comparing the numbers of two profiles: by a test of scores of ranks, hue by Kuiper's."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lightmeter import _core
from lightmeter.drift.feature import EffectName, FeatureDrift, changed
from lightmeter.drift.statistics import statistics
from lightmeter.drift.verdict import Thresholds, carrying
from lightmeter.profile.features import Meaning

__all__ = ["compare_numbers"]

_HUE_STEPS = 255.0  # around the circle


def compare_numbers(
    name: str, meaning: Meaning, cores: Sequence[_core.Profile], by: Thresholds, *, tested: bool
) -> FeatureDrift:
    """The line of a feature of numbers; of pixels the distances only.

    Args:
        name: the feature.
        meaning: of its values.
        cores: the target and the reference.
        by: the least sizes, and the chance that an interval misses the truth.
        tested: whether a p-value is wanted.
    """
    target, reference = (_core.numbers_of(core, name) for core in cores)
    line = FeatureDrift(
        feature=name,
        kind=meaning.kind(),
        n_target=target.n,
        n_reference=reference.n,
        reason=meaning.untested,
    )
    if target.n == 0 or reference.n == 0:
        return line
    circular, pixels = meaning.is_circular, meaning.kind() == "pixels"
    tested = tested and not pixels
    result = _core.compare_numbers(
        target, reference, circular=circular, tested=tested, delta=by.delta
    )
    fields: dict[str, Any] = _levels(name, cores, circular)
    change = fields["level_target"] - fields["level_reference"]
    sizes: dict[EffectName, Sequence[float]] = {"shift": result["statistic"]}
    spread = _spread(fields)
    if spread is not None:
        sizes["spread"] = [abs(spread)] * 3  # of moments, which are exact in samples too
    if not circular:
        below, above = result["tail_below"], result["tail_above"]
        sizes["tail"] = [min(1.0, sum(ends)) for ends in zip(below, above, strict=True)]
        fields |= {"tail_below": below[0], "tail_above": above[0], "tail": sizes["tail"][0]}
    carrying = _carrying(sizes, by)
    if tested:
        fields["ks_p_value"] = result["ks_p_value"][0]
        fields["hellinger_null"] = result["hellinger_null"]
    line = changed(
        line,
        ks=result["statistic"][0],
        spread=spread,
        wasserstein=result["wasserstein"],
        wasserstein_in_sd=_in_sd(
            result, math.remainder(change, _HUE_STEPS) if circular else change
        ),
        **statistics(carrying, sizes[carrying], result["p_value"] if tested else None, result),
        **fields,
    )
    one_value = target.min == target.max == reference.min == reference.max
    if one_value and not pixels and not line.reason:
        return changed(line, verdict="none", reason="one value only, the same on both sides")
    return line


def _levels(name: str, cores: Sequence[_core.Profile], circular: bool) -> dict[str, float]:
    """The means of both sides, and the standard deviations of what lies on a line."""
    if circular:
        target, reference = (_core.circular_mean(_core.numbers_of(core, name)) for core in cores)
        return {"level_target": target, "level_reference": reference}
    (target, wide), (reference, wide_reference) = (_core.level_of(core, name) for core in cores)
    return {
        "level_target": target,
        "level_reference": reference,
        "stddev_target": wide,
        "stddev_reference": wide_reference,
    }


def _spread(levels: Mapping[str, float]) -> float | None:
    """The logarithm of the ratio of the standard deviations; None where one of them is 0."""
    wide, wide_reference = levels.get("stddev_target", 0.0), levels.get("stddev_reference", 0.0)
    if min(wide, wide_reference) <= 0 or not math.isfinite(wide / wide_reference):
        return None
    return math.log(wide) - math.log(wide_reference)


def _carrying(sizes: dict[EffectName, Sequence[float]], by: Thresholds) -> EffectName:
    """The one that surely is large enough; else the one that may be."""
    least = {name: ends[1] for name, ends in sizes.items()}
    name = carrying(least, by)
    if least[name] < by.least(name):
        name = carrying({name: ends[2] for name, ends in sizes.items()}, by)
    return name


def _in_sd(result: dict[str, Any], change: float) -> float | None:
    """Wasserstein distance in reference spreads, signed as the mean changed."""
    if result["wasserstein"] == 0:
        return 0.0
    if not 0 < result["reference_spread"] < math.inf:
        return None
    return math.copysign(result["wasserstein"] / result["reference_spread"], change)
