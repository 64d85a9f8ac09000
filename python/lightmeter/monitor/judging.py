"""One monitor on one segment: which buckets it judges, by what, and what it says."""

import hashlib
import os
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate
from operator import attrgetter

from lightmeter._core import __version__
from lightmeter.errors import LightmeterError
from lightmeter.monitor.baselines import Baseline, BaselineBuckets, Other, Reference, Trailing
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.results import Judged, Kept, Place, Result, Said, kept_of
from lightmeter.monitor.rules import (
    ANOMALY,
    ERROR,
    NOT_ENOUGH,
    OK,
    ChangeRule,
    DriftRule,
    FeatureRule,
    Finding,
    IntervalRule,
    LateRule,
    MissingRule,
)
from lightmeter.monitor.shelf import Shelf
from lightmeter.store.buckets import bucket_start, parse_segment, segment_text
from lightmeter.store.store import Bucket

__all__ = ["Evaluation", "latest_complete", "said_of"]

# A bucket may stand for so many missing ones behind it, and a gap hold so many: see `MissingRule`.
_GAP_PER_BUCKET = 100
_LONGEST_GAP = 20_000

_start_of = attrgetter("start")


class Evaluation:
    """One monitor on one segment, which is given as text."""

    def __init__(
        self,
        shelf: Shelf,
        monitor: Monitor,
        index: int,
        segment: str,
        now: datetime,
        kept: Mapping[Place, Kept],
    ) -> None:
        """`kept` is what was said before; `index` the place of the monitor among its like."""
        self._shelf, self._monitor, self._index, self._now = shelf, monitor, index, now
        self._text, self._segment, self._kept = segment, parse_segment(segment), kept
        self._length = shelf.datasets[monitor.dataset]
        self._buckets = shelf.buckets(monitor.dataset, segment)

    def said(self) -> Iterator[Said]:
        """What it says of each bucket, in order of time."""
        if isinstance(self._monitor.rule, MissingRule):
            yield from self._missing()
            return
        anomalous: set[datetime] = set()
        for bucket in self._buckets:
            if bucket.end - bucket.start != self._length:
                continue
            if self._now - bucket.end < self._monitor.wait:
                continue
            if isinstance(self._monitor.rule, LateRule):
                said = self._late(bucket, self._monitor.rule)
            else:
                said = self._judged(bucket, anomalous)
            if ANOMALY in said.states:
                anomalous.add(bucket.start)
            yield said

    def _late(self, bucket: Bucket, rule: LateRule) -> Said:
        late = bucket.updated - bucket.end
        state, limit = ANOMALY if late > rule.after else OK, rule.after.total_seconds()
        finding = Finding("", state, max(0.0, late.total_seconds()), None, limit, "seconds")
        return _plain(self._index, self._results(bucket, [finding], 0), self._kept)

    def _missing(self) -> Iterator[Said]:
        buckets, words = self._from_the_first_on()
        there = {bucket.start for bucket in buckets if self._holds_data(bucket)}
        starts = [bucket.start for bucket in buckets]
        ends = list(accumulate((bucket.end for bucket in buckets), max))
        start = self._first_on_the_grid(buckets)
        while self._now - start >= self._length + self._monitor.wait:
            if (too_many := self._beyond(ends, start)) > 0:
                start += too_many * self._length
                words = f"missing for longer: the last {_LONGEST_GAP} buckets are listed"
            before = bisect_left(starts, start)  # the buckets that begin earlier
            found = start in there or (before > 0 and ends[before - 1] > start)
            state = OK if found else ANOMALY
            kept, index = self._kept, self._index
            yield said_of(index, self._monitor, self._text, start, state, words, kept)
            start, words = start + self._length, ""

    def _from_the_first_on(self) -> tuple[Sequence[Bucket], str]:
        """The buckets without those before a gap that is too long, and a word on these."""
        buckets = self._buckets[: bisect_right(self._buckets, self._now, key=_start_of)]
        first = before = 0
        for at in range(1, len(buckets)):
            before += max(1, (buckets[at - 1].end - buckets[at - 1].start) // self._length)
            gap = (buckets[at].start - buckets[at - 1].end) // self._length
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

    def _beyond(self, ends: Sequence[datetime], start: datetime) -> int:
        """How many buckets from `start` to now are more than are listed, if all are missing."""
        if not ends or start < ends[-1]:
            return 0
        return (self._now - self._monitor.wait - start) // self._length - _LONGEST_GAP

    def _first_on_the_grid(self, buckets: Sequence[Bucket]) -> datetime:
        """Start of the first bucket; a day that was rolled up may start in the midst of one."""
        first = buckets[0].start if buckets else self._now
        if self._now - first < self._length:
            return first
        start = bucket_start(first, self._length)
        return start if start == first else start + self._length

    def _holds_data(self, bucket: Bucket) -> bool:
        if bucket.images:
            return True
        contents = self._shelf.contents(*self._where, bucket.start)
        return bool(contents.damage) or any(
            column.n and column.kind != "failure" for column in contents.columns.values()
        )

    def _judged(self, bucket: Bucket, anomalous: Collection[datetime]) -> Said:
        """What a rule on profiles says, unless all that it follows from is as it was."""
        try:
            starts = self._starts(bucket, anomalous)
            digest = self._digest(bucket, starts)
            place = Place(self._monitor.name, self._monitor.dataset, self._text, bucket.start)
            known = self._kept.get(place)
            if known is not None and known.digest == digest:
                return Said(self._index, place, digest, known.states, None)
            return self._judge(bucket, starts, digest)
        except (LightmeterError, OSError) as error:
            return self._error(bucket, str(error))

    def _judge(self, bucket: Bucket, starts: Sequence[datetime], digest: bytes) -> Said:
        rule = self._rule
        target = self._shelf.contents(*self._where, bucket.start)
        if target.damage:
            return self._error(bucket, target.damage)
        dataset, segment, file = self._compared
        past = self._shelf.file(file)[0] if file else self._shelf.past(dataset, segment, starts)
        if rule.needs_baseline and past.count < self._least:
            detail = f"{past.count} buckets to compare with, of {self._least} needed"
            found = [Finding("", NOT_ENOUGH, words=detail)]
        else:
            found = rule.judge(target, past) or [Finding("", NOT_ENOUGH, words=_nothing(rule))]
        drift = isinstance(rule, DriftRule)
        judged = Judged(self._index, drift, dataset, segment, tuple(starts), file, digest)
        results = self._results(bucket, found, past.count, judged)
        return Said(self._index, results[0].place, digest, kept_of(results).states, results)

    def _error(self, bucket: Bucket, words: str) -> Said:
        results = self._results(bucket, [Finding("", ERROR, words=words)], 0)
        return _plain(self._index, results, self._kept)

    def _starts(self, bucket: Bucket, anomalous: Collection[datetime]) -> Sequence[datetime]:
        chosen = self._chosen
        return chosen.of(bucket, anomalous) if chosen is not None else ()

    def _digest(self, bucket: Bucket, starts: Sequence[datetime]) -> bytes:
        """Of all that what is said of a bucket follows from."""
        dataset, segment, file = self._compared
        made_of = [self._rules_digest, self._shelf.digests(*self._where)[bucket.start]]
        if file:
            made_of.append(self._shelf.file(file)[1])
        elif starts:
            digests = self._shelf.digests(dataset, segment)
            made_of += [digests[start] for start in starts]
        return hashlib.sha256(b"".join(made_of)).digest()

    @cached_property
    def _where(self) -> tuple[str, str]:
        return self._monitor.dataset, self._text

    @cached_property
    def _rule(self) -> FeatureRule:
        assert isinstance(self._monitor.rule, FeatureRule)
        return self._monitor.rule

    @cached_property
    def _rules_digest(self) -> bytes:
        made_of = __version__, self._rule, self._least, *self._compared
        return hashlib.sha256(repr(made_of).encode()).digest()

    @cached_property
    def _least(self) -> int:
        baseline = self._monitor.baseline
        return baseline.enough if isinstance(baseline, Trailing) else 1

    @cached_property
    def _compared(self) -> tuple[str, str, str]:
        """The dataset, the segment and the file that buckets are compared with."""
        baseline = self._monitor.baseline
        dataset, segment = self._where
        if isinstance(baseline, Other) and self._rule.needs_baseline:
            dataset = baseline.dataset or dataset
            if baseline.segment is not None:
                segment = segment_text(dict(baseline.segment))
        file = ""
        if isinstance(baseline, Reference) and self._rule.needs_baseline:
            file = os.path.abspath(baseline.reference)
        return dataset, segment, file

    @cached_property
    def _chosen(self) -> BaselineBuckets | None:
        """What chooses among stored buckets, if anything is compared with these."""
        baseline = self._monitor.baseline
        if isinstance(baseline, Reference) or not self._rule.needs_baseline:
            return None
        buckets = self._shelf.buckets(*self._compared[:2])
        if _goes_by_length(self._rule, baseline):
            buckets = [each for each in buckets if each.end - each.start == self._length]
        return BaselineBuckets(baseline, self._length, buckets)

    def _results(
        self, bucket: Bucket, found: list[Finding], baseline: int, judged: Judged | None = None
    ) -> list[Result]:
        return [
            Result(
                monitor=self._monitor.name,
                dataset=self._monitor.dataset,
                segment=self._segment,
                start=bucket.start,
                baseline=baseline,
                images=bucket.images,
                feature=finding.feature,
                state=finding.state,
                value=finding.value,
                lower=finding.lower,
                upper=finding.upper,
                words=finding.words,
                judged=judged,
            )
            for finding in found
        ]


def said_of(
    index: int,
    monitor: Monitor,
    segment: str,
    start: datetime,
    state: str,
    words: str,
    kept: Mapping[Place, Kept],
) -> Said:
    """A state of a bucket and nothing else."""
    place = (monitor.name, monitor.dataset, parse_segment(segment), start)
    result = Result(*place, "", state, None, None, None, 0, 0, words)
    return _plain(index, [result], kept)


def latest_complete(buckets: Sequence[Bucket], now: datetime, wait: timedelta) -> Bucket | None:
    """Of buckets in order of time."""
    return next((each for each in reversed(buckets) if now - each.end >= wait), None)


def _plain(index: int, results: list[Result], kept: Mapping[Place, Kept]) -> Said:
    """What does not follow from profiles that could be judged: it is looked at each time."""
    place = results[0].place
    new = kept_of(results)
    same = kept.get(place) == new
    return Said(index, place, new.digest, new.states, None if same else results)


def _goes_by_length(rule: FeatureRule, baseline: Baseline) -> bool:
    """Whether a day cannot stand among hours: of totals, of how buckets vary, and by the hour."""
    if isinstance(baseline, Trailing) and baseline.same == "hour":
        return True
    return isinstance(rule, IntervalRule) or (isinstance(rule, ChangeRule) and rule.scalar == "n")


def _nothing(rule: FeatureRule) -> str:
    """Why a rule has no findings."""
    if not rule.features:
        return "no feature has what it judges"
    return f"no feature that it can judge matches {', '.join(map(repr, rule.features))}"
