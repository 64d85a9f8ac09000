"""One monitor on its dataset: which buckets it judges, by what, and what it says."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from zlib import crc32

from lightmeter.errors import LightmeterError, StoreError
from lightmeter.files import read_regular
from lightmeter.monitor.baseline import Selection, covers, within_days, words_of
from lightmeter.monitor.config import ComparingMonitor, Monitor
from lightmeter.monitor.results import ANOMALY, ERROR, NOT_ENOUGH, OK, PENDING, Result
from lightmeter.monitor.shelf import Shelf, Side
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.profile.segments import parse_segment
from lightmeter.store.records import Accepted, JudgedBucket, Place, ResultRow, ResultState
from lightmeter.store.rows import Bucket
from lightmeter.text import counted, near

JUDGED = frozenset({OK, PENDING, ANOMALY})
BAD = frozenset({PENDING, ANOMALY})

_Key = tuple[str, datetime]  # segment as text, and start of a bucket


class JudgedResults(NamedTuple):
    """What a monitor says of a bucket of a segment.

    Attributes:
        rank: of the monitor among those of its run.
        place: the bucket.
        version: of the bucket.
        results: one at least.
    """

    rank: int
    place: Place
    version: int
    results: list[Result]


class MonitorRun:
    """One monitor during a run. Buckets are judged in order of time.

    Attributes:
        monitor: who judges.
        rank: of the monitor among those of its run.
        key: a digest of all but buckets that its results follow from.
        due: the buckets to judge, by start and segment; they have no writers if they are missing.
        stale: kept buckets of which nothing is said any more, or that are judged again.
    """

    def __init__(
        self,
        shelf: Shelf,
        monitor: Monitor,
        rank: int,
        now: datetime,
        key_before: bytes | None = None,
    ) -> None:
        """Find out what is to be judged.

        Args:
            shelf: what the run reads of the store.
            monitor: who judges.
            rank: see above.
            now: the time.
            key_before: that of the results that are kept; None judges everything.
        """
        self.monitor, self.rank, self._shelf = monitor, rank, shelf
        self._length = shelf.datasets.get(monitor.dataset, timedelta(days=1))
        self._words: dict[_Key, str] = {}  # that results say besides
        self._notes: dict[_Key, str] = {}  # why there is nothing to judge
        self.due: dict[datetime, dict[str, Bucket]] = {}
        self._versions: dict[_Key, int] = {}  # of what is due
        for segment in self._segments:
            buckets = shelf.buckets(monitor.dataset, segment)
            for due in monitor.due(buckets, self._length, now):
                self._add(segment, *due)
        for start, words in self._unwatched(now):
            self._notes["", start] = words
            self._add("", Bucket(start, start, 0, 0, start))
        self.key = self._find_key()
        kept: Mapping[_Key, JudgedBucket] = {}
        if key_before is not None:
            kept = shelf.store.state.judged(monitor.name, monitor.dataset)
        self.stale: Iterable[_Key] = kept
        self._states: dict[_Key, frozenset[ResultState]] = {}
        if key_before == self.key:
            self._leave_out_what_is_kept(kept)
        self._order: defaultdict[str, list[datetime]] = defaultdict(list)
        begin = min(self.due, default=now)  # what was rolled up behind it is no part of the order
        for segment, start in sorted(self._states):
            if start < begin:
                self._order[segment].append(start)
        self._said: dict[_Key, tuple[set[str], set[str]]] = {}
        self._selections: dict[str, Selection] = {}

    def place(self, segment: str, start: datetime) -> Place:
        """Return the place of a bucket."""
        return Place(self.monitor.name, self.monitor.dataset, segment, start)

    # What is to be judged

    def _add(
        self,
        segment: str,
        bucket: Bucket,
        words: str = "",
        besides: str = "",
        others: Iterable[datetime] = (),
    ) -> None:
        key = segment, bucket.start
        self.due.setdefault(bucket.start, {})[segment] = bucket
        versions = self._shelf.versions(self.monitor.dataset)
        version = versions.get(key, 0)
        besides += "".join(str(versions.get((segment, each), 0)) for each in others)
        self._versions[key] = version ^ crc32((words + besides).encode())
        if words:
            self._words[key] = words

    @cached_property
    def _segments(self) -> list[str]:
        if self.monitor.dataset not in self._shelf.datasets:
            return []
        if not self.monitor.segments:
            return [""]
        return list(filter(self.monitor.watches, self._shelf.segments(self.monitor.dataset)))

    def _unwatched(self, now: datetime) -> Iterator[tuple[datetime, str]]:
        """Say where the latest bucket of a dataset gives the monitor nothing to judge."""
        dataset, wait = self.monitor.dataset, self.monitor.wait
        if dataset not in self._shelf.datasets:
            yield now, "the store has no such dataset"
            return
        newest = self._shelf.newest(now - wait, dataset)
        whole = newest.pop("", None)
        last = max(newest.values(), default=None)
        if self.monitor.segments or last is None:
            return
        if whole is None or (last >= whole + self._length and self.monitor.type != "missing"):
            yield last, "only segments have values, and it watches none: segments = true"

    def _find_key(self) -> bytes:
        shelf, monitor = self._shelf, self.monitor
        key = hashlib.sha256(self.monitor.model_dump_json().encode("utf-8", "surrogatepass"))
        key.update(f"{self.monitor.RULE_VERSION} {self._accepted}".encode("utf-8", "surrogatepass"))
        for path in self.monitor.files:
            try:
                key.update(hashlib.sha256(read_regular(path)).digest())
            except OSError as error:
                key.update(str(error).encode())
        if isinstance(monitor, ComparingMonitor) and monitor.baseline.most is None:
            dataset, baseline = monitor.baseline.dataset or monitor.dataset, monitor.baseline
            versions: Mapping[_Key, int] = {}  # a file is among the files
            if baseline.reference is None and dataset in shelf.datasets:
                versions = shelf.versions(dataset)
            starts = {start for _, start in versions}
            if baseline.from_ is not None:
                starts = set(within_days(baseline, starts))
            key.update(repr(sorted(at for at in versions.items() if at[0][1] in starts)).encode())
        return key.digest()

    def _leave_out_what_is_kept(self, kept: Mapping[_Key, JudgedBucket]) -> None:
        """Judge from the first bucket on that is not what it was when it was judged."""
        dataset, shelf = self.monitor.dataset, self._shelf
        listed = {
            (segment, bucket.start)
            for segment in self._segments
            for bucket in shelf.buckets(dataset, segment)
            if bucket.end - bucket.start == self._length
        }
        stored = shelf.versions(dataset) if dataset in shelf.datasets else {}
        # Results of what was rolled up or deleted by its age stay, and of what was missing there.
        gone = {
            key: _version_like(stored[key], bucket.version)
            for key, bucket in kept.items()
            if key in stored and key not in listed
        }
        if gone:  # of all there was, perhaps
            first = min(start for _, start in gone)
            last = max(self.due or (start for _, start in kept))
            gone |= {
                key: 0
                for key, bucket in kept.items()
                if not bucket.version and key not in self._versions and first <= key[1] <= last
            }
        versions = self._versions | gone
        before = {key: bucket.version for key, bucket in kept.items()}
        changed = {start for _, start in dict(versions.items() ^ before.items())}
        changed |= {
            key[1]
            for key, bucket in kept.items()
            if ERROR in bucket.states
            if key in self._versions and not shelf.contents(dataset, *key).damage
        }
        begin = min(changed, default=None)
        # What came late into a day that was rolled up cannot be judged.
        stays = gone.items() & before.items()
        self.stale = [
            key for key in kept if begin and key[1] >= begin and (key, before[key]) not in stays
        ]
        self.due = {start: due for start, due in self.due.items() if begin and start >= begin}
        stale = set(self.stale)
        self._states = {key: each.states for key, each in kept.items() if key not in stale}

    # What it is judged by

    @cached_property
    def _accepted(self) -> list[Accepted]:
        name, dataset = self.monitor.name, self.monitor.dataset
        return [
            each
            for each in self._shelf.accepted
            if any(covers(each, dataset, segment, name) for segment in self._segments)
        ]

    def _selection(self, segment: str, monitor: ComparingMonitor) -> Selection:
        """Return what buckets are compared with, of which it is known whether they are bad."""

        def is_anomalous(start: datetime) -> bool:
            return not BAD.isdisjoint(self._states.get((segment, start), ()))

        if segment not in self._selections:
            self._selections[segment] = Selection(self._shelf, monitor, segment, is_anomalous)
        return self._selections[segment]

    def _side(self, segment: str, bucket: Bucket) -> tuple[Side, list[Result]]:
        """Return a bucket with what it is compared with, and what is said if that is too little."""
        monitor, shelf, where = self.monitor, self._shelf, (self.monitor.dataset, segment)
        if not isinstance(monitor, ComparingMonitor):
            return Side(shelf, where, bucket, shelf.past(where, ())), []
        selection = self._selection(segment, monitor)
        since, accepted = selection.begin(bucket.start)
        side = Side(shelf, where, bucket, selection.past(bucket), selection.own(bucket), since)
        if monitor.takes_all and accepted is not None and bucket.start <= accepted.at:
            return side, [Result("", OK, words=words_of(accepted))]  # somebody looked at it
        found, least = len(side.past.summaries), monitor.least if monitor.baseline.most else 1
        if found >= least:
            return side, []
        if monitor.features and not any(map(monitor.takes, side.contents.columns)):
            return side, [Result("", NOT_ENOUGH, words=self._nothing(side))]
        state: ResultState = NOT_ENOUGH
        words = f"{counted(found, 'bucket')} to compare with, of {least} needed"
        if accepted is not None:
            words = f"{words}; {words_of(accepted)}"
            if bucket.start <= accepted.at:  # somebody looked at it
                state, words = OK, words_of(accepted)
        return side, [Result("", state, words=words)]

    # What it says

    def judge(self, start: datetime) -> Iterator[JudgedResults]:
        """Yield what is said of the buckets that begin at a time, by segment."""
        sides: dict[str, Side] = {}
        said: dict[str, list[Result]] = {}
        counts: dict[str, int] = {}
        for segment, bucket in self.due.get(start, {}).items():
            if (segment, start) in self._notes:
                said[segment] = [Result("", NOT_ENOUGH, words=self._notes[segment, start])]
                continue
            try:
                side, few = self._side(segment, bucket)
            except StoreError:
                raise  # the next run may reach it
            except (LightmeterError, OSError) as error:
                said[segment] = [Result("", ERROR, words=str(error))]
                continue
            counts[segment] = len(side.past.summaries)
            if few:
                said[segment] = few
            else:
                sides[segment] = side
        said |= self.monitor.judge(sides)
        for segment, bucket in self.due.get(start, {}).items():
            results = said[segment] or [Result("", NOT_ENOUGH, words=self._nothing(sides[segment]))]
            results = [
                result._replace(
                    words=_joined(result.words, *self._remarks(segment, result, start)),
                    monitor=self.monitor.name,
                    dataset=self.monitor.dataset,
                    segment=parse_segment(segment),
                    bucket=start,
                    baseline=counts.get(segment, 0),
                    images=bucket.images,
                )
                for result in self._lasting(segment, start, results)
            ]
            self._states[segment, start] = frozenset(result.state for result in results)
            self._order[segment].append(start)
            version = self._versions[segment, start]
            yield JudgedResults(self.rank, self.place(segment, start), version, results)

    def _remarks(self, segment: str, result: Result, start: datetime) -> Iterator[str]:
        if (segment, start) in self._words:
            yield self._words[segment, start]
        selection = self._selections.get(segment)
        if result.state not in BAD or selection is None:
            return
        frozen = selection.frozen_since(start)
        if frozen is not None:
            command = "if the change is permanent, run `lightmeter monitor accept`"
            yield f"baseline frozen since {bucket_text(frozen)}; {command}"

    def _nothing(self, side: Side) -> str:
        """Say why a rule has no results."""
        patterns = self.monitor.features if isinstance(self.monitor, ComparingMonitor) else ()
        if not patterns:
            return "no feature has what it judges"
        shown = ", ".join(map(repr, patterns))
        alike = near(shown, side.contents.columns, "")
        return _joined(f"no feature that it can judge matches {shown}", alike)

    def _lasting(self, segment: str, start: datetime, results: list[Result]) -> list[Result]:
        """Make anomalies pending that have not lasted for as many buckets as `for` asks.

        A bucket that is missing, or in which a feature cannot be judged, neither counts nor ends
        anything. A bucket that was judged without a word on a feature ends what was said of it.
        """
        needed = self.monitor.for_
        if needed == 1:
            return results
        counts = Counter(result.feature for result in results if result.state == ANOMALY)
        lasting = set(counts)
        for earlier in reversed(self._order[segment]):
            if not lasting:
                break
            states = self._states[segment, earlier]
            if ERROR in states or not states & JUDGED:
                continue
            bad, unsure = self._bad_and_unsure(segment, earlier)
            counts.update(lasting & bad)
            lasting = {each for each in lasting & (bad | unsure) if counts[each] < needed}
        self._said[segment, start] = _bad_and_unsure(results)
        return [
            result
            if result.state != ANOMALY or counts[result.feature] >= needed
            else result._replace(
                state=PENDING,
                words=_joined(result.words, f"{counts[result.feature]} of {needed} in a row"),
            )
            for result in results
        ]

    def _bad_and_unsure(self, segment: str, start: datetime) -> tuple[set[str], set[str]]:
        """Return the features of a bucket that were anomalous, and those that were not judged."""
        if (segment, start) not in self._said:
            name, dataset = self.monitor.name, self.monitor.dataset
            rows = self._shelf.store.state.results(name, dataset, segment, start)
            self._said[segment, start] = _bad_and_unsure(rows)
        return self._said[segment, start]


def _version_like(version: int, before: int) -> int:
    """Return the version before, if they differ in the 32 bits alone that are not of profiles."""
    return version if (version ^ before) >> 32 else before


def _bad_and_unsure(results: Iterable[Result | ResultRow]) -> tuple[set[str], set[str]]:
    bad = {result.feature for result in results if result.state in BAD}
    return bad, {result.feature for result in results if result.state == NOT_ENOUGH}


def _joined(*words: str) -> str:
    return "; ".join(filter(None, words))
