"""The test and the distances of two samples, as the fields of a `FeatureDrift`."""

from collections.abc import Mapping
from typing import Any

__all__ = ["statistics"]


def statistics(result: Mapping[str, Any]) -> dict[str, Any]:
    """The fields.

    Args:
        result: what `_core.compare_numbers` or `_core.compare_categories` returned; the statistic
            and the p-value of another test, each as (value, low, high), without distances.
    """
    effect, effect_low, effect_high = result["statistic"]
    p_value, p_low, p_high = result["p_value"]
    return {
        "effect": effect,
        "effect_low": effect_low,
        "effect_high": effect_high,
        "p_value": p_value,
        "p_low": p_low,
        "p_high": p_high,
        "hellinger": result.get("hellinger"),
        "hellinger_debiased": result.get("hellinger_debiased"),
        "psi": result.get("psi"),
        "js": result.get("js"),
    }
