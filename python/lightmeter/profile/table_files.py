"""Writing tables as CSV, JSON lines or Parquet, with a few rows in memory at a time."""

import csv
import io
import itertools
import json
import math
import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Literal, cast, get_args

from lightmeter.files import AnyPath, path_bytes
from lightmeter.times import duration_text

RowFormat = Literal["csv", "jsonl", "parquet"]
Value = str | int | float | datetime | None

# Spreadsheets treat a text that begins with one of these, including the wide forms of = + - @, as a
# formula and run it. The apostrophe is escaped too, so that readers can remove the added one.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'")

# Rows in a Parquet row group, which is held in memory.
_GROUP_ROWS = 10_000


def row_format_of(path: AnyPath) -> RowFormat:
    """Return the format that the suffix of a file names.

    Raises
    ------
    ValueError
        The suffix names no format.
    ImportError
        Parquet needs pyarrow, which is not installed.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in get_args(RowFormat):
        suffixes = ", ".join(f".{known}" for known in get_args(RowFormat))
        raise ValueError(f"got the file {os.fspath(path)!r}; expected a suffix of {suffixes}")
    if suffix == "parquet":
        parquet()
    return cast(RowFormat, suffix)


def parquet() -> Any:
    """Import pyarrow and its Parquet module.

    Raises
    ------
    ImportError
        pyarrow is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "for Parquet, lightmeter needs pyarrow: pip install 'lightmeter[parquet]'"
        ) from error
    return pyarrow


def write_table(
    rows: Iterable[Mapping[str, Value]],
    file: IO[bytes],
    row_format: RowFormat,
    columns: Mapping[str, type],
) -> None:
    """Write rows as a table; values that a row does not have are empty.

    In CSV, an apostrophe precedes a text that a spreadsheet could treat as a formula. In Parquet,
    an integer beyond 64 bits is empty. In JSON, a number that is not finite is null. Times are text
    except in Parquet.

    Parameters
    ----------
    rows
        Values by column.
    file
        File to write to.
    row_format
        CSV (RFC 4180), JSON lines or Parquet.
    columns
        Columns in order, with the types of their values: str, int, float or datetime in UTC.

    Raises
    ------
    ImportError
        Parquet needs pyarrow, which is not installed.
    """
    if row_format == "jsonl":
        for row in rows:
            file.write(f"{line_of(row)}\n".encode())
    elif row_format == "csv":
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
        text.detach()
    else:
        _write_parquet(rows, file, columns)


def line_of(row: Mapping[str, object]) -> str:
    """Return a row as a line of JSON in ASCII."""
    return json.dumps(plain(row), allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value in types that JSON has; numbers that are not finite become None."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    match value:
        case Mapping():
            return {plain(name): plain(each) for name, each in value.items()}
        case list() | tuple() | frozenset():
            return list(map(plain, sorted(value) if isinstance(value, frozenset) else value))
        case float() if not math.isfinite(value):
            return None
        case str():  # the name of a file need not be Unicode
            return path_bytes(value).decode(errors="replace")
        case timedelta():
            return duration_text(value)
        case date():
            return value.isoformat()
    return value


def _harmless(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _write_parquet(
    rows: Iterable[Mapping[str, Value]], file: IO[bytes], columns: Mapping[str, type]
) -> None:
    pa = parquet()
    types = {
        str: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        datetime: pa.timestamp("ms", tz="UTC"),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with pa.parquet.ParquetWriter(file, schema) as writer:
        # Damaged headers contain integers that are too large.
        fit = ({name: x for name, x in row.items() if not _is_large(x)} for row in rows)
        while group := list(itertools.islice(fit, _GROUP_ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _is_large(value: Value) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63
