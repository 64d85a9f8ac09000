"""What monitors say of the buckets of a store: it follows from what is stored."""

import heapq
import pickle
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from lightmeter.monitor.judging import Judge, latest_complete, plain
from lightmeter.monitor.lasting import Streaks
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.results import (
    ANOMALY,
    NOT_ENOUGH,
    OK,
    PENDING,
    BucketResults,
    Result,
    check_source,
    kept_of,
    rows_of,
)
from lightmeter.monitor.rules import CombinedRule, DriftRule, MissingRule
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.together import judged_together
from lightmeter.store.records import BucketRows, Kept, Place, ResultState
from lightmeter.store.store import Store
from lightmeter.times import to_utc

_JUDGED = {OK, PENDING, ANOMALY}
_PACK = 64  # buckets


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
        now: the time; None takes the clock. Without a time zone it is local time.
        earlier: results of an earlier call on this store, which only save time: a bucket is judged
            again unless the monitor, the bucket and what it is compared with are the same as then.
            (A profile that was damaged afterwards is not noticed: see `Store.verify`.)
    """
    by_place: defaultdict[Place, list[Result]] = defaultdict(list)
    for result in earlier:
        if result.basis is not None:
            by_place[result.place].append(result)
    kept = {place: kept_of(results) for place, results in by_place.items()}
    by_rank: list[list[Result]] = [[] for _ in monitors]
    for rank, place, _, results in _judged(store, monitors, kept, to_utc(now or datetime.now(UTC))):
        if results is None:
            results = [
                result._replace(basis=result.basis and result.basis._replace(rank=rank))
                for result in by_place[place]
            ]
        by_rank[rank] += results
    return [result for results in by_rank for result in results]


def judge_all(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> Iterator[BucketResults]:
    """The same bucket by bucket, so that not all results have to fit into memory.

    The buckets of a monitor come in order of time for each segment. Each has results.
    """
    return _judged(store, monitors, {}, to_utc(now or datetime.now(UTC)))


def update_results(
    store: Store, monitors: Sequence[Monitor], *, source: str = "", now: datetime | None = None
) -> None:
    """Bring the results that the store keeps of a file of monitors up to date.

    They become those of `evaluate`. What did not change is neither read nor written. Results of
    monitors that the file no longer has disappear; those of other files stay.

    Args:
        store: what is judged, and where the results are kept.
        monitors: all monitors of the file.
        source: path of the file; empty for monitors that were made in Python. See `save_results`.
        now: as for `evaluate`.

    Raises:
        ConfigError: another file has a monitor of the same name and dataset.
    """
    ranks = {(monitor.name, monitor.dataset): rank for rank, monitor in enumerate(monitors)}
    source, taken = check_source(store, ranks.keys(), source)
    kept = store.state.kept([source, *taken])
    gone, changed = set(kept), _Packed()
    for bucket in _judged(store, monitors, kept, to_utc(now or datetime.now(UTC))):
        gone.discard(bucket.place)
        if bucket.results is not None:
            changed.add(rows_of(bucket.results))
    store.state.save(ranks, changed, gone, source=source, taken=taken)


class _Packed:
    """What is kept of buckets, until it is written: a tenth of its size, as they may be many."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._last: list[BucketRows] = []

    def add(self, rows: BucketRows) -> None:
        self._last.append(rows)
        if len(self._last) == _PACK:
            self._packed.append(zlib.compress(pickle.dumps(self._last), 1))
            self._last = []

    def __iter__(self) -> Iterator[BucketRows]:
        for packed in self._packed:
            yield from pickle.loads(zlib.decompress(packed))
        yield from self._last


def _judged(
    store: Store, monitors: Sequence[Monitor], kept: Mapping[Place, Kept], now: datetime
) -> Iterator[BucketResults]:
    """What each monitor says, in its order of segments and time.

    Monitors of one segment take turns bucket by bucket, so that what one has read is at hand for
    the next.
    """
    combined = [monitor.rule for monitor in monitors if isinstance(monitor.rule, CombinedRule)]
    names = {name for rule in combined for name in rule.of}
    states: list[dict[tuple[str, datetime], frozenset[str]]] = [{} for _ in monitors]
    with store.snapshot():
        for bucket in _of_profiles(Shelf(store), store, monitors, kept, now):
            if bucket.place.monitor in names:
                states[bucket.rank][bucket.place[2:]] = bucket.kept.states
            yield bucket
    segmented = _segmented(monitors)
    for rank, monitor in enumerate(monitors):
        if isinstance(monitor.rule, CombinedRule):
            for bucket in _combined(rank, monitors, states, segmented, kept):
                states[rank][bucket.place[2:]] = bucket.kept.states
                yield bucket


