"""Results, and the numbers of features over time, as rows of a table."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from lightmeter.monitor.config import matches
from lightmeter.monitor.results import load_results
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.scalars import SCALARS, scalar_of
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.profile.table_files import Value
from lightmeter.store.store import Store

RESULT_COLUMNS: Mapping[str, type] = {
    "dataset": str,
    "segment": str,
    "monitor": str,
    "feature": str,
    "bucket": datetime,
    "state": str,
    "value": float,
    "lower": float,
    "upper": float,
    "baseline": int,
    "images": int,
    "words": str,
    "cause": str,
}
SERIES_COLUMNS: Mapping[str, type] = {
    "dataset": str,
    "segment": str,
    "bucket": datetime,
    "feature": str,
    "statistic": str,
    "value": float,
    "n": int,
}


def result_rows(
    store: Store,
    *,
    dataset: str = "*",
    segment: str = "*",
    monitor: str = "*",
    feature: str = "*",
) -> Iterator[dict[str, Value]]:
    """Yield what is kept where four patterns match.

    It comes by monitor, dataset, segment, bucket and feature.

    Raises:
        StoreError: the store cannot be read.
    """
    for source in store.state.sources():
        if not (matches(source.monitor, [monitor]) and matches(source.dataset, [dataset])):
            continue
        for result in load_results(store, [(source.monitor, source.dataset)]):
            if matches(result.segment, [segment]) and matches(result.feature, [feature]):
                yield {name: getattr(result, name) for name in RESULT_COLUMNS}


def series_rows(
    store: Store,
    dataset: str,
    start: datetime | date | None = None,
    end: datetime | date | None = None,
    *,
    segment: Segment | None = None,
    feature: str = "*",
    statistics: Sequence[str] = ("mean",),
) -> Iterator[dict[str, Value]]:
    """Numbers of features in each bucket, by bucket and feature; those that do not exist are out.

    Args:
        store: the store.
        dataset: its name.
        start: of the first bucket; None for all.
        end: no bucket starts at it or later.
        segment: None for the dataset as a whole.
        feature: pattern of names.
        statistics: such as ``mean``, ``q_95`` or ``missing_rate``.

    Raises:
        ValueError: there is no such statistic.
        StoreError: there is no such dataset, or the store cannot be read.
    """
    for name in statistics:
        if name not in SCALARS:
            raise ValueError(f"got the statistic {name!r}; expected one of {', '.join(SCALARS)}")
    return _series(store, dataset, start, end, segment_text(segment), feature, statistics)


def _series(
    store: Store,
    dataset: str,
    start: datetime | date | None,
    end: datetime | date | None,
    place: str,
    feature: str,
    statistics: Sequence[str],
) -> Iterator[dict[str, Value]]:
    with store.snapshot():
        shelf = Shelf(store)
        for bucket in store.buckets(dataset, start, end, segment=place):
            for name, column in shelf.contents(dataset, place, bucket.start).columns.items():
                if not matches(name, [feature]):
                    continue
                for statistic in statistics:
                    value = scalar_of(column, statistic)
                    if value is not None:
                        yield {
                            "dataset": dataset,
                            "segment": place,
                            "bucket": bucket.start,
                            "feature": name,
                            "statistic": statistic,
                            "value": value,
                            "n": column.n,
                        }
