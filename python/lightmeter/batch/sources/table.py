"""Tables of pictures: Parquet files and tables in memory, a few rows at a time.

A column holds encoded bytes, or structs of ``bytes`` and ``path`` as Hugging Face writes them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from lightmeter.batch.sources.item import Item, Source, Wanted, check_known, item_of, most_bytes
from lightmeter.batch.sources.parquet import ParquetTable
from lightmeter.batch.sources.remote import linked, local_path
from lightmeter.errors import ImageError
from lightmeter.profile.table_files import parquet
from lightmeter.text import shorten

_ROWS = 16  # of a batch: all their pictures are in memory
_LONGEST_VALUE = 1 << 20  # bytes
USUAL_PATHS = ("path", "file", "filename", "file_name", "image", "url", "uri")
USUAL_PICTURES = ("image", "img", "picture", "photo", "jpg", "png", "bytes", "content")
_KINDS = ("binary", "string")  # of columns: pictures, and their paths


def parquet_items(name: str, table: ParquetTable, wanted: Wanted) -> Iterator[Item]:
    """Yield the pictures of a Parquet file; what cannot be read of a row group is one failure.

    Raises:
        ValueError: it has no column of pictures, or not all those that are wanted.
    """
    schema = table.schema
    wanted = with_column(wanted, schema, name)
    values = [value for value in wanted.values if not _is_nested(schema.field(value).type)]
    columns = [*_picture_columns(schema.field(wanted.column)), *values]
    end = 0
    for group, rows in enumerate(table.rows):
        row, end, damage = end, end + rows, ImageError("corrupt", "rows are missing")
        batches = table.batches(group, columns, _ROWS)
        try:
            for item in items_of_batches(name, batches, wanted, first=row):
                yield item
                row += 1
        except ImageError as error:
            damage = error
        except Exception as error:  # whatever somebody's bytes make of a library
            damage = ImageError("corrupt", shorten(str(error), 150) or type(error).__name__)
        if row != end:
            detail = f"rows {row} to {end - 1} are lost: {damage.detail}"
            yield item_of(ImageError(damage.reason, detail), name)


def _picture_columns(field: Any) -> list[str]:
    """What is read of a column of pictures: of structs the bytes and the path alone."""
    if not parquet().types.is_struct(field.type):
        return [field.name]
    return [
        f"{field.name}.{part.name}"
        for part in field.type
        if part.name == "bytes" or (part.name == "path" and not _is_nested(part.type))
    ]


def _is_nested(kind: Any) -> bool:
    """Whether values of a type are no single ones, of which a profile takes none.

    A file of few bytes may hold lists of any length.
    """
    return bool(parquet().types.is_nested(kind))


def is_table(given: object) -> bool:
    """Whether it is a table of any library that speaks Arrow, or a data set of Hugging Face, also a
    streamed one; a column alone is none.
    """
    if hasattr(given, "to_batches") or hasattr(given, "with_format"):
        return True
    return hasattr(given, "__arrow_c_stream__") and hasattr(given, "columns")


def table_source(table: Any, wanted: Wanted) -> Source:
    """A table of pyarrow, pandas or polars as a source, or a data set of pyarrow or Hugging Face.
    Its pictures are not decoded.

    Raises:
        ValueError: it has no column of pictures, or not all those that are wanted.
    """
    name = "table"
    if hasattr(table, "with_format"):
        name = str(getattr(table, "split", None) or "dataset")
        schema = getattr(table.features, "arrow_schema", None)
        if schema is None:
            raise ValueError("the data set does not say its columns; expected one with features")
    else:
        table = table if hasattr(table, "to_batches") else parquet().table(table)
        schema = table.schema
    wanted = with_column(wanted, schema, name)
    # Those of a data set of files, or of one that is streamed, are not known.
    total = getattr(table, "num_rows", None)

    def items() -> Iterator[Item]:
        return items_of_batches(name, _batches(table, wanted), wanted)

    return Source(items, total if isinstance(total, int) else None)


def _batches(table: Any, wanted: Wanted) -> Iterable[Any]:
    columns = [*dict.fromkeys((wanted.column, *wanted.values))]
    if hasattr(table, "with_format"):
        data = table.with_format("arrow").select_columns(columns)
        return (batch for part in data.iter(_ROWS) for batch in part.to_batches())
    if hasattr(table, "scanner"):  # a data set, whose files are read a little ahead
        ahead = {"batch_size": _ROWS, "batch_readahead": 2, "fragment_readahead": 1}
        return table.to_batches(columns=columns, **ahead)  # type: ignore[no-any-return]
    return table.select(columns).to_batches()  # type: ignore[no-any-return]


def items_of_batches(
    table: str, batches: Iterable[Any], wanted: Wanted, *, first: int = 0, names: str | None = None
) -> Iterator[Item]:
    """The pictures of Arrow record batches, in the column that is wanted.

    They are named by the paths in their structs, or in the column `names`, or by their rows.
    """
    numbers = count(first)
    parts = (
        batch.slice(row, _ROWS) for batch in batches for row in range(0, batch.num_rows, _ROWS)
    )
    for part in parts:
        nothing = [None] * part.num_rows
        columns = {
            name: _values(part.column(name)) if name in part.schema.names else nothing
            for name in {*wanted.values, names} - {None}
        }
        for row, cell in enumerate(part.column(wanted.column)):
            values = {name: columns[name][row] for name in wanted.values}
            path = str((columns[names][row] if names else None) or "")
            yield item_in_cell(_value(cell), path, table, next(numbers), wanted, values)


def item_in_cell(
    cell: Any, path: str, table: str, number: int, wanted: Wanted, values: Mapping[str, Any]
) -> Item:
    """Return the picture that a cell of a table holds or names.

    Args:
        cell: bytes, a path or an address, or a dict of ``bytes`` and ``path``.
        path: what the picture is called, if the cell does not say.
        table: what the table is called.
        number: of the row.
        wanted: how large a picture may be.
        values: as those of `Item`.
    """
    if isinstance(cell, dict):
        path = str(cell.get("path") or path)
        cell = path if cell.get("bytes") is None else cell["bytes"]  # it is beside the table
    data, most = cell, most_bytes(wanted.limits)
    if cell is None or (isinstance(cell, str) and not cell):  # which an array is not compared with
        data = ImageError("empty", "the cell is empty")
    elif isinstance(cell, str):
        data, path = linked(cell, table), cell
    elif isinstance(cell, list | dict):
        data = ImageError("unsupported", "a cell of several values; expected bytes or a path")
    elif isinstance(cell, bytes) and len(cell) > most:
        data = ImageError("too_large", f"a cell of {len(cell)} bytes; expected at most {most}")
    within = local_path(path) or str(number)
    name = f"{table}:{within}" if table else local_path(path) or "a row"
    return item_of(data, data if isinstance(data, str) else name, values, within if table else "")


def _values(column: Any) -> list[Any]:
    """The values of an Arrow array. What Python does not have is None, such as the year 10000, a
    time zone that nobody knows or a text that is no UTF-8; of times it has microseconds. None are
    also lists and the like, and texts of more than a megabyte.
    """
    pa = parquet()
    if _is_nested(column.type):
        return [None] * len(column)
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return [
        None if isinstance(value, str | bytes) and len(value) > _LONGEST_VALUE else value
        for value in map(_value, column)
    ]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, LookupError):
        return None


def with_column(wanted: Wanted, schema: Any, table: str) -> Wanted:
    """Return what is wanted with the column of pictures, or else that of their paths.

    Raises:
        ValueError: there is none, or several and none has a usual name, or not all values.
    """
    kinds = dict(zip(schema.names, map(_kind, schema.types), strict=True))
    pictures, paths = ([name for name in kinds if kinds[name] == kind] for kind in _KINDS)
    usual = [name for name in USUAL_PICTURES if name in pictures] or pictures[: len(pictures) == 1]
    if not pictures:
        usual = [name for name in USUAL_PATHS if name in paths]
    column = next(iter(usual), None) if wanted.column is None else wanted.column
    if column not in pictures + paths:
        raise ValueError(
            f"{table} has {len(pictures)} columns of pictures; expected one of bytes, of structs "
            f"with bytes or of paths in {', '.join(USUAL_PATHS)}, or its name as the column, got "
            f"{column}; it has {shorten(', '.join(schema.names[:20]), 300)}"
        )
    check_known(wanted.values, schema.names, table)
    return replace(wanted, column=column)


def _kind(kind: Any) -> str:
    """Which of `_KINDS` an Arrow type is, also in a dictionary, or in a struct as ``bytes``."""
    types = parquet().types
    is_struct = types.is_struct(kind)
    if is_struct:
        kind = next((part.type for part in kind if part.name == "bytes"), kind)
    text = str(kind.value_type if types.is_dictionary(kind) else kind)
    found = next((word for word in _KINDS if word in text and "<" not in text), "")
    return found if not is_struct or found == "binary" else ""
