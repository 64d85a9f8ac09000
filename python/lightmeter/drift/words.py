"""Findings in words: "saturation fell by 38 %"."""

import math

from lightmeter.drift.feature import FeatureDrift

__all__ = ["finding", "summary"]

_MOST = 5
_NAMES = {"ImagePixelWidth": "width", "ImagePixelHeight": "height", "Colorspace": "colour space"}


def summary(features: list[FeatureDrift]) -> str:
    """One sentence about the features, which come by severity."""
    drifted = [feature for feature in features if feature.verdict == "drift"]
    tested = sum(feature.q_value is not None for feature in features)
    if not drifted:
        return f"no drift in {tested} features"
    named = ", ".join(finding(feature) for feature in drifted[:_MOST])
    return f"{named}, and {len(drifted) - _MOST} more" if len(drifted) > _MOST else named


def finding(feature: FeatureDrift) -> str:
    """How a feature changed, such as ``entropy rose by 9 %``."""
    name = _name(feature.feature)
    if feature.kind == "failure":
        return f"files that cannot be measured went {_rates(feature)}"
    if feature.kind == "missing":
        return f"missing {name.removesuffix(':missing')} went {_rates(feature)}"
    if feature.kind == "category":
        return f"{name} {_values(feature)}"
    target, reference = feature.level_target, feature.level_reference
    if target is None or reference is None:
        return f"{name} is on one side only"
    if feature.kind == "hue":
        degrees = math.remainder(target - reference, 255.0) * 360.0 / 255.0
        if not abs(degrees) >= 1:
            return f"{name} spreads differently"
        return f"{name} turned by {degrees:+.0f} degrees"
    if reference == 0 or target / reference < 0:
        if target == reference:
            return f"{name} spreads differently"
        return f"{name} went from {reference:.3g} to {target:.3g}"
    change = target / reference - 1
    if abs(change) < 0.005:
        return f"{name} spreads differently"
    if change > 9:
        return f"{name} rose {target / reference:.3g}-fold"
    return f"{name} {'rose' if change > 0 else 'fell'} by {100 * abs(change):.2g} %"


def _name(feature: str) -> str:
    """Without the prefix, and as one says it."""
    name = feature.split(".", 1)[-1]
    if name in _NAMES:
        return _NAMES[name]
    first, _, rest = name.partition(".")
    if not rest:
        return name
    if rest in ("mean", "circular_mean"):
        return first.lower()
    return f"{first.lower()} {rest.replace('_', ' ')}"


def _rates(feature: FeatureDrift) -> str:
    target, reference = feature.level_target or 0.0, feature.level_reference or 0.0
    return f"from {100 * reference:.2g} % to {100 * target:.2g} %"


def _values(feature: FeatureDrift) -> str:
    parts = []
    for word, items in (("new", feature.new_values), ("no more", feature.vanished_values)):
        if items:
            more = f" and {len(items) - 1} more" if len(items) > 1 else ""
            parts.append(f"{word} {items[0].value!r} ({items[0].est}){more}")
    return "has " + ", ".join(parts) if parts else "is mixed differently"
