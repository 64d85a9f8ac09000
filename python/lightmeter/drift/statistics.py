"""The test of two samples, as fields of a `FeatureDrift`."""

from collections.abc import Sequence
from typing import Any

from lightmeter.drift.row import EffectName


def statistics(
    name: EffectName, size: Sequence[float], p: Sequence[float] | None
) -> dict[str, Any]:
    """The fields.

    Args:
        name: of the size that carries the verdict.
        size: that, as (value, low, high).
        p: the p-value; the same. None where nothing was tested.
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
    }
