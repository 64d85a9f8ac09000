"""Which buckets a bucket is compared with. That follows from what is stored alone."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Container
from datetime import UTC, datetime

from lightmeter.errors import ConfigError
from lightmeter.monitor.config import Baseline, ComparingMonitor, matches
from lightmeter.monitor.results import NOT_ENOUGH, OK, Result, bucket_text, joined
from lightmeter.monitor.shelf import Past, Shelf, Side
from lightmeter.store.records import Accepted
from lightmeter.store.rows import Bucket
from lightmeter.text import counted
from lightmeter.times import to_utc

EVER = datetime.min.replace(tzinfo=UTC)
_STANDS_STILL = 7  # anomalous buckets in a row, or as many as the window holds


class Selection:
    """Which buckets those of a segment are compared with, asked for in order of time.

    A trailing baseline passes over buckets that are missing, excluded or anomalous, so that it
    holds as many good ones as it wants where there are as many.
    """

    def __init__(
        self, shelf: Shelf, monitor: ComparingMonitor, segment: str, bad: Container[datetime]
    ) -> None:
        """Begin before the first bucket.

        Args:
            shelf: what is read of the store.
            monitor: whose baseline it is.
            segment: as text.
            bad: starts of the buckets in which the monitor found something.
        """
        self._shelf, self._monitor, self._bad = shelf, monitor, bad
        self._where = monitor.dataset, segment
        self._is_fixed = monitor.baseline.most is None
        # A trailing one says how buckets vary where they are compared with others.
        self._baseline = Baseline() if self._is_fixed else monitor.baseline
        self._length = shelf.datasets[monitor.dataset]
        by_length = self._is_fixed or monitor.BY_LENGTH or monitor.baseline.same == "hour"
        self._buckets = [
            bucket
            for bucket in shelf.buckets(*self._where)
            if not by_length or bucket.end - bucket.start == self._length
        ]
        self._next = 0
        self._good: defaultdict[int, list[datetime]] = defaultdict(list)
        self._passed = Counter[int]()  # anomalous buckets behind the newest good one
        of = *self._where, monitor.name
        self._accepted = [each for each in shelf.accepted if covers(each, *of)]

    def side(self, bucket: Bucket) -> Side:
        """Return a bucket with what it is compared with.

        Raises:
            LightmeterError, OSError: the baseline is not there, or cannot be read.
        """
        past, own = self.past(bucket.start), None
        since, _ = self._begin(bucket.start)
        if self._is_fixed and self._monitor.judges_by_spread:
            starts = self._before(bucket.start, EVER)
            # The first ones were judged as though images were independent, which is strict.
            if len(starts) < self._monitor.least:
                before = self._buckets[: self._next][-(self._baseline.most or 0) :]
                starts = tuple(each.start for each in before)
            own = self._shelf.past(self._where, starts)
        return Side(self._shelf, self._where, bucket, past, own, since)

    def past(self, start: datetime) -> Past:
        """Return what the bucket at `start` is compared with.

        Raises:
            LightmeterError, OSError: the baseline is not there, or cannot be read.
        """
        if self._is_fixed:
            return self._fixed(start)
        since, _ = self._begin(start)
        if self._monitor.TAKES_ALL:
            starts = (each.start for each in self._buckets if since <= each.start < start)
            return self._shelf.past(self._where, tuple(starts))
        return self._shelf.past(self._where, self._before(start, since))

    def too_little(self, side: Side) -> Result | None:
        """Return what is said of a bucket that is compared with too little; None of others."""
        monitor, start, found = self._monitor, side.bucket.start, len(side.past.summaries)
        _, accepted = self._begin(start)
        said = words_of(accepted) if accepted else ""
        least = monitor.least if monitor.baseline.most else 1
        is_accepted = accepted is not None and start <= accepted.at  # somebody looked at it
        if found >= least and not (monitor.TAKES_ALL and is_accepted):
            return None
        if monitor.features and not any(map(monitor.takes, side.contents.columns)):
            return Result("", NOT_ENOUGH, words=monitor.nothing(side.contents.columns))
        if is_accepted:
            return Result("", OK, words=said)
        words = f"{counted(found, 'bucket')} to compare with, of {least} needed"
        return Result("", NOT_ENOUGH, words=joined(words, said))

    def frozen(self, start: datetime) -> str:
        """Say that the baseline no longer changes, beside what may be the reason.

        It does not where all buckets behind the newest good one were anomalous, and are many.
        """
        kind, many = self._kind(start), min(_STANDS_STILL, self._baseline.most or 1)
        good, (since, _) = self._good[kind], self._begin(start)
        if self._is_fixed or not good or good[-1] < since or self._passed[kind] < many:
            return ""
        command = "if the change is permanent, run `lightmeter monitor accept`"
        return f"baseline frozen since {bucket_text(good[-1])}; {command}"

    def _begin(self, start: datetime) -> tuple[datetime, Accepted | None]:
        """Return where the baseline of a bucket begins, and what was accepted there."""
        since = to_utc(self._baseline.since or EVER)
        holding = [each for each in self._accepted if each.since <= start and not self._is_fixed]
        latest = max(holding, key=lambda each: each.since, default=None)
        return max(since, latest.since if latest else EVER), latest

    def _before(self, start: datetime, since: datetime) -> tuple[datetime, ...]:
        """Return the good buckets that are over by `start`, none of them before `since`."""
        buckets = self._buckets
        while self._next < len(buckets) and buckets[self._next].start + self._length <= start:
            self._take(buckets[self._next])
            self._next += 1
        good, most = self._good[self._kind(start)], self._baseline.most or 1
        return tuple(good[max(bisect_left(good, since), len(good) - most) :])

    def _take(self, bucket: Bucket) -> None:
        start, kind = bucket.start, self._kind(bucket.start)
        if self._baseline.leaves_out(start):
            return
        # A day that was rolled up is anomalous if any of its hours was.
        hours = range((bucket.end - start) // self._length)
        if any(start + hour * self._length in self._bad for hour in hours):
            self._passed[kind] += 1
        else:
            self._passed[kind] = 0
            self._good[kind].append(start)

    def _kind(self, start: datetime) -> int:
        """Return what a bucket shares with those that it is compared with."""
        kinds = {"hour": start.hour, "weekday": start.weekday()}
        return kinds.get(self._baseline.same or "", 0)

    def _fixed(self, start: datetime) -> Past:
        shelf, baseline, (dataset, segment) = self._shelf, self._monitor.baseline, self._where
        if baseline.reference is not None:
            return shelf.file(baseline.reference)
        dataset = baseline.dataset or dataset
        if dataset not in shelf.datasets:
            raise ConfigError(f"the store has no dataset {dataset!r}, which is the baseline")
        if segment not in shelf.segments(dataset):
            segment = ""
        starts = (bucket.start for bucket in shelf.buckets(dataset, segment))
        taken = (each for each in starts if baseline.holds(each))
        return shelf.past(
            (dataset, segment), tuple(each for each in taken if baseline.dataset or each != start)
        )


def covers(accepted: Accepted, dataset: str, segment: str, monitor: str) -> bool:
    """Return whether it is about a monitor on a segment, which is given as text."""
    pairs = zip((dataset, segment, monitor), accepted[:3], strict=True)
    return all(matches(name, [pattern]) for name, pattern in pairs)


def words_of(accepted: Accepted) -> str:
    """Return what results say of it."""
    note = f": {accepted.note}" if accepted.note else ""
    return f"taken as normal from {bucket_text(accepted.since)} on{note}"
