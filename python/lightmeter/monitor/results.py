"""The results of monitors: reading them, finding incidents, and describing both."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import NamedTuple

from lightmeter.profile.segments import parse_segment
from lightmeter.store.store import Store
from lightmeter.store.tables import IncidentKind, Result, ResultState, Series
from lightmeter.text import counted, shorten

BAD = frozenset({"pending", "anomaly"})
JUDGED = BAD | {"ok"}
PERHAPS = "perhaps "  # before the cause of a change that may be a consequence of another

# The results of the segments of one bucket.
BySegment = dict[str, list[Result]]
Watcher = tuple[str, str]  # name and dataset of a monitor
Watchers = Mapping[Watcher, Callable[[str], bool]]  # and whether it judges a segment

_SHOWN = 3  # causes
_SMALL = 0.5  # of the largest excess
_LONGEST = 200  # characters of a cause
_NAMED = 3  # segments without enough data
_NEVER = datetime.max.replace(tzinfo=UTC)

__all__ = ["Result"]


def load_results(
    store: Store,
    monitors: Iterable[Watcher] | None = None,
    *,
    segment: str | None = None,
    bucket: datetime | None = None,
    turning: bool = False,
) -> list[Result]:
    """Return stored results in order of monitor, dataset, segment, bucket and feature.

    Parameters
    ----------
    store
        The store with the results.
    monitors
        The name and dataset of each monitor; None for all monitors.
    segment
        A segment as text; None for all segments.
    bucket
        The start of a bucket; None for all buckets.
    turning
        Return only the results from which incidents follow; ignores `bucket`.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    state = store.state
    load = state.turning_points if turning else partial(state.results, start=bucket)
    with store.snapshot():
        every = (source[:2] for source in state.sources()) if monitors is None else monitors
        return [result for pair in sorted(every) for result in load(*pair, segment)]


def load_newest(store: Store, monitors: Iterable[Watcher]) -> list[Result]:
    """Return the results of the newest bucket that each monitor judged in any segment.

    Monitors are given by name and dataset.
    """
    found = list[Result]()
    with store.snapshot():
        for monitor in monitors:
            latest = store.state.latest(*monitor)
            newest = max((each.bucket for each in latest), default=None)
            found += [each for each in latest if each.bucket == newest]
    return found


# Incidents


class Stretch(NamedTuple):
    """Consecutive buckets of a series with an anomaly, or with an error.

    Attributes
    ----------
    series
        The series.
    kind
        ``anomaly`` or ``error``.
    start
        The start of its first bucket.
    end
        The start of the bucket that ended it; None while it lasts.
    result
        The first result; or the first with a cause of its own, if earlier ones have none.
    """

    series: Series
    kind: IncidentKind
    start: datetime
    end: datetime | None
    result: Result


@dataclass(frozen=True)
class Incident:
    """Consecutive bad buckets of a dataset and segment, over all monitors and features.

    It is frozen, so threads may share it.

    Attributes
    ----------
    dataset
        The dataset.
    segment
        The segment, as text.
    kind
        ``anomaly`` or ``error``.
    start
        The start of its first bucket.
    end
        The start of the bucket that ended it; None while it lasts.
    stretches
        Its parts: first those with a cause, then the largest.
    """

    dataset: str
    segment: str
    kind: IncidentKind
    start: datetime
    end: datetime | None
    stretches: tuple[Stretch, ...] = ()

    @property
    def place(self) -> tuple[str, str, IncidentKind]:
        """Return dataset, segment and kind, which at most one open incident has."""
        return self.dataset, self.segment, self.kind

    @property
    def results(self) -> list[Result]:
        """Return the result that describes each stretch."""
        return [stretch.result for stretch in self.stretches]

    @property
    def words(self) -> str:
        """Return what was found in the first bucket with a cause, or in the first of all."""
        return causes_text(_first(self.results))

    @property
    def sentence(self) -> str:
        """Return where it is, since when, what was found first, and what if that is over.

        Missing buckets are always told, because they hide all else.
        """
        first = _first(self.results)
        lasting = [each.result for each in self.stretches if each.end is None]
        if lasting and first[0] in lasting:
            lasting = [each for each in lasting if each not in first and not each.feature]
        now = f"; now: {causes_text(_first(lasting))}" * bool(lasting)
        where = place_text(self.dataset, self.segment)
        return f"{where}: {self.kind} since {bucket_text(self.start)}: {self.words}{now}"


