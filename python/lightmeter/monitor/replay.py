"""What monitors would have found in what is stored, and what to change about them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lightmeter.monitor.advice import Advised, Found, advice_for
from lightmeter.monitor.design import Design, Spread, design_of, spreads_of
from lightmeter.monitor.evaluate import judge_all
from lightmeter.monitor.incidents import ends
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.results import ANOMALY, ERROR, OK, PENDING, BucketResults
from lightmeter.monitor.rules import FeatureRule
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.store.store import Store
from lightmeter.text import count, number
from lightmeter.times import to_utc

_SHOWN = 3
_YEAR = timedelta(days=365)
_JUDGED = {OK, PENDING, ANOMALY}


class Alarm(NamedTuple):
    """A bucket of a segment, given as text, in which an anomaly began.

    `feature` is the first of `features`; it is empty for the bucket itself.
    """

    start: datetime
    segment: str
    feature: str
    features: int
    words: str


@dataclass
class Replayed:
    """What a monitor would have found.

    Attributes:
        monitor: who.
        judged: how many buckets were judged; of each segment, if it watches segments.
        unjudged: how many could not be.
        first: start of the first bucket that was judged; None for none.
        last: start of the last one.
        alarms: how many buckets would have raised an alarm: an anomaly began in them.
        per_year: the same per year of buckets that were judged; None without any.
        newest: the last of these.
        design: how much more buckets differ than those of independent images would.
        advice: what to change, in sentences.
    """

    monitor: Monitor
    judged: int = 0
    unjudged: int = 0
    first: datetime | None = None
    last: datetime | None = None
    alarms: int = 0
    per_year: float | None = None
    newest: list[Alarm] = field(default_factory=list)
    design: Design | None = None
    advice: list[str] = field(default_factory=list)


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
        tallies = [_Tally(monitor) for monitor in monitors]
        for bucket in judge_all(store, monitors, now=now):
            tallies[bucket.rank].add(bucket)
        spreads: dict[str, dict[str, list[Spread]]] = {}
        lengths = store.datasets()
        for tally in tallies:
            dataset = tally.replayed.monitor.dataset
            if dataset in lengths and dataset not in spreads:
                spreads[dataset] = spreads_of(store, dataset, now)
            length = lengths.get(dataset, timedelta(days=1))
            tally.finish(store, monitors, spreads.get(dataset, {}), length)
    return [tally.replayed for tally in tallies]


def replayed_lines(replayed: Replayed) -> Iterator[str]:
    """What was found, in lines of text."""
    where = ""
    if replayed.first is not None and replayed.last is not None:
        where = f" from {bucket_text(replayed.first)} to {bucket_text(replayed.last)}"
    unjudged = f"; {count(replayed.unjudged)} could not be" if replayed.unjudged else ""
    yield f"judged: {_many(replayed.judged, 'bucket')}{where}{unjudged}"
    rate = f", {replayed.per_year:.3g} a year" if replayed.alarms and replayed.per_year else ""
    yield f"alarms: {count(replayed.alarms)}{rate}"
    for alarm in replayed.newest:
        place = " ".join(filter(None, (bucket_text(alarm.start), alarm.segment, alarm.feature)))
        more = f" and {_many(alarm.features - 1, 'feature')} more" if alarm.features > 1 else ""
        yield f"  {place}{more}{': ' * bool(alarm.words)}{alarm.words}"
    if (design := replayed.design) is not None:
        yield (
            f"design effect: {number(design.median)}, at most {number(design.worst)} "
            f"({design.feature}); 1 is that of independent images"
        )
    for sentence in replayed.advice:
        yield f"advice: {sentence}"


def _many(n: int, what: str) -> str:
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


class _Tally:
    """Counts the results of a monitor, which come by segment in order of time."""

    def __init__(self, monitor: Monitor) -> None:
        self.replayed = Replayed(monitor)
        self._starts: set[datetime] = set()
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        self._alarms: list[Alarm] = []
        self._found = Found()

    def add(self, bucket: BucketResults) -> None:
        """Take the results of the next bucket of a segment into account."""
        results, start, segment = bucket.results or [], bucket.place.start, bucket.place.segment
        states = bucket.kept.states
        if states & _JUDGED:
            self.replayed.judged += 1
            self._starts.add(start)
        else:
            self.replayed.unjudged += 1
        self._found.add(segment, start, results)
        open_ = self._open[segment]
        bad = [result for result in results if result.state == ANOMALY]
        begun = [result for result in bad if result.feature not in open_]
        said = {result.feature for result in results}
        open_ -= {result.feature for result in results if ends(ANOMALY, result.state)}
        if ERROR not in states and states & _JUDGED:
            open_ &= said
        open_ |= {result.feature for result in bad}
        if begun:
            first = begun[0]
            self._alarms.append(Alarm(start, segment, first.feature, len(begun), first.words))

    def finish(
        self,
        store: Store,
        monitors: Sequence[Monitor],
        spreads: dict[str, list[Spread]],
        length: timedelta,
    ) -> None:
        """Sum up."""
        replayed = self.replayed
        if self._starts:
            replayed.first, replayed.last = min(self._starts), max(self._starts)
            replayed.per_year = len(self._alarms) * (_YEAR / (len(self._starts) * length))
        replayed.alarms = len(self._alarms)
        replayed.newest = sorted(self._alarms)[-_SHOWN:]
        monitor = replayed.monitor
        if isinstance(monitor.rule, FeatureRule):
            watched = {
                segment: [each for each in those if monitor.rule.takes(each.feature)]
                for segment, those in spreads.items()
                if monitor.segments or not segment
            }
            replayed.design = design_of(each for those in watched.values() for each in those)
            advised = Advised(store, monitor, monitors, watched, length, replayed.design)
            replayed.advice = advice_for(advised, self._found, replayed.judged)
