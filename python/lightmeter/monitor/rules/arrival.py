"""The rules on whether and when data arrives."""

from dataclasses import dataclass
from datetime import timedelta

from lightmeter.monitor.rules.rule import RULES, Rule


@RULES("missing")
@dataclass(frozen=True, kw_only=True)
class MissingRule(Rule):
    """A bucket between the first one and now holds neither images nor other values.

    One picture with a wrong clock would make a century of missing buckets. So buckets before a gap
    count only if the gap is short: at most 100 times as many buckets as there are before it, and at
    most 20 000. Of the buckets up to now the last 20 000 are listed. The first result says so.
    """

    def false_alarms(self) -> float | None:
        """No bucket is missing by chance."""
        return 0.0


@RULES("late")
@dataclass(frozen=True, kw_only=True)
class LateRule(Rule):
    """A bucket was last written more than `after` its end.

    Attributes:
        after: how late is too late.
    """

    after: timedelta

    def false_alarms(self) -> float | None:
        """No bucket is late by chance."""
        return 0.0
