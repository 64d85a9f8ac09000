"""Manifests as sources: tables whose rows name pictures, by path or address, and say more of them.

They are CSV, JSON lines and Parquet files, as `manifest` reads them.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lightmeter.batch.sources.item import Item, Wanted, plain
from lightmeter.batch.sources.manifest import PATHS
from lightmeter.batch.sources.remote import RemotePart
from lightmeter.batch.sources.table import known
from lightmeter.batch.sources.urls import is_url, shown_url
from lightmeter.errors import ImageError
from lightmeter.text import shorten

__all__ = ["USUAL_PATHS", "listed_items"]

_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
USUAL_PATHS = (*PATHS, "url", "uri")


def listed_items(file: str, rows: Iterable[Mapping[str, Any]], wanted: Wanted) -> Iterator[Item]:
    """The pictures that the rows of a manifest name, in their order.

    A path is absolute, or relative to the folder of the manifest, or else to the current one.

    Raises:
        ValueError: a row names no picture, or there is no column that is wanted.
    """
    folder, in_text = os.path.dirname(file), file.lower().endswith(".csv")
    columns = (wanted.column,) if wanted.column is not None else USUAL_PATHS
    for number, row in _numbered(rows):
        if isinstance(row, ImageError):
            yield Item(file, row)
            return
        path = next((row[name] for name in columns if row.get(name)), None)
        if not isinstance(path, str):
            if number == 1:
                raise ValueError(
                    f"the manifest {file} has no path in its first row; expected one in a column "
                    f"{', '.join(columns)}; it has {shorten(', '.join(list(row)[:20]), 300)}"
                )
            yield Item(f"{file}:{number}", ImageError("empty", "a row without a path"))
            continue
        if number == 1 and not file.lower().endswith(".jsonl"):  # whose lines need not be alike
            known(wanted.values, row, file)
        said = {name: row.get(name) for name in wanted.values}
        values = {name: _typed(it) if in_text else plain(it) for name, it in said.items()}
        path = _beside(path, folder)
        data = RemotePart(path) if is_url(path) else path
        yield Item(shown_url(path), data, values=values)


def _numbered(
    rows: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[int, Mapping[str, Any] | ImageError]]:
    """Rows with their numbers; damage behind the first is an error in place of the next."""
    number = 0
    try:
        for number, row in enumerate(rows, 1):
            yield number, row
    except ValueError as error:
        if number == 0:
            raise
        yield number + 1, ImageError("corrupt", shorten(str(error), 200))


def _beside(path: str, folder: str) -> str:
    if is_url(path) or os.path.isabs(path) or not folder:
        return path
    if is_url(folder):
        return f"{folder}/{path}"
    beside = os.path.join(folder, path)
    return path if not os.path.lexists(beside) and os.path.lexists(path) else beside


def _typed(value: Any) -> Any:
    """A cell of CSV: what looks like a number is one, and what is empty is missing."""
    if not isinstance(value, str) or not value:
        return None
    if not _NUMBER.fullmatch(value):
        return value
    return int(value) if value.lstrip("+-").isdigit() else float(value)
