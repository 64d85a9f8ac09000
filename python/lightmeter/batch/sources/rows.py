"""Rows with images or paths: of tables in memory, Parquet files, CSV and lines of JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from lightmeter.batch.sources.item import Item, Row, Wanted, check_known, item_of, most_bytes
from lightmeter.batch.sources.names import linked, local_path, shown_link
from lightmeter.errors import ImageError
from lightmeter.image.arrays import is_array
from lightmeter.text import shorten

USUAL_PATHS = ("path", "file", "filename", "file_name", "image", "url", "uri")
USUAL_IMAGES = ("image", "img", "picture", "photo", "jpg", "png", "bytes", "content")

Kinds = list[tuple[str, str]]  # of columns: "binary" holds images, "string" may hold their paths


def with_column(wanted: Wanted, kinds: Kinds, table: str) -> Wanted:
    """Return `wanted` with the column of images or of their paths.

    Raises
    ------
    ValueError
        There is no such column, several columns without a usual name, a missing value, or several
        columns with the same name.
    """
    names = [name for name, _ in kinds]
    images, paths = ([name for name, own in kinds if own == kind] for kind in ("binary", "string"))
    usual = [name for name in USUAL_IMAGES if name in images] or images[: len(images) == 1]
    if not images:
        usual = [name for name in USUAL_PATHS if name in paths]
    column = next(iter(usual), None) if wanted.column is None else wanted.column
    if column is None or column not in images + paths:
        raise ValueError(
            f"{table} has {len(images)} columns of images; expected one of bytes, of structs "
            f"with bytes or of paths in {', '.join(USUAL_PATHS)}, or its name as the column, got "
            f"{column}; it has {shorten(', '.join(names[:20]), 300)}"
        )
    check_known((column, *wanted.values), names, table)
    return replace(wanted, column=column)


def row_items(
    table: str,
    rows: Iterable[Row],
    wanted: Wanted,
    first: int = 0,
    named: str = "",
) -> Iterator[Item]:
    """Yield the images of rows, which are bytes, paths, or dicts of both.

    Images are named by their paths, or by their row numbers.

    Parameters
    ----------
    table
        Name of the table, or "".
    rows
        The rows; a damaged image may be an error.
    wanted
        Wanted parts, including the column of images.
    first
        Number of the first row.
    named
        Column of paths beside the images.
    """
    most = most_bytes(wanted.limits)
    for number, row in enumerate(rows, first):
        cell, path = _unpacked(row.get(str(wanted.column)), row.get(named))
        data, path = cell, local_path(str(path or ""))
        if cell is None or (isinstance(cell, str) and not cell):  # an array has no truth value
            data = ImageError("empty", "the cell is empty")
        elif isinstance(cell, str):
            data, path = linked(cell, table), shown_link(local_path(cell), table)
        elif not (isinstance(cell, bytes | ImageError) or is_array(cell)):
            data = ImageError("unsupported", f"a cell of a {type(cell).__name__}; expected a path")
        elif isinstance(cell, bytes) and len(cell) > most:
            data = ImageError("too_large", f"a cell of {len(cell)} bytes; expected at most {most}")
        within = (path or str(number)) if table else ""
        name = f"{table}:{within}" if table else path or "a row"
        values = {value: row.get(value) for value in wanted.values}
        mask, _ = _unpacked(row.get(wanted.mask or ""))
        mask = linked(mask, table) if isinstance(mask, str) and mask else mask
        yield item_of(data, data if isinstance(data, str) else name, values, within, mask)


def _unpacked(cell: Any, path: Any = None) -> tuple[Any, Any]:
    """Return the image in a cell, and its path; a struct has bytes, or a path beside the table."""
    if not isinstance(cell, dict):
        return cell, path
    path = cell.get("path") or path
    return path if cell.get("bytes") is None else cell["bytes"], path
