"""Comparing the numbers of two profiles: by Kolmogorov and Smirnov's test, hue by Kuiper's."""

import math
from collections.abc import Sequence
from typing import Any

from lightmeter import _core
from lightmeter.drift.feature import FeatureDrift, changed
from lightmeter.drift.statistics import statistics
from lightmeter.profile.features import Meaning

__all__ = ["compare_numbers"]

_HUE_STEPS = 255.0  # around the circle


def compare_numbers(
    name: str, meaning: Meaning, cores: Sequence[_core.Profile], delta: float
) -> FeatureDrift:
    """The line of a feature of numbers; of pixels the distances only.

    Args:
        name: the feature.
        meaning: of its values.
        cores: the target and the reference.
        delta: the chance that an interval misses the truth.
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
    result = _core.compare_numbers(
        target, reference, circular=circular, tested=not pixels, delta=delta
    )
    fields = statistics(result["statistic"], result["p_value"], result)
    if pixels:
        fields |= dict.fromkeys(("p_value", "p_low", "p_high"))
    else:
        fields["hellinger_null"] = result["hellinger_null"]
    fields |= _levels(name, cores, circular)
    change = fields["level_target"] - fields["level_reference"]
    line = changed(
        line,
        ks=fields["effect"],
        wasserstein=result["wasserstein"],
        shift=_shift(result, math.remainder(change, _HUE_STEPS) if circular else change),
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


def _shift(result: dict[str, Any], change: float) -> float | None:
    """Wasserstein distance in reference spreads, signed as the mean changed."""
    if result["wasserstein"] == 0:
        return 0.0
    if not 0 < result["reference_spread"] < math.inf:
        return None
    return math.copysign(result["wasserstein"] / result["reference_spread"], change)
