"""What a report says in sentences."""

from typing import TYPE_CHECKING

from lightmeter.drift.feature import RATES
from lightmeter.text import NONE, number, percent
from lightmeter.times import day

if TYPE_CHECKING:
    from lightmeter.drift import FeatureDrift
    from lightmeter.report import DriftReport

__all__ = ["CHANGED", "certainty", "headline", "level_text", "levels", "sentence"]

# Verdicts that ask for a look.
CHANGED = frozenset({"drift", "possible", "inconclusive"})


def headline(report: "DriftReport") -> str:
    """How many features drifted."""
    tested = sum(line.q_value is not None for line in report.features)
    drifted = len(report.drifted)
    if drifted:
        return f"{drifted} of {tested} features drifted"
    if not tested:
        return "Not enough data to compare"
    possible = sum(line.verdict in CHANGED for line in report.features)
    if possible:
        return f"No drift, but {possible} of {tested} features may have changed"
    return f"No drift in {tested} features"


def sentence(line: "FeatureDrift") -> str:
    """The finding as a sentence of its own."""
    from lightmeter.drift.words import finding

    words = finding(line)
    return words[:1].upper() + words[1:]


def certainty(line: "FeatureDrift") -> str:
    """The feature, and how surely it changed."""
    parts = [line.feature]
    if line.verdict != "drift":
        parts.append(str(line.verdict))
    if line.reason:
        parts.append(line.reason)
    return "; ".join(parts)


def levels(line: "FeatureDrift") -> str:
    """From the reference's mean, rate or values to the target's; a dash where there are none."""
    if line.kind == "category":
        new, gone = len(line.new_values), len(line.vanished_values)
        parts = [f"{new} new"] * (new > 0) + [f"{gone} gone"] * (gone > 0)
        return ", ".join(parts) or NONE
    if line.level_reference is None or line.level_target is None:
        return NONE
    return f"{level_text(line, line.level_reference)} → {level_text(line, line.level_target)}"


def level_text(line: "FeatureDrift", level: float) -> str:
    """A mean as a number or day, or a rate."""
    if line.kind in RATES:
        return percent(level)
    return day(level) if line.role == "date" else number(level)
