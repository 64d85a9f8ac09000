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
    fields, shift, tail, p_value, reference_spread, one_value = _core.compare_numbers_of(
        *cores, about.feature, circular, tested, by.delta
    )
    spread = _spread(fields)
    sizes: dict[EffectName, Sequence[float]] = {"shift": shift}
    if spread is not None:
        sizes["spread"] = [abs(spread)] * 3  # of moments, which are exact in samples too
    if tail is not None:
        sizes["tail"] = tail
    name = _carrying(sizes, by)
    fields |= statistics(name, sizes[name], p_value if tested else None)
    if one_value and not pixels and not reason:
        fields["verdict"] = "none"
        reason = "one value only, the same on both sides"
    change = fields["level_target"] - fields["level_reference"]
    if circular:
        change = math.remainder(change, _HUE_STEPS)
    fields["wasserstein_in_sd"] = _in_sd(fields["wasserstein"], reference_spread, change)
    fields["spread"] = spread
    fields["reason"] = reason
    fields["n_target"], fields["n_reference"] = n
    return changed(about, **fields)


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


def _in_sd(wasserstein: float, reference_spread: float, change: float) -> float | None:
    """Wasserstein distance in reference spreads, signed as the mean changed."""
    if wasserstein == 0:
        return 0.0
    if not 0 < reference_spread < math.inf:
        return None
    return math.copysign(wasserstein / reference_spread, change)
