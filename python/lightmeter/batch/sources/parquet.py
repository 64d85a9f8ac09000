"""Parquet files as sources, a few rows at a time in bounded memory."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import IO, Any

from lightmeter.batch.sources.item import Item, Wanted, item_of
from lightmeter.batch.sources.pages import CheckedPages, OpenedError, chunk_of
from lightmeter.batch.sources.rows import row_items, with_column
from lightmeter.batch.sources.table import ROWS, arrow_rows, kinds_of
from lightmeter.errors import ImageError
from lightmeter.profile.table_files import parquet
from lightmeter.text import shorten

_MOST_PARTS = 1 << 16  # row groups of a file, and columns of a row group


def parquet_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """Yield the images of a Parquet file; unreadable rows of a row group are one failure.

    Raises
    ------
    ImageError
        The footer is damaged.
    ValueError
        There is no column of images, a wanted column is missing, or masks are lists.
    """
    pyarrow, pages = parquet(), CheckedPages(file, wanted.limits)
    try:
        # Without pre_buffer, a column is read page by page instead of by row group.
        how: Any = {"buffer_size": 1 << 20, "thrift_container_size_limit": _MOST_PARTS}
        opened = pyarrow.parquet.ParquetFile(pages, pre_buffer=False, **how)
        schema, groups = opened.schema_arrow, range(opened.num_row_groups)
        kinds, leaves = kinds_of(schema), {field.name: _leaves(field) for field in schema}
        lengths = [opened.metadata.row_group(group).num_rows for group in groups]
    except Exception as error:  # pyarrow may raise any for hostile bytes
        raise _damage(error, "the table cannot be read") from None
    wanted = with_column(wanted, kinds, name)
    values = [name for name in wanted.values if leaves[name] == [name]]
    masks = [] if wanted.mask is None else leaves[wanted.mask]
    if wanted.mask is not None and not masks:
        expected = "expected bytes, a path, or structs with bytes"
        raise ValueError(f"masks in the column {wanted.mask!r} of {name} are nested; {expected}")
    columns = list(dict.fromkeys((*leaves[str(wanted.column)], *masks, *values)))
    end = 0
    for group, length in enumerate(lengths):
        row, end = end, end + length
        damage: Exception = ValueError("rows are missing")
        try:
            rows = arrow_rows(_batches(opened, pages, group, columns))
            for item in row_items(name, rows, wanted, row):
                yield item
                row += 1
        except Exception as error:  # also for an encrypted one
            damage = error
        if row != end:
            yield item_of(_damage(damage, f"rows {row} to {end - 1} are lost"), name)


def _damage(error: Exception, lost: str) -> ImageError:
    reason = error.reason if isinstance(error, ImageError) else "corrupt"
    detail = getattr(error, "detail", "") or shorten(str(error), 150) or type(error).__name__
    return ImageError(reason, f"{lost}: {detail}")


def _leaves(field: Any) -> list[str]:
    """Return the leaves of a column to read.

    Only bytes and path of structs are read. Lists are not read, because a small file can hold lists
    of any length.
    """
    types = parquet().types
    if not types.is_nested(field.type):
        return [field.name]
    parts = field.type if types.is_struct(field.type) else []
    names = [part.name for part in parts if not types.is_nested(part.type)]
    return [f"{field.name}.{name}" for name in names if name in ("bytes", "path")]


def _batches(opened: Any, pages: CheckedPages, group: int, columns: list[str]) -> Iterator[Any]:
    """Yield the rows of a row group, a few at a time, or one if a column is large.

    Raises
    ------
    ImageError
        A page would take too much memory.
    Exception
        pyarrow may raise any exception if the row group is damaged or encrypted.
    """
    # A pyarrow thread that still holds an error when Python exits would crash the process.
    read: Any = partial(opened.iter_batches, row_groups=[group], columns=columns, use_threads=False)
    # Access from Python to the metadata of a damaged or encrypted column ends the process, because
    # pyarrow catches no error there. If pyarrow itself opens the columns, it raises the error.
    pages.chunks = None
    with suppress(OpenedError):
        next(read(1), None)
    metadata = opened.metadata.row_group(group)
    leaves = map(metadata.column, range(metadata.num_columns))
    own = tuple(f"{name}." for name in columns)
    pages.chunks = [chunk_of(leaf) for leaf in leaves if f"{leaf.path_in_schema}.".startswith(own)]
    largest = max((chunk.decoded for chunk in pages.chunks), default=0)
    yield from read(max(1, min(ROWS, pages.most // max(1, largest))))
