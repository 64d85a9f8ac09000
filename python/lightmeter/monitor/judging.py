"""One monitor on one segment: which buckets it judges, by what, and what it says."""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from lightmeter._core import __version__
from lightmeter.errors import LightmeterError
from lightmeter.monitor.baselines import Baseline, BaselineBuckets, Other, Reference, Trailing
from lightmeter.monitor.gaps import expected_buckets
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.results import (
    ANOMALY,
    ERROR,
    NOT_ENOUGH,
    OK,
    BucketResults,
    Result,
    kept_of,
)
from lightmeter.monitor.rules import (
    ChangeRule,
    DriftRule,
    FeatureRule,
    IntervalRule,
    LateRule,
    MissingRule,
)
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.profiles import Bucket
from lightmeter.store.records import Basis, Kept, Place, ResultState

__all__ = ["Judge", "latest_complete", "plain"]


class Judge:
    """One monitor on one segment, which is given as text."""

    def __init__(
        self,
        shelf: Shelf,
        monitor: Monitor,
        rank: int,
        segment: str,
        now: datetime,
        kept: Mapping[Place, Kept],
    ) -> None:
        """`kept` is what was said before; `rank` that of the monitor among those of its run."""
        self._shelf, self._monitor, self._rank, self._now = shelf, monitor, rank, now
        self._text, self._segment, self._kept = segment, parse_segment(segment), kept
        self._length = shelf.datasets[monitor.dataset]
        self._buckets = shelf.buckets(monitor.dataset, segment)

    def buckets(self) -> Iterator[BucketResults]:
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
                judged = self._late(bucket, self._monitor.rule)
            else:
                judged = self._judged(bucket, anomalous)
            if ANOMALY in judged.kept.states:
                anomalous.add(bucket.start)
            yield judged

    def _late(self, bucket: Bucket, rule: LateRule) -> BucketResults:
        late = bucket.updated - bucket.end
        state: ResultState = ANOMALY if late > rule.after else OK
        seconds, limit = max(0.0, late.total_seconds()), rule.after.total_seconds()
        result = Result("", state, seconds, None, limit, "seconds")
        return _unless_kept(self._rank, self._placed(bucket, [result]), self._kept)

    def _missing(self) -> Iterator[BucketResults]:
        for start, there, words in expected_buckets(
            self._buckets, self._length, self._now, self._monitor.wait, self._holds_data
        ):
            state: ResultState = OK if there else ANOMALY
            yield plain(self._rank, self._monitor, self._text, start, state, words, self._kept)

    def _holds_data(self, bucket: Bucket) -> bool:
        if bucket.images:
            return True
        contents = self._shelf.contents(*self._where, bucket.start)
        return bool(contents.damage) or any(
            column.n and column.kind != "failure" for column in contents.columns.values()
        )

    def _judged(self, bucket: Bucket, anomalous: Collection[datetime]) -> BucketResults:
        """What a rule on profiles says, unless all that it follows from is as it was."""
        try:
            starts = self._starts(bucket, anomalous)
            digest = self._digest(bucket, starts)
            place = Place(self._monitor.name, self._monitor.dataset, self._text, bucket.start)
            kept = self._kept.get(place)
            if kept is not None and kept.digest == digest:
                return BucketResults(self._rank, place, kept, None)
            return self._judge(bucket, starts, digest)
        except (LightmeterError, OSError) as error:
            return self._error(bucket, str(error))

    def _judge(self, bucket: Bucket, starts: Sequence[datetime], digest: bytes) -> BucketResults:
        rule = self._rule
        target = self._shelf.contents(*self._where, bucket.start)
        if target.damage:
            return self._error(bucket, target.damage)
        dataset, segment, file = self._compared
        past = self._shelf.file(file)[0] if file else self._shelf.past(dataset, segment, starts)
        if rule.needs_baseline and past.count < self._least:
            words = f"{past.count} buckets to compare with, of {self._least} needed"
            results = [Result("", NOT_ENOUGH, words=words)]
        else:
            results = rule.judge(target, past) or [Result("", NOT_ENOUGH, words=_nothing(rule))]
        drift = isinstance(rule, DriftRule)
        basis = Basis(self._rank, drift, dataset, segment, tuple(starts), file, digest)
        results = self._placed(bucket, results, past.count, basis)
        return BucketResults(self._rank, results[0].place, kept_of(results), results)

    def _error(self, bucket: Bucket, words: str) -> BucketResults:
        results = self._placed(bucket, [Result("", ERROR, words=words)])
        return _unless_kept(self._rank, results, self._kept)

    def _placed(
        self,
        bucket: Bucket,
        results: Iterable[Result],
        baseline: int = 0,
        basis: Basis | None = None,
    ) -> list[Result]:
        """What a rule says, with what it does not know: of which bucket."""
        return [
            result._replace(
                monitor=self._monitor.name,
                dataset=self._monitor.dataset,
                segment=self._segment,
                start=bucket.start,
                baseline=baseline,
                images=bucket.images,
                basis=basis,
            )
            for result in results
        ]

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


def plain(
    rank: int,
    monitor: Monitor,
    segment: str,
    start: datetime,
    state: ResultState,
    words: str,
    kept: Mapping[Place, Kept],
) -> BucketResults:
    """A state of a bucket and nothing else."""
    result = Result(
        "",
        state,
        words=words,
        monitor=monitor.name,
        dataset=monitor.dataset,
        segment=parse_segment(segment),
        start=start,
    )
    return _unless_kept(rank, [result], kept)


def latest_complete(buckets: Sequence[Bucket], now: datetime, wait: timedelta) -> Bucket | None:
    """Of buckets in order of time."""
    return next((each for each in reversed(buckets) if now - each.end >= wait), None)


def _unless_kept(rank: int, results: list[Result], kept: Mapping[Place, Kept]) -> BucketResults:
    """What does not follow from profiles that could be judged: it is looked at each time."""
    place, new = results[0].place, kept_of(results)
    return BucketResults(rank, place, new, None if kept.get(place) == new else results)


def _goes_by_length(rule: FeatureRule, baseline: Baseline) -> bool:
    """Whether a day cannot stand among hours: of totals, of how buckets vary, and by the hour."""
    if isinstance(baseline, Trailing) and baseline.same == "hour":
        return True
    return isinstance(rule, IntervalRule) or (isinstance(rule, ChangeRule) and rule.scalar == "n")


def _nothing(rule: FeatureRule) -> str:
    """Why a rule has no results."""
    if not rule.features:
        return "no feature has what it judges"
    return f"no feature that it can judge matches {', '.join(map(repr, rule.features))}"
