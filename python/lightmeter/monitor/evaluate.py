"""Judging the buckets of a store. Results depend only on the stored profiles.

A changed bucket is judged again, and so is every later one, because it may be in their baselines.
The version of a bucket (see `Store.versions`) shows whether it changed. All buckets are judged
again if the key of their monitor changed.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, groupby, islice
from zlib import crc32

from lightmeter.errors import ConfigError, LightmeterError, StoreError
from lightmeter.files import read_regular
from lightmeter.monitor.config import (
    EVER,
    ComparingMonitor,
    Due,
    Monitor,
    Selection,
    accepted_changes,
    checked_path,
    words_of,
)
from lightmeter.monitor.results import BAD, JUDGED, Result, Watcher, joined
from lightmeter.monitor.shelf import Shelf, Side
from lightmeter.store.store import Store
from lightmeter.store.tables import Bucket, BucketRows, JudgedBucket, Place, Source
from lightmeter.times import DAY, to_utc

_TOGETHER = 64  # buckets per snapshot and per transaction

_Key = tuple[str, datetime]  # segment as text, and start of a bucket


class MonitorRun:
    """One monitor during a run, which judges buckets in order of time.

    Attributes
    ----------
    monitor
        The monitor.
    key
        A digest of everything except buckets that its results depend on.
    due
        The buckets to judge, by start and segment.
    stale
        Buckets with stored results that are no longer judged, or that are judged again.
    """

    def __init__(
        self, shelf: Shelf, monitor: Monitor, now: datetime, key_before: bytes | None = None
    ) -> None:
        """Find the buckets to judge.

        Parameters
        ----------
        shelf
            The cache of the store.
        monitor
            The monitor.
        now
            The time.
        key_before
            The key of the stored results; None judges all buckets.
        """
        self.monitor, self._shelf, self._where = monitor, shelf, monitor.watcher
        self._length = shelf.datasets.get(monitor.dataset, DAY)
        self._segments = [""] if monitor.dataset in shelf.datasets else []
        if monitor.segments and self._segments:
            self._segments = list(filter(monitor.watches, shelf.segments(monitor.dataset)))
        self._accepted = {
            segment: accepted_changes(shelf, monitor.dataset, segment, monitor.name)
            for segment in self._segments
        }
        every = dict(self._every(now))
        self._versions = {key: self._version(key, due) for key, due in every.items()}
        self.key = self._find_key()
        kept = shelf.store.state.judged(*self._where) if key_before else {}
        begin, self.stale = EVER, set(kept)
        if kept and key_before == self.key:
            begin, self.stale = self._changed(kept)
        self.due = defaultdict[datetime, dict[str, Due]](dict)
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

    # Buckets to judge

    def _every(self, now: datetime) -> Iterator[tuple[_Key, Due]]:
        """Yield all buckets that can be judged, and a note if there is nothing to judge."""
        monitor, shelf, nothing = self.monitor, self._shelf, ""
        for segment in self._segments:
            for due in monitor.due(shelf.buckets(monitor.dataset, segment), self._length, now):
                yield (segment, due.bucket.start), due
        if monitor.dataset not in shelf.datasets:
            last, nothing = now, "the store has no such dataset"
        elif monitor.segments:
            last = now
            if not self._segments:
                nothing = "the dataset has no segments to judge: omit segments = true"
        else:
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
        others = (str(versions.get((key[0], each.start), 0)) for each in due.others)
        more = "".join([due.words, due.nothing, due.follows, *others])
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
        parts += sorted(set(chain(*self._accepted.values())))
        if isinstance(monitor, ComparingMonitor):
            baseline, dataset = monitor.baseline, monitor.baseline.dataset or monitor.dataset
            if baseline.most is None and baseline.reference is None and dataset in shelf.datasets:
                versions = shelf.versions(dataset).items()
                parts.append(sorted(each for each in versions if baseline.holds(each[0][1])))
        text = f"{monitor.model_dump_json()} {monitor.RULE_VERSION} {parts}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

    def _changed(self, kept: Mapping[_Key, JudgedBucket]) -> tuple[datetime, set[_Key]]:
        """Return the start of the first changed bucket, and the stale buckets."""
        dataset, shelf, versions = self.monitor.dataset, self._shelf, self._versions
        before = {key: bucket.version for key, bucket in kept.items()}
        stored = shelf.versions(dataset)
        listed = {
            (segment, bucket.start)
            for segment in self._segments
            for bucket in shelf.regular(dataset, segment)
        }
        # Results of buckets that were rolled up, deleted by age, or missing among these stay. Only
        # the upper 32 bits of a version depend on profiles alone.
        hidden, segments = stored.keys() - listed, {segment for segment, _ in before}
        gone = {
            key: stored[key] if (stored[key] ^ version) >> 32 else version
            for key, version in before.items()
            if key in hidden
        }
        # Including days that were rolled up before anybody judged them, and then deleted.
        if starts := [start for segment, start in hidden if segment in segments]:
            first = min(starts)  # possibly of all buckets
            last = max(start for _, start in versions or kept)
            missing = {key for key, version in before.items() if not version} - versions.keys()
            gone |= {key: 0 for key in missing if first <= key[1] <= last}
        changed = dict((versions | gone).items() ^ before.items()).keys() | {
            key
            for key in versions.keys() & kept.keys()
            if "error" in kept[key].states and not shelf.contents(dataset, *key).damage
        }
        begin = min((start for _, start in changed), default=datetime.max.replace(tzinfo=UTC))
        # A profile that arrives late in a rolled-up day cannot be judged.
        stays = {key for key, version in gone.items() if version == before[key]}
        return begin, {key for key in kept if key[1] >= begin} - stays

    # Results

    def judge(self, start: datetime) -> Iterator[BucketRows]:
        """Yield the records of the buckets that begin at a time, by segment."""
        due_now = self.due.get(start, {})
        begun = {segment: self._begun(segment, due) for segment, due in due_now.items()}
        asked = {segment: side for segment, (side, few) in begun.items() if side and not few}
        judged = self.monitor.judge(asked)
        for segment, (side, few) in begun.items():
            results, place = [few] if few else judged[segment], Place(*self._where, segment, start)
            if side and not results:
                words = self.monitor.nothing(side.contents.columns)
                results = [Result("", "not enough data", words=words)]
            due, before = due_now[segment], side.past.starts if side else ()
            baseline = len({*before} - {each.start for each in due.others})
            images = sum(each.images for each in (due.bucket, *due.others))
            selection, rows = self._selections.get(segment), []
            frozen = selection.frozen(start) if selection else ""
            for result in self._lasting(segment, results):
                words = joined(result.words, due.words, frozen * (result.state in BAD))
                rows.append(Result(*result[:5], words, *place, baseline, images, *result[-2:]))
            if any(result.state in BAD for result in rows):
                self._bad[segment].add(start)
            summary = self._shelf.kept.get((*place[:3], start.date()), b"")
            yield BucketRows(place, self._versions[segment, start], rows, summary)

    def _begun(self, segment: str, due: Due) -> tuple[Side | None, Result | None]:
        """Return a bucket with its baseline, and a result if the rule need not judge it."""
        if due.nothing:
            return None, Result("", "not enough data", words=due.nothing)
        for accepted in self._accepted[segment]:
            if accepted.since <= due.bucket.start and due.bucket.end <= accepted.at:
                return None, Result("", "ok", words=words_of(accepted))
        where = self.monitor.dataset, segment
        if segment not in self._selections:
            return Side(self._shelf, where, due.bucket, self._shelf.past(where, ())), None
        try:
            side = self._selections[segment].side(due.bucket)
            return side, self._selections[segment].too_little(side)
        except StoreError:
            raise  # the next run may reach the store
        except (LightmeterError, OSError) as error:
            return None, Result("", "error", words=str(error))

    @cached_property
    def _in_a_row(self) -> dict[str, dict[str, int]]:
        """Return the number of consecutive anomalous buckets so far, by segment and feature."""
        counts = defaultdict[str, dict[str, int]](dict)
        found = self._shelf.store.state.turning_points(*self._where) if self._kept else []
        for (segment, start), results in groupby(found, lambda each: (each.segment, each.bucket)):
            if start < min(self.due) and (segment, start) in self._kept:
                counts[segment] = _counted(counts[segment], results)
        return counts

    def _lasting(self, segment: str, results: list[Result]) -> list[Result]:
        """Make anomalies pending that have not lasted for the number of buckets in `for`."""
        needed = self.monitor.for_
        if needed == 1:
            return results
        counts = self._in_a_row[segment] = _counted(self._in_a_row[segment], results)
        for at, result in enumerate(results):
            if result.state == "anomaly" and (so_far := counts[result.feature]) < needed:
                words = joined(result.words, f"{so_far} of {needed} in a row")
                results[at] = result._replace(state="pending", words=words)
        return results


def _counted(counts: Mapping[str, int], results: Iterable[Result]) -> dict[str, int]:
    """Return the numbers of consecutive anomalous buckets by feature after one more bucket.

    A bucket that is missing, or in which a feature cannot be judged, does not change the number of
    the feature. A judged bucket without a result for a feature ends its count.
    """
    states = {result.feature: result.state for result in results}
    if "error" in states.values() or JUDGED.isdisjoint(states.values()):
        return dict(counts)
    lasting = {name: counts.get(name, 0) + (state in BAD) for name, state in states.items()}
    return {
        name: n for name, n in lasting.items() if n and states[name] in (*BAD, "not enough data")
    }


def judge_all(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> Iterator[BucketRows]:
    """Yield the results of every complete bucket, by dataset and in order of time.

    They depend only on the stored profiles, the accepted changes, and `now`, which decides which
    buckets are complete or missing. A trailing baseline skips the buckets in which the monitor
    itself finds an anomaly. If the latest bucket of a dataset has nothing that a monitor can judge,
    one result says so. Days that `Store.gc` made of shorter buckets are not judged, and are not in
    baselines if the length of buckets matters.

    Parameters
    ----------
    store
        The store, which is only read.
    monitors
        The monitors.
    now
        The time, local without a time zone; None takes the clock.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    with store.snapshot():
        shelf, moment = Shelf(store), to_utc(now or datetime.now(UTC))
        runs = [MonitorRun(shelf, monitor, moment) for monitor in monitors]
        for batch in _batches(store, runs):
            yield from batch


