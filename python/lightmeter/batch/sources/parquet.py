"""Parquet files as sources, a few rows at a time, in memory that is bounded."""

from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from lightmeter.batch.sources.item import Item, Wanted, item_of
from lightmeter.batch.sources.pages import CheckedPages, OpenedError, chunk_of
from lightmeter.batch.sources.rows import row_items, with_column
from lightmeter.batch.sources.table import ROWS, arrow_rows, kinds_of
from lightmeter.errors import ImageError
from lightmeter.profile.table_files import parquet
from lightmeter.text import shorten

_MOST_PARTS = 1 << 16  # row groups of a file, and columns of a row group


def parquet_items(name: str, file: IO[bytes], size: int | None, wanted: Wanted) -> Iterator[Item]:
    """Yield the pictures of a Parquet file; what cannot be read of a row group is one failure.

    Raises:
        ImageError: its footer is damaged.
        ValueError: it has no column of pictures, or not all those that are wanted.
    """
    pyarrow = parquet()
    pages = CheckedPages(file, wanted.limits)
    try:
        # Without pre_buffer a column is read page by page, and not a whole row group at once.
        how = {"buffer_size": 1 << 20, "thrift_container_size_limit": _MOST_PARTS}
        opened = pyarrow.parquet.ParquetFile(pages, pre_buffer=False, **how)
        schema = opened.schema_arrow
        kinds, leaves = kinds_of(schema), {field.name: _leaves(field) for field in schema}
        groups = map(opened.metadata.row_group, range(opened.num_row_groups))
        lengths = [group.num_rows for group in groups]
    except Exception as error:  # whatever somebody's bytes make of a library
        detail = f"the table cannot be read: {shorten(str(error), 150)}"
        raise ImageError("corrupt", detail) from None
    wanted = with_column(wanted, kinds, name)
    picture = leaves[str(wanted.column)]
    values = [name for name in wanted.values if leaves[name] == [name]]
    end = 0
    for group, length in enumerate(lengths):
        row, end, damage = end, end + length, ImageError("corrupt", "rows are missing")
        try:
            rows = arrow_rows(_batches(opened, pages, group, [*picture, *values]))
            for item in row_items(name, rows, wanted, row):
                yield item
                row += 1
        except ImageError as error:
            damage = error
        except Exception as error:  # likewise; an encrypted one too
            damage = ImageError("corrupt", shorten(str(error), 150) or type(error).__name__)
        if row != end:
            detail = f"rows {row} to {end - 1} are lost: {damage.detail}"
            yield item_of(ImageError(damage.reason, detail), name)


def _leaves(field: Any) -> list[str]:
    """Return what is read of a column: of structs the bytes and the path alone, and of lists, which
    may have any length in a file of few bytes, nothing.
    """
    types = parquet().types
    parts = field.type if types.is_struct(field.type) else []
    names = [part.name for part in parts if not types.is_nested(part.type)]
    if not types.is_nested(field.type):
        return [field.name]
    return [f"{field.name}.{name}" for name in names if name in ("bytes", "path")]


def _batches(opened: Any, pages: CheckedPages, group: int, columns: list[str]) -> Iterator[Any]:
    """Yield the rows of a row group, a few at once: one where a column is large.

    Raises:
        ImageError: a page would take too much memory.
        Exception: any of pyarrow's, as the row group is damaged or encrypted.
    """
    # The metadata of a damaged or encrypted column end the process where Python asks for them, as
    # pyarrow catches no error there. Where pyarrow itself opens the columns, it raises it.
    pages.chunks = None
    with suppress(OpenedError):
        next(opened.iter_batches(1, [group], columns, use_threads=False), None)
    metadata = opened.metadata.row_group(group)
    read = tuple(f"{name}." for name in columns)
    found = map(metadata.column, range(metadata.num_columns))
    pages.chunks = [chunk_of(leaf) for leaf in found if f"{leaf.path_in_schema}.".startswith(read)]
    largest = max((chunk.decoded for chunk in pages.chunks), default=0)
    rows = max(1, min(ROWS, pages.most // max(1, largest)))
    # A thread of pyarrow's that still held an error as Python ends would end it by a signal.
    yield from opened.iter_batches(rows, [group], columns, use_threads=False)
