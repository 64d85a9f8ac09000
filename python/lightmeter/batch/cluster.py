"""Profiling rows of images on the machines of a cluster."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Unpack

from lightmeter.batch.block import Merged, Work, block_text, parse_block
from lightmeter.batch.profile import RowOptions, planned
from lightmeter.batch.running import Gate, blocks
from lightmeter.batch.segments import SegmentBy
from lightmeter.batch.sources.item import Wanted
from lightmeter.batch.sources.rows import USUAL_IMAGES, USUAL_PATHS, row_items, with_column
from lightmeter.batch.sources.table import arrow_rows
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import SegmentedViews
from lightmeter.profile.table_files import parquet

# Rows of a batch, whose images are all in memory. The default of Spark would be 10 000.
_RAY_ROWS, _SPARK_ROWS = 256, 64
_ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"


def profile_ray(
    dataset: Any, *, segment_by: SegmentBy | None = None, **options: Unpack[RowOptions]
) -> ProfileView | SegmentedViews:
    """Profile the images of a ``ray.data.Dataset`` on its cluster.

    Profiles of batches are merged in the order in which they finish. Up to 1024 images, the numbers
    equal those of `lightmeter.profile_images`, co-moments to 1e-12; beyond that, estimates differ
    within their bounds.

    Parameters
    ----------
    dataset
        A dataset whose rows hold encoded bytes, arrays (HxW, HxWxC or `layout`), paths or URLs that
        all machines can open, or dicts of ``bytes`` and ``path``.
    segment_by
        Makes a profile of each segment; see `profile_images`. Only the first 1000 segments that
        finish are kept.
    options
        `column`, `values`, `group`, `exemplars`, `sample`, `tags`, and the options of a
        `lightmeter.Reading`; see `profile_images`. A single column may have any name.

    Returns
    -------
    ProfileView | SegmentedViews
        The profile; with `segment_by`, the `lightmeter.SegmentedViews` of all segments.

    Raises
    ------
    TypeError
        `dataset` is not a Ray dataset, or an option has the wrong type.
    ValueError
        There is no such column, or an argument is out of range.
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

    Each partition returns one profile, and one for each segment, which are merged in the order in
    which they finish. Up to 1024 images, the numbers equal those of `lightmeter.profile_images`,
    co-moments to 1e-12; beyond that, estimates differ within their bounds. Use
    ``frame.repartition(n)`` if there are fewer partitions than processors.

    Parameters
    ----------
    frame
        A DataFrame whose rows hold encoded bytes, structs of ``bytes`` and ``path``, or paths or
        URLs that all executors can open.
    segment_by
        Makes a profile of each segment; see `profile_images`. Only the first 1000 segments that
        finish are kept.
    options
        `column`, `values`, `group`, `exemplars`, `sample`, `tags`, and the options of a
        `lightmeter.Reading`; see `profile_images`. A single column may have any name.

    Returns
    -------
    ProfileView | SegmentedViews
        The profile; with `segment_by`, the `lightmeter.SegmentedViews` of all segments.

    Raises
    ------
    TypeError
        `frame` is not a DataFrame, or an option has the wrong type.
    ValueError
        There is no such column, or an argument is out of range.
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
    """Return a table with one cell, the block of all Arrow record batches; tasks call this."""
    merged = Merged(work)
    for block in blocks(row_items("", arrow_rows(batches), wanted, named=names)):
        merged.add(work(block, Gate()))
    return parquet().table({"block": [block_text(merged.block())]})


def _merged(work: Work, encoded: Iterable[bytes]) -> ProfileView | SegmentedViews:
    """Merge the blocks of all tasks; the first segments that finish are kept."""
    merged = Merged(work)
    for data in encoded:
        merged.add(parse_block(data))
    return merged.result()


def _planned(
    names: Sequence[str], segment_by: SegmentBy | None, **options: Any
) -> tuple[Work, list[str], Callable[[Iterable[Any]], Any]]:
    """Return the work on rows, the needed columns, and a function that profiles record batches.

    It raises the same errors as `profile_images`.
    """
    work, wanted = planned(segment_by, **options)
    work.empty()  # checks the options here
    is_image = {*USUAL_IMAGES, *names[: len(names) == 1]}.__contains__
    kinds = [(name, "binary" if is_image(name) else "string") for name in names]
    wanted = with_column(wanted, kinds, "the data set")
    image = wanted.column
    name = next((name for name in USUAL_PATHS if name in names and name != image), "")
    columns = list(dict.fromkeys(filter(None, (image, name, *wanted.values))))
    return work, columns, partial(_table_of, work, wanted, name)
