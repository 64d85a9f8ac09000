"""The test and the distances of two samples, as fields of a `FeatureDrift`."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightmeter.drift.feature import EffectName

__all__ = ["statistics"]


def statistics(
    name: EffectName,
    size: Sequence[float],
    p: Sequence[float] | None,
    distances: Mapping[str, float],
) -> dict[str, Any]:
    """The fields.

    Args:
        name: of the size that carries the verdict.
        size: that, as (value, low, high).
        p: the p-value; the same. None where nothing was tested.
        distances: those that there are, by name, as the core's comparisons give them.
    """
    effect, effect_low, effect_high = size
    p_value, p_low, p_high = (None, None, None) if p is None else p
    return {
        "effect": effect,
        "effect_low": effect_low,
        "effect_high": effect_high,
        "effect_name": name,
        "p_value": p_value,
        "p_low": p_low,
        "p_high": p_high,
        "hellinger": distances.get("hellinger"),
        "hellinger_debiased": distances.get("hellinger_debiased"),
        "psi": distances.get("psi"),
        "js": distances.get("js"),
    }
