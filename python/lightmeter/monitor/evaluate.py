"""Judging what a store holds: what monitors say of buckets follows from what is stored alone.

A bucket is judged again if it changed, and so is every later one: it may be in their baselines, and
an anomaly is not. What a bucket is by then is its version, see `Store.versions`. All buckets are
judged again if the key of their monitor changed.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby, islice
from typing import Any
from zlib import crc32

from lightmeter.errors import ConfigError, LightmeterError, StoreError
from lightmeter.files import read_regular
from lightmeter.monitor.config import (
    EVER,
    ComparingMonitor,
    Due,
    Monitor,
    Selection,
    covers,
    is_utf8,
)
from lightmeter.monitor.results import (
    ANOMALY,
    BAD,
    ERROR,
    JUDGED,
    NOT_ENOUGH,
    PENDING,
    Result,
    joined,
)
from lightmeter.monitor.shelf import Shelf, Side
from lightmeter.store.store import Store
from lightmeter.store.tables import Bucket, BucketRows, JudgedBucket, Place, Source
from lightmeter.times import DAY, to_utc

_TOGETHER = 64  # buckets that are read in one snapshot, and written at once

_Key = tuple[str, datetime]  # segment as text, and start of a bucket


class MonitorRun:
    """One monitor during a run. Buckets are judged in order of time.

    Attributes
    ----------
    monitor
        Who judges.
    key
        A digest of all but buckets that its results follow from.
    due
        The buckets to judge, by start and segment.
    stale
        Kept buckets of which nothing is said any more, or that are judged again.
    """

    def __init__(
        self, shelf: Shelf, monitor: Monitor, now: datetime, key_before: bytes | None = None
    ) -> None:
        """Find out what is to be judged.

        Parameters
        ----------
        shelf
            What the run reads of the store.
        monitor
            Who judges.
        now
            The time.
        key_before
            That of the results that are kept; None judges everything.
        """
        self.monitor, self._shelf, self._where = monitor, shelf, (monitor.name, monitor.dataset)
        self._length = shelf.datasets.get(monitor.dataset, DAY)
        self._segments = [""] if monitor.dataset in shelf.datasets else []
        if monitor.segments and self._segments:
            self._segments = list(filter(monitor.watches, shelf.segments(monitor.dataset)))
        every = dict(self._every(now))
        self._versions = {key: self._version(key, due) for key, due in every.items()}
        self.key = self._find_key()
        kept = shelf.store.state.judged(*self._where) if key_before else {}
        begin, self.stale = EVER, set(kept)
        if kept and key_before == self.key:
            begin, self.stale = self._changed(kept)
        self.due: defaultdict[datetime, dict[str, Due]] = defaultdict(dict)
        for (segment, start), due in every.items():
            if start >= begin:
                self.due[start][segment] = due
        self._kept, self._bad = kept.keys() - self.stale, defaultdict[str, set[datetime]](set)
        for segment, start in self._kept:
            if not BAD.isdisjoint(kept[segment, start].states):
                self._bad[segment].add(start)
            if summary := kept[segment, start].summary:
                shelf.kept[(*self._where, segment, start.date())] = summary
        self._selections = {}
        if isinstance(monitor, ComparingMonitor):
            self._selections = {
                segment: Selection(shelf, monitor, segment, self._bad[segment])
                for segment in self._segments
            }

    # What is to be judged

    def _every(self, now: datetime) -> Iterator[tuple[_Key, Due]]:
        """Yield all that can be judged, and where there is nothing of the latest bucket."""
        monitor, shelf, nothing = self.monitor, self._shelf, ""
        for segment in self._segments:
            for due in monitor.due(shelf.buckets(monitor.dataset, segment), self._length, now):
                yield (segment, due.bucket.start), due
        if monitor.dataset not in shelf.datasets:
            last, nothing = now, "the store has no such dataset"
        elif not monitor.segments:
            newest = shelf.store.newest(now - monitor.wait)
            newest = [each for each in newest if each.dataset == monitor.dataset]
            whole = max((each.start for each in newest if not each.segment), default=EVER)
            last = max((each.start for each in newest if each.segment), default=EVER)
            if last >= whole + self._length and (whole == EVER or monitor.type != "missing"):
                nothing = "only segments have values, and it watches none: segments = true"
        if nothing:
            yield ("", last), Due(Bucket(last, last, 0, 0, last), nothing=nothing)

    def _version(self, key: _Key, due: Due) -> int:
        versions = self._shelf.versions(self.monitor.dataset)
        of_others = (str(versions.get((key[0], start), 0)) for start in due.others)
        more = due.words + due.nothing + due.follows + "".join(of_others)
        if self.monitor.segments and self.monitor.BY_SEGMENTS:
            more += f" of {len(self._segments)}"
        return versions.get(key, 0) ^ crc32(more.encode())

    def _find_key(self) -> bytes:
        shelf, monitor, parts = self._shelf, self.monitor, list[object]()
        for path in monitor.files:
            try:
                parts.append(hashlib.sha256(read_regular(path)).hexdigest())
            except OSError as error:
                parts.append(str(error))
        if isinstance(monitor, ComparingMonitor):
            parts += [
                each
                for each in shelf.accepted
                if any(covers(each, monitor.dataset, at, monitor.name) for at in self._segments)
            ]
            baseline, dataset = monitor.baseline, monitor.baseline.dataset or monitor.dataset
            if baseline.most is None and baseline.reference is None and dataset in shelf.datasets:
                versions = shelf.versions(dataset).items()
                parts.append(sorted(each for each in versions if baseline.holds(each[0][1])))
        text = f"{monitor.model_dump_json()} {monitor.RULE_VERSION} {parts}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

    def _changed(self, kept: Mapping[_Key, JudgedBucket]) -> tuple[datetime, set[_Key]]:
        """Return when the first bucket begins that is not what it was, and which ones are stale."""
        dataset, shelf, versions = self.monitor.dataset, self._shelf, self._versions
        before = {key: bucket.version for key, bucket in kept.items()}
        stored = shelf.versions(dataset) if dataset in shelf.datasets else {}
        listed = {
            (segment, bucket.start)
            for segment in self._segments
            for bucket in shelf.buckets(dataset, segment)
            if bucket.end - bucket.start == self._length
        }
        # Results of what was rolled up or deleted by its age stay, and of what was missing there.
        # The last 32 bits of a version are not of profiles alone.
        hidden, segments = stored.keys() - listed, {segment for segment, _ in before}
        gone = {
            key: stored[key] if (stored[key] ^ version) >> 32 else version
            for key, version in before.items()
            if key in hidden
        }
        # Also of days that nobody has judged, as they had been rolled up before they were deleted.
        if starts := [start for segment, start in hidden if segment in segments]:
            first = min(starts)  # of all there was, perhaps
            last = max(start for _, start in versions or kept)
            missing = {key for key, version in before.items() if not version} - versions.keys()
            gone |= {key: 0 for key in missing if first <= key[1] <= last}
        changed = dict((versions | gone).items() ^ before.items()).keys() | {
            key
            for key in versions.keys() & kept.keys()
            if ERROR in kept[key].states and not shelf.contents(dataset, *key).damage
        }
        begin = min((start for _, start in changed), default=datetime.max.replace(tzinfo=UTC))
        # What came late into a day that was rolled up cannot be judged.
        stays = {key for key, version in gone.items() if version == before[key]}
        return begin, {key for key in kept if key[1] >= begin} - stays

    # What is said of it

    def judge(self, start: datetime) -> Iterator[BucketRows]:
        """Yield what is said of the buckets that begin at a time, by segment."""
        due_now = self.due.get(start, {})
        begun = {segment: self._begun(segment, due) for segment, due in due_now.items()}
        asked = {segment: side for segment, (side, few) in begun.items() if side and not few}
        said = self.monitor.judge(asked)
        for segment, (side, few) in begun.items():
            results, place = [few] if few else said[segment], Place(*self._where, segment, start)
            if side and not results:
                words = self.monitor.nothing(side.contents.columns)
                results = [Result("", NOT_ENOUGH, words=words)]
            common: dict[str, Any] = {
                **dict(zip(("monitor", "dataset", "segment", "bucket"), place, strict=True)),
                "baseline": len(side.past.starts) if side else 0,
                "images": due_now[segment].bucket.images,
            }
            rows = []
            for result in self._lasting(segment, results):
                words = joined(result.words, due_now[segment].words)
                if result.state in BAD and segment in self._selections:
                    words = joined(words, self._selections[segment].frozen(start))
                rows.append(result._replace(words=words, **common))
            if any(result.state in BAD for result in rows):
                self._bad[segment].add(start)
            summary = self._shelf.kept.get((*place[:3], start.date()), b"")
            yield BucketRows(place, self._versions[segment, start], rows, summary)

    def _begun(self, segment: str, due: Due) -> tuple[Side | None, Result | None]:
        """Return a bucket with what it is compared with, and what is said without asking a rule."""
        if due.nothing:
            return None, Result("", NOT_ENOUGH, words=due.nothing)
        where = self.monitor.dataset, segment
        if segment not in self._selections:
            return Side(self._shelf, where, due.bucket, self._shelf.past(where, ())), None
        try:
            side = self._selections[segment].side(due.bucket)
            return side, self._selections[segment].too_little(side)
        except StoreError:
            raise  # the next run may reach it
        except (LightmeterError, OSError) as error:
            return None, Result("", ERROR, words=str(error))

    @cached_property
    def _in_a_row(self) -> dict[str, dict[str, int]]:
        """In how many buckets in a row each feature of a segment was anomalous, up to now."""
        counts = {segment: dict[str, int]() for segment in ("", *self._segments)}
        found = self._shelf.store.state.turning_points(*self._where) if self._kept else []
        for (segment, start), results in groupby(found, lambda each: (each.segment, each.bucket)):
            if start < min(self.due) and (segment, start) in self._kept:
                counts[segment] = _counted(counts.get(segment, {}), results)
        return counts

    def _lasting(self, segment: str, results: list[Result]) -> list[Result]:
        """Make anomalies pending that have not lasted for as many buckets as `for` asks."""
        needed = self.monitor.for_
        if needed == 1:
            return results
        counts = self._in_a_row[segment] = _counted(self._in_a_row[segment], results)
        for at, result in enumerate(results):
            if result.state == ANOMALY and (so_far := counts[result.feature]) < needed:
                words = joined(result.words, f"{so_far} of {needed} in a row")
                results[at] = result._replace(state=PENDING, words=words)
        return results


def _counted(counts: Mapping[str, int], results: Iterable[Result]) -> dict[str, int]:
    """Return how often in a row features were anomalous, with one bucket more.

    A bucket that is missing, or in which a feature cannot be judged, neither counts nor ends
    anything. A bucket that was judged without a word on a feature ends what was said of it.
    """
    states = {result.feature: result.state for result in results}
    if ERROR in states.values() or JUDGED.isdisjoint(states.values()):
        return dict(counts)
    lasting = {name: counts.get(name, 0) + (state in BAD) for name, state in states.items()}
    return {name: n for name, n in lasting.items() if n and states[name] in (*BAD, NOT_ENOUGH)}


def judge_all(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> Iterator[BucketRows]:
    """Yield the results of every complete bucket: dataset by dataset, each in order of time.

    They follow from the profiles stored and from `now` alone, which says which buckets are complete
    and which are missing. A trailing baseline passes over the buckets in which the monitor itself
    finds an anomaly. Where the latest bucket of a dataset gives a monitor nothing to judge, one
    result says so. Days that `Store.gc` made of shorter buckets are not judged, nor are buckets
    compared with them where their length matters.

    Parameters
    ----------
    store
        What is judged.
    monitors
        Who judges.
    now
        The time; None takes the clock. Without a time zone it is local time.
    """
    with store.snapshot():
        shelf, moment = Shelf(store), to_utc(now or datetime.now(UTC))
        runs = [MonitorRun(shelf, monitor, moment) for monitor in monitors]
        for batch in _batches(store, runs):
            yield from batch


def update_results(
    store: Store, monitors: Sequence[Monitor], *, source: str = "", now: datetime | None = None
) -> None:
    """Bring the results that the store keeps of a file of monitors up to date.

    They become those of `judge_all`. Results of monitors that the file no longer has disappear;
    those of other files stay, and those of buckets that `Store.gc` rolled up or deleted. A run that
    is cut off is finished by the next.

    Parameters
    ----------
    store
        What is judged, and where the results are kept.
    monitors
        All monitors of the file.
    source
        Path of the file; empty for monitors that were made in Python.
    now
        As for `judge_all`.

    Raises
    ------
    ConfigError
        Another file has a monitor of the same name and dataset.
    """
    pairs = [(monitor.name, monitor.dataset) for monitor in monitors]
    with store.snapshot():
        source, *taken = _paths(store, pairs, source)
        shelf, moment = Shelf(store), to_utc(now or datetime.now(UTC))
        before = [each for each in store.state.sources() if each.path in (source, *taken)]
        keys = {each[:2]: each.key for each in before}
        runs = [
            MonitorRun(shelf, monitor, moment, keys.get(pair))
            for monitor, pair in zip(monitors, pairs, strict=True)
        ]
    watched = [
        Source(*pair, source, rank, run.key, run.monitor.table())
        for rank, (pair, run) in enumerate(zip(pairs, runs, strict=True))
    ]
    stale = [Place(*pair, *key) for pair, run in zip(pairs, runs, strict=True) for key in run.stale]
    if stale or sorted(before) != sorted(watched):
        store.state.begin(watched, stale, sources=[source, *taken])
    for batch in _batches(store, runs):
        store.state.add(batch)


def _paths(store: Store, monitors: Sequence[tuple[str, str]], source: str) -> list[str]:
    """Return the path of a file without links, and those of which it takes over everything.

    The source of a monitor is the file that it is from, so that several files can watch one store.
    A file that was moved takes over what is kept of it, once it has a monitor with the name and the
    dataset of one whose file is no longer there; likewise what was kept without a file.

    Raises
    ------
    ConfigError
        Another file has such a monitor, or the path cannot be kept as text.
    """
    source = os.path.realpath(source) if source else ""
    if not is_utf8(source):
        raise ConfigError(f"got {source!r}; expected folders whose names are UTF-8")
    taken = dict[str, None]()
    for kept in store.state.sources():
        if kept.path != source and kept[:2] in monitors:
            if os.path.exists(kept.path):
                raise ConfigError(
                    f"{kept.path!r} also has a monitor {kept.monitor!r} of the dataset "
                    f"{kept.dataset!r}; rename one of them, or delete one of the files"
                )
            taken[kept.path] = None
    return [source, *taken]


def _batches(store: Store, runs: Iterable[MonitorRun]) -> Iterator[list[BucketRows]]:
    """Judge dataset by dataset, each in order of time, so that monitors share what was read."""
    by_dataset: defaultdict[str, list[MonitorRun]] = defaultdict(list)
    for run in runs:
        by_dataset[run.monitor.dataset].append(run)
    for sharing in by_dataset.values():
        starts = iter(sorted(set[datetime]().union(*(run.due for run in sharing))))
        widest = max(len(due) for run in sharing for due in (*run.due.values(), ()))
        while chunk := list(islice(starts, max(1, _TOGETHER // max(1, widest)))):
            with store.snapshot():
                batch = [each for start in chunk for run in sharing for each in run.judge(start)]
            yield batch
