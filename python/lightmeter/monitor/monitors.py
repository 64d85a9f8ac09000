"""Monitors: a rule for the buckets of a dataset, and the states that follow from what is stored."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Annotated

from lightmeter._core import __version__
from lightmeter.errors import LightmeterError
from lightmeter.files import read_regular
from lightmeter.monitor.baselines import Baseline, Other, Reference, Trailing, baseline_buckets
from lightmeter.monitor.results import Judged, Result
from lightmeter.monitor.rules import (
    ANOMALY,
    ERROR,
    NOT_ENOUGH,
    OK,
    RULES,
    ChangeRule,
    CombinedRule,
    DriftRule,
    FeatureRule,
    Finding,
    IntervalRule,
    LateRule,
    MissingRule,
    Rule,
)
from lightmeter.profile import ProfileView
from lightmeter.store.buckets import bucket_start, parse_segment, segment_text
from lightmeter.store.store import Bucket, Store

__all__ = [
    "Monitor",
    "evaluate",
    "false_alarms_a_year",
]

_YEAR = timedelta(days=365)
_Place = tuple[str, str, str, datetime]  # monitor, dataset, segment, bucket


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A rule for the buckets of a dataset.

    Attributes:
        name: what alerts and pages call it.
        dataset: what it watches.
        rule: what is an anomaly.
        baseline: what buckets are compared with, for rules that compare.
        segments: whether each segment is watched as well as the dataset as a whole.
        wait: how long after its end a bucket counts as complete.
    """

    name: str
    dataset: str
    rule: Annotated[Rule, RULES]
    baseline: Baseline = field(default_factory=Trailing)
    segments: bool = False
    wait: timedelta = timedelta()


def evaluate(
    store: Store,
    monitors: Sequence[Monitor],
    *,
    now: datetime | None = None,
    earlier: Iterable[Result] = (),
) -> list[Result]:
    """The state of every complete bucket, for each monitor in order.

    It follows from the profiles stored at one moment and from `now` alone, which says which buckets
    are complete and which are missing. A trailing baseline passes over the buckets in which the
    monitor itself finds an anomaly. Where the latest bucket of a dataset gives a monitor nothing to
    judge, one result says so. Days that `Store.gc` made of shorter buckets are not judged, nor are
    buckets compared with them where their length matters.

    Args:
        store: what is judged.
        monitors: who judges.
        now: the time; None takes the clock.
        earlier: results of an earlier call on this store, which only save time: a bucket is judged
            again unless the monitor, the bucket and what it is compared with are the same as then.
            (A profile that was damaged afterwards is not noticed: see `Store.verify`.)
    """
    now = now or datetime.now(UTC)
    results: list[Result] = []
    known: defaultdict[_Place, list[Result]] = defaultdict(list)
    for one in earlier:
        if one.judged is not None:
            known[one.monitor, one.dataset, segment_text(one.segment), one.start].append(one)
    segmented = _segmented(monitors)

    @cache
    def of_segments(dataset: str) -> list[Bucket]:
        segments = filter(None, store.segments(dataset))
        return [bucket for segment in segments for bucket in store.buckets(dataset, segment)]

    with store._database.snapshot():
        for place, monitor in enumerate(monitors):
            if isinstance(monitor.rule, CombinedRule):
                results += _combined(monitor, monitor.rule, results, segmented)
                continue
            if monitor.dataset not in store.datasets():
                results.append(_bare(monitor, "", now, NOT_ENOUGH, "the store has no such dataset"))
                continue
            for segment in store.segments(monitor.dataset) if monitor.segments else [{}]:
                results += _Evaluation(store, monitor, place, segment, now, known).results()
            if not monitor.segments:
                results += _unwatched(store, monitor, of_segments(monitor.dataset), now)
    return results


def false_alarms_a_year(monitor: Monitor, store: Store | None = None) -> float | None:
    """How many results a year are anomalies by chance where nothing changes, at most.

    Of 365 days, or as many buckets as the dataset in `store` has a year. None where it is not
    known: of a plain distance, of patterns of features, of combinations.
    """
    chance = monitor.rule.false_alarms()
    if chance is None:
        return None
    length, places = timedelta(days=1), 1
    if store is not None and monitor.dataset in store.datasets():
        length = store.datasets()[monitor.dataset]
        places = len(store.segments(monitor.dataset)) if monitor.segments else 1
    return chance * places * (_YEAR / length)