def update_results(
    store: Store, monitors: Sequence[Monitor], *, source: str = "", now: datetime | None = None
) -> None:
    """Update the stored results of a file of monitors to those of `judge_all`.

    Results of monitors that are no longer in the file are deleted. Results of other files stay, and
    so do those of buckets that `Store.gc` rolled up or deleted. The next run completes an
    interrupted one.

    Parameters
    ----------
    store
        The store with the profiles, in which the results are stored.
    monitors
        All monitors of the file.
    source
        The path of the file; empty for monitors that were made in Python.
    now
        As for `judge_all`.

    Raises
    ------
    ConfigError
        Another file has a monitor of the same name and dataset.
    StoreError
        The store cannot be read or written.
    """
    with store.snapshot():
        source, paths = _paths(store, {monitor.watcher for monitor in monitors}, source)
        shelf, moment = Shelf(store), to_utc(now or datetime.now(UTC))
        before = [each for each in store.state.sources() if each.path in paths]
        keys = {each[:2]: each.key for each in before}
        runs = [MonitorRun(shelf, each, moment, keys.get(each.watcher)) for each in monitors]
    watched = [
        Source(*run.monitor.watcher, source, rank, run.key, run.monitor.table())
        for rank, run in enumerate(runs)
    ]
    stale = [Place(*run.monitor.watcher, *key) for run in runs for key in run.stale]
    if stale or sorted(before) != sorted(watched):
        store.state.begin(watched, stale, sources=paths)
    for batch in _batches(store, runs):
        store.state.add(batch)


