"""Which buckets are missing between the first one and now."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from lightmeter.store.buckets import bucket_start
from lightmeter.store.rows import Bucket

# A bucket may stand for so many missing ones behind it, and a gap hold so many: see `MissingRule`.
_GAP_PER_BUCKET = 100
_LONGEST_GAP = 20_000

_start_of = attrgetter("start")


class Expected(NamedTuple):
    """A bucket that should be there, and whether it is; `words` are on those before it."""

    start: datetime
    there: bool
    words: str


def expected_buckets(
    buckets: Sequence[Bucket],
    length: timedelta,
    now: datetime,
    wait: timedelta,
    holds_data: Callable[[Bucket], bool],
) -> Iterator[Expected]:
    """The complete buckets from the first one up to now, earliest first.

    Args:
        buckets: what is stored, earliest first.
        length: of the dataset's buckets.
        now: the time.
        wait: how long after its end a bucket counts as complete.
        holds_data: whether anything is in a bucket.
    """
    buckets, words = _from_the_first_on(buckets, length, now)
    there = {bucket.start for bucket in buckets if holds_data(bucket)}
    starts = [bucket.start for bucket in buckets]
    ends = list(accumulate((bucket.end for bucket in buckets), max))
    start = _first_on_the_grid(buckets, length, now)
    while now - start >= length + wait:
        if ends and start >= ends[-1] and (more := _too_many(start, length, now, wait)):
            start += more * length
            words = f"missing for longer: the last {_LONGEST_GAP} buckets are listed"
        before = bisect_left(starts, start)  # the buckets that begin earlier
        covered = before > 0 and ends[before - 1] > start
        yield Expected(start, start in there or covered, words)
        start, words = start + length, ""


def _from_the_first_on(
    buckets: Sequence[Bucket], length: timedelta, now: datetime
) -> tuple[Sequence[Bucket], str]:
    """The buckets without those before a gap that is too long, and a word on these."""
    buckets = buckets[: bisect_right(buckets, now, key=_start_of)]
    first = before = 0
    for at in range(1, len(buckets)):
        before += max(1, (buckets[at - 1].end - buckets[at - 1].start) // length)
        gap = (buckets[at].start - buckets[at - 1].end) // length
        if gap > min(_GAP_PER_BUCKET * before, _LONGEST_GAP):
            first, before = at, 0
    if first == 0:
        return buckets, ""
    earlier = "1 earlier bucket lies" if first == 1 else f"{first} earlier buckets lie"
    day = buckets[0].start.isoformat(" ", "minutes")[:16]  # %Y is not padded everywhere
    words = (
        f"watched from here on: {earlier} far apart from the others, from {day} on, "
        "as by a wrong clock"
    )
    return buckets[first:], words


def _too_many(start: datetime, length: timedelta, now: datetime, wait: timedelta) -> int:
    """How many buckets from `start` on are more than are listed, where all are missing."""
    return max(0, (now - wait - start) // length - _LONGEST_GAP)


def _first_on_the_grid(buckets: Sequence[Bucket], length: timedelta, now: datetime) -> datetime:
    """Start of the first bucket; a day that was rolled up may start in the midst of one."""
    first = buckets[0].start if buckets else now
    if now - first < length:
        return first
    start = bucket_start(first, length)
    return start if start == first else start + length
