"""Monitors: a rule for the buckets of a dataset, and the states that follow from what is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lightmeter.errors import LightmeterError
from lightmeter.monitor.baselines import Baseline, Other, Reference, Trailing, baseline_buckets
from lightmeter.monitor.buckets import parse_segment, segment_text
from lightmeter.monitor.rows import from_ms, to_ms
from lightmeter.monitor.rules import ANOMALY, ERROR, NOT_ENOUGH, OK, Finding, Rule
from lightmeter.monitor.store import Bucket, Store
from lightmeter.profile import ProfileView

__all__ = [
    "Combined",
    "Late",
    "Missing",
    "Monitor",
    "Result",
    "evaluate",
    "false_alarms_a_year",
    "load_results",
    "save_results",
]

_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Missing:
    """A bucket between the first one and now without images."""


@dataclass(frozen=True)
class Late:
    """A bucket that was last written more than `after` its end."""

    after: timedelta


@dataclass(frozen=True)
class Combined:
    """An anomaly of all, or of any, of other monitors of the dataset in the same bucket."""

    of: tuple[str, ...]
    every: bool


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
    rule: Rule | Missing | Late | Combined
    baseline: Baseline = field(default_factory=Trailing)
    segments: bool = False
    wait: timedelta = timedelta()


class Result(NamedTuple):
    """What a monitor found in a bucket, per feature. `feature` is empty for the bucket itself."""

    monitor: str
    dataset: str
    segment: dict[str, str]
    start: datetime
    feature: str
    state: str
    value: float | None
    lower: float | None
    upper: float | None
    baseline: int
    images: int
    words: str


def evaluate(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> list[Result]:
    """The state of every complete bucket, for each monitor in order.

    It follows from what is stored at one moment and from `now` alone, which says which buckets are
    complete and which are missing; earlier results play no part. A trailing baseline passes over
    the buckets in which the monitor itself finds an anomaly.
    """
    now = now or datetime.now(UTC)
    results: list[Result] = []
    with store._database.snapshot():
        for monitor in monitors:
            if isinstance(monitor.rule, Combined):
                results += _combined(monitor, monitor.rule, results)
                continue
            if monitor.dataset not in store.datasets():
                results.append(_bare(monitor, "", now, NOT_ENOUGH, "the store has no such dataset"))
                continue
            for segment in store.segments(monitor.dataset) if monitor.segments else [{}]:
                results += _Evaluation(store, monitor, segment, now).results()
    return results


def save_results(store: Store, results: Sequence[Result]) -> None:
    """Keep `results` in the store in place of those of the last run."""
    rows = [
        (*result[:2], segment_text(result.segment), to_ms(result.start), *result[4:])
        for result in results
    ]
    with store._database.transaction() as sql:
        sql.execute("DELETE FROM result")
        marks = ", ".join("?" * len(Result._fields))
        sql.executemany(f"INSERT INTO result({', '.join(Result._fields)}) VALUES({marks})", rows)


def load_results(store: Store) -> list[Result]:
    """What the last run found, by monitor, dataset, segment, bucket and feature."""
    columns = ", ".join(Result._fields)
    rows = store._database.all(f"SELECT {columns} FROM result ORDER BY 1, 2, 3, 4, 5")
    return [
        Result._make((*row[:2], parse_segment(row[2]), from_ms(row[3]), *row[4:])) for row in rows
    ]


def false_alarms_a_year(monitor: Monitor, store: Store | None = None) -> float | None:
    """How many results a year are anomalies by chance where nothing changes, at most.

    Of 365 days, or as many buckets as the dataset in `store` has a year. None where it is not
    known: of a plain distance, of patterns of features, of combinations.
    """
    if isinstance(monitor.rule, Missing | Late):
        return 0.0
    chance = None if isinstance(monitor.rule, Combined) else monitor.rule.false_alarms()
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
        self, store: Store, monitor: Monitor, segment: dict[str, str], now: datetime
    ) -> None:
        self.store, self.monitor, self.segment, self.now = store, monitor, segment, now
        self.text = segment_text(segment)
        self.length = store.datasets()[monitor.dataset]
        self.buckets = store.buckets(monitor.dataset, segment)
        self.views: dict[tuple[str, str, datetime], tuple[ProfileView, str]] = {}

    def results(self) -> Iterator[Result]:
        if isinstance(self.monitor.rule, Missing):
            yield from self._missing()
            return
        anomalous: set[datetime] = set()
        for bucket in self.buckets:
            if bucket.end + self.monitor.wait > self.now:
                continue
            for result in self._judged(bucket, anomalous):
                if result.state == ANOMALY:
                    anomalous.add(bucket.start)
                yield result

    def _missing(self) -> Iterator[Result]:
        there = {bucket.start for bucket in self.buckets if bucket.images}
        rolled = [(bucket.start, bucket.end) for bucket in self.buckets]
        start = self.buckets[0].start if self.buckets else self.now
        while start + self.length + self.monitor.wait <= self.now:
            found = start in there or any(a < start < b for a, b in rolled)
            yield _bare(self.monitor, self.text, start, OK if found else ANOMALY, "")
            start += self.length

    def _judged(self, bucket: Bucket, anomalous: set[datetime]) -> list[Result]:
        rule = self.monitor.rule
        if isinstance(rule, Late):
            late = bucket.updated - bucket.end
            state = ANOMALY if late > rule.after else OK
            limit = rule.after.total_seconds()
            found = [Finding("", state, max(0.0, late.total_seconds()), None, limit, "seconds")]
            return self._results(bucket, found, 0)
        assert isinstance(rule, Rule)
        try:
            target, damage = self._view(self.monitor.dataset, self.segment, bucket.start)
            if damage:
                return self._results(bucket, [Finding("", ERROR, words=damage)], 0)
            past = self._baseline(bucket.start, anomalous) if rule.needs_baseline else []
            least = (
                self.monitor.baseline.least if isinstance(self.monitor.baseline, Trailing) else 1
            )
            if rule.needs_baseline and len(past) < least:
                detail = f"{len(past)} buckets to compare with, of {least} needed"
                return self._results(bucket, [Finding("", NOT_ENOUGH, words=detail)], len(past))
            return self._results(bucket, rule.judge(target, past), len(past))
        except (LightmeterError, OSError) as error:
            return self._results(bucket, [Finding("", ERROR, words=str(error))], 0)

    def _baseline(self, target: datetime, anomalous: set[datetime]) -> list[ProfileView]:
        """The profiles to compare with; damaged ones are left out."""
        baseline = self.monitor.baseline
        if isinstance(baseline, Reference):
            return [ProfileView.read(baseline.path)]
        dataset, segment, buckets = self.monitor.dataset, self.segment, self.buckets
        if isinstance(baseline, Other):
            dataset = baseline.dataset or dataset
            segment = segment if baseline.segment is None else dict(baseline.segment)
            buckets = self.store.buckets(dataset, segment)
        starts = baseline_buckets(baseline, target, self.length, buckets, anomalous)
        loaded = [self._view(dataset, segment, start) for start in starts]
        return [view for view, damage in loaded if view.images or not damage]

    def _view(
        self, dataset: str, segment: dict[str, str], start: datetime
    ) -> tuple[ProfileView, str]:
        """A bucket, and what is wrong with it."""
        key = (dataset, segment_text(segment), start)
        if key not in self.views:
            loaded = self.store.profiles(dataset, start, start + timedelta(milliseconds=1), segment)
            views = [content for _, content in loaded if isinstance(content, ProfileView)]
            damage = [str(content) for _, content in loaded if not isinstance(content, ProfileView)]
            self.views[key] = ProfileView.merge_many(views), "; ".join(damage)
        return self.views[key]

    def _results(self, bucket: Bucket, found: list[Finding], baseline: int) -> list[Result]:
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
            )
            for finding in found
        ]


def _combined(monitor: Monitor, rule: Combined, results: list[Result]) -> Iterator[Result]:
    """Of several features of a monitor, one anomaly makes it anomalous."""
    states: dict[tuple[str, datetime], dict[str, set[str]]] = {}
    for result in results:
        if result.monitor in rule.of:
            place = states.setdefault((segment_text(result.segment), result.start), {})
            place.setdefault(result.monitor, set()).add(result.state)
    for (segment, start), by_name in sorted(states.items()):
        alarmed = [name for name in rule.of if ANOMALY in by_name.get(name, ())]
        unsure = [name for name in rule.of if not by_name.get(name, {NOT_ENOUGH}) & {OK, ANOMALY}]
        if len(alarmed) == len(rule.of) or (alarmed and not rule.every):
            state = ANOMALY
        else:
            state = NOT_ENOUGH if unsure else OK
        yield _bare(monitor, segment, start, state, ", ".join(alarmed))


def _bare(monitor: Monitor, segment: str, start: datetime, state: str, words: str) -> Result:
    place = (monitor.name, monitor.dataset, parse_segment(segment), start)
    return Result(*place, "", state, None, None, None, 0, 0, words)
