"""Monitors: a rule for the buckets of a dataset."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from lightmeter.monitor.baselines import Baseline, Other, Trailing
from lightmeter.monitor.rules import RULES, DriftRule, FeatureRule, Rule
from lightmeter.store.store import Store

_LONGEST = 1000
_YEAR = timedelta(days=365)


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
        for_: an anomaly counts once its feature was anomalous in so many buckets in a row; until
            then it is ``pending``.
    """

    name: str
    dataset: str
    rule: Annotated[Rule, RULES]
    baseline: Baseline = field(default_factory=Trailing)
    segments: bool = False
    wait: timedelta = timedelta()
    for_: int = 1

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if not 1 <= self.for_ <= _LONGEST:
            raise ValueError(f"for is {self.for_}; expected 1 to {_LONGEST} buckets")
        if self.has_peers and not self.judges_segments_together:
            raise ValueError(
                "baseline: peers = true takes the type 'drift' without metric, and segments = true"
            )
        if self.baseline == Other(self.dataset):
            raise ValueError(
                f"baseline: dataset is {self.dataset!r}, which the monitor watches, so that each "
                "bucket would be compared with itself; expected another, or trailing buckets"
            )
        least = self.rule.least_buckets if isinstance(self.rule, FeatureRule) else 1
        if isinstance(self.baseline, Trailing) and self.baseline.trailing < least:
            raise ValueError(
                f"baseline: trailing is {self.baseline.trailing}; expected at least {least}, as "
                "drift is not judged by fewer buckets (28 find smaller changes)"
            )

    @property
    def has_peers(self) -> bool:
        """Whether segments are compared with the others of their bucket."""
        return isinstance(self.baseline, Trailing) and self.baseline.peers

    @property
    def judges_segments_together(self) -> bool:
        """Whether the chance of a false alarm is one of a bucket in all segments."""
        return self.segments and isinstance(self.rule, DriftRule) and self.rule.metric == "p"


def false_alarms_a_year(monitor: Monitor, store: Store | None = None) -> float | None:
    """How many results a year are anomalies by chance where nothing changes, at most.

    A year has 365 buckets, or as many as the dataset in `store` has in a year. None: unknown, as
    for a plain distance, patterns of features and combinations.
    """
    chance = monitor.rule.false_alarms()
    if chance is None:
        return None
    length, places = timedelta(days=1), 1
    if store is not None and monitor.dataset in store.datasets():
        length = store.datasets()[monitor.dataset]
        if monitor.segments and not monitor.judges_segments_together:
            places = len(store.segments(monitor.dataset))
    return chance * places * (_YEAR / length)
