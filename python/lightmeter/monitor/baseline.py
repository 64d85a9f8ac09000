"""Which buckets a bucket is compared with. That follows from what is stored alone."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from lightmeter.monitor.config import Baseline, matches
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.store.records import Accepted
from lightmeter.times import to_utc

EVER = datetime.min.replace(tzinfo=UTC)
_STANDS_STILL = 7  # anomalous buckets in a row, or as many as the window holds


class Trail:
    """The buckets of a segment that trailing baselines choose from, in order of time.

    Buckets that are missing, excluded or anomalous are passed over, so that a baseline holds as
    many good ones as it wants where there are as many.
    """

    def __init__(self, baseline: Baseline, starts: Sequence[datetime]) -> None:
        """Begin before the first of the buckets that start at `starts`."""
        self._baseline, self._starts, self._next = baseline, starts, 0
        self._good: defaultdict[int, list[datetime]] = defaultdict(list)
        self._passed = Counter[int]()  # anomalous buckets behind the newest good one

    def advance(
        self, end: datetime, length: timedelta, is_anomalous: Callable[[datetime], bool]
    ) -> None:
        """Take in the buckets of a length that are over by `end`."""
        while self._next < len(self._starts) and self._starts[self._next] + length <= end:
            start = self._starts[self._next]
            self._take(start, is_anomalous=is_anomalous(start))
            self._next += 1

    def _take(self, start: datetime, *, is_anomalous: bool) -> None:
        kind, day = self._kind(start), start.date()
        if any(first <= day <= last for first, last in self._baseline.excluded):
            return
        if is_anomalous:
            self._passed[kind] += 1
        else:
            self._passed[kind] = 0
            self._good[kind].append(start)

    @property
    def seen(self) -> Sequence[datetime]:
        """All buckets that were taken in, good or not."""
        return self._starts[: self._next]

    def before(self, start: datetime, since: datetime) -> tuple[datetime, ...]:
        """Return the buckets to compare one at `start` with, none of them before `since`."""
        good, most = self._good[self._kind(start)], self._baseline.most or 1
        return tuple(good[max(bisect_left(good, since), len(good) - most) :])

    def frozen_since(self, start: datetime, since: datetime) -> datetime | None:
        """Return the newest bucket to compare one at `start` with, if that no longer changes.

        It does not where all buckets behind it were anomalous, and they are many.
        """
        kind, many = self._kind(start), min(_STANDS_STILL, self._baseline.most or 1)
        good = self._good[kind]
        is_frozen = good and good[-1] >= since and self._passed[kind] >= many
        return good[-1] if is_frozen else None

    def _kind(self, start: datetime) -> int:
        """Return what a bucket shares with those that it is compared with."""
        if self._baseline.same == "hour":
            return start.hour
        return start.weekday() if self._baseline.same == "weekday" else 0


def within_days(baseline: Baseline, starts: Iterable[datetime]) -> list[datetime]:
    """Return the buckets from the first day of a baseline to its last one."""
    assert baseline.from_ is not None
    assert baseline.to is not None
    return [start for start in starts if baseline.from_ <= start.date() <= baseline.to]


def begins_at(
    baseline: Baseline, accepted: Sequence[Accepted], start: datetime
) -> tuple[datetime, Accepted | None]:
    """Return where the trailing baseline of a bucket begins, and what was accepted there."""
    since = EVER if baseline.since is None else to_utc(baseline.since)
    holding = [each for each in accepted if each.since <= start]
    latest = max(holding, key=lambda each: each.since, default=None)
    return (since, None) if latest is None else (max(since, latest.since), latest)


def covers(accepted: Accepted, dataset: str, segment: str, monitor: str) -> bool:
    """Return whether it is about a monitor on a segment, which is given as text."""
    patterns = accepted[:3]
    names = dataset, segment, monitor
    return all(matches(name, [pattern]) for name, pattern in zip(names, patterns, strict=True))


def words_of(accepted: Accepted) -> str:
    """Return what results say of it."""
    note = f": {accepted.note}" if accepted.note else ""
    return f"taken as normal from {bucket_text(accepted.since)} on{note}"
