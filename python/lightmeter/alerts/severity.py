"""How bad an incident is. Pure: no store, no clock."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Literal, get_args

from lightmeter.monitor.incidents import Incident
from lightmeter.monitor.results import ANOMALY, Result

__all__ = ["Severity", "at_least", "severity_of", "worst"]

# From the least: a monitor that could not judge; an anomaly; one far beyond its limit.
Severity = Literal["low", "normal", "high"]

_FAR = 2.0  # times as far out as the limit
_ORDER: Sequence[Severity] = get_args(Severity)


def severity_of(incident: Incident, results: Iterable[Result]) -> Severity:
    """How bad it is, or was at its worst.

    Args:
        incident: what it is about.
        results: those of its line; of other buckets, too.
    """
    if incident.kind != ANOMALY:
        return "low"
    bad = [each for each in results if each.state == ANOMALY and incident.covers(each.bucket)]
    return "high" if any(_distance(each) >= _FAR for each in [incident.first, *bad]) else "normal"


def at_least(severity: Severity, least: Severity) -> bool:
    """Whether it is that bad or worse."""
    return _ORDER.index(severity) >= _ORDER.index(least)


def worst(severities: Iterable[Severity]) -> Severity:
    """The worst; ``low`` of none."""
    return max(severities, key=_ORDER.index, default="low")


def _distance(result: Result) -> float:
    """How far out it is: 1 at its limit. 0 where the limits say nothing of that."""
    value, lower, upper = result.value, result.lower, result.upper
    if value is None:
        return 0.0
    if lower is not None and upper is not None and upper > lower:
        return abs(value - (lower / 2 + upper / 2)) / (upper / 2 - lower / 2)
    if upper is not None and upper > 0:
        return value / upper
    if lower is not None and lower > 0:
        return lower / value if value > 0 else inf
    return 0.0
