"""How large a piece of a table may be that pyarrow decodes whole: a page, or a record batch."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightmeter.batch.sources.item import most_bytes
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["check_decoded", "column_leaves", "damage_of", "rows_at_once"]

_ROWS = 16  # of a batch: all their pictures are in memory
_MOST_GROWTH = 2  # pictures are compressed already, so that a page of them hardly grows


@contextmanager
def damage_of(what: str) -> Iterator[None]:
    """Give what parsing hostile headers raises as an ImageError."""
    try:
        yield
    except ImageError:
        raise
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise ImageError("corrupt", f"{what}: {error}") from None


def check_decoded(what: str, stored: int, decoded: int, cells: int, limits: Limits) -> None:
    """Refuse what would take more memory than the limits allow, before it is decoded.

    Beyond `Limits.bytes_in_memory` a piece is decoded only if the file itself is about as large, as
    the pages of common writers are, which hold up to 1024 pictures.

    Args:
        what: what it is, for the message.
        stored: its bytes in the file.
        decoded: its bytes in memory.
        cells: how many cells it says it has.
        limits: what may be taken.

    Raises:
        ImageError: it would.
    """
    most = limits.bytes_in_memory
    grows = decoded > _MOST_GROWTH * stored
    if most is None or decoded <= most:
        return
    if not grows and decoded <= max(1, cells) * most_bytes(limits):
        return
    raise ImageError(
        "too_large",
        f"{what} takes {decoded} bytes in memory ({stored} in the file, {cells} cells); expected "
        f"at most {most} (Limits.bytes_in_memory); write smaller row groups, or raise the limit",
    )


def rows_at_once(largest: int, limits: Limits, usual: int = _ROWS) -> int:
    """How many rows to decode at a time if a cell may have `largest` bytes."""
    return max(1, min(usual, most_bytes(limits) // max(1, largest)))


def column_leaves(metadata: Any, names: list[str]) -> list[int]:
    """The numbers of the leaves of columns, as pyarrow chooses them."""
    return [
        number
        for number in range(metadata.num_columns)
        if any(f"{metadata.schema.column(number).path}.".startswith(f"{it}.") for it in names)
    ]
