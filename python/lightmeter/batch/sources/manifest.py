"""Manifests as sources: CSV and JSON lines with paths of images and values."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import IO, Any

from lightmeter.batch.sources.item import Item, Wanted, seen
from lightmeter.batch.sources.rows import row_items, with_column
from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json

_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
_MOST_LINE = 1 << 24  # characters


def csv_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """Yield the images that the rows of a CSV manifest name, in order; a damaged row ends it.

    Raises
    ------
    ImageError
        A row is damaged.
    ValueError
        There is no column of paths, a wanted column is missing, or two columns have the same name.
    """
    reader = csv.reader(_lines(file), strict=True)
    try:
        for header in reader:
            wanted = with_column(wanted, [(column, "string") for column in header], name)
            rows = (dict(zip(header, cells, strict=False)) for cells in reader if cells)
            typed = (
                {key: cell if key == wanted.column else _typed(cell) for key, cell in row.items()}
                for row in rows
            )
            yield from row_items(name, typed, wanted, 1)
    except csv.Error as error:
        raise ImageError("corrupt", f"line {reader.line_num}: {error}") from None


def _typed(value: str) -> Any:
    """Return a cell of CSV: text that looks like a number becomes one, and empty text None."""
    if not _NUMBER.fullmatch(value):
        return value or None
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def jsonl_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """Yield the images that lines of JSON name; lines may have different keys.

    Raises
    ------
    ImageError
        A row is damaged.
    ValueError
        The first row has no path, or a value occurs in no row.
    """

    def rows() -> Iterator[dict[str, Any]]:
        for number, line in enumerate(_lines(file), 1):
            if not line.isspace():
                try:
                    row = parse_json(line)
                except ValueError as error:
                    row = error
                if not isinstance(row, dict):
                    raise ImageError("corrupt", f"line {number}: expected an object: {row}"[:200])
                yield row

    for first in (parsed := seen(rows(), wanted.values, name)):
        kinds = [(column, "string") for column in first]
        column = with_column(replace(wanted, values=()), kinds, name).column
        yield from row_items(name, chain([first], parsed), replace(wanted, column=column), 1)


def _lines(file: IO[bytes]) -> Iterator[str]:
    # Bytes that are not UTF-8 are decoded as in file paths.
    with io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="") as text:
        while line := text.readline(_MOST_LINE):
            if len(line) == _MOST_LINE:
                raise ImageError("corrupt", f"a line of {_MOST_LINE} characters or more")
            yield line
