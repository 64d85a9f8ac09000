"""The rule on whether data arrives, and when."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from operator import attrgetter
from typing import Literal

from lightmeter.monitor.config import Due, Duration, Monitor
from lightmeter.monitor.results import ANOMALY, OK, Result
from lightmeter.monitor.shelf import Side
from lightmeter.profile.segments import NO_VALUE, parse_segment
from lightmeter.store.tables import Bucket
from lightmeter.text import counted
from lightmeter.times import DAY, bucket_start

# A bucket may stand for so many missing ones behind it, and a gap hold so many: see `MissingRule`.
_GAP_PER_BUCKET = 100
_LONGEST_GAP = 20_000

_UNITS = {"day": DAY, "hour": DAY / 24, "minute": DAY / 1440, "second": DAY / 86_400}
_start_of = attrgetter("start")


class MissingRule(Monitor):
    """A bucket between the first one and now holds neither images nor other values.

    One picture with a wrong clock would make a century of missing buckets. So buckets before a gap
    count only if the gap is short: at most 100 times as many buckets as there are before it, and at
    most 20 000. Of the buckets up to now the last 20 000 are listed. The first result says so.

    Attributes
    ----------
    after
        A bucket that was last written so long after its end is late, and an anomaly too.
    """

    type: Literal["missing"] = "missing"
    after: Duration | None = None

    def measure(self, side: Side) -> list[Result]:
        """Return the result of the bucket itself."""
        bucket = side.bucket
        if not (bucket.writers and (bucket.images or _holds_values(side))):
            return [Result("", ANOMALY, words="nothing came")]
        if self.after is None:
            return [Result("", OK)]
        late = max(timedelta(), bucket.updated - bucket.end)
        seconds = late.total_seconds(), None, self.after.total_seconds()
        if late > self.after:
            return [Result("", ANOMALY, *seconds, f"late by {_text(late)}; in seconds")]
        return [Result("", OK, *seconds)]

    def false_alarms(self) -> float:
        """No bucket is missing by chance."""
        return 0.0

    def watches(self, segment: str) -> bool:
        """Return whether a segment is expected to come: pictures without its tag are not."""
        return NO_VALUE not in parse_segment(segment).values()

    def due(self, buckets: Sequence[Bucket], length: timedelta, now: datetime) -> Iterable[Due]:
        """Return all buckets from the first one up to now, but for rolled-up days.

        Those that are missing have no writers.
        """
        buckets, words = _from_the_first_on(buckets, length, now)
        starts = [bucket.start for bucket in buckets]
        ends = list(accumulate((bucket.end for bucket in buckets), max))
        start = bucket_start(starts[0], length) if buckets else now
        while now - start >= length + self.wait:
            more = (now - self.wait - start) // length - _LONGEST_GAP
            if start >= ends[-1] and more > 0:
                start += more * length
                words = f"missing for longer: the last {_LONGEST_GAP} buckets are listed"
            begun = bisect_right(starts, start) - 1  # the last bucket
            there = buckets[begun]
            if there[:2] == (start, start + length):
                yield Due(there, words, "" if self.after is None else str(there.updated))
            elif ends[begun] <= start:  # else a rolled-up day holds it
                yield Due(Bucket(start, start + length, 0, 0, start), words)
            start, words = start + length, ""


def _text(span: timedelta) -> str:
    """Return a length as one says it, such as ``3 hours``."""
    unit, size = next(each for each in _UNITS.items() if span >= 2 * each[1] or each[0] == "second")
    return counted(max(1, round(span / size)), unit)


def _holds_values(side: Side) -> bool:
    return bool(side.contents.damage) or any(
        column.n and column.kind != "failure" for column in side.contents.columns.values()
    )


def _from_the_first_on(
    buckets: Sequence[Bucket], length: timedelta, now: datetime
) -> tuple[Sequence[Bucket], str]:
    """Return the buckets without those before a gap that is too long, and a word on these."""
    buckets = buckets[: bisect_right(buckets, now, key=_start_of)]
    first = before = 0
    for at in range(1, len(buckets)):
        before += max(1, (buckets[at - 1].end - buckets[at - 1].start) // length)
        gap = (buckets[at].start - buckets[at - 1].end) // length
        if gap > min(_GAP_PER_BUCKET * before, _LONGEST_GAP):
            first, before = at, 0
    if first == 0:
        return buckets, ""
    earlier = "1 earlier bucket" if first == 1 else f"{first} earlier buckets"
    day = buckets[0].start.isoformat(" ", "minutes")[:16]  # %Y is not padded everywhere
    return buckets[first:], f"ignoring {earlier} before a long gap, from {day} on (wrong clock?)"
