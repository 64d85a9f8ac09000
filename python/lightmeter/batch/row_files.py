"""Rows as a file: CSV, JSON lines or Parquet, a few rows in memory at a time."""

import csv
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import IO, Any

from lightmeter.files import path_texts
from lightmeter.image.reading import DEFAULT_READING, Reading
from lightmeter.profile.cells import FACTS, Cell, Row, RowFormat, numbers_of, parquet
from lightmeter.profile.read_rows import FORMULA

__all__ = ["check_row_format", "row_json", "write_rows"]

# Rows of a row group of Parquet, all of which are in memory.
_GROUP_ROWS = 10_000


def check_row_format(row_format: RowFormat) -> None:
    """Refuse a format whose package is not there.

    Raises:
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    if row_format == "parquet":
        parquet()


def row_json(row: Row) -> str:
    """A row as a line of JSON in ASCII. A path that is no UTF-8 is whole in ``path_base64``."""
    return json.dumps(_texts(row), allow_nan=False)


def write_rows(
    rows: Iterable[Row],
    file: IO[bytes],
    row_format: RowFormat,
    *,
    reading: Reading = DEFAULT_READING,
    with_exif: bool = False,
) -> None:
    """Write what `lightmeter.measure` gives.

    CSV and Parquet have the same columns whatever the images are: all that the metrics of the
    reading can give. What an image does not have is empty. Names of what it could have are a JSON
    list in the column ``missing``. All Exif tags are one JSON object in the column ``exif``, by the
    names that Exif has, and all values of functions of yours one in the column ``metrics``. In CSV
    a text that a spreadsheet could take for a formula begins with an apostrophe. In Parquet an
    integer beyond 64 bits is empty: only a damaged header says such.

    Args:
        rows: the rows.
        file: where to.
        row_format: CSV (RFC 4180), JSON lines or Parquet.
        reading: how the pictures were read.
        with_exif: whether rows have Exif tags.

    Raises:
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    if row_format == "jsonl":
        for row in rows:
            file.write(f"{row_json(row)}\n".encode())
        return
    own = [function.__name__ for function in reading.functions]
    columns = _columns(reading, with_exif)
    write: Callable[[Iterable[Row], IO[bytes], Mapping[str, type]], None]
    write = _write_csv if row_format == "csv" else _write_parquet
    write((_in_columns(row, columns, own) for row in rows), file, columns)


def _columns(reading: Reading, with_exif: bool) -> dict[str, type]:
    return {
        "path": str,
        "path_base64": str,
        **({"frame": int} if reading.frames == "all" else {}),
        "failure": str,
        "detail": str,
        "missing": str,
        **numbers_of(reading.metric_set),
        **FACTS,
        **({"metrics": str} if reading.functions else {}),
        **({"exif": str} if with_exif else {}),
    }


def _texts(row: Row) -> Row:
    """The row with every text in Unicode."""
    path, *others = row.items()
    texts: Row = {**path_texts(str(path[1]))}
    return texts | {name: _unicode(value) for name, value in others}


def _unicode(value: Cell) -> Cell:
    """Names in lists are Unicode anyway."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _in_columns(row: Row, columns: Mapping[str, type], own: Collection[str]) -> Row:
    cells: Row = {}
    others: dict[str, Row] = {"metrics": {}, "exif": {}}
    for name, value in _texts(row).items():
        if name in columns:
            cells[name] = json.dumps(value) if isinstance(value, list) else value
        else:
            short = name.partition(".")[2]
            column = "metrics" if short.partition(".")[0] in own else "exif"
            others[column][short] = value
    return cells | {
        column: json.dumps(values, allow_nan=False) for column, values in others.items() if values
    }


class _Encoded:
    """What a CSV writer writes to."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


def _write_csv(rows: Iterable[Row], file: IO[bytes], columns: Mapping[str, type]) -> None:
    writer = csv.DictWriter(_Encoded(file), columns)
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)


def _harmless(value: Cell) -> Cell:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _write_parquet(rows: Iterable[Row], file: IO[bytes], columns: Mapping[str, type]) -> None:
    pa = parquet()
    types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with pa.parquet.ParquetWriter(file, schema) as writer:
        for group in _groups(map(_within_int64, rows)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _within_int64(row: Row) -> dict[str, Any]:
    """The row without integers that are too large; damaged headers say such."""
    return {
        name: value
        for name, value in row.items()
        if not isinstance(value, int) or -(2**63) <= value < 2**63
    }


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while group := list(itertools.islice(rows, _GROUP_ROWS)):
        yield group
