"""One monitor on one segment: which buckets it judges, by what, and what it says."""

import hashlib
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from lightmeter._core import __version__
from lightmeter.errors import DecodeError, LightmeterError
from lightmeter.monitor.accepted import covers_place
from lightmeter.monitor.baselines import Baseline, Other, Reference, Trailing
from lightmeter.monitor.gaps import expected_buckets
from lightmeter.monitor.lasting import Streaks, anomalous_in
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
from lightmeter.monitor.shelf import Contents, Past, Shelf
from lightmeter.monitor.summaries import Summary
from lightmeter.monitor.windows import ALL, Window, Windows
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.records import Basis, Kept, Place, ResultState
from lightmeter.store.rows import Bucket
from lightmeter.text import near


class Begun(NamedTuple):
    """A bucket that is to be judged.

    Attributes:
        bucket: the bucket.
        windows: what it is compared with.
        digest: of all that what is said of it follows from.
        own: starts of the buckets before it, where they say how much buckets vary; else None.
    """

    bucket: Bucket
    windows: Sequence[Window]
    digest: bytes
    own: Sequence[datetime] | None


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
        self.segment, self._segment, self._kept = segment, parse_segment(segment), kept
        self._length = shelf.datasets[monitor.dataset]
        self._buckets = shelf.buckets(monitor.dataset, segment)
        self._streaks = Streaks(monitor.for_)
        self._anomalous: dict[datetime, Sequence[str]] = {}

    def buckets(self) -> Iterator[BucketResults]:
        """What it says of each bucket, in order of time."""
        if isinstance(self._monitor.rule, MissingRule):
            yield from self._missing()
            return
        for bucket in self.complete():
            if isinstance(self._monitor.rule, LateRule):
                yield self._late(bucket, self._monitor.rule)
            else:
                yield self._judged(bucket)

    def complete(self) -> Iterator[Bucket]:
        """The buckets that are to be judged, in order of time."""
        for bucket in self._buckets:
            if bucket.end - bucket.start != self._length:
                continue
            if self._now - bucket.end >= self._monitor.wait:
                yield bucket

    def _late(self, bucket: Bucket, rule: LateRule) -> BucketResults:
        late = bucket.updated - bucket.end
        state: ResultState = ANOMALY if late > rule.after else OK
        seconds, limit = max(0.0, late.total_seconds()), rule.after.total_seconds()
        return self._looked_at(bucket, Result("", state, seconds, None, limit, "seconds"))

    def _missing(self) -> Iterator[BucketResults]:
        for start, there, words in expected_buckets(
            self._buckets, self._length, self._now, self._monitor.wait, self._holds_data
        ):
            state: ResultState = OK if there else ANOMALY
            where = self._rank, self._monitor, self.segment, start
            yield plain(*where, state, words, self._kept, self._streaks)

    def _holds_data(self, bucket: Bucket) -> bool:
        if bucket.images:
            return True
        contents = self._shelf.contents(*self._where, bucket.start)
        return bool(contents.damage) or any(
            column.n and column.kind != "failure" for column in contents.columns.values()
        )

    def _judged(self, bucket: Bucket) -> BucketResults:
        """What a rule on profiles says, unless all that it follows from is as it was."""
        try:
            begun = self.begin(bucket)
            if (unchanged := self.unchanged(bucket, begun.digest)) is not None:
                return unchanged
            return self.finished(begun, begun.digest, self.results(begun))
        except (LightmeterError, OSError) as error:
            return self.error(bucket, str(error))

    def begin(self, bucket: Bucket) -> Begun:
        """What is to be known before a bucket is judged; those before it have been.

        Raises:
            LightmeterError, OSError: what it is compared with cannot be read.
        """
        windows = self._windows.of(bucket, self._anomalous) if self._windows is not None else [ALL]
        dataset, segment, file = self._compared
        made_of = [self._rules_digest, self._shelf.digests(*self._where)[bucket.start]]
        made_of.append(self._streaks.made_of.encode("utf-8", "surrogatepass"))
        own = self._own(bucket)
        made_of += [self._shelf.digests(*self._where)[start] for start in own or ()]
        if file:
            made_of.append(self._shelf.file(file)[1])
        for window in windows:
            made_of.append(window.made_of)
            if window.starts:
                digests = self._shelf.digests(dataset, segment)
                made_of += [digests[start] for start in window.starts]
        return Begun(bucket, windows, hashlib.sha256(b"".join(made_of)).digest(), own)

    def digests(self, starts: Iterable[datetime]) -> list[bytes]:
        """Of those buckets of the segment that there are."""
        digests = self._shelf.digests(*self._where)
        return [digests[start] for start in starts if start in digests]

    def summaries(self, starts: Iterable[datetime]) -> dict[datetime, Summary]:
        """Of those buckets of the segment that can be read."""
        digests = self._shelf.digests(*self._where)
        there = {
            start: self._shelf.summary(*self._where, start) for start in starts if start in digests
        }
        return {start: summary for start, summary in there.items() if summary is not None}

    def contents(self, starts: Iterable[datetime]) -> Iterator[tuple[datetime, Contents]]:
        """All that is known of those buckets of the segment that can be read, by their starts."""
        for start in starts:
            contents = self._shelf.contents(*self._where, start)
            if not contents.damage:
                yield start, contents

    def unchanged(self, bucket: Bucket, digest: bytes) -> BucketResults | None:
        """What was said of the bucket before, if that follows from the same."""
        kept = self.kept(bucket)
        if kept is None or kept.digest != digest:
            return None
        self._streaks.resume(kept.streaks)
        if kept.is_anomalous:
            self._anomalous[bucket.start] = anomalous_in(kept.streaks)
        return BucketResults(self._rank, self._place(bucket), kept, None)

    def kept(self, bucket: Bucket) -> Kept | None:
        """What was said of the bucket before."""
        return self._kept.get(self._place(bucket))

    def results(self, begun: Begun) -> list[Result]:
        """What the rule says of a bucket, without its place.

        Raises:
            LightmeterError, OSError: something cannot be read.
        """
        results = []
        for window, target, past, few in self.compared(begun):
            judged = self._rule.judge(target, past) if few is None else few
            judged = judged or [self.nothing(target.columns)] * (few is None)
            results += [result for result in judged if window.takes(result.feature)]
        return results

    def compared(
        self, begun: Begun
    ) -> Iterator[tuple[Window, Contents, Past, list[Result] | None]]:
        """Window by window: the bucket, its past, and what to say where that is too little.

        Raises:
            LightmeterError, OSError: something cannot be read.
        """
        target = self._shelf.contents(*self._where, begun.bucket.start)
        if target.damage:
            raise DecodeError(target.damage)
        for window in begun.windows:
            past = self._past(window, begun.own)
            few = None
            if self._rule.needs_baseline and (count := self._count(past)) < self._least:
                few = window.too_few(count, self._least, begun.bucket, target.columns)
            yield window, target, past, few

    def _count(self, past: Past) -> int:
        """How many buckets can be read; a rule that needs them in short only reads no more."""
        if isinstance(self._rule, DriftRule) and self._rule.metric == "p":
            return len(past.summaries)
        return past.count

    def _past(self, window: Window, own: Sequence[datetime] | None) -> Past:
        dataset, segment, file = self._compared
        past = self._shelf.past(dataset, segment, window.starts)
        if file:
            past = self._shelf.file(file)[0]
        return past if own is None else past.judged_by(self._shelf.past(*self._where, own))

    def _own(self, bucket: Bucket) -> Sequence[datetime] | None:
        """The last good buckets before one that is compared with others, by a test.

        What lasts would else be found in its first bucket only: a baseline that does not move, and
        buckets on both sides of a change, which vary as much as it is large.
        """
        baseline = self._monitor.baseline
        if isinstance(baseline, Trailing) or not isinstance(self._rule, DriftRule):
            return None
        if self._rule.metric != "p":
            return None
        at = bisect_left(self._starts_of_length, bucket.start)
        before = self._starts_of_length[:at]
        good = [start for start in before if start not in self._anomalous]
        # The first ones were judged as though images were independent, which may be too strict.
        enough = good if len(good) >= self._rule.least_buckets else before
        return enough[-Trailing().trailing :]

    @cached_property
    def _starts_of_length(self) -> list[datetime]:
        return [each.start for each in self._buckets if each.end - each.start == self._length]

    def nothing(self, names: Iterable[str] = ()) -> Result:
        """What is said where the rule has no word on any of the features of these names."""
        return Result("", NOT_ENOUGH, words=_nothing(self._rule, names))

    def finished(self, begun: Begun, digest: bytes, results: Iterable[Result]) -> BucketResults:
        """What is said of a bucket, given what its rule says."""
        placed = []
        for result in results:
            window = next(each for each in begun.windows if each.takes(result.feature))
            count = self._count(self._past(window, None)) if self._rule.needs_baseline else 0
            placed.append(window.with_remedy(result)._replace(baseline=count))
        results = self._streaks.apply(placed or [self.nothing()])
        starts = tuple(begun.windows[-1].starts)
        dataset, segment, file = self._compared
        drift = isinstance(self._rule, DriftRule)
        basis = Basis(self._rank, drift, dataset, segment, starts, file, digest, self._streaks.text)
        results = self._placed(begun.bucket, results, basis)
        kept = kept_of(results)
        if kept.is_anomalous:
            self._anomalous[begun.bucket.start] = anomalous_in(kept.streaks)
        return BucketResults(self._rank, results[0].place, kept, results)

    def error(self, bucket: Bucket, words: str) -> BucketResults:
        """What is said of a bucket that cannot be judged."""
        return self._looked_at(bucket, Result("", ERROR, words=words))

    def _looked_at(self, bucket: Bucket, result: Result) -> BucketResults:
        results = self._placed(bucket, self._streaks.apply([result]), None)
        return _unless_kept(self._rank, results, self._kept)

    def _placed(
        self, bucket: Bucket, results: Iterable[Result], basis: Basis | None
    ) -> list[Result]:
        """What a rule says, with what it does not know: of which bucket."""
        return [
            result._replace(
                monitor=self._monitor.name,
                dataset=self._monitor.dataset,
                segment=self._segment,
                bucket=bucket.start,
                images=bucket.images,
                basis=basis,
            )
            for result in results
        ]

    def _place(self, bucket: Bucket) -> Place:
        return Place(self._monitor.name, self._monitor.dataset, self.segment, bucket.start)

    @cached_property
    def _where(self) -> tuple[str, str]:
        return self._monitor.dataset, self.segment

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
        if not isinstance(baseline, Trailing):
            return 1
        return max(baseline.enough, self._rule.least_buckets)

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
    def _windows(self) -> Windows | None:
        """What chooses among stored buckets, if anything is compared with these."""
        baseline = self._monitor.baseline
        if isinstance(baseline, Reference) or not self._rule.needs_baseline:
            return None
        buckets = self._shelf.buckets(*self._compared[:2])
        if _goes_by_length(self._rule, baseline):
            buckets = [each for each in buckets if each.end - each.start == self._length]
        place = (*self._where, self._monitor.name)
        accepted = [each for each in self._shelf.accepted if covers_place(each, *place)]
        return Windows(baseline, self._length, buckets, accepted)


def plain(
    rank: int,
    monitor: Monitor,
    segment: str,
    start: datetime,
    state: ResultState,
    words: str,
    kept: Mapping[Place, Kept],
    streaks: Streaks | None = None,
) -> BucketResults:
    """A state of a bucket and nothing else; `streaks` are those of the buckets before."""
    result = Result(
        "",
        state,
        words=words,
        monitor=monitor.name,
        dataset=monitor.dataset,
        segment=parse_segment(segment),
        bucket=start,
    )
    return _unless_kept(rank, streaks.apply([result]) if streaks else [result], kept)


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


def _nothing(rule: FeatureRule, names: Iterable[str]) -> str:
    """Why a rule has no results."""
    if not rule.features:
        return "no feature has what it judges"
    patterns = ", ".join(map(repr, rule.features))
    parts = f"no feature that it can judge matches {patterns}", near(patterns, names, "")
    return "; ".join(filter(None, parts))
