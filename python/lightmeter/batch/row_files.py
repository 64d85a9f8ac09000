"""Rows of images as a file."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import IO, cast

from lightmeter.files import path_texts
from lightmeter.image.numbers import IMAGE_NUMBERS, SETS
from lightmeter.image.reading import DEFAULT_READING, Reading
from lightmeter.profile.row import FACTS, NUMBERS, PREFIX, Row
from lightmeter.profile.table_files import RowFormat, Value, line_of, write_table

__all__ = ["row_json", "write_rows"]


def row_json(row: Row) -> str:
    """A row as a line of JSON in ASCII. A path that is no UTF-8 is whole in ``path_base64``."""
    return line_of(cast(Mapping[str, Value], _texts(row)))


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
    names that Exif has, and all values of functions of yours one in the column ``metrics``. See
    `write_table` for what the formats do.

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
    # Names of what has no columns: the numbers of bands neither.
    own = [*(function.__name__ for function in reading.functions), *(reading.bands or ())]
    columns = _columns(reading, with_exif)
    cells = (cast(Mapping[str, Value], _in_columns(row, columns, own)) for row in rows)
    write_table(cells, file, row_format, columns)


def _columns(reading: Reading, with_exif: bool) -> dict[str, type]:
    known = SETS[: SETS.index(reading.metric_set) + 1]
    names = [f"{PREFIX}{number.name}" for number in IMAGE_NUMBERS if number.set in known]
    return {
        "path": str,
        "path_base64": str,
        **({"frame": int} if reading.frames == "all" else {}),
        "failure": str,
        "detail": str,
        "missing": str,
        "reading": str,
        **{name: NUMBERS[name] for name in names},
        **FACTS,
        **({"metrics": str} if reading.functions or reading.bands else {}),
        **({"exif": str} if with_exif else {}),
    }


def _texts(row: Row) -> Row:
    """The row with every text in Unicode; names in lists are so anyway."""
    path, *others = row.items()
    texts: Row = {**path_texts(str(path[1]))}
    for name, value in others:
        texts[name] = value
        if isinstance(value, str):
            texts[name] = value.encode(errors="replace").decode()
    return texts


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
