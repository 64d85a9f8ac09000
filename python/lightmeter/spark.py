"""Profiles of Spark DataFrames, one for each bucket of time and each segment.

Executors measure the pictures and merge their profiles. The driver sees finished profiles only.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Unpack

from lightmeter.batch.block import BLOCK_ITEMS, profile_block
from lightmeter.batch.executors.spark import explained, parallel_tasks
from lightmeter.batch.groups import GroupBy, GroupOf
from lightmeter.batch.partials import WHOLE, Partial, Placed, folded, partials
from lightmeter.batch.segments import MOST_SEGMENTS, SegmentBy, SegmentOf, columns_of
from lightmeter.batch.sources.cell import item_of, name_column, picture_column, plain_cell
from lightmeter.batch.sources.table import known
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.cells import parquet
from lightmeter.profile.segments import SegmentedViews
from lightmeter.store.buckets import bucket_start
from lightmeter.store.store import Store, store_at
from lightmeter.times import from_ms, to_duration, to_ms

__all__ = ["log", "profile"]

_DAY = timedelta(days=1)
_TASKS_OF_A_PROCESSOR = 4
_PARTIAL = "bucket long, segment string, block long, place long, rank int, origin string, p binary"
_FOLDED = "bucket long, segment string, p binary"
_ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"


def profile(
    frame: Any,
    *,
    bucket: str | None = None,
    every: str | timedelta = _DAY,
    segment_by: SegmentBy | None = None,
    **options: Any,
) -> ProfileView | SegmentedViews | dict[datetime | None, SegmentedViews]:
    """Profile the pictures that the rows of a Spark DataFrame hold or name.

    The pictures of a bucket are taken in the order of a column. The result has the same bytes as
    `lightmeter.profile_images` of the same pictures in that order. Pictures with equal values of
    that column may change places: up to 1024 pictures the bytes are still the same, and beyond
    that estimates may differ within their bounds. With `group`, moments of groups agree to 1e-12.

    Args:
        frame: a DataFrame. It is sorted once. Rows that hold pictures are kept on the disks of the
            executors meanwhile; rows of addresses are cheaper.
        bucket: a column of dates or timestamps. There is a result for each bucket of time then.
        every: length of the buckets.
        segment_by: what segment a picture belongs to, as for `profile_images`.
        options: also, each with a default,

            - `column`: the column of paths or addresses that all executors can open, of encoded
              bytes, or of structs of ``bytes`` and ``path``; None takes one of a usual name, as for
              `profile_images`, or the only one;
            - `order_by`: the column that orders the rows; None takes that of paths or addresses;
            - `values`, `prefix`, `group`, `exemplars`, `rows` and all of a `lightmeter.Reading`, as
              for `profile_images`.

    Returns:
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments. With
        `bucket` a dict of the latter by the starts of the buckets, in their order; rows without a
        time are under None, which comes first.

    Raises:
        TypeError: `frame` is no DataFrame, or an option is of another type.
        ValueError: there is no such column, no order, or `bucket` is no column of times.
        ImportError: PySpark is not installed.
        BatchError: the executors have no lightmeter, or a task ended its worker each time.
    """
    empty, profiles = _profiles(frame, bucket, to_duration(every), segment_by, **options)
    parts: dict[datetime | None, dict[str, ProfileView]] = {}
    with profiles as found, explained():
        for row in found.collect():
            parts.setdefault(_start(row), {})[row["segment"]] = _view(row)
    starts = sorted(parts, key=lambda start: (start is not None, start))
    views = {start: SegmentedViews(parts[start].pop(WHOLE), parts[start]) for start in starts}
    if bucket is not None:
        return views
    together = next(iter(views.values()), SegmentedViews(empty.view(), {}))
    return together.whole if segment_by is None else together


def log(
    store: Store | str | os.PathLike[str],
    frame: Any,
    dataset: str,
    *,
    bucket: str,
    every: str | timedelta | None = None,
    writer: str = "spark",
    segment_by: SegmentBy | None = None,
    **options: Any,
) -> dict[datetime | None, int]:
    """Put the profile of each bucket and segment of a DataFrame into a store, one row for each.

    The driver has one profile in memory at a time. What this `writer` put before into the same
    bucket and segment is replaced, so a run may be repeated.

    Args:
        store: the store, or its path or address.
        frame: a DataFrame, as for `profile`.
        dataset: its name in the store.
        bucket: a column of dates or timestamps. Rows without a time are not put.
        every: length of the buckets of a new dataset; None takes that of the dataset, or a day.
        writer: who puts them. DataFrames that add to each other need a name each.
        segment_by: what segment a picture belongs to, as for `profile`.
        options: as for `profile`.

    Returns:
        How many pictures were measured in each bucket; under None those without a time.

    Raises:
        StoreError: the store cannot take a profile.
    And what `profile` raises.
    """
    counts: dict[datetime | None, int] = {}
    with store_at(store, create=True) as opened:
        length = opened.datasets().get(dataset, _DAY) if every is None else to_duration(every)
        _, profiles = _profiles(frame, bucket, length, segment_by, **options)
        with profiles as found, explained():
            for row in found.toLocalIterator():
                start, segment, view = _start(row), row["segment"], _view(row)
                if segment == WHOLE:
                    counts[start] = view.images
                if start is not None:
                    opened.put(
                        dataset, view, at=start, writer=writer, segment=segment, every=length
                    )
    return counts


def _start(row: Any) -> datetime | None:
    return None if row["bucket"] is None else from_ms(row["bucket"])


def _view(row: Any) -> ProfileView:
    return ProfileView.from_bytes(bytes(row["p"]))


def _profiles(
    frame: Any,
    bucket: str | None,
    every: timedelta,
    segment_by: SegmentBy | None,
    *,
    column: str | None = None,
    order_by: str | None = None,
    values: Iterable[str] = (),
    prefix: str = "image",
    group: GroupBy | None = None,
    reading: Reading | None = None,
    exemplars: int = 0,
    rows: int = 0,
    **options: Unpack[ReadingOptions],
) -> tuple[Profile, Any]:
    """An empty profile; and a context with a DataFrame of bucket, segment and profile."""
    if not hasattr(frame, "mapInArrow"):
        raise TypeError(f"got a {type(frame).__name__}; expected a DataFrame of Spark")
    reading = reading_of(reading, options)
    empty = Profile(prefix, reading=reading, exemplars=exemplars, rows=rows)
    segment_of = group_of = None
    if segment_by is not None:
        segment_of = SegmentOf(segment_by, root=None, exif=reading.exif)
    if group is not None:
        group_of = GroupOf(group, root=None, exif=reading.exif)
    logged = tuple(values)
    said = tuple(dict.fromkeys((*logged, *columns_of(segment_by), *columns_of(group))))
    selected = _selected(frame, column, order_by, bucket, every, said)
    work = partial(
        profile_block,
        reading=reading,
        prefix=prefix,
        exemplars=exemplars,
        rows=rows,
        values=logged,
        segment_of=segment_of,
        group_of=group_of,
    )
    return empty, _folded(frame.sparkSession, selected, said, work, segment_of, empty)


def _selected(
    frame: Any,
    column: str | None,
    order_by: str | None,
    bucket: str | None,
    every: timedelta,
    values: Iterable[str],
) -> Any:
    """The columns that are needed: bucket, order, name, picture, and the values by number."""
    functions = _functions()
    kinds = {field.name: field.dataType.typeName() for field in frame.schema.fields}
    names = list(kinds)
    picture = picture_column(names, column)
    name = name_column(names, picture)
    if kinds[picture] == "string":
        name = picture
    order = known([order_by], names, "the DataFrame")[0] if order_by is not None else name
    if order is None:
        raise ValueError(
            f"the DataFrame has no column of paths that orders its rows; give order_by, one of "
            f"{', '.join(names)}"
        )
    milliseconds = functions.lit(0).cast("long")
    if bucket is not None:
        known([bucket], names, "the DataFrame")
        milliseconds = _milliseconds(frame[bucket], kinds[bucket], bucket)
    length, first = (
        every // timedelta(milliseconds=1),
        to_ms(bucket_start(datetime.now(UTC), every)),
    )
    return frame.select(
        (milliseconds - functions.pmod(milliseconds - first, functions.lit(length))).alias(
            "bucket"
        ),
        frame[order].alias("order"),
        (frame[name] if name is not None else functions.lit(None).cast("string")).alias("name"),
        frame[picture].alias("picture"),
        *(
            frame[value].alias(f"v{number}")
            for number, value in enumerate(known(values, names, "the DataFrame"))
        ),
    )


def _functions() -> Any:
    from pyspark.sql import functions

    return functions


def _milliseconds(column: Any, kind: str, name: str) -> Any:
    functions = _functions()
    if kind == "date":  # midnight in UTC, whatever the time zone of the session
        return functions.unix_date(column).cast("long") * 86_400_000
    if kind in ("timestamp", "timestamp_ntz"):
        return functions.unix_millis(column.cast("timestamp"))
    raise ValueError(f"the column {name!r} is of {kind}; expected dates or timestamps")


@contextmanager
def _folded(
    spark: Any,
    selected: Any,
    values: tuple[str, ...],
    work: Callable[..., Any],
    segment_of: SegmentOf | None,
    empty: Profile,
) -> Iterator[Any]:
    """A DataFrame of bucket, segment and profile.

    Rows are sorted and kept, so that their places are the same when they are counted and when they
    are measured. Profiles are folded as they come, sorted by block: grouped ones would all be in
    the memory of an executor at once.
    """
    from pyspark import StorageLevel

    functions = _functions()
    tasks = _TASKS_OF_A_PROCESSOR * parallel_tasks(spark)
    before = spark.conf.get(_ARROW_ROWS)
    spark.conf.set(_ARROW_ROWS, BLOCK_ITEMS)  # else 10 000 pictures are in memory at once
    rows = selected.repartitionByRange(tasks, "bucket", "order")
    rows = rows.sortWithinPartitions("bucket", "order")
    rows = rows.withColumn("part", functions.spark_partition_id()).persist(StorageLevel.DISK_ONLY)
    kept = []
    try:
        with explained():
            firsts = _firsts(rows.groupBy("part", "bucket").count().collect())
            measured = rows.mapInArrow(partial(_measured, work, values, firsts), _PARTIAL)
            if segment_of is not None:
                measured = measured.persist(StorageLevel.DISK_ONLY)
                kept.append(measured)
                measured = _with_other(measured, segment_of)
        measured = measured.repartition(tasks, "bucket", "segment")
        measured = measured.sortWithinPartitions("bucket", "segment", "block", "place", "rank")
        yield measured.mapInArrow(partial(_merged, empty), _FOLDED)
    finally:
        spark.conf.set(_ARROW_ROWS, before)
        for frame in (rows, *kept):
            frame.unpersist()


def _firsts(counts: Iterable[Any]) -> dict[tuple[int, int | None], int]:
    """The place in its bucket of the first row of each bucket in each partition."""
    places: dict[int | None, int] = {}
    firsts = {}
    for part, bucket, count in sorted(counts, key=lambda row: row["part"]):
        firsts[part, bucket] = places.get(bucket, 0)
        places[bucket] = firsts[part, bucket] + count
    return firsts


def _with_other(measured: Any, segment_of: SegmentOf) -> Any:
    """Count the segments behind the first 1000 as ``other``, as one process does."""
    functions = _functions()
    first = functions.min(functions.struct("bucket", "block", "place", "rank")).alias("first")
    by_first = measured.filter(measured["segment"] != WHOLE).groupBy("segment").agg(first)
    kept: set[str] = set()
    for row in by_first.orderBy("first").limit(MOST_SEGMENTS + 1).collect():
        segment_of.kept(row["segment"], kept)
    if len(kept) < MOST_SEGMENTS:
        return measured
    return measured.mapInArrow(partial(_renamed, segment_of, kept), _PARTIAL)


def _renamed(segment_of: SegmentOf, kept: set[str], batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        segments = [
            text and segment_of.kept(text, kept) for text in batch.column("segment").to_pylist()
        ]
        yield _batch(batch.schema, [batch.column(0), segments, *batch.columns[2:]])


def _measured(
    work: Callable[..., Any],
    values: tuple[str, ...],
    firsts: dict[tuple[int, int | None], int],
    batches: Iterable[Any],
) -> Iterator[Any]:
    """In a task: partial profiles of the rows of a partition."""
    pyarrow = parquet()
    kinds = ("int64", "string", "int64", "int64", "int32", "string", "binary")
    schema = pyarrow.schema(zip(_names(_PARTIAL), kinds, strict=True))
    for row in partials(work, _placed(values, dict(firsts), batches)):
        yield _batch(schema, [[value] for value in row])


def _placed(
    values: tuple[str, ...], places: dict[tuple[int, int | None], int], batches: Iterable[Any]
) -> Iterator[Placed]:
    for batch in batches:
        for row in batch.to_pylist():
            of = row["part"], row["bucket"]
            said = {name: plain_cell(row[f"v{number}"]) for number, name in enumerate(values)}
            item = item_of(row["picture"], places[of], row["name"], said)
            yield Placed(row["bucket"], places[of], item)
            places[of] += 1


def _merged(empty: Profile, batches: Iterable[Any]) -> Iterator[Any]:
    """In a task: the profiles of the buckets and segments of a partition."""
    pyarrow = parquet()
    kinds = ("int64", "string", "binary")
    schema = pyarrow.schema(zip(_names(_FOLDED), kinds, strict=True))
    rows = (Partial(*row.values()) for batch in batches for row in batch.to_pylist())
    for row in folded(empty, rows):
        yield _batch(schema, [[value] for value in row])


def _names(columns: str) -> list[str]:
    return [column.split()[0] for column in columns.split(", ")]


def _batch(schema: Any, columns: list[Any]) -> Any:
    pyarrow = parquet()
    arrays = [
        pyarrow.array(column, kind) if isinstance(column, list) else column
        for column, kind in zip(columns, schema.types, strict=True)
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)