class _Evaluation:
    """One monitor on one segment."""

    def __init__(
        self,
        store: Store,
        monitor: Monitor,
        place: int,
        segment: dict[str, str],
        now: datetime,
        known: Mapping[_Place, list[Result]],
    ) -> None:
        self.store, self.monitor, self.place, self.now = store, monitor, place, now
        self.segment, self.text, self.known = segment, segment_text(segment), known
        self.length = store.datasets()[monitor.dataset]
        self.buckets = store.buckets(monitor.dataset, segment)
        self.views: dict[tuple[str, str, datetime], tuple[ProfileView, str]] = {}
        self.digests: dict[tuple[str, str], dict[datetime, list[bytes]]] = {}

    def results(self) -> Iterator[Result]:
        if isinstance(self.monitor.rule, MissingRule):
            yield from self._missing()
            return
        anomalous: set[datetime] = set()
        for bucket in self.buckets:
            if bucket.end - bucket.start != self.length:
                continue
            if self.now - bucket.end < self.monitor.wait:
                continue
            for result in self._judged(bucket, anomalous):
                if result.state == ANOMALY:
                    anomalous.add(bucket.start)
                yield result

    def _missing(self) -> Iterator[Result]:
        there = {bucket.start for bucket in self.buckets if self._holds_data(bucket)}
        rolled = [(bucket.start, bucket.end) for bucket in self.buckets]
        start = self._first_on_the_grid()
        while self.now - start >= self.length + self.monitor.wait:
            found = start in there or any(a < start < b for a, b in rolled)
            yield _bare(self.monitor, self.text, start, OK if found else ANOMALY, "")
            start += self.length

    def _first_on_the_grid(self) -> datetime:
        """Start of the first bucket; a day that was rolled up may start in the midst of one."""
        first = self.buckets[0].start if self.buckets else self.now
        if self.now - first < self.length:
            return first
        start = bucket_start(first, self.length)
        return start if start == first else start + self.length

    def _holds_data(self, bucket: Bucket) -> bool:
        if bucket.images:
            return True
        view, damage = self._view(self.monitor.dataset, self.text, bucket.start)
        columns = view.get_columns().values()
        return bool(damage) or any(column.n and column.kind != "failure" for column in columns)

    def _judged(self, bucket: Bucket, anomalous: set[datetime]) -> list[Result]:
        rule = self.monitor.rule
        if isinstance(rule, LateRule):
            late = bucket.updated - bucket.end
            state = ANOMALY if late > rule.after else OK
            limit = rule.after.total_seconds()
            found = [Finding("", state, max(0.0, late.total_seconds()), None, limit, "seconds")]
            return self._results(bucket, found, 0)
        assert isinstance(rule, FeatureRule)
        try:
            judged = self._inputs(rule, bucket, anomalous)
            place = self.monitor.name, self.monitor.dataset, self.text, bucket.start
            known = [
                one._replace(judged=judged)
                for one in self.known.get(place, ())
                if one.judged is not None and one.judged.digest == judged.digest
            ]
            return known or self._judge(rule, bucket, judged)
        except (LightmeterError, OSError) as error:
            return self._results(bucket, [Finding("", ERROR, words=str(error))], 0)

    def _judge(self, rule: FeatureRule, bucket: Bucket, judged: Judged) -> list[Result]:
        target, damage = self._view(self.monitor.dataset, self.text, bucket.start)
        if damage:
            return self._results(bucket, [Finding("", ERROR, words=damage)], 0)
        loaded = [self._view(judged.dataset, judged.segment, start) for start in judged.starts]
        past = [view for view, damage in loaded if view.images or not damage]
        if judged.file:
            past = [self._reference[0]]
        least = self._least
        if rule.needs_baseline and len(past) < least:
            detail = f"{len(past)} buckets to compare with, of {least} needed"
            found = [Finding("", NOT_ENOUGH, words=detail)]
        else:
            found = rule.judge(target, past) or [Finding("", NOT_ENOUGH, words=_nothing(rule))]
        return self._results(bucket, found, len(past), judged)

    @property
    def _least(self) -> int:
        baseline = self.monitor.baseline
        return baseline.enough if isinstance(baseline, Trailing) else 1

    def _inputs(self, rule: FeatureRule, target: Bucket, anomalous: set[datetime]) -> Judged:
        """What the findings on a bucket follow from."""
        monitor, baseline = self.monitor, self.monitor.baseline
        dataset, segment, file = monitor.dataset, self.text, ""
        starts: list[datetime] = []
        made_of: list[object] = [self._digests(dataset, segment).get(target.start)]
        if not rule.needs_baseline:
            pass
        elif isinstance(baseline, Reference):
            file = str(baseline.reference)
            made_of.append(self._reference[1])
        else:
            buckets = self.buckets
            if isinstance(baseline, Other):
                dataset = baseline.dataset or dataset
                if baseline.segment is not None:
                    segment = segment_text(dict(baseline.segment))
                buckets = self.store.buckets(dataset, parse_segment(segment))
            if _goes_by_length(rule, baseline):
                buckets = [one for one in buckets if one.end - one.start == self.length]
            starts = baseline_buckets(baseline, target, self.length, buckets, anomalous)
            digests = self._digests(dataset, segment)
            made_of += [(start, digests[start]) for start in starts]
        made_of += [__version__, rule, self._least, dataset, segment, file]
        digest = hashlib.sha256(repr(made_of).encode()).digest()
        drift = isinstance(rule, DriftRule)
        return Judged(self.place, drift, dataset, segment, tuple(starts), file, digest)

    @cached_property
    def _reference(self) -> tuple[ProfileView, bytes]:
        """The profile of the file to compare with, and its digest."""
        assert isinstance(self.monitor.baseline, Reference)
        body = read_regular(self.monitor.baseline.reference)
        return ProfileView.from_bytes(body), hashlib.sha256(body).digest()

    def _digests(self, dataset: str, segment: str) -> dict[datetime, list[bytes]]:
        """Of the profiles of each bucket."""
        if (dataset, segment) not in self.digests:
            found: defaultdict[datetime, list[bytes]] = defaultdict(list)
            for row in self.store.stored(dataset, segment=parse_segment(segment)):
                found[row.start].append(row.digest)
            self.digests[dataset, segment] = dict(found)
        return self.digests[dataset, segment]

    def _view(self, dataset: str, segment: str, start: datetime) -> tuple[ProfileView, str]:
        """A bucket, and what is wrong with it."""
        key = (dataset, segment, start)
        if key not in self.views:
            end = start + timedelta(milliseconds=1)
            loaded = self.store.profiles(dataset, start, end, parse_segment(segment))
            views = [content for _, content in loaded if isinstance(content, ProfileView)]
            damage = [str(content) for _, content in loaded if not isinstance(content, ProfileView)]
            self.views[key] = ProfileView.merge_many(views), "; ".join(damage)
        return self.views[key]

    def _results(
        self, bucket: Bucket, found: list[Finding], baseline: int, judged: Judged | None = None
    ) -> list[Result]:
        return [
            Result(
                monitor=self.monitor.name,
                dataset=self.monitor.dataset,
                segment=self.segment,
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


def _unwatched(
    store: Store, monitor: Monitor, of_segments: Sequence[Bucket], now: datetime
) -> Iterator[Result]:
    """That the latest complete bucket holds segments only, for a monitor of the whole."""

    def latest(buckets: Iterable[Bucket]) -> Bucket | None:
        complete = (bucket for bucket in buckets if now - bucket.end >= monitor.wait)
        return max(complete, key=lambda bucket: bucket.start, default=None)

    whole, last = latest(store.buckets(monitor.dataset)), latest(of_segments)
    if last is None or (whole is not None and last.start < whole.end):
        return
    if whole is None or not isinstance(monitor.rule, MissingRule):  # which says that itself
        words = "only segments have values, and it watches none: segments = true"
        yield _bare(monitor, "", last.start, NOT_ENOUGH, words)


def _segmented(monitors: Sequence[Monitor]) -> set[str]:
    """The names of those that can have results of segments."""
    found: set[str] = set()
    for one in monitors:
        if isinstance(one.rule, CombinedRule):
            parts = [name in found for name in one.rule.of]
            watches = all(parts) if one.rule.type == "all" else any(parts)
        else:
            watches = one.segments
        if watches:
            found.add(one.name)
    return found


def _combined(
    monitor: Monitor, rule: CombinedRule, results: list[Result], segmented: set[str]
) -> Iterator[Result]:
    """Of several features of a monitor, one anomaly makes it anomalous."""
    states: dict[tuple[str, datetime], dict[str, set[str]]] = {}
    for result in results:
        if result.monitor in rule.of and (not result.segment or monitor.name in segmented):
            place = states.setdefault((segment_text(result.segment), result.start), {})
            place.setdefault(result.monitor, set()).add(result.state)
    for (segment, start), by_name in sorted(states.items()):
        names = [name for name in rule.of if not segment or name in segmented]
        alarmed = [name for name in names if ANOMALY in by_name.get(name, ())]
        unsure = [name for name in names if not by_name.get(name, {NOT_ENOUGH}) & {OK, ANOMALY}]
        if len(alarmed) == len(names) or (alarmed and rule.type == "any"):
            state = ANOMALY
        else:
            state = NOT_ENOUGH if unsure else OK
        yield _bare(monitor, segment, start, state, ", ".join(alarmed))


def _bare(monitor: Monitor, segment: str, start: datetime, state: str, words: str) -> Result:
    place = (monitor.name, monitor.dataset, parse_segment(segment), start)
    return Result(*place, "", state, None, None, None, 0, 0, words)
