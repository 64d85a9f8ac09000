"""Cells of tables of other programs: which hold pictures, and what each one is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lightmeter.batch.sources.item import Item, plain
from lightmeter.batch.sources.listed import USUAL_PATHS
from lightmeter.batch.sources.remote import RemotePart
from lightmeter.batch.sources.table import USUAL_PICTURES
from lightmeter.batch.sources.urls import is_url, shown_url
from lightmeter.errors import ImageError

__all__ = ["item_of", "name_column", "picture_column", "plain_cell"]


def picture_column(names: Sequence[str], column: str | None) -> str:
    """The column of pictures, or of their paths or addresses.

    Raises:
        ValueError: there is none of this name; or, where `column` is None, of a usual one.
    """
    usual = USUAL_PICTURES + USUAL_PATHS if column is None else (column,)
    named = next((name for name in usual if name in names), None)
    if named is None and (column is not None or len(names) != 1):
        raise ValueError(
            f"got the columns {', '.join(names)}; expected one of pictures or of their addresses "
            f"named {', '.join(usual)}, or its name as the column"
        )
    return names[0] if named is None else named


def name_column(names: Sequence[str], column: str) -> str | None:
    """The column that names the pictures in `column`, which holds their bytes or pixels."""
    return next((name for name in USUAL_PATHS if name in names and name != column), None)


def plain_cell(value: Any) -> Any:
    """A value beside a picture, as it can be logged."""
    return plain(value.item() if isinstance(value, np.generic) else value)


def item_of(cell: Any, name: object, values: Mapping[str, Any]) -> Item:
    """The picture in a cell.

    Args:
        cell: encoded bytes, an array, a path, an address, a `Part`, or a dict of ``bytes`` and
            ``path``.
        name: what the row says; None or another type if it does not.
        values: of the row, plain.
    """
    if isinstance(cell, Mapping):
        name = cell.get("path") or name
        cell = name if cell.get("bytes") is None else cell["bytes"]
    if isinstance(cell, str) and cell:
        cell = _path(cell)
        return Item(shown_url(cell), RemotePart(cell) if is_url(cell) else cell, values=values)
    named = shown_url(_path(name)) if isinstance(name, str) and name else "a row"
    if isinstance(cell, bytearray | memoryview):
        cell = bytes(cell)
    if cell is None or isinstance(cell, str):
        cell = ImageError("empty", "the cell is empty")
    return Item(named, cell, values=values)


def _path(text: str) -> str:
    """A path as Python opens it, where Hadoop wrote it."""
    hadoop = text.startswith("file:/") and not is_url(text)
    return text.removeprefix("file:") if hadoop else text