def ends(kind: IncidentKind, state: ResultState) -> bool:
    """Return whether a bucket of this state ends an incident.

    An anomaly lasts until a bucket is ``ok``, because a bucket with too little data or with an
    error is no evidence. It also ends if late data makes a bucket ``pending``. An error lasts until
    a bucket can be judged, with any other state.
    """
    return state in ("ok", "pending") if kind == "anomaly" else state != "error"


def series_of(result: Result) -> Series:
    """Return the series of a result."""
    return Series(result.dataset, result.segment, result.monitor, result.feature)


def find_incidents(results: Iterable[Result]) -> list[Incident]:
    """Return the incidents of results in order of dataset, segment and time."""
    groups = list[list[Stretch]]()
    place, end = None, _NEVER
    stretches = _stretches(results)
    for stretch in sorted(stretches, key=lambda each: (each.series[:2], each.kind, each.start)):
        if (stretch.series[:2], stretch.kind) != place or stretch.start > end:
            groups.append([])
            place, end = (stretch.series[:2], stretch.kind), stretch.start
        groups[-1].append(stretch)
        end = max(end, stretch.end or _NEVER)
    return sorted(map(_incident, groups), key=lambda each: (*each.place[:2], each.start, each.kind))


def load_lasting(store: Store, monitors: Iterable[Watcher]) -> list[Incident]:
    """Return the incidents of monitors that last; see `load_newest`."""
    found = find_incidents(load_results(store, monitors, turning=True))
    return [incident for incident in found if incident.end is None]


def _stretches(results: Iterable[Result]) -> Iterator[Stretch]:
    """Yield all stretches, which end as `ends` says.

    A judged bucket without a result for a series may also end its stretch: an error, if the bucket
    could be judged; an anomaly of a feature that no longer exists, or of a rate that is 0 again.
    """
    ordered = sorted(results, key=lambda each: (*series_of(each)[:3], each.bucket))
    for _, its in groupby(ordered, lambda each: series_of(each)[:3]):
        lasting = dict[tuple[Series, IncidentKind], Stretch]()
        for start, found in groupby(its, lambda each: each.bucket):
            states = {}
            for first in found:
                series, state = series_of(first), first.state
                states[series] = state
                if state in ("anomaly", "error"):
                    new = Stretch(series, state, start, None, first)
                    known = lasting.setdefault((series, state), new)
                    if first.cause and not (known.result.cause or is_consequence(first)):
                        lasting[series, state] = known._replace(result=first)
            silent = _silent(states.values())
            for series, kind in [*lasting]:
                state_now = states.get(series, silent)
                if state_now is not None and ends(kind, state_now):
                    yield lasting.pop((series, kind))._replace(end=start)
        yield from lasting.values()


def _silent(states: Collection[ResultState]) -> ResultState | None:
    """Return the state of a series without a result, by those of the others; None if unknown."""
    if "error" in states:
        return None
    return "not enough data" if JUDGED.isdisjoint(states) else "ok"


def _first(results: Sequence[Result]) -> list[Result]:
    """Return the results of the first bucket with a cause, or of the first of all."""
    causes = [each.bucket for each in results if each.cause and not is_consequence(each)]
    start = min(causes or [each.bucket for each in results], default=_NEVER)
    return [each for each in results if each.bucket <= start]


def _incident(group: Sequence[Stretch]) -> Incident:
    ordered = sorted(group, key=lambda each: (*lead_of(each.result), each.series))
    (dataset, segment, *_), kind, start, *_ = group[0]
    end = max(each.end or _NEVER for each in group)
    return Incident(dataset, segment, kind, start, None if end == _NEVER else end, tuple(ordered))


def is_consequence(result: Result) -> bool:
    """Return whether a change is perhaps a consequence of the cause of another."""
    return result.cause.startswith(PERHAPS) and bool(result.baseline)  # not one of a contract


