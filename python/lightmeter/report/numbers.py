"""The numbers of a feature as a report shows them."""

from lightmeter.drift.feature import RATES, FeatureDrift
from lightmeter.text import NONE, number, percent
from lightmeter.times import day

__all__ = ["level_text", "levels"]


def levels(line: FeatureDrift) -> str:
    """From the reference's mean, rate or values to the target's; a dash where there are none."""
    if line.kind == "category":
        new, gone = len(line.new_values), len(line.vanished_values)
        parts = [f"{new} new"] * (new > 0) + [f"{gone} gone"] * (gone > 0)
        return ", ".join(parts) or NONE
    if line.level_reference is None or line.level_target is None:
        return NONE
    return f"{level_text(line, line.level_reference)} → {level_text(line, line.level_target)}"


def level_text(line: FeatureDrift, level: float) -> str:
    """A mean as a number or day, or a rate."""
    if line.kind in RATES:
        return percent(level)
    return day(level) if line.role == "date" else number(level)
