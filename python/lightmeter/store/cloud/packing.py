"""Changes of a store's state as the bytes of an object, and back."""

import json
import zlib
from collections.abc import Iterable
from typing import Any

from lightmeter.errors import DecodeError
from lightmeter.nesting import parse_json
from lightmeter.store.changes import Changes, Table
from lightmeter.store.cloud.sealed import MOST_BYTES, seal_object, unseal

__all__ = ["pack", "unpack"]


def pack(changes: Iterable[Changes], kind: str, number: int, nonce: str) -> bytes:
    """The object of changes."""
    content = {
        table.name: {
            "columns": table.columns,
            "put": [list(map(_plain, row)) for row in put],
            "gone": [list(map(_plain, row)) for row in gone],
        }
        for table, put, gone in changes
    }
    body = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 6)
    return seal_object({"kind": kind, "number": number, "nonce": nonce}, body)


def unpack(data: bytes, kind: str, number: int, tables: Iterable[Table]) -> list[Changes]:
    """The changes that are in an object.

    Raises:
        DecodeError: it is no such object, or speaks of tables that these are not.
    """
    header, body = unseal(data)
    if header.get("kind") != kind or header.get("number") != number:
        raise DecodeError(f"it is not the {kind} {number}, as its name says")
    inflating = zlib.decompressobj()
    try:
        text = inflating.decompress(body, MOST_BYTES)
        if not inflating.eof:
            raise DecodeError(f"it is cut off, or has more than {MOST_BYTES} bytes when unpacked")
        content = parse_json(text)
        by_name = {table.name: table for table in tables}
        return [_changes_of(by_name[name], each) for name, each in content.items()]
    except DecodeError:
        raise
    except (zlib.error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DecodeError(f"what it says cannot be read: {error!r}") from error


def _changes_of(table: Table, content: dict[str, Any]) -> Changes:
    columns, key = tuple(content["columns"]), len(table.key)
    if columns != table.columns:
        raise ValueError(f"the table {table.name} has other columns")
    put = [tuple(map(_value, row)) for row in content["put"]]
    gone = [tuple(map(_value, row)) for row in content["gone"]]
    if any(len(row) != len(columns) for row in put) or any(len(row) != key for row in gone):
        raise ValueError("a row has another length")
    return Changes(table, put, gone)


def _plain(value: Any) -> Any:
    return [value.hex()] if isinstance(value, bytes) else value


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return bytes.fromhex(value[0])
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError("a value is of another type")
    return value
