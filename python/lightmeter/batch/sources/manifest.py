"""Manifests as sources: CSV and JSON lines, whose rows name pictures and say more of them."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from lightmeter.batch.sources.item import Item, SeenValues, Wanted, check_known, item_of
from lightmeter.batch.sources.table import USUAL_PATHS, item_in_cell
from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
_MOST_LINE = 1 << 24  # characters
_MOST_BLANK = 1 << 20

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
            error, cell = shorten(str(row), 200), None
            if not isinstance(row, ValueError):
                cell = next((row[column] for column in columns if row.get(column)), None)
                listed = shorten(", ".join(list(row)[:20]), 300)
                error = f"no path in {', '.join(columns)}; it has {listed}"
            if number == 1 and not isinstance(cell, str):
                raise ValueError(f"the manifest {name}, first row: {error}")
            if isinstance(row, ValueError):
                yield item_of(ImageError("corrupt", error), f"{name}:{number}", within=str(number))
                continue
            if is_csv and number == 1:
                check_known(wanted.values, row, name)
            seen.add(row)
            cells = {column: row.get(column) for column in wanted.values}
            values = {key: _typed(cell) if is_csv else cell for key, cell in cells.items()}
            path = cell if isinstance(cell, str) else None
            yield item_in_cell(path, "", name, number, wanted, values)
    seen.check()


def _csv_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    reader = csv.DictReader(_lines(text), restkey="", strict=True)
    while True:
        try:
            for row in reader:
                yield {name: value for name, value in row.items() if name}
            return
        except csv.Error as error:
            yield ValueError(f"line {reader.line_num}: {error}")


def _typed(value: str | None) -> Any:
    """Return a cell of CSV: what looks like a number is one, and what is empty is missing."""
    if not value or not _NUMBER.fullmatch(value):
        return value or None
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def _json_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(_lines(text), 1):
        if line.isspace():
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            row = error
        is_row = isinstance(row, dict)
        yield row if is_row else ValueError(f"line {number}: expected a JSON object: {row}")


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines of a text; in place of one that is too long to be held, one that is damaged.

    Raises:
        ImageError: too many are blank, of which a file of few bytes may have any number.
    """
    blank = 0
    while line := text.readline(_MOST_LINE):
        blank += line.isspace()
        if blank > _MOST_BLANK:
            raise ImageError("corrupt", f"more than {_MOST_BLANK} blank lines")
        if len(line) == _MOST_LINE and not line.endswith("\n"):
            while (rest := text.readline(_MOST_LINE)) and not rest.endswith("\n"):
                pass
            line = f'"" more than {_MOST_LINE} characters\n'
        yield line
