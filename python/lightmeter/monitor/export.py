"""Results, and the numbers of features over time, as rows of a table."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from lightmeter.monitor.config import matches
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.scalars import SCALARS, scalar_of
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.profile.table_files import Value
from lightmeter.store.store import Store


def _columns(names: str) -> Mapping[str, type]:
    """Return columns with their types; a column without a colon has texts."""
    kinds = {"": str, "number": float, "count": int, "time": datetime}
    pairs = (each.partition(":") for each in names.split())
    return {name: kinds[kind] for name, _, kind in pairs}


RESULT_COLUMNS = _columns(
    "dataset segment monitor feature bucket:time state value:number lower:number upper:number "
    "baseline:count images:count words cause since:time"
)
SERIES_COLUMNS = _columns("dataset segment bucket:time feature statistic value:number n:count")


def result_rows(
    store: Store,
    *,
    dataset: str = "*",
    segment: str = "*",
    monitor: str = "*",
    feature: str = "*",
) -> Iterator[dict[str, Value]]:
    """Yield the stored results that match four patterns.

    They are in order of monitor, dataset, segment, bucket and feature.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    for source in store.state.sources():
        if not (matches(source.monitor, [monitor]) and matches(source.dataset, [dataset])):
            continue
        for result in store.state.results(*source[:2]):
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
    """Yield statistics of features in order of bucket, feature and statistic.

    Parameters
    ----------
    store
        The store.
    dataset
        The name of the dataset.
    start
        The earliest start of a bucket; None sets no limit.
    end
        The time before which buckets start; None sets no limit.
    segment
        The segment; None for the whole dataset.
    feature
        A pattern of feature names.
    statistics
        Names such as ``mean``, ``q_95`` or ``missing_rate``. A statistic that a feature does not
        have is left out.

    Raises
    ------
    ValueError
        A statistic is unknown.
    StoreError
        There is no such dataset, or the store cannot be read.
    """
    for name in statistics:
        if name not in SCALARS:
            raise ValueError(f"got the statistic {name!r}; expected one of {', '.join(SCALARS)}")
    with store.snapshot():
        shelf, place = Shelf(store), segment_text(segment)
        for bucket in store.buckets(dataset, start, end, segment=place):
            for name, column in shelf.contents(dataset, place, bucket.start).columns.items():
                for statistic in statistics if matches(name, [feature]) else ():
                    if (value := scalar_of(column, statistic)) is not None:
                        row = dataset, place, bucket.start, name, statistic, value, column.n
                        yield dict(zip(SERIES_COLUMNS, row, strict=True))
