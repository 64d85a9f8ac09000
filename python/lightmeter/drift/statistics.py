"""What the core's comparisons of two samples give, as fields of a `FeatureDrift`."""

from typing import Any

__all__ = ["statistics"]


def statistics(result: dict[str, Any]) -> dict[str, Any]:
    """The test and the distances of `_core.compare_numbers` or `_core.compare_categories`."""
    effect, effect_low, effect_high = result["statistic"]
    p_value, p_low, p_high = result["p_value"]
    return {
        "effect": effect,
        "effect_low": effect_low,
        "effect_high": effect_high,
        "p_value": p_value,
        "p_low": p_low,
        "p_high": p_high,
        "hellinger": result["hellinger"],
        "hellinger_debiased": result["hellinger_debiased"],
        "psi": result["psi"],
        "js": result["js"],
    }
