"""The rule about missing and late data."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Literal

from lightmeter.monitor.config import Due, Duration, Monitor
from lightmeter.monitor.results import Result, bucket_text
from lightmeter.monitor.shelf import Side
from lightmeter.profile.segments import NO_VALUE, parse_segment
from lightmeter.store.tables import Bucket
from lightmeter.text import counted
from lightmeter.times import DAY, bucket_start

# The most missing buckets in a gap for each bucket before it, and in all: see `MissingRule`.
_GAP_PER_BUCKET = 100
_LONGEST_GAP = 20_000

_UNITS = {"day": DAY, "hour": DAY / 24, "minute": DAY / 1440, "second": DAY / 86_400}


class MissingRule(Monitor):
    """A rule that finds buckets without images or other values, between the first one and now.

    One image with a wrong clock would make a century of missing buckets. Therefore buckets before a
    long gap are ignored: one of more than 20 000 buckets, or of more than 100 times the number of
    buckets before it. Of the buckets up to now, the last 20 000 are listed. The first result notes
    both.

    Attributes
    ----------
    after
        A bucket whose last put is later than this after its end is late, an anomaly, too. The value
        of its results is the delay, in seconds.
    """

    type: Literal["missing"] = "missing"
    after: Duration | None = None

    def measure(self, side: Side) -> list[Result]:
        """Return the result of the bucket itself."""
        bucket = side.bucket
        if not (bucket.writers and (bucket.images or _holds_values(side))):
            return [Result("", "anomaly", words="nothing was measured")]
        if self.after is None:
            return [Result("", "ok")]
        late = max(timedelta(), bucket.updated - bucket.end)
        seconds = late.total_seconds(), None, self.after.total_seconds()
        if late > self.after:
            return [Result("", "anomaly", *seconds, f"late by {_text(late)}")]
        return [Result("", "ok", *seconds)]

    def false_alarms(self) -> float:
        """Return 0, because no bucket is missing by chance."""
        return 0.0

    def watches(self, segment: str) -> bool:
        """Return whether a segment is expected: images without its key are not."""
        return super().watches(segment) and NO_VALUE not in parse_segment(segment).values()

    def due(self, buckets: Sequence[Bucket], length: timedelta, now: datetime) -> Iterable[Due]:
        """Return all buckets from the first one up to now, without rolled-up days.

        Missing buckets have no writers.
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
            elif ends[begun] <= start:  # else it is part of a rolled-up day
                yield Due(Bucket(start, start + length, 0, 0, start), words)
            start, words = start + length, ""


def _text(span: timedelta) -> str:
    """Return a readable duration, such as ``3 hours``."""
    unit, size = next(each for each in _UNITS.items() if span >= 2 * each[1] or each[0] == "second")
    return counted(max(1, round(span / size)), unit)


def _holds_values(side: Side) -> bool:
    return bool(side.contents.damage) or any(
        column.n and column.kind != "failure" for column in side.contents.columns.values()
    )


def _from_the_first_on(
    buckets: Sequence[Bucket], length: timedelta, now: datetime
) -> tuple[Sequence[Bucket], str]:
    """Return the buckets after the last overlong gap, and a note about those before it."""
    buckets = buckets[: bisect_right(buckets, now, key=attrgetter("start"))]
    first = before = 0
    for at, (last, bucket) in enumerate(pairwise(buckets), 1):
        before += max(1, (last.end - last.start) // length)
        gap = (bucket.start - last.end) // length
        if gap > min(_GAP_PER_BUCKET * before, _LONGEST_GAP):
            first, before = at, 0
    if first == 0:
        return buckets, ""
    words = f"ignoring {counted(first, 'earlier bucket')} before a long gap"
    return buckets[first:], f"{words}, from {bucket_text(buckets[0].start)} on (wrong clock?)"
