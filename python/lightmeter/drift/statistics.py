"""The test and the distances of two samples, as fields of a `FeatureDrift`."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["statistics"]


def statistics(
    statistic: Sequence[float], p: Sequence[float], distances: Mapping[str, float]
) -> dict[str, Any]:
    """The fields.

    Args:
        statistic: of the test, as (value, low, high).
        p: its p-value; the same.
        distances: those that there are, by name, as the core's comparisons give them.
    """
    effect, effect_low, effect_high = statistic
    p_value, p_low, p_high = p
    return {
        "effect": effect,
        "effect_low": effect_low,
        "effect_high": effect_high,
        "p_value": p_value,
        "p_low": p_low,
        "p_high": p_high,
        "hellinger": distances.get("hellinger"),
        "hellinger_debiased": distances.get("hellinger_debiased"),
        "psi": distances.get("psi"),
        "js": distances.get("js"),
    }
