"""What changed, in words: "saturation fell by 38 %"."""

import math
from collections.abc import Sequence

from lightmeter.drift.feature import FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.text import number, percent, shorten

__all__ = ["capitalised", "certainty", "finding", "headline", "sentence", "summary"]

_MOST = 5
_LONGEST = 60  # characters of a value

# In standard errors; a smaller change of the mean may be chance.
_SURE = 2.0
# In standard deviations; a smaller one makes no effect that is worth a verdict.
_SMALL = 0.1


def headline(features: Sequence[FeatureDrift]) -> str:
    """How many features drifted."""
    tested = sum(feature.q_value is not None for feature in features)
    drifted = sum(feature.verdict == "drift" for feature in features)
    if drifted:
        return f"{drifted} of {tested} features drifted"
    if not tested:
        return "Not enough data to compare"
    possible = sum(feature.verdict in CHANGED for feature in features)
    if possible:
        return f"No drift, but {possible} of {tested} features may have changed"
    return f"No drift in {tested} features"


def summary(features: Sequence[FeatureDrift]) -> str:
    """One sentence about the features, which come by severity."""
    drifted = [feature for feature in features if feature.verdict == "drift"]
    tested = sum(feature.q_value is not None for feature in features)
    if not tested:
        return "not enough data to compare"
    if not drifted:
        return f"no drift in {tested} features"
    named = ", ".join(finding(feature) for feature in drifted[:_MOST])
    return f"{named}, and {len(drifted) - _MOST} more" if len(drifted) > _MOST else named


def sentence(feature: FeatureDrift) -> str:
    """The finding as a sentence of its own."""
    return capitalised(finding(feature), feature.feature)


def capitalised(words: str, *names: str) -> str:
    """With a capital first, except where the first word is from `names`: users chose these."""
    if any(name.startswith(words.split(" ")[0]) for name in names):
        return words
    return words[:1].upper() + words[1:]


def certainty(feature: FeatureDrift) -> str:
    """The feature, and how surely it changed."""
    parts = [feature.feature]
    if feature.verdict != "drift":
        parts.append(str(feature.verdict))
    if feature.reason:
        parts.append(feature.reason)
    return "; ".join(parts)


def finding(feature: FeatureDrift) -> str:
    """How a feature changed, such as ``entropy rose by 9 %``."""
    name = feature.name
    if feature.kind == "failure":
        if name.endswith(" Error"):
            return f"errors of {name.removesuffix(' Error')} went {_rates(feature)}"
        prefix = name.removesuffix("Failure")
        return f"{prefix}files that cannot be measured went {_rates(feature)}"
    if feature.kind == "missing":
        return f"missing {name} went {_rates(feature)}"
    if feature.kind == "not a number":
        named = ", ".join((_rates(feature), *_values(feature)))
        return f"text or infinite values in {name} went {named}"
    if feature.kind == "category":
        values = _values(feature)
        return f"{name} has {', '.join(values)}" if values else f"{name} is mixed differently"
    target, reference = feature.level_target, feature.level_reference
    if target is None or reference is None:
        on_no_side = feature.n_target == feature.n_reference == 0
        return f"{name} has no values to compare" if on_no_side else f"{name} is on one side only"
    if feature.kind == "hue":
        degrees = math.remainder(target - reference, 255.0) * 360.0 / 255.0
        if not abs(degrees) >= 1:
            return f"{name} spreads differently"
        return f"{name} turned by {degrees:+.0f} degrees"
    if not abs(target - reference) > _negligible(feature):
        return f"{name} {_spread(feature)}"
    change = _delay if feature.role == "date" else _change
    return f"{name} {change(reference, target)}"


def _negligible(feature: FeatureDrift) -> float:
    """Up to where a change of the mean does not tell what happened."""
    spreads = feature.stddev_target or 0.0, feature.stddev_reference or 0.0
    if not any(spreads):
        return 0.0
    sizes = feature.n_target, feature.n_reference
    error = math.hypot(*(spread / math.sqrt(n) for spread, n in zip(spreads, sizes, strict=True)))
    # A mean that moves by this share of the spread changes a normal distribution about as much.
    widened = abs(spreads[0] - spreads[1]) / sum(spreads)
    return max(_SURE * error, max(_SMALL, widened) * math.hypot(*spreads) / math.sqrt(2))


def _spread(feature: FeatureDrift) -> str:
    target, reference = feature.stddev_target, feature.stddev_reference
    if not target or not reference or not math.isfinite(target / reference):
        return "spreads differently"
    times = number(target / reference, 2)
    return "is distributed differently" if times == "1" else f"spreads {times} times as wide"


def _change(before: float, after: float) -> str:
    """Relative between positive numbers; of others a percentage would say little."""
    verb = "rose" if after > before else "fell"
    if before <= 0 or after < 0:
        return f"{verb} from {number(before, 3)} to {number(after, 3)}"
    if after > 10 * before:
        return f"{verb} {number(after / before, 3)}-fold"
    return f"{verb} by {percent(abs(after / before - 1))}"


def _delay(before: float, after: float) -> str:
    days = number(abs(after - before), 3)
    unit = "day" if days == "1" else "days"
    return f"is {days} {unit} {'later' if after > before else 'earlier'}"


def _rates(feature: FeatureDrift) -> str:
    target, reference = feature.level_target or 0.0, feature.level_reference or 0.0
    return f"from {percent(reference)} to {percent(target)}"


def _values(feature: FeatureDrift) -> list[str]:
    parts = []
    for word, items in (("new", feature.new_values), ("no more", feature.vanished_values)):
        if items:
            more = f" and {len(items) - 1} more" if len(items) > 1 else ""
            parts.append(f"{word} '{shorten(items[0].value, _LONGEST)}' ({items[0].est}){more}")
    return parts
