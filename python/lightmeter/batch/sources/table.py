"""Tables in memory as sources: from libraries with Arrow, and Hugging Face datasets."""

from collections.abc import Iterable, Iterator
from typing import Any

from lightmeter.batch.sources.item import Item, Source, Wanted
from lightmeter.batch.sources.rows import Kinds, row_items, with_column
from lightmeter.profile.table_files import parquet

ROWS = 16  # of a batch: all their images are in memory


def is_table(given: object) -> bool:
    """Return whether `given` is a table with an Arrow stream or a Hugging Face dataset.

    A streamed dataset counts too; a single column does not.
    """
    if hasattr(given, "with_format") and hasattr(given, "features"):
        return True
    return hasattr(given, "__arrow_c_stream__") and hasattr(given, "columns")


def table_source(table: Any, wanted: Wanted) -> Source:
    """Return a source for a table or dataset of pyarrow, pandas, polars or Hugging Face.

    The library does not decode the images.

    Raises
    ------
    ValueError
        There is no column of images, a wanted column is missing, or Arrow cannot hold a cell, such
        as an image of PIL.
    """
    name = "table"
    if hasattr(table, "with_format"):
        name = str(getattr(table, "split", None) or "dataset")
        schema = getattr(table.features, "arrow_schema", None)
        if schema is None:
            raise ValueError("the data set does not say its columns; expected one with features")
    else:
        pa = parquet()
        try:
            table = pa.table(table)
        except pa.ArrowException as error:
            expected = "expected paths or bytes, or a list of dicts, as by to_dict('records')"
            raise ValueError(f"Arrow cannot hold the table: {error.args[0]}; {expected}") from error
        schema = table.schema
    wanted = with_column(wanted, kinds_of(schema), name)
    columns = [*dict.fromkeys((wanted.column, *wanted.values))]

    def items() -> Iterator[Item]:
        return row_items(name, arrow_rows(_batches(table, columns)), wanted)

    # The number is unknown for a dataset of files, and for a streamed one.
    total = getattr(table, "num_rows", None)
    return Source(items, total if isinstance(total, int) else None)


def _batches(table: Any, columns: list[str | None]) -> Iterable[Any]:
    if hasattr(table, "with_format"):
        data = table.with_format("arrow").select_columns(columns)
        return (batch for part in data.iter(ROWS) for batch in part.to_batches())
    return table.select(columns).to_batches()  # type: ignore[no-any-return]


def arrow_rows(batches: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of Arrow record batches; times have microseconds."""
    pa = parquet()
    for batch in batches:
        cells = []
        for column in batch.columns:
            if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
                column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
            cells.append(map(_value, column))
        for row in zip(*cells, strict=True):
            yield dict(zip(batch.schema.names, row, strict=True))


def _value(scalar: Any) -> Any:
    """Return the value of a cell; None if Python cannot represent it.

    Examples are the year 10000, an unknown time zone, and a text that is not UTF-8.
    """
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, LookupError):
        return None


def kinds_of(schema: Any) -> Kinds:
    """Return the kinds of Arrow columns, also of dictionaries and of structs with ``bytes``."""
    return [(name, _kind(kind)) for name, kind in zip(schema.names, schema.types, strict=True)]


def _kind(kind: Any) -> str:
    types = parquet().types
    is_struct = types.is_struct(kind)
    if is_struct:
        kind = next((part.type for part in kind if part.name == "bytes"), kind)
    text = str(kind.value_type if types.is_dictionary(kind) else kind)
    found = next((word for word in ("binary", "string") if word in text and "<" not in text), "")
    return found if not is_struct or found == "binary" else ""
