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
    about: FeatureDrift,
    meaning: Meaning,
    n: tuple[int, int],
    cores: tuple[_core.Profile, _core.Profile],
    by: Thresholds,
    *,
    tested: bool,
) -> FeatureDrift:
    """The line of a feature of numbers; of pixels the distances only.

    Args:
        about: the line of the feature, without anything of its values.
        meaning: of the values.
        n: how many finite numbers the target and the reference have.
        cores: the target and the reference.
        by: the least sizes, and the chance that an interval misses the truth.
        tested: whether a p-value is wanted.
    """
    reason = meaning.untested
    if 0 in n:
        return changed(about, n_target=n[0], n_reference=n[1], reason=reason)
    circular, pixels = meaning.is_circular, about.kind == "pixels"
    tested = tested and not pixels
    result = _core.compare_numbers_of(*cores, about.feature, circular, tested, by.delta)
    sizes: dict[EffectName, Sequence[float]] = {"shift": result["statistic"]}
    spread = _spread(result)
    if spread is not None:
        sizes["spread"] = [abs(spread)] * 3  # of moments, which are exact in samples too
    fields: dict[str, Any] = {}
    if not circular:
        below, above = result["tail_below"], result["tail_above"]
        tail = [min(1.0, a + b) for a, b in zip(below, above, strict=True)]
        sizes["tail"] = tail
        fields = {"tail_below": below[0], "tail_above": above[0], "tail": tail[0]}
    if tested:
        fields["ks_p_value"] = result["ks_p_value"][0]
        fields["hellinger_null"] = result["hellinger_null"]
    if result["one_value"] and not pixels and not reason:
        fields["verdict"] = "none"
        reason = "one value only, the same on both sides"
    carrying = _carrying(sizes, by)
    change = result["level_target"] - result["level_reference"]
    return changed(
        about,
        n_target=n[0],
        n_reference=n[1],
        ks=result["statistic"][0],
        spread=spread,
        wasserstein=result["wasserstein"],
        wasserstein_in_sd=_in_sd(
            result, math.remainder(change, _HUE_STEPS) if circular else change
        ),
        level_target=result["level_target"],
        level_reference=result["level_reference"],
        stddev_target=result.get("stddev_target"),
        stddev_reference=result.get("stddev_reference"),
        reason=reason,
        **statistics(carrying, sizes[carrying], result["p_value"] if tested else None, result),
        **fields,
    )


def _spread(levels: Mapping[str, Any]) -> float | None:
    """The logarithm of the ratio of the standard deviations; None where one of them is 0."""
    wide, wide_reference = levels.get("stddev_target", 0.0), levels.get("stddev_reference", 0.0)
    if min(wide, wide_reference) <= 0 or not math.isfinite(wide / wide_reference):
        return None
    return math.log(wide) - math.log(wide_reference)


def _carrying(sizes: dict[EffectName, Sequence[float]], by: Thresholds) -> EffectName:
    """The one that surely is large enough; else the one that may be."""
    least = {name: ends[1] for name, ends in sizes.items()}
    most = {name: ends[2] for name, ends in sizes.items()}
    name = carrying(least, by)
    return name if least[name] >= by.least(name) or most == least else carrying(most, by)


def _in_sd(result: dict[str, Any], change: float) -> float | None:
    """Wasserstein distance in reference spreads, signed as the mean changed."""
    if result["wasserstein"] == 0:
        return 0.0
    if not 0 < result["reference_spread"] < math.inf:
        return None
    return math.copysign(result["wasserstein"] / result["reference_spread"], change)
