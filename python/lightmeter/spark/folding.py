"""The plan: rows to partial profiles, and these to a profile for each bucket and segment."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from lightmeter.batch.block import BLOCK_ITEMS
from lightmeter.batch.executors.spark import explained, parallel_tasks
from lightmeter.batch.partials import WHOLE
from lightmeter.batch.segments import SegmentOf
from lightmeter.profile import Profile
from lightmeter.profile.segments import MOST_SEGMENTS
from lightmeter.spark.columns import functions_of_columns
from lightmeter.spark.tasks import (
    FOLDED,
    PARTIAL,
    measured_batches,
    merged_batches,
    renamed_batches,
)

__all__ = ["folded_rows"]

_TASKS_OF_A_PROCESSOR = 4
_ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"


@contextmanager
def folded_rows(
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

    functions = functions_of_columns()
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
            measured = rows.mapInArrow(partial(measured_batches, work, values, firsts), PARTIAL)
            if segment_of is not None:
                measured = measured.persist(StorageLevel.DISK_ONLY)
                kept.append(measured)
                measured = _with_other(measured, segment_of)
        measured = measured.repartition(tasks, "bucket", "segment")
        measured = measured.sortWithinPartitions("bucket", "segment", "block", "place", "rank")
        yield measured.mapInArrow(partial(merged_batches, empty), FOLDED)
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
    functions = functions_of_columns()
    first = functions.min(functions.struct("bucket", "block", "place", "rank")).alias("first")
    by_first = measured.filter(measured["segment"] != WHOLE).groupBy("segment").agg(first)
    kept: set[str] = set()
    for row in by_first.orderBy("first").limit(MOST_SEGMENTS + 1).collect():
        segment_of.kept(row["segment"], kept)
    if len(kept) < MOST_SEGMENTS:
        return measured
    return measured.mapInArrow(partial(renamed_batches, segment_of, kept), PARTIAL)