def lead_of(result: Result) -> tuple[bool, bool, bool, float]:
    """Return the sort key of results: first those with a cause, of limits, and of largest value.

    Consequences come last.
    """
    return is_consequence(result), not result.cause, bool(result.baseline), -excess(result)


def excess(result: Result) -> float:
    """Return the value of a result as a multiple of its upper limit; 0 without these."""
    return abs(result.value / result.upper) if result.value is not None and result.upper else 0.0


# Words


def joined(*words: str) -> str:
    """Return the nonempty words, joined by semicolons."""
    return "; ".join(filter(None, words))


def condensed(results: Iterable[Result]) -> Iterator[tuple[Result, str]]:
    """Yield one result of each place, state, monitor and cause; and words about the others.

    If columns of images have the same cause, each has a result.

    Segments without enough data for a monitor are counted together.
    """
    groups = defaultdict[tuple[object, ...], dict[Series, Result]](dict)

    def order(result: Result) -> tuple[object, ...]:
        return result.dataset, result.state, result.segment, *lead_of(result)

    for each in sorted(results, key=order):
        is_empty = each.state == "not enough data" and not each.feature
        place = each.dataset, None if is_empty else each.segment
        kind = each.state, each.monitor, each.cause.removeprefix(PERHAPS), bool(each.feature)
        groups[place, *kind].setdefault(series_of(each), each)
    for first, *rest in (group.values() for group in groups.values()):
        # Of a contract, the cause is the name of an expectation.
        leads = [each for each in rest if each.cause and each.baseline and not is_consequence(each)]
        others = [each for each in rest if each not in leads]
        if first.feature:  # without what began later
            others = [each for each in others if each.bucket <= first.bucket]
        n = len(others)
        also = counted(n, "more feature")
        elsewhere = counted(n, f"{'more ' * bool(first.segment)}segment")
        if n <= _NAMED:
            elsewhere = ", ".join(f"[{shorten(each.segment, _LONGEST)}]" for each in others)
        why = ", perhaps for the same reason" * any(map(is_consequence, others))
        more = f", and {also}{why}" if first.feature else f"; not enough in {elsewhere} either"
        yield first, more * bool(n)
        yield from ((lead, "") for lead in leads)


def causes_text(results: Collection[Result]) -> str:
    """Return the descriptions of the 3 results that say most, and whether there are more.

    If images repeat, nothing else is described. If any result has a cause, only results with one
    are, and its consequences are no findings. Otherwise, results far smaller than the largest are
    not described.
    """
    leads = [result for result in results if not is_consequence(result)]
    hashes = [each for each in leads if each.cause and each.feature.endswith(".PixelHash")]
    known = [each for each in hashes if each.value is not None]  # none if the profiles lack it
    leads = [each for each in known if " distinct" in each.words] or leads
    has_cause = any(result.cause for result in leads)
    largest = max(map(excess, results), default=0.0)
    words = dict[str, bool]()
    for result in sorted(leads if has_cause else results, key=lead_of):
        is_small = not result.cause if has_cause else excess(result) < _SMALL * largest
        cause = result.words.partition(";")[0] or result.feature or result.monitor
        words.setdefault(cause, is_small)
    shown = [shorten(cause, _LONGEST) for cause, is_small in words.items() if not is_small][:_SHOWN]
    return "; ".join(shown) + ", and more" * (len(words) > len(shown))


def place_text(dataset: str, segment: str) -> str:
    """Return a readable name of a dataset or segment, such as ``cells [camera=left]``."""
    words = ", ".join(f"{key}={value}" for key, value in parse_segment(segment).items())
    return f"{dataset} [{words}]" if segment else dataset


def bucket_text(start: datetime) -> str:
    """Return the start of a bucket as readable text: a day, or a time in UTC."""
    text = str(start.replace(tzinfo=None)).removesuffix(":00")
    day = text.removesuffix(" 00:00")
    return f"{text} UTC" if day == text else day


def stretch_text(first: datetime, last: datetime) -> str:
    """Return a range of buckets as readable text."""
    return bucket_text(first) if first == last else f"{bucket_text(first)} to {bucket_text(last)}"
