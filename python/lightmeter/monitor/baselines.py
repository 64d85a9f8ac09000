"""What a bucket is compared with. Which buckets that is follows from what is stored alone."""

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from lightmeter.monitor.keys import Reads
from lightmeter.profile.segments import segment_text
from lightmeter.store.rows import Bucket
from lightmeter.times import to_utc

_FARTHEST = 1_000_000
_STANDS_STILL = 7  # anomalous buckets in a row, or as many as the window holds


def _stretch(day: Any) -> tuple[date, date]:
    first, last = day if isinstance(day, list) else (day, day)
    return first, last


def _are_days(value: Any) -> bool:
    """Days, and pairs of first and last day."""
    if type(value) is not list:
        return False
    stretches = [day if type(day) is list and len(day) == 2 else [day] for day in value]
    return all(type(day) is date for stretch in stretches for day in stretch)


def _is_segment(value: Any) -> bool:
    return type(value) is dict and all(type(text) is str for text in value.values())


_STRETCHES = Reads(
    "a list, each a day or [first, last]", _are_days, lambda days: tuple(map(_stretch, days))
)
_SEGMENT = Reads(
    "a table of strings such as { camera = 'left' }",
    _is_segment,
    lambda segment: tuple(sorted(segment.items())),
)


@dataclass(frozen=True, kw_only=True)
class Trailing:
    """The last buckets before the target that are fit to be compared with.

    Buckets that are missing, excluded or anomalous are passed over, so that the window holds
    `trailing` good ones where there are as many.

    Attributes:
        trailing: how many buckets.
        offset: lengths of a bucket from the newest one to the target; 1 is the one before it.
        least: with fewer there is not enough data; None: 3, or `trailing` where that is less. For
            drift it is at least 14.
        same: ``"hour"`` (of the day) or ``"weekday"`` to take only buckets that share it.
        exclude: first and last day of stretches to leave out, such as holidays.
        since: the first day to use; to be moved after a change that is here to stay.
        keep_anomalies: use buckets in which this monitor found an anomaly, too.
        peers: compare how a segment differs from the other segments of its bucket, so that what
            all do together is no anomaly.
    """

    trailing: int = 28
    offset: int = 1
    least: int | None = None
    same: Literal["hour", "weekday"] | None = None
    exclude: Annotated[tuple[tuple[date, date], ...], _STRETCHES] = ()
    since: date | None = None
    keep_anomalies: bool = False
    peers: bool = False

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        for key, number in (("trailing", self.trailing), ("offset", self.offset)):
            if not 1 <= number <= _FARTHEST:
                raise ValueError(f"{key} is {number}; expected 1 to {_FARTHEST}")
        if not 1 <= self.enough <= self.trailing:
            raise ValueError(f"least is {self.least}; expected 1 up to trailing: {self.trailing}")
        for first, last in self.exclude:
            _check_order(first, last)
        if self.same not in (None, "hour", "weekday"):
            raise ValueError(f"same is {self.same!r}; expected 'hour' or 'weekday'")

    @property
    def enough(self) -> int:
        """How many buckets are enough."""
        return min(3, self.trailing) if self.least is None else self.least


@dataclass(frozen=True)
class Reference:
    """A profile file (``.lmp``) that says how things should be."""

    reference: Path


@dataclass(frozen=True)
class DateRange:
    """The buckets from the first day to the last, both included."""

    from_: date
    to: date

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        _check_order(self.from_, self.to)


@dataclass(frozen=True)
class Other:
    """Another dataset, or another segment; None stands for that of the target.

    A dataset baseline uses all buckets of that dataset, such as a training set. A segment baseline
    uses only buckets inside the time span of the target. Another dataset may have several of them
    there, or none, as its buckets may be shorter or longer. ``()`` is the segment that is all of a
    dataset.
    """

    dataset: str | None = None
    segment: Annotated[tuple[tuple[str, str], ...], _SEGMENT] | None = None

    def __post_init__(self) -> None:
        """Refuse what is no segment."""
        segment_text(dict(self.segment or ()))


