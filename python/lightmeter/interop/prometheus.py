"""Gauges of a store for Prometheus: its newest complete buckets and their results.

A gauge has the time at which it is read, not that of its bucket. Therefore only the newest bucket
of each segment is exported, and one gauge is its start. No profile is read. This needs
``prometheus-client``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import get_args

try:
    from prometheus_client import CollectorRegistry, Metric
    from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
    from prometheus_client.openmetrics.exposition import generate_latest
    from prometheus_client.registry import Collector
except ImportError as error:
    words = "Prometheus needs prometheus-client: pip install 'lightmeter[prometheus]'"
    raise ImportError(words) from error

from lightmeter.monitor.config import matches
from lightmeter.monitor.results import excess, load_newest, series_of
from lightmeter.profile.segments import segment_text
from lightmeter.store.store import Store
from lightmeter.store.tables import ResultState
from lightmeter.times import MILLISECOND, to_utc

__all__ = ["CONTENT_TYPE", "StoreCollector", "metrics_text"]

# Every sample is a series that Prometheus keeps for weeks.
_MOST_SEGMENTS = 100
_MOST_SERIES = 500

_GAUGES = {
    "segments": "Segments of a dataset that have a complete bucket.",
    "bucket_start_timestamp_seconds": "Start of the newest complete bucket.",
    "bucket_end_timestamp_seconds": "End of the newest complete bucket.",
    "bucket_written_timestamp_seconds": "When the newest complete bucket was last written.",
    "bucket_length_seconds": "Length of buckets.",
    "bucket_images": "Images in the newest complete bucket.",
    "bucket_writers": "Writers of the newest complete bucket.",
    "results": "Results of the newest bucket that a monitor judged, by state.",
    "judged_timestamp_seconds": "Start of the newest bucket that a monitor judged.",
    "value": "The value of a feature that a monitor judged in the newest bucket.",
    "upper_limit": "The largest value that would be ok.",
    "lower_limit": "The smallest value that would be ok.",
    "anomaly": "1 if a feature is an anomaly, 0 if it is ok.",
    "left_out": "The number of segments or series that are left out because there are too many.",
}
_URGENCY = ("anomaly", "pending", "error", "ok", "not enough data")


class StoreCollector(Collector):
    """A collector of the gauges of a store, for a registry of prometheus-client.

    At most 100 segments are exported, those with the newest buckets, and at most 500 series of
    results: anomalies first, then those nearest to their limits. ``lightmeter_left_out`` is the
    number of the others. Threads may share it, and a fork is safe, as for the store.
    """

    def __init__(
        self, store: Store, *, datasets: Sequence[str] | None = None, now: datetime | None = None
    ) -> None:
        """Prepare to read a store, without reading it.

        Parameters
        ----------
        store
            The store, which must stay open.
        datasets
            Patterns of names, such as ``cells*``; None for all datasets.
        now
            The time that decides which buckets are complete, local without a time zone; None takes
            the clock.
        """
        self._store, self._now = store, now
        self._datasets = ["*"] if datasets is None else datasets

    def collect(self) -> Iterable[Metric]:
        """Return the gauges, which are always the same; some may have no samples.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        store, now = self._store, to_utc(self._now or datetime.now(UTC))
        gauges = {
            name: Metric(
                f"lightmeter_{name}", words, "gauge", "seconds" * name.endswith("_seconds")
            )
            for name, words in _GAUGES.items()
        }

        def say(labels: Mapping[str, str], **values: float | None) -> None:
            for name, value in values.items():
                if value is not None:
                    gauges[name].add_sample(gauges[name].name, dict(labels), value)

        with store.snapshot():
            ours = [each[:2] for each in store.state.sources() if matches(each[1], self._datasets)]
            results = load_newest(store, ours)
            segments = [each for each in store.newest(now) if matches(each.dataset, self._datasets)]
            segments.sort(key=lambda each: (bool(each.segment), -each.start.timestamp()))
            for each in segments[:_MOST_SEGMENTS]:
                span = each.start, each.start + MILLISECOND
                for bucket in store.buckets(each.dataset, *span, segment=each.segment):
                    if bucket.end <= now:  # not a rolled-up day that has not ended
                        say(
                            {"dataset": each.dataset, "segment": segment_text(each.segment)},
                            bucket_start_timestamp_seconds=bucket.start.timestamp(),
                            bucket_end_timestamp_seconds=bucket.end.timestamp(),
                            bucket_written_timestamp_seconds=bucket.updated.timestamp(),
                            bucket_length_seconds=each.every.total_seconds(),
                            bucket_images=bucket.images,
                            bucket_writers=bucket.writers,
                        )
        parts = Counter[str]()
        for each in segments:
            parts[each.dataset] += bool(each.segment)
        for dataset, many in parts.items():
            say({"dataset": dataset}, segments=many)
        states = Counter((each.dataset, each.monitor, each.state) for each in results)
        newest = {(each.dataset, each.monitor): each.bucket for each in results}
        for (dataset, monitor), start in newest.items():
            labels = {"dataset": dataset, "monitor": monitor}
            say(labels, judged_timestamp_seconds=start.timestamp())
            for state in get_args(ResultState):
                say(labels | {"state": state}, results=states[dataset, monitor, state])
        results.sort(key=lambda each: (_URGENCY.index(each.state), -excess(each), series_of(each)))
        for result in results[:_MOST_SERIES]:
            is_judged = result.state in ("ok", "pending", "anomaly")
            say(
                series_of(result)._asdict(),
                value=result.value,
                upper_limit=result.upper,
                lower_limit=result.lower,
                anomaly=result.state == "anomaly" if is_judged else None,
            )
        say({"what": "segments"}, left_out=max(0, len(segments) - _MOST_SEGMENTS))
        say({"what": "series"}, left_out=max(0, len(results) - _MOST_SERIES))
        return list(gauges.values())


def metrics_text(
    store: Store, *, datasets: Sequence[str] | None = None, now: datetime | None = None
) -> str:
    """Return the gauges of a `StoreCollector` with these parameters as OpenMetrics text.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    registry = CollectorRegistry()
    registry.register(StoreCollector(store, datasets=datasets, now=now))
    return str(generate_latest(registry), "utf-8")  # type: ignore[no-untyped-call]
