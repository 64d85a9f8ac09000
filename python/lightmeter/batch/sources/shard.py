"""Files of many images, by their suffixes: one that cannot be read is one failure."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO

from lightmeter.batch.sources.checks import reading_error
from lightmeter.batch.sources.item import Item, Wanted, item_of
from lightmeter.batch.sources.manifest import csv_items, jsonl_items
from lightmeter.batch.sources.names import is_url, shown_url
from lightmeter.batch.sources.parquet import parquet_items
from lightmeter.batch.sources.remote import open_remote
from lightmeter.batch.sources.tar import tar_items
from lightmeter.batch.sources.zip import zip_items
from lightmeter.errors import ImageError
from lightmeter.files import open_regular

# What gives the images of a file, by its name, its bytes and how many they are; that is None for
# one that cannot seek, and then it must be a tar.
_Items = Callable[[str, IO[bytes], int | None, Wanted], Iterator[Item]]
_FORMATS: dict[str, _Items] = {
    "zip": zip_items, "parquet": parquet_items, "csv": csv_items, "jsonl": jsonl_items
}  # fmt: skip

_BUFFER = 1 << 14  # bytes of a file that are read at a time


def shard_items(path: str, wanted: Wanted) -> Iterator[Item]:
    """Yield the images of one such file, in its order.

    Parameters
    ----------
    path
        Its path or address.
    wanted
        What to take of it.

    Raises
    ------
    ValueError
        A table or manifest has no such column, or an archive no such value.
    ImportError
        A package is not installed.
    """
    name = shown_url(path)
    suffix = name.lower().rpartition(".")[2]
    try:
        file, size = open_remote(path) if is_url(path) else _opened(path)
        with closing(file):
            if size is None and suffix in _FORMATS:
                raise ImageError(
                    "unreadable",
                    f"a .{suffix} is read in any order, which this server does not serve; expected "
                    "one that knows its size, or a tar",
                )
            yield from _FORMATS.get(suffix, tar_items)(name, file, size, wanted)
    except Exception as error:  # any that a file system of somebody else raises
        if isinstance(error, ImportError | ValueError) and not isinstance(error, ImageError):
            raise
        yield item_of(reading_error(error), path)


def _opened(path: str) -> tuple[IO[bytes], int]:
    file = io.BufferedReader(open_regular(path), _BUFFER)
    return file, os.fstat(file.fileno()).st_size