def _paths(store: Store, monitors: set[Watcher], source: str) -> tuple[str, set[str]]:
    """Return the real path of a file, and all paths whose results it replaces.

    Results belong to the file of their monitor, so that several files can watch one store. A file
    takes over the results of a file that no longer exists, or of monitors without a file, if it has
    one of their monitors, by name and dataset.

    Raises
    ------
    ConfigError
        Another file has such a monitor, or the path is not UTF-8.
    """
    source = checked_path(os.path.realpath(source)) if source else ""
    paths = {source}
    for kept in store.state.sources():
        if kept.path != source and kept[:2] in monitors:
            if os.path.exists(kept.path):
                raise ConfigError(
                    f"another file, {kept.path!r}, also has a monitor {kept.monitor!r} of the "
                    f"dataset {kept.dataset!r}; rename one of them, or delete one of the files"
                )
            paths.add(kept.path)
    return source, paths


def _batches(store: Store, runs: Iterable[MonitorRun]) -> Iterator[list[BucketRows]]:
    """Judge by dataset and in order of time, so that monitors share the profiles read."""
    by_dataset = defaultdict(list)
    for run in runs:
        by_dataset[run.monitor.dataset].append(run)
    for sharing in by_dataset.values():
        starts = iter(sorted(set[datetime]().union(*(run.due for run in sharing))))
        widest = max(len(due) for run in sharing for due in (*run.due.values(), ()))
        while chunk := list(islice(starts, max(1, _TOGETHER // max(1, widest)))):
            with store.snapshot():
                batch = [each for start in chunk for run in sharing for each in run.judge(start)]
            yield batch
