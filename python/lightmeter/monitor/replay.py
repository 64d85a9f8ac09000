"""What monitors would have found in what is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lightmeter.monitor.config import ComparingMonitor, Monitor
from lightmeter.monitor.design import design_of
from lightmeter.monitor.evaluate import judge_all
from lightmeter.monitor.incidents import causes, lead_of
from lightmeter.monitor.judging import JUDGED
from lightmeter.monitor.results import ANOMALY
from lightmeter.monitor.rules.trend import TrendRule
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.store.records import BucketRows
from lightmeter.store.store import Store
from lightmeter.text import count, counted, number
from lightmeter.times import to_utc

_SHOWN = 3
_MOST_READ = 2000  # buckets, for the design effect
_YEAR = timedelta(days=365)


def false_alarms_a_year(monitor: Monitor, store: Store | None = None) -> float | None:
    """Return how many results a year are anomalies by chance where nothing changes, at most.

    A year has 365 buckets, or as many as the dataset in `store` has in a year. None: unknown, as
    for a plain distance, patterns of features and contracts.
    """
    if isinstance(monitor, TrendRule):  # whose segments share them, however long buckets are
        return monitor.a_year
    chance = monitor.false_alarms()
    if chance is None:
        return None
    length, places = timedelta(days=1), 1
    if store is not None and monitor.dataset in (lengths := store.datasets()):
        length = lengths[monitor.dataset]
        if monitor.segments and monitor.type != "drift":  # which judges them together
            places = len(store.segments(monitor.dataset))
    return chance * places * (_YEAR / length)


class Alarm(NamedTuple):
    """The first of consecutive anomalous buckets of a segment, given as text, and what happened."""

    start: datetime
    segment: str
    words: str


@dataclass
class Replayed:
    """What a monitor would have found.

    Attributes:
        monitor: who.
        judged: how many buckets were judged; of each segment, if it watches segments.
        unjudged: how many could not be.
        starts: of the buckets that were judged.
        alarms: what it would have told, in order of time.
        design: how much more buckets differ than those of independent images would.
    """

    monitor: Monitor
    judged: int = 0
    unjudged: int = 0
    starts: set[datetime] = field(default_factory=set)
    alarms: list[Alarm] = field(default_factory=list)
    design: float | None = None
    _open: set[str] = field(default_factory=set)  # segments

    def add(self, bucket: BucketRows) -> None:
        """Take the results of the next bucket of a segment into account."""
        start, segment = bucket.place.start, bucket.place.segment
        if all(result.state not in JUDGED for result in bucket.results):
            self.unjudged += 1
            return
        self.judged += 1
        self.starts.add(start)
        bad = [result for result in bucket.results if result.state == ANOMALY]
        if bad and segment not in self._open:
            shown, more = causes(sorted(bad, key=lead_of))
            words = ", ".join(shown) + (f" and {more} more" if more else "")
            self.alarms.append(Alarm(start, segment, words))
        self._open = self._open | {segment} if bad else self._open - {segment}

    def lines(self, length: timedelta) -> Iterator[str]:
        """Yield what was found, in lines of text; `length` is that of the buckets."""
        where = ""
        if self.starts:
            where = f" from {bucket_text(min(self.starts))} to {bucket_text(max(self.starts))}"
        unjudged = f"; {count(self.unjudged)} could not be" if self.unjudged else ""
        yield f"judged: {counted(self.judged, 'bucket')}{where}{unjudged}"
        rate = ""
        if self.alarms:
            a_year = len(self.alarms) * (_YEAR / (len(self.starts) * length))
            rate = f", {a_year:.3g} a year"
        yield f"alarms: {count(len(self.alarms))}{rate}"
        for alarm in self.alarms[-_SHOWN:]:
            yield "  " + " ".join(filter(None, (bucket_text(alarm.start), *alarm[1:])))
        if self.design is not None:
            yield f"design effect: {number(self.design)}; 1 is that of independent images"


def replay(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> list[Replayed]:
    """Judge every complete bucket anew, and keep nothing.

    Args:
        store: what is judged. It is only read.
        monitors: all of a file.
        now: the time; None takes the clock. Without a time zone it is local time.

    Raises:
        StoreError: the store cannot be read.
    """
    now = to_utc(now or datetime.now(UTC))
    with store.snapshot():
        found = {(each.name, each.dataset): Replayed(each) for each in monitors}
        for bucket in judge_all(store, monitors, now=now):
            found[bucket.place[:2]].add(bucket)
        shelf = Shelf(store)
        for each in found.values():
            if isinstance(each.monitor, ComparingMonitor):
                each.design = _design(shelf, each.monitor, now)
    return list(found.values())


def _design(shelf: Shelf, monitor: ComparingMonitor, now: datetime) -> float | None:
    """Return the design effect of the latest buckets."""
    dataset = monitor.dataset
    if dataset not in shelf.datasets:
        return None
    length = shelf.datasets[dataset]
    segments = shelf.segments(dataset) if monitor.segments else [""]
    most = _MOST_READ // len(segments) if segments else 0
    histories = []
    for segment in segments:
        starts = [
            bucket.start
            for bucket in shelf.buckets(dataset, segment)
            if bucket.end - bucket.start == length and bucket.end <= now
        ]
        histories.append(
            [shelf.in_short(dataset, segment, start) for start in starts[-most or len(starts) :]]
        )
    return design_of(histories, monitor.takes)
