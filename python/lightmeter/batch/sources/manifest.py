"""Manifests as sources: tables whose rows name pictures, by path or address, and say more of them.

They are CSV, JSON lines and Parquet files.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from lightmeter.batch.sources.item import Item, SeenValues, Wanted, plain
from lightmeter.batch.sources.parquet import ParquetTable
from lightmeter.batch.sources.remote import item_of, linked
from lightmeter.batch.sources.table import is_nested, known, python_values
from lightmeter.errors import ImageError
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

__all__ = ["USUAL_PATHS", "listed_items"]

# The names that the column of paths may have.
USUAL_PATHS = ("path", "file", "filename", "file_name", "image", "url", "uri")
_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
_MOST_LINE = 1 << 24  # characters
_ROWS = 1024  # of Parquet that are decoded at once

Row = Mapping[str, Any]


def listed_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """The pictures that the rows of a manifest name, in their order; a damaged row is lost alone.

    Raises:
        ValueError: the first row is damaged or names no picture, or there is no column that is
            wanted.
    """
    in_text = name.lower().endswith(".csv")
    columns = (wanted.column,) if wanted.column is not None else USUAL_PATHS
    seen = SeenValues(wanted.values, name)  # lines of JSON need not be alike
    for number, row in enumerate(_rows_and_damage(name, file), 1):
        if isinstance(row, ValueError):
            if number == 1:
                raise row
            yield item_of(ImageError("corrupt", shorten(str(row), 200)), f"{name}:{number}")
            continue
        path = next((row[column] for column in columns if row.get(column)), None)
        if not isinstance(path, str):
            if number == 1:
                raise ValueError(
                    f"the manifest {name} has no path in its first row; expected one in a column "
                    f"{', '.join(columns)}; it has {shorten(', '.join(list(row)[:20]), 300)}"
                )
            yield item_of(ImageError("empty", "a row without a path"), f"{name}:{number}")
            continue
        if number == 1 and not name.lower().endswith(".jsonl"):
            known(wanted.values, row, name)
        seen.add(row)
        cells = {column: row.get(column) for column in wanted.values}
        values = {key: _typed(cell) if in_text else plain(cell) for key, cell in cells.items()}
        data = linked(path, name)
        yield item_of(data, "" if isinstance(data, str) else path, values=values)
    seen.check()


def _typed(value: Any) -> Any:
    """A cell of CSV: what looks like a number is one, and what is empty is missing."""
    if not isinstance(value, str) or not value:
        return None
    if not _NUMBER.fullmatch(value):
        return value
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def _rows_and_damage(file: str, opened: IO[bytes]) -> Iterator[Row | ValueError]:
    """The rows of such a file that is open; in place of one that is damaged what is wrong with it.

    Raises:
        ValueError: it is of another kind.
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    suffix = Path(file).suffix.lower()
    if suffix not in (".csv", ".jsonl", ".parquet"):
        raise ValueError(f"got the manifest {file!r}; expected a .csv, .jsonl or .parquet")
    # What is no UTF-8 is decoded as in the paths of files.
    with io.TextIOWrapper(opened, "utf-8-sig", "surrogateescape", newline="") as text:
        if suffix == ".parquet":
            rows = _parquet_rows(opened)
        else:
            rows = _csv_rows(text) if suffix == ".csv" else _json_rows(text)
        for row in rows:
            if isinstance(row, Exception):
                row = ValueError(f"the manifest {file} cannot be read: {row}")
            yield row


def _csv_rows(text: io.TextIOWrapper) -> Iterator[Row | Exception]:
    reader = csv.DictReader(_Lines(text), restkey="", strict=True)
    while True:
        try:
            for row in reader:
                yield {name: value for name, value in row.items() if name}
            return
        except (csv.Error, ValueError) as error:
            yield ValueError(f"line {reader.line_num}: {error}")


def _json_rows(text: io.TextIOWrapper) -> Iterator[Row | Exception]:
    lines = _Lines(text)
    while True:
        try:
            for line in filter(str.strip, lines):
                row = parse_json(line)
                if not isinstance(row, dict):
                    raise ValueError("it is no JSON object")
                yield row
            return
        except ValueError as error:
            yield ValueError(f"line {lines.number}: {error}")


class _Lines:
    """The lines of a text. One that is too long to be held raises a ValueError, and is passed."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(_MOST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) < _MOST_LINE or line.endswith("\n"):
            return line
        while (rest := self._text.readline(_MOST_LINE)) and not rest.endswith("\n"):
            pass
        raise ValueError(f"more than {_MOST_LINE} characters")


def _parquet_rows(file: IO[bytes]) -> Iterator[Row | Exception]:
    try:
        table = ParquetTable(file, DEFAULT_LIMITS)
        nothing = {field.name: None for field in table.schema if is_nested(field.type)}
        names = [name for name in table.schema.names if name not in nothing]
        for group in range(len(table.rows)):
            for batch in table.batches(group, names, _ROWS):
                columns = map(python_values, batch.columns)
                for row in zip(*columns, strict=True):
                    yield nothing | dict(zip(batch.schema.names, row, strict=True))
    except ImportError:
        raise
    except Exception as error:  # whatever somebody's bytes make of a library
        yield error
