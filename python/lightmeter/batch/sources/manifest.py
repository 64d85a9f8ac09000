"""Manifests: what a table says of image files, a row a file."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.table import python_values
from lightmeter.files import open_regular
from lightmeter.profile.cells import parquet
from lightmeter.text import shorten

__all__ = ["PATHS", "Manifest", "rows_of"]

# The names that the column of paths may have.
PATHS = ("path", "file", "filename", "file_name", "image")
_NAMED = 20  # columns that an error names
_SHOWN = 500  # characters

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

    def value_of(self, item: Item, root: str | None) -> str | None:
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
        if not paths or any(self.value_of(Item(path, path), root) is not None for path in paths):
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


def rows_of(file: str, opened: IO[bytes] | None = None) -> Iterator[Row]:
    """The rows of a CSV, JSON lines or Parquet file, which may be open already.

    Raises:
        OSError: it cannot be read.
        ValueError: it is of another kind, or damaged.
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    reader = _READERS.get(Path(file).suffix.lower())
    if reader is None:
        raise ValueError(
            f"got the manifest {file!r}; expected a file with a suffix of {', '.join(_READERS)}"
        )
    if opened is None:
        with open_regular(file) as raw, io.BufferedReader(raw) as opened_here:
            yield from rows_of(file, opened_here)
        return
    try:
        yield from reader(opened)
    except (csv.Error, ValueError, RecursionError) as error:
        raise ValueError(f"the manifest {file} cannot be read: {error}") from None


def _csv_rows(file: IO[bytes]) -> Iterator[Row]:
    with _text(file) as text:
        for row in csv.DictReader(text, restkey="", strict=True):
            yield {name: value for name, value in row.items() if name}


def _json_rows(file: IO[bytes]) -> Iterator[Row]:
    with _text(file) as text:
        for number, line in enumerate(text, 1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"line {number} is no JSON object")
                yield row


def _text(file: IO[bytes]) -> io.TextIOWrapper:
    """What is no UTF-8 is decoded as in the paths of files."""
    return io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")


def _parquet_rows(file: IO[bytes]) -> Iterator[Row]:
    pyarrow = parquet()
    try:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches():
            columns = map(python_values, batch.columns)
            for row in zip(*columns, strict=True):
                yield dict(zip(batch.schema.names, row, strict=True))
    except (pyarrow.ArrowException, OSError, MemoryError) as error:
        raise ValueError(str(error)) from None


_READERS: dict[str, Callable[[IO[bytes]], Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".parquet": _parquet_rows,
}
