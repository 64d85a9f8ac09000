"""A file of many pictures, here or elsewhere: an archive, a table or a manifest, by its suffix."""

import io
import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from lightmeter.batch.sources.archive import archive_items
from lightmeter.batch.sources.item import Item, Wanted, reading_error
from lightmeter.batch.sources.manifest import listed_items
from lightmeter.batch.sources.parquet import ParquetTable
from lightmeter.batch.sources.remote import item_of, open_remote
from lightmeter.batch.sources.table import parquet_items
from lightmeter.batch.sources.urls import is_url, shown_url
from lightmeter.errors import ImageError
from lightmeter.files import open_regular

__all__ = ["shard_items"]

_BUFFER = 1 << 14


def shard_items(path: str, wanted: Wanted) -> Iterator[Item]:
    """The pictures of one such file, in its order. One that cannot be read is one failure.

    Args:
        path: its path or address.
        wanted: what to take of it.

    Raises:
        ValueError: a table or manifest has no such column, or an archive no such value.
        ImportError: a package is not installed.
    """
    try:
        file, size = _opened(path)
        with closing(file):
            yield from _items(shown_url(path), file, size, wanted)
    except ImageError as error:
        yield item_of(error, path)
    except (ImportError, ValueError):
        raise
    except Exception as error:  # any that a file system of somebody else raises
        yield item_of(reading_error(error), path)


def _opened(path: str) -> tuple[Any, int | None]:
    """The file, and its size unless it cannot seek."""
    if is_url(path):
        return open_remote(path)
    file = open_regular(path)
    return io.BufferedReader(file, _BUFFER), os.fstat(file.fileno()).st_size


def _items(name: str, file: Any, size: int | None, wanted: Wanted) -> Iterator[Item]:
    suffix = name.lower().rpartition(".")[2]
    in_order = suffix in ("tar", "tgz", "gz", "bz2", "xz", "zst")
    if size is None and not in_order:
        raise ImageError(
            "unreadable",
            f"a .{suffix} is read in any order, which this server does not serve; expected one "
            "that knows its size, or a tar",
        )
    if in_order or suffix == "zip":
        yield from archive_items(name, file, size, wanted)
    elif suffix == "parquet":
        yield from parquet_items(name, ParquetTable(file, wanted.limits), wanted)
    else:
        yield from listed_items(name, file, wanted)
