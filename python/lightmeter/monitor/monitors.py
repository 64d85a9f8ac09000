"""Monitors: a rule for the buckets of a dataset."""

from dataclasses import dataclass, field
from datetime import timedelta

from lightmeter.monitor.baselines import Baseline, Trailing
from lightmeter.monitor.rules import Rule
from lightmeter.store.store import Store

__all__ = [
    "Combined",
    "Late",
    "Missing",
    "Monitor",
    "false_alarms_a_year",
]

_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Missing:
    """A bucket between the first one and now that holds neither images nor other values.

    One picture with a wrong clock would make an age of missing buckets. So what was stored before a
    gap counts as the first only if the gap is at most 100 times as long as the buckets before it
    are many, and at most 20 000 buckets long; and of what is missing up to now, the last 20 000
    buckets are listed. The first result says so.
    """


@dataclass(frozen=True)
class Late:
    """A bucket that was last written more than `after` its end."""

    after: timedelta


@dataclass(frozen=True)
class Combined:
    """An anomaly of all, or of any, of other monitors of the dataset in the same bucket.

    Segments are judged too where all of them, or any, watch segments.
    """

    of: tuple[str, ...]
    every: bool


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A rule for the buckets of a dataset.

    Attributes:
        name: what alerts and pages call it.
        dataset: what it watches.
        rule: what is an anomaly.
        baseline: what buckets are compared with, for rules that compare.
        segments: whether each segment is watched as well as the dataset as a whole.
        wait: how long after its end a bucket counts as complete.
    """

    name: str
    dataset: str
    rule: Rule | Missing | Late | Combined
    baseline: Baseline = field(default_factory=Trailing)
    segments: bool = False
    wait: timedelta = timedelta()


def false_alarms_a_year(monitor: Monitor, store: Store | None = None) -> float | None:
    """How many results a year are anomalies by chance where nothing changes, at most.

    Of 365 days, or as many buckets as the dataset in `store` has a year. None where it is not
    known: of a plain distance, of patterns of features, of combinations.
    """
    if isinstance(monitor.rule, Missing | Late):
        return 0.0
    chance = None if isinstance(monitor.rule, Combined) else monitor.rule.false_alarms()
    if chance is None:
        return None
    length, places = timedelta(days=1), 1
    if store is not None and monitor.dataset in store.datasets():
        length = store.datasets()[monitor.dataset]
        places = len(store.segments(monitor.dataset)) if monitor.segments else 1
    return chance * places * (_YEAR / length)
