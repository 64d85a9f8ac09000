"""Manifests as sources: tables whose rows name pictures, by path or address, and say more of them.

They are CSV, JSON lines and Parquet files, as `manifest` reads them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lightmeter.batch.sources.beside import beside
from lightmeter.batch.sources.item import Item, Wanted, plain
from lightmeter.batch.sources.manifest import PATHS
from lightmeter.batch.sources.table import known
from lightmeter.batch.sources.urls import shown_url
from lightmeter.errors import ImageError
from lightmeter.text import shorten

__all__ = ["USUAL_PATHS", "listed_items"]

_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
USUAL_PATHS = (*PATHS, "url", "uri")


def listed_items(
    file: str, rows: Iterable[Mapping[str, Any] | ValueError], wanted: Wanted
) -> Iterator[Item]:
    """The pictures that the rows of a manifest name, in their order; a damaged row is lost alone.

    Raises:
        ValueError: the first row is damaged or names no picture, or there is no column that is
            wanted.
    """
    in_text = file.lower().endswith(".csv")
    columns = (wanted.column,) if wanted.column is not None else USUAL_PATHS
    for number, row in enumerate(rows, 1):
        if isinstance(row, ValueError):
            if number == 1:
                raise row
            yield Item(f"{file}:{number}", ImageError("corrupt", shorten(str(row), 200)))
            continue
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
        data = beside(path, file)
        name = data if isinstance(data, str) else shown_url(getattr(data, "url", path))
        yield Item(name, data, values=values)


def _typed(value: Any) -> Any:
    """A cell of CSV: what looks like a number is one, and what is empty is missing."""
    if not isinstance(value, str) or not value:
        return None
    if not _NUMBER.fullmatch(value):
        return value
    return int(value) if value.lstrip("+-").isdigit() else float(value)
