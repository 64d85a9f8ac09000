"""Profiles of Spark DataFrames: executors measure the pictures, the driver merges the profiles."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Unpack

from lightmeter.batch.cluster import Plan, plan_of
from lightmeter.batch.profile import RowOptions
from lightmeter.batch.segments import SegmentBy
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import SegmentedViews
from lightmeter.profile.table_files import parquet

__all__ = ["profile"]

_ROWS = 64  # of a batch: all their pictures are in memory, 10 000 where nobody says otherwise
_ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"
_SCHEMA = "segment string, profile binary"


def profile(
    frame: Any, *, segment_by: SegmentBy | None = None, **options: Unpack[RowOptions]
) -> ProfileView | SegmentedViews:
    """Profile the pictures that the rows of a Spark DataFrame hold or name, on its executors.

    Each partition gives one profile, and one of each segment, which are merged as they come. So
    numbers are those of `lightmeter.profile_images` of the same pictures: up to 1024 pictures they
    are equal, co-moments to 1e-12, and beyond that estimates differ within their bounds. Use
    ``frame.repartition(n)`` where there are fewer partitions than processors.

    Args:
        frame: a DataFrame. Its rows hold encoded bytes, structs of ``bytes`` and ``path``, or paths
            or addresses that all executors can open.
        segment_by: what segment a picture belongs to, as for `profile_images`. Of more than 1000
            segments the first that come are kept.
        options: `column`, `values`, `prefix`, `group`, `exemplars`, `sample`, `tags`, all of a
            `lightmeter.Reading`, as for `profile_images`. The column may have any name if it is the
            only one.

    Returns:
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments.

    Raises:
        TypeError: `frame` is no DataFrame, or an option is of another type.
        ValueError: it has no such column, or an argument is out of range.
    """
    if not hasattr(frame, "mapInArrow"):
        raise TypeError(f"got a {type(frame).__name__}; expected a DataFrame of Spark")
    plan = plan_of(frame.columns, segment_by, **options)
    spark = frame.sparkSession
    before = spark.conf.get(_ARROW_ROWS)
    spark.conf.set(_ARROW_ROWS, _ROWS)
    try:
        rows = frame.select(plan.columns).mapInArrow(partial(_profiled, plan), _SCHEMA)
        return plan.merged((row[0], bytes(row[1])) for row in rows.toLocalIterator())
    finally:
        spark.conf.set(_ARROW_ROWS, before)


def _profiled(plan: Plan, batches: Iterable[Any]) -> Iterator[Any]:
    """In a task: the profiles of a partition."""
    pyarrow = parquet()
    for segment, data in plan.parts(batches):
        yield pyarrow.RecordBatch.from_pydict(
            {
                "segment": pyarrow.array([segment], "string"),
                "profile": pyarrow.array([data], "binary"),
            }
        )
