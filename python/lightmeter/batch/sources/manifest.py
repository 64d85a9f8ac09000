"""Manifests as sources: CSV and JSON lines, whose rows name pictures and say more of them."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from lightmeter.batch.sources.item import Item, SeenValues, Wanted, item_of, plain
from lightmeter.batch.sources.remote import linked
from lightmeter.batch.sources.table import USUAL_PATHS, known
from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

__all__ = ["listed_items"]

_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
_MOST_LINE = 1 << 24  # characters
_MOST_BLANK = 1 << 20  # lines without anything, of which a file of few bytes has any number

Row = Mapping[str, Any] | ValueError  # one that is damaged, and how


def listed_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """The pictures that the rows of a manifest name, in their order; a damaged row is lost alone.

    Raises:
        ValueError: the first row is damaged or names no picture, or there is no column that is
            wanted.
    """
    columns = (wanted.column,) if wanted.column is not None else USUAL_PATHS
    seen = SeenValues(wanted.values, name)  # lines of JSON need not be alike
    is_csv = name.lower().endswith(".csv")
    # What is no UTF-8 is decoded as in the paths of files.
    with io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="") as text:
        for number, row in enumerate(_csv_rows(text) if is_csv else _json_rows(text), 1):
            error, path = ImageError("corrupt", shorten(str(row), 200)), None
            if not isinstance(row, ValueError):
                path = next((row[column] for column in columns if row.get(column)), None)
                listed = shorten(", ".join(list(row)[:20]), 300)
                detail = f"no path in {', '.join(columns)}; it has {listed}"
                error = ImageError("empty", shorten(detail, 200))
            if isinstance(row, ValueError) or not isinstance(path, str):
                if number == 1:
                    raise ValueError(f"the manifest {name}, first row: {error.detail}")
                yield item_of(error, f"{name}:{number}")
                continue
            if is_csv and number == 1:
                known(wanted.values, row, name)
            seen.add(row)
            cells = {column: row.get(column) for column in wanted.values}
            values = {key: _typed(cell) if is_csv else plain(cell) for key, cell in cells.items()}
            data = linked(path, name)
            yield item_of(data, "" if isinstance(data, str) else path, values)
    seen.check()


def _csv_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    reader = csv.DictReader(_Lines(text), restkey="", strict=True)
    while True:
        try:
            for row in reader:
                yield {name: value for name, value in row.items() if name}
            return
        except (csv.Error, ValueError) as error:
            yield ValueError(f"line {reader.line_num}: {error}")


def _typed(value: str | None) -> Any:
    """Return a cell of CSV: what looks like a number is one, and what is empty is missing."""
    if not value or not _NUMBER.fullmatch(value):
        return value or None
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def _json_rows(text: io.TextIOWrapper) -> Iterator[Row]:
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
        self.number = self._blank = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(_MOST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self._blank += line.isspace()
        if self._blank > _MOST_BLANK:
            raise ImageError("corrupt", f"more than {_MOST_BLANK} blank lines")
        if len(line) < _MOST_LINE or line.endswith("\n"):
            return line
        while (rest := self._text.readline(_MOST_LINE)) and not rest.endswith("\n"):
            pass
        raise ValueError(f"more than {_MOST_LINE} characters")
