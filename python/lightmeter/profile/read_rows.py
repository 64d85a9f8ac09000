"""Reading files of rows as `lightmeter measure` writes them. They may hold anything."""

import base64
import contextlib
import csv
import io
import os
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any

from lightmeter.errors import DecodeError
from lightmeter.files import open_regular
from lightmeter.nesting import parse_json
from lightmeter.profile.cells import FACTS, NUMBERS, PREFIX, parquet, row_format_of

__all__ = ["FORMULA", "read_rows"]

# Spreadsheets take a text that begins like this for a formula, and would run it: also with the
# wide forms of = + - @. The apostrophe is there so that the one put in front can be taken off.
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'")

# Names of other columns are nobody's, or those of a newer version.
_COLUMNS: dict[str, type] = {
    **dict.fromkeys(
        ("path", "path_base64", "failure", "detail", "missing", "metrics", "exif"), str
    ),
    "frame": int,
    **NUMBERS,
    **FACTS,
}
_MOST_LINE = 2**24  # bytes; all that is in memory at a time
# Few, as a small file of Parquet can say a long text in every row.
_BATCH_ROWS = 64
_CELL_LIMIT = threading.Lock()  # csv has one for all threads


def _renew_lock() -> None:
    """In the child of a fork, where nobody would release it."""
    global _CELL_LIMIT
    _CELL_LIMIT = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def read_rows(path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row of a file, after the words for where it stands, such as ``rows.csv, line 3``.

    A row has what `lightmeter.measure` gave. Its values are of any JSON type in JSON lines; in
    other formats they have the types of their columns, but for integers that a table made floats.
    A line, and a cell, may have 16 MB. While a row of CSV is read, that is also the limit of the
    module `csv`, which has but one; it is put back after each row.

    Raises:
        DecodeError: the file, or a row, is not as `lightmeter measure` writes it.
        OSError: it cannot be read, or is not a regular file.
        ValueError: its suffix says no format of rows.
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    read = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}
    rows = read[row_format_of(path)]
    with io.BufferedReader(open_regular(path)) as file:
        yield from rows(file, os.fsdecode(path))


def _lines(file: IO[bytes], path: str) -> Iterator[str]:
    number = 0
    while line := file.readline(_MOST_LINE + 1):
        number += 1
        try:
            if len(line) > _MOST_LINE:
                raise ValueError(f"got more than {_MOST_LINE} bytes; expected a row")
            yield line.decode()
        except ValueError as error:
            raise DecodeError(f"{path}, line {number}: {error}") from None


def _read_json_lines(file: IO[bytes], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_lines(file, path), 1):
        place = f"{path}, line {number}"
        try:
            row = _with_exact_path(_json_object(line))
        except ValueError as error:
            raise DecodeError(f"{place}: {error}") from None
        yield place, row


def _read_csv(file: IO[bytes], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.reader(_lines(file, path), strict=True)
    names: list[str] = []
    try:
        while (cells := _next_cells(reader)) is not None:
            if names:
                yield f"{path}, line {reader.line_num}", _csv_row(names, cells)
            else:
                names = _checked_names([cell.removeprefix("\ufeff") for cell in cells])
    except DecodeError:
        raise
    except (ValueError, csv.Error) as error:
        raise DecodeError(f"{path}, line {reader.line_num}: {error}") from None
    if not names:
        raise DecodeError(f"{path}: got no line; expected the names of columns in the first")


def _next_cells(reader: Iterator[list[str]]) -> list[str] | None:
    """The cells of the next row, as long as a line may be; None at the end."""
    with _CELL_LIMIT:
        before = csv.field_size_limit(_MOST_LINE)
        try:
            return next(reader, None)
        finally:
            csv.field_size_limit(before)


def _csv_row(names: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(names):
        raise ValueError(f"got {len(cells)} cells; expected {len(names)} as in line 1")
    given = zip(names, cells, strict=True)
    return _spread({name: _typed(name, cell) for name, cell in given if cell})


def _read_parquet(file: IO[bytes], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    pa = parquet()
    number = 0
    try:
        opened = pa.parquet.ParquetFile(file)
        schema = opened.schema_arrow
        _checked_names(schema.names)
        known = [name for name in schema.names if name in _COLUMNS]
        for name in known:
            _check_type(pa.types, name, schema.field(name).type)
        for batch in opened.iter_batches(_BATCH_ROWS, columns=known):
            for cells in batch.to_pylist():
                number += 1
                row = _spread({name: cell for name, cell in cells.items() if cell is not None})
                yield f"{path}, row {number}", row
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:  # of the medium, and not of what is in it
            raise
        place = f", row {number}" if number else ""
        raise DecodeError(f"{path}{place}: {error}") from None


def _checked_names(names: list[str]) -> list[str]:
    if "path" not in names:
        raise ValueError("got no column path; expected a file that `lightmeter measure` wrote")
    if len(set(names)) < len(names):
        raise ValueError("got several columns of one name; expected each name once")
    return names


def _check_type(types: Any, name: str, given: Any) -> None:
    is_number = types.is_integer(given) or types.is_floating(given)
    fits = {
        str: types.is_string(given) or types.is_large_string(given),
        int: is_number,  # a table with missing integers makes floats of them
        float: is_number,
    }
    if not (fits[_COLUMNS[name]] or types.is_null(given)):
        raise ValueError(f"the column {name} is of {given}; expected {_COLUMNS[name].__name__}")


def _typed(name: str, cell: str) -> Any:
    kind = _COLUMNS.get(name)
    if kind is str or kind is None:
        return cell[1:] if cell[0] == "'" and cell[1:].startswith(FORMULA) else cell
    for number in (kind, float):  # 640.0 is an integer to a table
        with contextlib.suppress(ValueError):
            return number(cell)
    raise ValueError(f"{name} is {cell[:80]!r}; expected a number")


def _spread(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of known columns, with what is JSON in one of them as cells of its own."""
    row = {name: cell for name, cell in cells.items() if name in _COLUMNS}
    for column in ("metrics", "exif"):
        if column in row:
            values = _json_object(row.pop(column))
            row |= {f"{PREFIX}{name}": value for name, value in values.items()}
    if "missing" in row:
        row["missing"] = _json(row["missing"])
    return _with_exact_path(row)


def _with_exact_path(row: dict[str, Any]) -> dict[str, Any]:
    """The row with a path that may be opened, be it UTF-8 or not."""
    exact = row.pop("path_base64", None)
    if exact is not None:
        row["path"] = os.fsdecode(base64.b64decode(str(exact), validate=True))
    return row


def _json_object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise ValueError(f"got JSON of a {type(value).__name__}; expected an object")
    return value


def _json(text: str) -> Any:
    return parse_json(text, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"got {constant}; expected a finite number")
