"""Manifests as sources: tables whose rows name pictures, by path or address, and say more of them.

They are CSV, JSON lines and Parquet files, as `manifest` reads them.
"""

import re
from collections.abc import Iterator
from typing import IO, Any

from lightmeter.batch.sources.item import Item, SeenValues, Wanted, plain
from lightmeter.batch.sources.manifest import PATHS, rows_and_damage
from lightmeter.batch.sources.remote import item_of, linked
from lightmeter.batch.sources.table import known
from lightmeter.errors import ImageError
from lightmeter.text import shorten

__all__ = ["USUAL_PATHS", "listed_items"]

_NUMBER = re.compile(r"[+-]?(\d{1,18}|\d*\.\d+([eE][+-]?\d{1,3})?|\d+[eE][+-]?\d{1,3})", re.ASCII)
USUAL_PATHS = (*PATHS, "url", "uri")


def listed_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """The pictures that the rows of a manifest name, in their order; a damaged row is lost alone.

    Raises:
        ValueError: the first row is damaged or names no picture, or there is no column that is
            wanted.
    """
    in_text = name.lower().endswith(".csv")
    columns = (wanted.column,) if wanted.column is not None else USUAL_PATHS
    seen = SeenValues(wanted.values, name)  # lines of JSON need not be alike
    for number, row in enumerate(rows_and_damage(name, file), 1):
        if isinstance(row, ValueError):
            if number == 1:
                raise row
            yield item_of(ImageError("corrupt", shorten(str(row), 200)), f"{name}:{number}")
            continue
        path = next((row[column] for column in columns if row.get(column)), None)
        if not isinstance(path, str):
            if number == 1:
                raise ValueError(
                    f"the manifest {name} has no path in its first row; expected one in a column "
                    f"{', '.join(columns)}; it has {shorten(', '.join(list(row)[:20]), 300)}"
                )
            yield item_of(ImageError("empty", "a row without a path"), f"{name}:{number}")
            continue
        if number == 1 and not name.lower().endswith(".jsonl"):
            known(wanted.values, row, name)
        seen.add(row)
        cells = {column: row.get(column) for column in wanted.values}
        values = {key: _typed(cell) if in_text else plain(cell) for key, cell in cells.items()}
        data = linked(path, name)
        yield item_of(data, "" if isinstance(data, str) else path, values=values)
    seen.check()


def _typed(value: Any) -> Any:
    """A cell of CSV: what looks like a number is one, and what is empty is missing."""
    if not isinstance(value, str) or not value:
        return None
    if not _NUMBER.fullmatch(value):
        return value
    return int(value) if value.lstrip("+-").isdigit() else float(value)
