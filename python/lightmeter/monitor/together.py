"""A monitor on drift that watches segments: a bucket is judged in all of them together.

The chance of a false alarm is one of the bucket, however many segments there are. So whatever
changes in one of them, all are judged again. Segments take turns bucket by bucket.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from lightmeter.errors import LightmeterError
from lightmeter.monitor.judging import Begun, Judge
from lightmeter.monitor.results import BucketResults, Result
from lightmeter.monitor.rules import DriftRule
from lightmeter.monitor.rules.drift import Tested
from lightmeter.store.profiles import Bucket

__all__ = ["judged_together"]


def judged_together(rule: DriftRule, judges: Sequence[Judge]) -> Iterator[BucketResults]:
    """What a monitor says of each bucket of all its segments, in order of time.

    Args:
        rule: that of the monitor.
        judges: one for each segment.
    """
    buckets: defaultdict[datetime, list[tuple[Judge, Bucket]]] = defaultdict(list)
    for judge in judges:
        for bucket in judge.complete():
            buckets[bucket.start].append((judge, bucket))
    for start in sorted(buckets):
        yield from _of_bucket(rule, buckets[start])


def _of_bucket(
    rule: DriftRule, segments: Sequence[tuple[Judge, Bucket]]
) -> Iterator[BucketResults]:
    begun: list[tuple[Judge, Begun]] = []
    for judge, bucket in segments:
        try:
            begun.append((judge, judge.begin(bucket)))
        except (LightmeterError, OSError) as error:
            yield judge.error(bucket, str(error))
    made_of = hashlib.sha256()
    for judge, each in begun:
        made_of.update(each.digest + judge.segment.encode("utf-8", "surrogatepass"))
    digest = made_of.digest()
    kept = [judge.kept(each.bucket) for judge, each in begun]
    if all(before is not None and before.digest == digest for before in kept):
        for judge, each in begun:
            unchanged = judge.unchanged(each.bucket, digest)
            assert unchanged is not None
            yield unchanged
        return
    tested: dict[str, list[Tested]] = {}
    said: dict[str, list[Result]] = {}
    for judge, each in begun:
        try:
            tested[judge.segment], said[judge.segment] = _measured(rule, judge, each)
        except (LightmeterError, OSError) as error:
            yield judge.error(each.bucket, str(error))
    decided = rule.decide(tested)
    for judge, each in begun:
        if judge.segment in tested:
            results = [*said[judge.segment], *decided[judge.segment]]
            yield judge.finished(each, digest, results)


def _measured(rule: DriftRule, judge: Judge, begun: Begun) -> tuple[list[Tested], list[Result]]:
    """What was measured of a segment, and what is said already."""
    tested, said = [], []
    for window, target, past, few in judge.compared(begun):
        if few is None:
            tested += [each for each in rule.measure(target, past) if window.takes(each.feature)]
        else:
            said += few
    return tested, said
