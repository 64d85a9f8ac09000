"""Manifests: what a table says of image files, a row a file."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.parquet import ParquetTable
from lightmeter.batch.sources.table import is_nested, python_values
from lightmeter.files import open_regular
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

__all__ = ["PATHS", "Manifest", "rows_and_damage", "rows_of"]

# The names that the column of paths may have.
PATHS = ("path", "file", "filename", "file_name", "image")
_NAMED = 20  # columns that an error names
_SHOWN = 500  # characters
_MOST_LINE = 1 << 24  # characters
_ROWS = 1024  # of Parquet that are decoded at once

Row = Mapping[str, Any]


class Manifest:
    """A column of a CSV, JSON lines or Parquet file: the value of each image by its path.

    The paths are in a column ``path``, ``file``, ``filename``, ``file_name`` or ``image``, the
    first of these that is there. They are absolute, or relative to the folder of the images, to
    that of the manifest, or to the current one.
    """

    def __init__(self, file: str, column: str) -> None:
        """Read the file.

        Raises:
            OSError: it cannot be read.
            ValueError: it is of another kind, damaged, has no such column or none of paths, or says
                two things of one path.
            ImportError: Parquet needs pyarrow, and that is not installed.
        """
        self._file, self._column = file, column
        self._folder = os.path.dirname(file)
        self._values: dict[str, str] = {}
        for path, value in _pairs(file, column):
            if self._values.setdefault(path, value) != value:
                raise ValueError(
                    f"the manifest {file} says {self._values[path]!r} and {value!r} of {path!r}; "
                    "expected one row for each path"
                )

    def __call__(self, item: Item, root: str | None) -> str | None:
        """What it says of a picture, which was found below the folder `root`."""
        if item.within is not None and (said := os.path.normpath(item.within)) in self._values:
            return self._values[said]
        names = self._names(item.name, root)
        return next((self._values[name] for name in names if name in self._values), None)

    def check_names(self, paths: Sequence[str], root: str | None) -> None:
        """Refuse a manifest of other images, whose paths may be relative to another folder.

        Raises:
            ValueError: it has a value of no image at `paths`, though there are some.
        """
        if not paths or any(self(Item(path, path), root) is not None for path in paths):
            return
        said = f"the first is {next(iter(self._values))!r}" if self._values else "it has no value"
        raise ValueError(
            f"the manifest {self._file} has a {self._column!r} for none of {len(paths)} images, "
            f"such as {paths[0]!r}; {said}; expected paths that are absolute, or relative to the "
            "folder of the images, to that of the manifest or to the current one"
        )

    def _names(self, path: str, root: str | None) -> Iterator[str]:
        """The names by which a manifest can call an image."""
        yield os.path.normpath(path)
        if root is not None:
            yield os.path.relpath(path, root)
        yield os.path.relpath(path, self._folder or os.curdir)
        yield os.path.abspath(path)
        yield os.path.relpath(path)


def _pairs(file: str, column: str) -> Iterator[tuple[str, str]]:
    """Path and value of each row that has a value."""
    columns: set[str] = set()
    for number, row in enumerate(rows_of(file), 1):
        columns.update(row)
        path = next((row[name] for name in PATHS if row.get(name)), None)
        if not isinstance(path, str):
            raise ValueError(
                f"row {number} of the manifest {file} has no path; expected one in a column "
                f"{', '.join(PATHS[:-1])} or {PATHS[-1]}; it has {_named(row)}"
            )
        value = row.get(column)
        if value is not None and value != "":
            yield (
                os.path.normpath(path),
                value if isinstance(value, str) else json.dumps(value, default=str),
            )
    if columns and column not in columns:
        raise ValueError(f"the manifest {file} has no column {column!r}; it has {_named(columns)}")


def _named(columns: Iterable[str]) -> str:
    return shorten(", ".join(sorted(columns)[:_NAMED]), _SHOWN)


def rows_of(file: str) -> Iterator[Row]:
    """The rows of a CSV, JSON lines or Parquet file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is of another kind, or damaged.
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    with open_regular(file) as raw, io.BufferedReader(raw) as opened:
        for row in rows_and_damage(file, opened):
            if isinstance(row, ValueError):
                raise row
            yield row


def rows_and_damage(file: str, opened: IO[bytes]) -> Iterator[Row | ValueError]:
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
