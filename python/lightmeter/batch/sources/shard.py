"""Archives and tables by their suffixes; a file that cannot be read is one failure."""

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

# Yields the images of a file from its name, the open file and its size in bytes. The size is None
# if the file cannot seek, which only a tar file may be.
_Items = Callable[[str, IO[bytes], int | None, Wanted], Iterator[Item]]
_FORMATS: dict[str, _Items] = {
    "zip": zip_items, "parquet": parquet_items, "csv": csv_items, "jsonl": jsonl_items
}  # fmt: skip

_BUFFER = 1 << 14  # bytes of a file that are read at a time


def shard_items(path: str, wanted: Wanted) -> Iterator[Item]:
    """Yield the images of an archive, table or manifest in order.

    Parameters
    ----------
    path
        Path or URL of the file.
    wanted
        Wanted parts of the file.

    Raises
    ------
    ValueError
        A table or manifest lacks a wanted column, or an archive a wanted value.
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
    except Exception as error:  # a file system may raise any
        if isinstance(error, ImportError | ValueError) and not isinstance(error, ImageError):
            raise
        yield item_of(reading_error(error), path)


def _opened(path: str) -> tuple[IO[bytes], int]:
    file = io.BufferedReader(open_regular(path), _BUFFER)
    return file, os.fstat(file.fileno()).st_size
