"""What monitors say of the buckets of a store: it follows from what is stored."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from lightmeter.monitor.judging import Evaluation, latest_complete, said_of
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.results import (
    Kept,
    Place,
    Result,
    Said,
    check_source,
    kept_of,
    load_kept,
    rows_of,
    write_said,
)
from lightmeter.monitor.rules import ANOMALY, NOT_ENOUGH, OK, CombinedRule, MissingRule
from lightmeter.monitor.shelf import Shelf
from lightmeter.store.store import Store

__all__ = ["evaluate", "update_results"]


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
    known: defaultdict[Place, list[Result]] = defaultdict(list)
    for result in earlier:
        if result.judged is not None:
            known[result.place].append(result)
    kept = {place: kept_of(results) for place, results in known.items()}
    found: list[list[Result]] = [[] for _ in monitors]
    for said in _said(store, monitors, kept, _aware(now)):
        results = said.results
        if results is None:
            results = [
                result._replace(judged=result.judged and result.judged._replace(place=said.number))
                for result in known[said.place]
            ]
        found[said.number] += results
    return [result for results in found for result in results]


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
    source, taken = check_source(store, {(each.name, each.dataset) for each in monitors}, source)
    kept = load_kept(store, [source, *taken])
    gone, changed = set(kept), []
    for said in _said(store, monitors, kept, _aware(now)):
        gone.discard(said.place)
        if said.results is not None:
            changed.append(rows_of(said.results))
    places = {(each.name, each.dataset): at for at, each in enumerate(monitors)}
    write_said(store, places, changed, gone, source=source, taken=taken)


def _aware(now: datetime | None) -> datetime:
    return datetime.now(UTC) if now is None else now.astimezone(UTC)


def _said(
    store: Store, monitors: Sequence[Monitor], kept: Mapping[Place, Kept], now: datetime
) -> Iterator[Said]:
    """What each monitor says, in its order of segments and time.

    Monitors of one segment take turns bucket by bucket, so that what one has read is at hand for
    the next.
    """
    combined = [each.rule for each in monitors if isinstance(each.rule, CombinedRule)]
    names = {name for rule in combined for name in rule.of}
    states: list[dict[tuple[str, datetime], frozenset[str]]] = [{} for _ in monitors]
    with store._database.snapshot():
        for said in _of_places(Shelf(store), store, monitors, kept, now):
            if said.place.monitor in names:
                states[said.number][said.place[2:]] = said.states
            yield said
    segmented = _segmented(monitors)
    for index, monitor in enumerate(monitors):
        if isinstance(monitor.rule, CombinedRule):
            for said in _combined(index, monitors, states, segmented, kept):
                states[index][said.place[2:]] = said.states
                yield said


def _of_places(
    shelf: Shelf,
    store: Store,
    monitors: Sequence[Monitor],
    kept: Mapping[Place, Kept],
    now: datetime,
) -> Iterator[Said]:
    together: dict[tuple[str, str], list[Evaluation]] = {}
    for index, monitor in enumerate(monitors):
        if isinstance(monitor.rule, CombinedRule):
            continue
        if monitor.dataset not in shelf.datasets:
            words = "the store has no such dataset"
            yield said_of(index, monitor, "", now, NOT_ENOUGH, words, kept)
            continue
        for segment in shelf.segments(monitor.dataset) if monitor.segments else [""]:
            evaluation = Evaluation(shelf, monitor, index, segment, now, kept)
            together.setdefault((monitor.dataset, segment), []).append(evaluation)
    for group in together.values():
        yield from heapq.merge(
            *(evaluation.said() for evaluation in group), key=lambda said: said.place.start
        )

    @cache
    def last_of_segments(dataset: str, wait: timedelta) -> datetime | None:
        lasts = (
            latest_complete(store.buckets(dataset, segment), now, wait)
            for segment in filter(None, store.segments(dataset))
        )
        return max((last.start for last in lasts if last is not None), default=None)

    for index, monitor in enumerate(monitors):
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
            yield said_of(index, monitor, "", last, NOT_ENOUGH, words, kept)


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
    index: int,
    monitors: Sequence[Monitor],
    states: Sequence[Mapping[tuple[str, datetime], frozenset[str]]],
    segmented: set[str],
    kept: Mapping[Place, Kept],
) -> Iterator[Said]:
    """Of several features of a monitor, one anomaly makes it anomalous."""
    monitor = monitors[index]
    rule = monitor.rule
    assert isinstance(rule, CombinedRule)
    places: dict[tuple[str, datetime], dict[str, frozenset[str]]] = {}
    for other, said in zip(monitors[:index], states, strict=False):
        if other.name not in rule.of:
            continue
        for place, state in said.items():
            if not place[0] or monitor.name in segmented:
                places.setdefault(place, {})[other.name] = state
    for (segment, start), by_name in sorted(places.items()):
        names = [name for name in rule.of if not segment or name in segmented]
        alarmed = [name for name in names if ANOMALY in by_name.get(name, ())]
        unsure = [name for name in names if not by_name.get(name, {NOT_ENOUGH}) & {OK, ANOMALY}]
        if len(alarmed) == len(names) or (alarmed and rule.type == "any"):
            state_of_all = ANOMALY
        else:
            state_of_all = NOT_ENOUGH if unsure else OK
        words = ", ".join(alarmed)
        yield said_of(index, monitor, segment, start, state_of_all, words, kept)
