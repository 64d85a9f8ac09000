"""A monitor on drift that watches segments: a bucket is judged in all of them together.

The chance of a false alarm is one of the bucket, however many segments there are. So whatever
changes in one of them, all are judged again. Segments take turns bucket by bucket.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from lightmeter.drift import FeatureDrift, Thresholds
from lightmeter.errors import LightmeterError
from lightmeter.monitor.judging import Begun, Judge
from lightmeter.monitor.peers import LEAST_PEERS, Peer, Shared, look_at
from lightmeter.monitor.results import NOT_ENOUGH, BucketResults, Result
from lightmeter.monitor.rules import DriftRule
from lightmeter.monitor.rules.drift import Tested
from lightmeter.profile.segments import parse_segment
from lightmeter.store.rows import Bucket
from lightmeter.text import counted

_Begun = Sequence[tuple[Judge, Begun]]


def judged_together(
    rule: DriftRule, judges: Sequence[Judge], *, are_peers: bool = False
) -> Iterator[BucketResults]:
    """What a monitor says of each bucket of all its segments, in order of time.

    Args:
        rule: that of the monitor.
        judges: one for each segment.
        are_peers: whether each segment is compared with the others, see `peers`.
    """
    buckets: defaultdict[datetime, list[tuple[Judge, Bucket]]] = defaultdict(list)
    for judge in judges:
        for bucket in judge.complete():
            buckets[bucket.start].append((judge, bucket))
    for start in sorted(buckets):
        yield from _of_bucket(rule, buckets[start], are_peers)


def _of_bucket(
    rule: DriftRule, segments: Sequence[tuple[Judge, Bucket]], are_peers: bool
) -> Iterator[BucketResults]:
    begun: list[tuple[Judge, Begun]] = []
    for judge, bucket in segments:
        try:
            begun.append((judge, judge.begin(bucket)))
        except (LightmeterError, OSError) as error:
            yield judge.error(bucket, str(error))
    starts = _starts_of(begun) if are_peers else []
    digest = _digest(begun, starts)
    kept = [judge.kept(each.bucket) for judge, each in begun]
    if all(before is not None and before.digest == digest for before in kept):
        for judge, each in begun:
            unchanged = judge.unchanged(each.bucket, digest)
            assert unchanged is not None
            yield unchanged
        return
    shared = _shared(begun, starts) if are_peers else {}
    tested: dict[str, list[Tested]] = {}
    said: dict[str, list[Result]] = {}
    for judge, each in begun:
        try:
            measured = _beside(rule, judge, each, *shared[judge.segment]) if are_peers else None
            measured = measured or _measured(rule, judge, each)
        except (LightmeterError, OSError) as error:
            yield judge.error(each.bucket, str(error))
        else:
            tested[judge.segment], said[judge.segment] = measured
    decided = rule.decide(tested)
    for judge, each in begun:
        if judge.segment in tested:
            results = [*said[judge.segment], *decided[judge.segment]]
            yield judge.finished(each, digest, results)


def _starts_of(begun: _Begun) -> list[datetime]:
    """Of the bucket, and of all that any segment is compared with."""
    starts: set[datetime] = set()
    for _, each in begun:
        starts.add(each.bucket.start)
        starts.update(*(window.starts for window in each.windows))
    return sorted(starts)


def _digest(begun: _Begun, starts: Sequence[datetime]) -> bytes:
    made_of = hashlib.sha256()
    for judge, each in begun:
        made_of.update(each.digest + judge.segment.encode("utf-8", "surrogatepass"))
        for digest in judge.digests(starts):
            made_of.update(digest)
    return made_of.digest()


def _measured(rule: DriftRule, judge: Judge, begun: Begun) -> tuple[list[Tested], list[Result]]:
    """What was measured of a segment, and what is said already."""
    tested, said = [], []
    for window, target, past, few in judge.compared(begun):
        if few is None:
            tested += [each for each in rule.measure(target, past) if window.takes(each.feature)]
        else:
            said += few
    return tested, said


def _shared(begun: _Begun, starts: Sequence[datetime]) -> Mapping[str, tuple[Shared, int]]:
    """Of each segment, what it shares with the others of the same keys, and its place there."""
    by_keys: defaultdict[tuple[str, ...], list[tuple[str, Peer]]] = defaultdict(list)
    for judge, each in begun:
        peer = Peer(each.bucket.start, each.windows[-1].starts, judge.summaries(starts))
        by_keys[tuple(sorted(parse_segment(judge.segment)))].append((judge.segment, peer))
    shared: dict[str, tuple[Shared, int]] = {}
    for peers in by_keys.values():
        common = Shared([peer for _, peer in peers])
        shared |= {segment: (common, place) for place, (segment, _) in enumerate(peers)}
    return shared


def _beside(
    rule: DriftRule, judge: Judge, begun: Begun, shared: Shared, place: int
) -> tuple[list[Tested], list[Result]]:
    """What was measured of a segment without what is common, and what is said already."""
    tested: list[Tested] = []
    said: list[Result] = []
    others, start = shared.others(place), begun.bucket.start
    if others < LEAST_PEERS:
        words = f"{counted(others, 'other segment')} with the same keys, of {LEAST_PEERS} needed"
        return tested, [Result("", NOT_ENOUGH, words=words)]
    for window, target, past, few in judge.compared(begun):
        if few is not None:
            said += few
            continue
        summaries = [shared.adjusted(place, each) for each in window.starts]
        before = past.in_short([summary for summary in summaries if summary is not None])
        for each in rule.measure(target.in_short(shared.adjusted(place, start)), before):
            if not window.takes(each.feature):
                continue
            if not each.feature:
                tested.append(each)
            elif not each.is_rate and shared.is_known(place, each.feature):
                words = "; ".join(filter(None, (each.words, f"beside {others} others")))
                look = partial(_look_at, rule, judge, window.starts, shared, place, start, each)
                tested.append(each._replace(words=words, look=look))
    return tested, said


def _look_at(
    rule: DriftRule,
    judge: Judge,
    past: Sequence[datetime],
    shared: Shared,
    place: int,
    start: datetime,
    tested: Tested,
) -> FeatureDrift | None:
    now, *before = (
        (contents, shared.common(place, at, tested.feature))
        for at, contents in judge.contents([start, *past])
    )
    return look_at(tested.feature, now, before, Thresholds(drift=rule.q, effect=rule.effect))
