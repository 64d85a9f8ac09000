"""Manifests as sources: CSV and JSON lines, whose rows name pictures and say more of them."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from lightmeter.batch.sources.item import Item, SeenValues, Wanted, check_known
from lightmeter.batch.sources.table import USUAL_PATHS, item_in_cell
from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
_MOST_LINE = 1 << 24  # characters


def listed_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """The pictures that the rows of a manifest name, in their order; a damaged row ends it.

    Raises:
        ImageError: a row is damaged.
        ValueError: the first row has no column of paths, or there is no column that is wanted.
    """
    columns = (wanted.column,) if wanted.column is not None else USUAL_PATHS
    seen = SeenValues(wanted.values, name)  # lines of JSON need not be alike
    is_csv = name.lower().endswith(".csv")
    # What is no UTF-8 is decoded as in the paths of files.
    with io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="") as text:
        for number, row in enumerate(_csv_rows(text) if is_csv else _json_rows(text), 1):
            path = next((row[column] for column in columns if row.get(column)), None)
            if number == 1 and not any(column in row for column in columns):
                listed = shorten(", ".join(list(row)[:20]), 300)
                raise ValueError(
                    f"the manifest {name}: no path in {', '.join(columns)}; it has {listed}"
                )
            if number == 1 and is_csv:
                check_known(wanted.values, row, name)
            seen.add(row)
            cells = {column: row.get(column) for column in wanted.values}
            values = {key: _typed(cell) if is_csv else cell for key, cell in cells.items()}
            yield item_in_cell(
                path if isinstance(path, str) else None, "", name, number, wanted, values
            )
    seen.check()


def _csv_rows(text: io.TextIOWrapper) -> Iterator[Mapping[str, Any]]:
    reader = csv.DictReader(_lines(text), restkey="", strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise ImageError("corrupt", f"line {reader.line_num}: {error}") from None


def _typed(value: str | None) -> Any:
    """Return a cell of CSV: what looks like a number is one, and what is empty is missing."""
    if not value or not _NUMBER.fullmatch(value):
        return value or None
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def _json_rows(text: io.TextIOWrapper) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(_lines(text), 1):
        if not line.isspace():
            try:
                row = parse_json(line)
            except ValueError as error:
                row = error
            if not isinstance(row, dict):
                raise ImageError("corrupt", f"line {number}: expected a JSON object: {row}"[:200])
            yield row


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MOST_LINE):
        if len(line) == _MOST_LINE:
            raise ImageError("corrupt", f"a line of {_MOST_LINE} characters or more")
        yield line
