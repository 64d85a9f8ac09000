"""Replaying monitors on stored profiles, to see what they would have found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lightmeter.errors import ConfigError
from lightmeter.monitor.config import Monitor
from lightmeter.monitor.evaluate import judge_all
from lightmeter.monitor.results import JUDGED, bucket_text, causes_text, stretch_text
from lightmeter.monitor.rules.drift import INDEPENDENT
from lightmeter.monitor.rules.trend import TrendRule
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.segments import segment_text
from lightmeter.store.store import Store
from lightmeter.store.tables import BucketRows
from lightmeter.text import count, counted
from lightmeter.times import DAY

_SHOWN = 3
_YEAR = 365 * DAY


def false_alarms_a_year(monitor: Monitor, store: Store | None = None) -> float | None:
    """Return a bound of the expected false alarms per year; None if it is unknown.

    It is unknown for distances, for patterns of features, and for contracts. A year has 365
    buckets, or as many as the dataset in `store` has per year.
    """
    if isinstance(monitor, TrendRule):  # its bound is per year, over all segments
        return monitor.a_year
    chance = monitor.false_alarms()
    if chance is None:
        return None
    length, places = DAY, 1
    if store is not None and monitor.dataset in (lengths := store.datasets()):
        length = lengths[monitor.dataset]
        if monitor.segments and monitor.type != "drift":  # drift judges segments together
            places = sum(map(monitor.watches, map(segment_text, store.segments(monitor.dataset))))
    return chance * places * (_YEAR / length)


@dataclass
class Alarm:
    """Consecutive anomalous buckets of a segment.

    Attributes
    ----------
    start, last
        The starts of the first and the last of them.
    segment
        The segment, as text.
    words
        A description of the first bucket.
    """

    start: datetime
    last: datetime
    segment: str
    words: str


@dataclass
class Replayed:
    """The findings of a monitor in a replay.

    Attributes
    ----------
    monitor
        The monitor.
    judged
        The number of judged buckets, summed over its segments.
    unjudged
        The number of buckets that could not be judged.
    why
        The last of these, and the reason.
    independent
        The number of buckets that were judged as if images were independent.
    starts
        The starts of the judged buckets.
    alarms
        The alarms.
    delay
        The number of days after which a lasting step of 0.3 standard deviations is found.
    """

    monitor: Monitor
    judged: int = 0
    unjudged: int = 0
    why: str = ""
    independent: int = 0
    starts: set[datetime] = field(default_factory=set)
    alarms: list[Alarm] = field(default_factory=list)
    delay: float | None = None
    _open: dict[str, Alarm] = field(default_factory=dict)  # by segment

    def add(self, bucket: BucketRows) -> None:
        """Add the results of the next bucket of a segment."""
        start, segment = bucket.place.start, bucket.place.segment
        if JUDGED.isdisjoint(result.state for result in bucket.results):
            self.unjudged += 1
            place = " ".join(filter(None, (bucket_text(start), segment)))
            self.why = f"{place}: {bucket.results[0].words}"
            return
        self.judged += 1
        self.starts.add(start)
        self.independent += any(INDEPENDENT in result.words for result in bucket.results)
        bad = [result for result in bucket.results if result.state == "anomaly"]
        if not bad:
            self._open.pop(segment, None)
        elif segment in self._open:
            self._open[segment].last = start
        else:
            self._open[segment] = Alarm(start, start, segment, causes_text(bad))
            self.alarms.append(self._open[segment])

    def lines(self) -> Iterator[str]:
        """Yield the findings as lines of text."""
        judged = f"judged: {count(self.judged)} of {counted(self.judged + self.unjudged, 'bucket')}"
        span = f", from {stretch_text(min(self.starts), max(self.starts))}" if self.starts else ""
        places = " of the segments" * self.monitor.segments
        yield f"{judged}{places}{span}"
        if self.unjudged:
            yield f"the last bucket that was not judged is {self.why}"
        if self.independent:
            many = counted(self.independent, "bucket")
            yield f"{many} judged as if images were independent; if not, expect more alarms"
        which = f"; the last {_SHOWN}" * (len(self.alarms) > _SHOWN)
        more = f", true ones included{which}:" if self.alarms else ""
        yield f"alarms: {count(len(self.alarms))}{more}"
        for each in self.alarms[-_SHOWN:]:
            last = f"; anomalous until {bucket_text(each.last)}" * (each.last > each.start)
            words = filter(None, (bucket_text(each.start), each.segment, each.words))
            yield f"  {' '.join(words)}{last}"
        if self.delay is not None:
            days = counted(round(self.delay), "day")
            yield f"delay: a lasting step of 0.3 standard deviations is found after {days}"


def replay(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> list[Replayed]:
    """Judge every complete bucket anew, without storing anything.

    Parameters
    ----------
    store
        The store, which is only read.
    monitors
        All monitors of a file.
    now
        The time, local without a time zone; None takes the clock.

    Raises
    ------
    ConfigError
        A monitor watches a dataset that the store does not have.
    StoreError
        The store cannot be read.
    """
    with store.snapshot():
        names = store.datasets()
        for monitor in monitors:
            if monitor.dataset not in names:
                raise ConfigError(
                    f"the monitor {monitor.name!r}: the store has no dataset {monitor.dataset!r}; "
                    f"it has {', '.join(map(repr, names)) or 'none'}"
                )
        found = {monitor.watcher: Replayed(monitor) for monitor in monitors}
        for bucket in judge_all(store, monitors, now=now):
            found[bucket.place[:2]].add(bucket)
        shelf = Shelf(store)
        for each in found.values():
            if isinstance(each.monitor, TrendRule):
                each.delay = each.monitor.delay(shelf)
    return list(found.values())
