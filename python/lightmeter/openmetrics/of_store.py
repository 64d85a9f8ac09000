"""The gauges of a store: its newest complete buckets, and what monitors say of them.

A gauge has the time at which it is read, not that of its bucket. So there is only the newest
bucket of each, and a gauge that says when that was. No profile is read for it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import get_args

from lightmeter._core import __version__
from lightmeter.monitor.results import ANOMALY, ERROR, NOT_ENOUGH, OK, PENDING, Result, load_newest
from lightmeter.openmetrics.families import Gauge, exposition
from lightmeter.profile.segments import segment_text
from lightmeter.store.records import ResultState
from lightmeter.store.rows import Bucket, Newest
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, to_utc

# Every sample is a series that Prometheus keeps for weeks.
_MOST_SEGMENTS = 100
_MOST_LINES = 500
_LONGEST = 512  # characters of a label

_OF_BUCKET = {
    "start_timestamp_seconds": "Start of the newest complete bucket.",
    "end_timestamp_seconds": "End of the newest complete bucket.",
    "written_timestamp_seconds": "When the newest complete bucket was last written.",
    "length_seconds": "Length of buckets.",
    "images": "Images in the newest complete bucket.",
    "writers": "Writers of the newest complete bucket.",
}
_LABELS = ("dataset", "segment", "monitor", "feature")
_RANK = {state: rank for rank, state in enumerate((ANOMALY, PENDING, ERROR, OK, NOT_ENOUGH))}


def metrics_text(
    store: Store,
    *,
    datasets: Sequence[str] | None = None,
    now: datetime | None = None,
) -> str:
    """What `store` holds and what monitors found, as OpenMetrics text.

    Of many segments only the 100 with the newest buckets are there. Of many lines of results 500
    are: anomalies first, then what is next to its limit. ``lightmeter_left_out`` says how many are
    not.

    Args:
        store: the store.
        datasets: patterns of names, such as ``cells*``; None for all.
        now: the time, which says which buckets are complete; None takes the clock. Without a time
            zone it is local time.

    Raises:
        StoreError: the store cannot be read.
    """
    build = Gauge("lightmeter_build_info", "1 for the version that wrote this.")
    build.set(1, version=__version__)
    return exposition([build, *store_gauges(store, datasets=datasets, now=now)])


def store_gauges(
    store: Store, *, datasets: Sequence[str] | None = None, now: datetime | None = None
) -> list[Gauge]:
    """The gauges of `metrics_text`: always the same ones, some without samples."""
    now = to_utc(now or datetime.now(UTC))

    def is_wanted(name: str) -> bool:
        wanted = datasets is None or any(fnmatchcase(name, pattern) for pattern in datasets)
        return wanted and len(name) <= _LONGEST

    with store.snapshot():
        sources = [each for each in store.state.sources() if is_wanted(each.dataset)]
        segments = [each for each in store.newest(now) if is_wanted(each.dataset)]
        results = load_newest(store, [(each.monitor, each.dataset) for each in sources])
        shown, hidden = _shown_segments(segments)
        buckets = [(each, _bucket(store, each)) for each in shown]
    lines, unsaid = _shown_lines(results)
    left_out = Gauge("lightmeter_left_out", "What is not in this text, because it is too much.")
    left_out.set(hidden, what="segments")
    left_out.set(unsaid, what="lines")
    return [
        _segments(segments),
        *_newest_buckets(buckets, now),
        *_counted(results),
        *_judged(lines),
        left_out,
    ]


def _shown_segments(segments: Sequence[Newest]) -> tuple[list[Newest], int]:
    """Whole datasets first; and how many segments are left out."""
    short = [each for each in segments if len(segment_text(each.segment)) <= _LONGEST]
    short.sort(key=lambda each: (bool(each.segment), -each.start.timestamp()))
    shown = short[:_MOST_SEGMENTS]
    places = [(each.dataset, segment_text(each.segment), each) for each in shown]
    return [each for *_, each in sorted(places, key=itemgetter(0, 1))], len(segments) - len(shown)


def _bucket(store: Store, newest: Newest) -> Bucket | None:
    """None once somebody has deleted it."""
    after = newest.start + MILLISECOND
    buckets = store.buckets(newest.dataset, newest.start, after, segment=newest.segment)
    return buckets[0] if buckets else None


def _segments(segments: Iterable[Newest]) -> Gauge:
    gauge = Gauge("lightmeter_segments", "Segments of a dataset that have a complete bucket.")
    counts = Counter({each.dataset: 0 for each in segments})
    counts.update(each.dataset for each in segments if each.segment)
    for dataset, count in counts.items():
        gauge.set(count, dataset=dataset)
    return gauge


def _newest_buckets(buckets: Iterable[tuple[Newest, Bucket | None]], now: datetime) -> list[Gauge]:
    gauges = [Gauge(f"lightmeter_bucket_{name}", text) for name, text in _OF_BUCKET.items()]
    for newest, bucket in buckets:
        if bucket is None or bucket.end > now:  # a day that hours were merged into
            continue
        times = (each.timestamp() for each in (bucket.start, bucket.end, bucket.updated))
        values = *times, newest.every.total_seconds(), bucket.images, bucket.writers
        labels = {"dataset": newest.dataset, "segment": segment_text(newest.segment)}
        for gauge, value in zip(gauges, values, strict=True):
            gauge.set(value, **labels)
    return gauges


def _counted(results: Iterable[Result]) -> list[Gauge]:
    """Of every monitor, also where lines are left out."""
    counts = Gauge(
        "lightmeter_results", "Results of the newest bucket that a monitor judged, by state."
    )
    judged = Gauge(
        "lightmeter_judged_timestamp_seconds", "Start of the newest bucket that a monitor judged."
    )
    states: dict[tuple[str, str], Counter[ResultState]] = {}
    for result in results:
        if len(result.monitor) > _LONGEST:
            continue
        states.setdefault((result.dataset, result.monitor), Counter())[result.state] += 1
        labels = {"dataset": result.dataset, "monitor": result.monitor}
        judged.set(result.bucket.timestamp(), **labels)
    for (dataset, monitor), counted in states.items():
        for state in get_args(ResultState):
            counts.set(counted[state], dataset=dataset, monitor=monitor, state=state)
    return [counts, judged]


def _shown_lines(results: Sequence[Result]) -> tuple[list[Result], int]:
    """The most urgent; and how many are left out."""
    short = [each for each in results if max(map(len, _line(each))) <= _LONGEST]
    short.sort(key=lambda each: (_RANK[each.state], -_share_of_limit(each), _line(each)))
    shown = short[:_MOST_LINES]
    return sorted(shown, key=_line), len(results) - len(shown)


def _share_of_limit(result: Result) -> float:
    if result.value is None or not result.upper:
        return 0.0
    return abs(result.value / result.upper)


def _line(result: Result) -> tuple[str, str, str, str]:
    return result.dataset, result.segment, result.monitor, result.feature


def _judged(results: Iterable[Result]) -> list[Gauge]:
    value = Gauge("lightmeter_value", "What a monitor judged of a feature in the newest bucket.")
    upper = Gauge("lightmeter_upper_limit", "The most that would be ok.")
    lower = Gauge("lightmeter_lower_limit", "The least that would be ok.")
    anomaly = Gauge("lightmeter_anomaly", "1 where a feature is an anomaly, 0 where it is ok.")
    for result in results:
        labels = dict(zip(_LABELS, _line(result), strict=True))
        value.set(result.value, **labels)
        upper.set(result.upper, **labels)
        lower.set(result.lower, **labels)
        if result.state in (OK, PENDING, ANOMALY):
            anomaly.set(int(result.state == ANOMALY), **labels)
    return [value, upper, lower, anomaly]