Baseline = Trailing | Reference | DateRange | Other


class BaselineBuckets:
    """Which buckets are in the baseline of each bucket of a dataset.

    Targets are asked for in order of time. So what a trailing window holds moves along with them,
    and the time it takes does not grow with how much is stored.
    """

    def __init__(
        self,
        baseline: Trailing | DateRange | Other,
        length: timedelta,
        buckets: Sequence[Bucket],
        since: datetime | None = None,
    ) -> None:
        """Of no target yet.

        Args:
            baseline: how they are chosen; for `Other`, `buckets` are those of the other dataset.
            length: of the dataset's buckets.
            buckets: what is stored, earliest first.
            since: a trailing window holds no bucket before it, whatever `baseline` says.
        """
        self._since = since
        if isinstance(baseline, Trailing) and baseline.since is not None:
            self._since = max(filter(None, (since, to_utc(baseline.since))))
        self._baseline, self._length, self._buckets = baseline, length, buckets
        self._starts = [bucket.start for bucket in buckets]
        self._next = 0  # the first bucket that no window has seen
        self._windows: dict[int, deque[datetime]] = {}
        self._passed: dict[int, int] = {}  # anomalous buckets behind the newest one of a window
        if isinstance(baseline, DateRange):
            first, last = baseline.from_, baseline.to
            self._starts = [start for start in self._starts if first <= start.date() <= last]

    def of(self, target: Bucket, anomalous: Collection[datetime]) -> list[datetime]:
        """Starts of the buckets to compare `target` with, earliest first.

        Args:
            target: the bucket to judge, later than those before it. It never is in its own
                baseline, except of `Other`.
            anomalous: starts of buckets before it in which an anomaly was found.
        """
        baseline = self._baseline
        if isinstance(baseline, DateRange):
            return [start for start in self._starts if start != target.start]
        if isinstance(baseline, Other):
            if baseline.segment is None:
                return self._starts
            at = bisect_left(self._starts, target.start)
            until = bisect_left(self._starts, target.end)
            return [each.start for each in self._buckets[at:until] if each.end <= target.end]
        starts = self._starts
        while (
            self._next < len(starts)
            and (target.start - starts[self._next]) // self._length >= baseline.offset
        ):
            self._take(baseline, starts[self._next], anomalous)
            self._next += 1
        return list(self._windows.get(_kind(baseline, target.start), ()))

    def stands_still_since(self, target: Bucket) -> datetime | None:
        """The newest bucket in the window of a target that was asked for, if it no longer moves.

        It does not where all buckets behind it were passed over as anomalous, and they are many.
        """
        baseline = self._baseline
        if not isinstance(baseline, Trailing):
            return None
        kind = _kind(baseline, target.start)
        window = self._windows.get(kind)
        many = min(_STANDS_STILL, baseline.trailing)
        return window[-1] if window and self._passed.get(kind, 0) >= many else None

    def _take(self, baseline: Trailing, start: datetime, anomalous: Collection[datetime]) -> None:
        """Put a bucket into the window of its kind, where it is fit for that."""
        if self._since is not None and start < self._since:
            return
        if any(first <= start.date() <= last for first, last in baseline.exclude):
            return
        kind = _kind(baseline, start)
        if start in anomalous and not baseline.keep_anomalies:
            self._passed[kind] = self._passed.get(kind, 0) + 1
            return
        self._passed[kind] = 0
        self._windows.setdefault(kind, deque(maxlen=baseline.trailing)).append(start)


def _kind(baseline: Trailing, start: datetime) -> int:
    """What a bucket shares with those that it is compared with."""
    if baseline.same == "hour":
        return start.hour
    return start.weekday() if baseline.same == "weekday" else 0


def _check_order(first: date, last: date) -> None:
    if first > last:
        raise ValueError(f"got {first} to {last}; expected the first day not to be after the last")
