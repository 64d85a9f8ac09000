"""Judging what a store holds: what monitors say of buckets follows from what is stored alone.

A bucket is judged again if it changed, and so is every later one: it may be in their baselines, and
an anomaly is not. What a bucket is by then is its version, see `Store.versions`. All buckets are
judged again if the key of their monitor changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from lightmeter.monitor.config import Monitor
from lightmeter.monitor.judging import MonitorRun
from lightmeter.monitor.results import Result, check_source
from lightmeter.monitor.shelf import Shelf
from lightmeter.store.records import BucketRows, Source
from lightmeter.store.store import Store
from lightmeter.times import to_utc

_TOGETHER = 64  # buckets that are read in one snapshot, and written at once


def evaluate(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> list[Result]:
    """Return the state of every complete bucket, for each monitor in order.

    It follows from the profiles stored and from `now` alone, which says which buckets are complete
    and which are missing. A trailing baseline passes over the buckets in which the monitor itself
    finds an anomaly. Where the latest bucket of a dataset gives a monitor nothing to judge, one
    result says so. Days that `Store.gc` made of shorter buckets are not judged, nor are buckets
    compared with them where their length matters.

    Args:
        store: what is judged.
        monitors: who judges.
        now: the time; None takes the clock. Without a time zone it is local time.
    """
    found: dict[tuple[str, str], list[Result]] = {_pair(monitor): [] for monitor in monitors}
    for bucket in judge_all(store, monitors, now=now):
        found[bucket.place[:2]] += bucket.results
    return [
        result
        for results in found.values()
        for result in sorted(results, key=lambda each: (each.place, each.feature))
    ]


def judge_all(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> Iterator[BucketRows]:
    """Yield the same bucket by bucket, in order of time: not all have to fit into memory."""
    with store.snapshot():
        shelf, moment = Shelf(store), to_utc(now or datetime.now(UTC))
        runs = [MonitorRun(shelf, monitor, moment) for monitor in monitors]
        for batch in _batches(store, runs):
            yield from batch


def update_results(
    store: Store, monitors: Sequence[Monitor], *, source: str = "", now: datetime | None = None
) -> None:
    """Bring the results that the store keeps of a file of monitors up to date.

    They become those of `evaluate`. Results of monitors that the file no longer has disappear;
    those of other files stay, and those of buckets that `Store.gc` rolled up or deleted. A run that
    is cut off is finished by the next.

    Args:
        store: what is judged, and where the results are kept.
        monitors: all monitors of the file.
        source: path of the file; empty for monitors that were made in Python.
        now: as for `evaluate`.

    Raises:
        ConfigError: another file has a monitor of the same name and dataset.
    """
    source, taken = check_source(store, list(map(_pair, monitors)), source)
    with store.snapshot():
        shelf, moment = Shelf(store), to_utc(now or datetime.now(UTC))
        before = [each for each in store.state.sources() if each.path in (source, *taken)]
        keys = {(each.monitor, each.dataset): each.key for each in before}
        runs = [
            MonitorRun(shelf, monitor, moment, keys.get(_pair(monitor))) for monitor in monitors
        ]
    watched = [
        Source(*_pair(run.monitor), source, rank, run.key, run.monitor.table())
        for rank, run in enumerate(runs)
    ]
    stale = [run.place(*key) for run in runs for key in run.stale]
    if stale or sorted(before) != sorted(watched):
        store.state.begin(watched, stale, sources=[source, *taken])
    for batch in _batches(store, runs):
        store.state.add(batch)


def _pair(monitor: Monitor) -> tuple[str, str]:
    return monitor.name, monitor.dataset


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