def _of_profiles(
    shelf: Shelf,
    store: Store,
    monitors: Sequence[Monitor],
    kept: Mapping[Place, Kept],
    now: datetime,
) -> Iterator[BucketResults]:
    judges: dict[tuple[str, str], list[Judge]] = {}
    together: list[tuple[DriftRule, list[Judge], bool]] = []
    for rank, monitor in enumerate(monitors):
        if isinstance(monitor.rule, CombinedRule):
            continue
        if monitor.dataset not in shelf.datasets:
            words = "the store has no such dataset"
            yield plain(rank, monitor, "", now, NOT_ENOUGH, words, kept)
            continue
        segments = shelf.segments(monitor.dataset) if monitor.segments else [""]
        if monitor.has_peers:
            segments = [segment for segment in segments if segment]
        watching = [Judge(shelf, monitor, rank, segment, now, kept) for segment in segments]
        if isinstance(monitor.rule, DriftRule) and monitor.judges_segments_together:
            together.append((monitor.rule, watching, monitor.has_peers))
            continue
        for judge in watching:
            judges.setdefault((monitor.dataset, judge.segment), []).append(judge)
    for rule, watching, are_peers in together:
        yield from judged_together(rule, watching, are_peers=are_peers)
    for sharing in judges.values():
        yield from heapq.merge(
            *(judge.buckets() for judge in sharing), key=lambda bucket: bucket.place.start
        )
    yield from _only_in_segments(shelf, store, monitors, kept, now)


def _only_in_segments(
    shelf: Shelf,
    store: Store,
    monitors: Sequence[Monitor],
    kept: Mapping[Place, Kept],
    now: datetime,
) -> Iterator[BucketResults]:
    """Yield a result for each monitor of a dataset whose newest values are in segments only."""

    @cache
    def last_of_segments(dataset: str, wait: timedelta) -> datetime | None:
        lasts = (
            latest_complete(store.buckets(dataset, segment=segment), now, wait)
            for segment in filter(None, store.segments(dataset))
        )
        return max((last.start for last in lasts if last is not None), default=None)

    for rank, monitor in enumerate(monitors):
        if (
            isinstance(monitor.rule, CombinedRule)
            or monitor.segments
            or monitor.dataset not in shelf.datasets
        ):
            continue
        whole = latest_complete(shelf.buckets(monitor.dataset, ""), now, monitor.wait)
        last = last_of_segments(monitor.dataset, monitor.wait)
        if last is None or (whole is not None and last < whole.end):
            continue
        if whole is None or not isinstance(monitor.rule, MissingRule):  # which says that itself
            words = "only segments have values, and it watches none: segments = true"
            yield plain(rank, monitor, "", last, NOT_ENOUGH, words, kept)


def _segmented(monitors: Sequence[Monitor]) -> set[str]:
    """The names of those that can have results of segments."""
    segmented: set[str] = set()
    for monitor in monitors:
        if isinstance(monitor.rule, CombinedRule):
            parts = [name in segmented for name in monitor.rule.of]
            watches = all(parts) if monitor.rule.type == "all" else any(parts)
        else:
            watches = monitor.segments
        if watches:
            segmented.add(monitor.name)
    return segmented


def _combined(
    rank: int,
    monitors: Sequence[Monitor],
    states: Sequence[Mapping[tuple[str, datetime], frozenset[str]]],
    segmented: set[str],
    kept: Mapping[Place, Kept],
) -> Iterator[BucketResults]:
    """Of several features of a monitor, one anomaly makes it anomalous."""
    monitor = monitors[rank]
    rule = monitor.rule
    assert isinstance(rule, CombinedRule)
    state: ResultState
    streaks: defaultdict[str, Streaks] = defaultdict(lambda: Streaks(monitor.for_))
    places: dict[tuple[str, datetime], dict[str, frozenset[str]]] = {}
    for other, states_of_other in zip(monitors[:rank], states, strict=False):
        if other.name not in rule.of:
            continue
        for place, states_there in states_of_other.items():
            if not place[0] or monitor.name in segmented:
                places.setdefault(place, {})[other.name] = states_there
    for (segment, start), by_name in sorted(places.items()):
        names = [name for name in rule.of if not segment or name in segmented]
        alarmed = [name for name in names if ANOMALY in by_name.get(name, ())]
        unsure = [name for name in names if not by_name.get(name, {NOT_ENOUGH}) & _JUDGED]
        if len(alarmed) == len(names) or (alarmed and rule.type == "any"):
            state = ANOMALY
        else:
            state = NOT_ENOUGH if unsure else OK
        words = ", ".join(alarmed)
        yield plain(rank, monitor, segment, start, state, words, kept, streaks[segment])
