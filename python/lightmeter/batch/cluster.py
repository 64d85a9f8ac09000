"""Rows of images on the machines of a cluster: profiled there, and merged in one place."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Unpack

from lightmeter.batch.block import Merged, Work, block_text, blocks, parse_block
from lightmeter.batch.profile import RowOptions, planned
from lightmeter.batch.segments import SegmentBy
from lightmeter.batch.sources.item import Wanted
from lightmeter.batch.sources.rows import USUAL_PATHS, USUAL_PICTURES, row_items, with_column
from lightmeter.batch.sources.table import arrow_rows
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import SegmentedViews
from lightmeter.profile.table_files import parquet

# Rows of a batch, all of whose images are in memory: 10 000 where nobody says otherwise.
_RAY_ROWS, _SPARK_ROWS = 256, 64
_ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"


def profile_ray(
    dataset: Any, *, segment_by: SegmentBy | None = None, **options: Unpack[RowOptions]
) -> ProfileView | SegmentedViews:
    """Profile the images of a ``ray.data.Dataset``, on its cluster.

    Profiles of batches are merged as they come. So numbers are those of `lightmeter.profile_images`
    of the same images: up to 1024 images they are equal, co-moments to 1e-12, and beyond that
    estimates differ within their bounds.

    Parameters
    ----------
    dataset
        Its rows hold encoded bytes, arrays (HxW or HxWxC, unless `layout` says otherwise), paths or
        addresses that all machines can open, or dicts of ``bytes`` and ``path``.
    segment_by
        What segment an image belongs to, as for `profile_images`. Of more than 1000 segments the
        first that come are kept.
    options
        `column`, `values`, `group`, `exemplars`, `sample`, `tags`, all of a `lightmeter.Reading`,
        as for `profile_images`. The column may have any name if it is the only one.

    Returns
    -------
    ProfileView | SegmentedViews
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments.

    Raises
    ------
    TypeError
        It is no data set of Ray, or an option is of another type.
    ValueError
        It has no such column, or an argument is out of range.
    """
    if not hasattr(dataset, "map_batches"):
        raise TypeError(f"got a {type(dataset).__name__}; expected a ray.data.Dataset")
    schema = dataset.schema()  # None without rows
    names = ["image"] if schema is None else schema.names
    work, columns, table_of = _planned(names, segment_by, **options)
    if schema is None:
        return Merged(work).result()
    parts = dataset.select_columns(columns).map_batches(
        lambda table: table_of(table.to_batches()), batch_size=_RAY_ROWS, batch_format="pyarrow"
    )
    return _merged(work, (row["block"] for row in parts.iter_rows()))


def profile_spark(
    frame: Any, *, segment_by: SegmentBy | None = None, **options: Unpack[RowOptions]
) -> ProfileView | SegmentedViews:
    """Profile the images that the rows of a Spark DataFrame hold or name, on its executors.

    Each partition gives one profile, and one of each segment, which are merged as they come. So
    numbers are those of `lightmeter.profile_images` of the same images: up to 1024 images they
    are equal, co-moments to 1e-12, and beyond that estimates differ within their bounds. Use
    ``frame.repartition(n)`` where there are fewer partitions than processors.

    Parameters
    ----------
    frame
        A DataFrame. Its rows hold encoded bytes, structs of ``bytes`` and ``path``, or paths or
        addresses that all executors can open.
    segment_by
        What segment an image belongs to, as for `profile_images`. Of more than 1000 segments the
        first that come are kept.
    options
        `column`, `values`, `group`, `exemplars`, `sample`, `tags`, all of a `lightmeter.Reading`,
        as for `profile_images`. The column may have any name if it is the only one.

    Returns
    -------
    ProfileView | SegmentedViews
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments.

    Raises
    ------
    TypeError
        `frame` is no DataFrame, or an option is of another type.
    ValueError
        It has no such column, or an argument is out of range.
    """
    if not hasattr(frame, "mapInArrow"):
        raise TypeError(f"got a {type(frame).__name__}; expected a DataFrame of Spark")
    work, columns, table_of = _planned(frame.columns, segment_by, **options)
    spark = frame.sparkSession
    before = spark.conf.get(_ARROW_ROWS)
    spark.conf.set(_ARROW_ROWS, _SPARK_ROWS)
    try:
        parts = frame.select(columns).mapInArrow(
            lambda batches: iter(table_of(batches).to_batches()), "block binary"
        )
        return _merged(work, (bytes(row[0]) for row in parts.toLocalIterator()))
    finally:
        spark.conf.set(_ARROW_ROWS, before)


def _table_of(work: Work, wanted: Wanted, names: str, batches: Iterable[Any]) -> Any:
    """In a task: return a table of one cell, the block of all record batches of Arrow."""
    merged = Merged(work)
    for block in blocks(row_items("", arrow_rows(batches), wanted, named=names)):
        merged.add(work(block))
    return parquet().table({"block": [block_text(merged.block())]})


def _merged(work: Work, encoded: Iterable[bytes]) -> ProfileView | SegmentedViews:
    """Merge the blocks of all tasks; of segments the first that come are kept."""
    merged = Merged(work)
    for data in encoded:
        merged.add(parse_block(data))
    return merged.result()


def _planned(
    names: Sequence[str], segment_by: SegmentBy | None, **options: Any
) -> tuple[Work, list[str], Callable[[Iterable[Any]], Any]]:
    """Return what is done with rows of columns of these names, which of these it needs, and what
    profiles record batches of them. It raises as `profile_images` does.
    """
    work, wanted = planned(segment_by, **options)
    work.empty()  # checks the options here
    is_picture = {*USUAL_PICTURES, *names[: len(names) == 1]}.__contains__
    kinds = [(name, "binary" if is_picture(name) else "string") for name in names]
    wanted = with_column(wanted, kinds, "the data set")
    picture = wanted.column
    name = next((name for name in USUAL_PATHS if name in names and name != picture), "")
    columns = list(dict.fromkeys(filter(None, (picture, name, *wanted.values))))
    return work, columns, partial(_table_of, work, wanted, name)
