"""A file of many pictures, here or elsewhere: an archive, a table or a manifest, by its suffix."""

import io
import os
from collections.abc import Iterator
from contextlib import closing

from lightmeter.batch.sources.archive import archive_items
from lightmeter.batch.sources.item import Item, Wanted, item_of, reading_error
from lightmeter.batch.sources.manifest import listed_items
from lightmeter.batch.sources.names import is_url, shown_url
from lightmeter.batch.sources.parquet import ParquetTable
from lightmeter.batch.sources.remote import open_remote
from lightmeter.batch.sources.table import parquet_items
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
    name = shown_url(path)
    suffix = name.lower().rpartition(".")[2]
    try:
        if is_url(path):
            file, size = open_remote(path)
        else:
            raw = open_regular(path)
            file, size = io.BufferedReader(raw, _BUFFER), os.fstat(raw.fileno()).st_size
        with closing(file):
            if size is None and suffix in ("zip", "parquet", "csv", "jsonl"):
                raise ImageError(
                    "unreadable",
                    f"a .{suffix} is read in any order, which this server does not serve; expected "
                    "one that knows its size, or a tar",
                )
            if suffix == "parquet":
                yield from parquet_items(name, ParquetTable(file, wanted.limits), wanted)
            elif suffix in ("csv", "jsonl"):
                yield from listed_items(name, file, wanted)
            else:
                yield from archive_items(name, file, size, wanted)
    except Exception as error:  # any that a file system of somebody else raises
        if isinstance(error, ImportError | ValueError) and not isinstance(error, ImageError):
            raise
        yield item_of(reading_error(error), path)
