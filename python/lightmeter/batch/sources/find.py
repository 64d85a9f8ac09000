"""Which source an address or an object is: the table of all kinds."""

import io
import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from glob import has_magic
from itertools import chain
from typing import Any

from lightmeter.batch.running import loaded
from lightmeter.batch.sources.addresses import is_url, shown_url
from lightmeter.batch.sources.archive import archive_items
from lightmeter.batch.sources.folder import find_images, image_suffixes, is_shard, matches
from lightmeter.batch.sources.item import (
    Item,
    Source,
    Wanted,
    check_known,
    item_of,
    reading_error,
)
from lightmeter.batch.sources.iterable import iterable_items
from lightmeter.batch.sources.manifest import listed_items
from lightmeter.batch.sources.parquet import ParquetTable
from lightmeter.batch.sources.remote import expanded, open_remote
from lightmeter.batch.sources.table import is_table, parquet_items, table_source
from lightmeter.errors import ImageError
from lightmeter.files import open_regular
from lightmeter.image.arrays import is_array
from lightmeter.text import shorten

_log = logging.getLogger("lightmeter.batch")
_BUFFER = 1 << 14  # bytes of a file that are read at a time


def source_of(given: Any, wanted: Wanted) -> Source:
    """The source that `given` is.

    Data sets and tables are told by their methods, and what is text by how it begins and ends:

    ====================================  ======================================================
    ``.tar`` ``.tar.gz`` ``.tgz`` `.zip`  an archive, or a shard of WebDataset
    ``.parquet``                          a table of pictures; a manifest if it has none
    ``.csv`` ``.jsonl``                   a manifest
    ``s3://``, ``https://``, ``hf://``    any of these elsewhere, a picture, a folder or a pattern
    anything else                         a file, a folder or a pattern
    ====================================  ======================================================

    Of several, files come first, sorted by path, and then what else there is in the given order.
    What is neither text nor a table is gone through for pictures.

    Raises:
        FileNotFoundError: it is one path and does not exist.
        TypeError: it is of no known kind.
        ValueError: it has no pictures in such a column.
        ImportError: a package that it needs is not installed.
    """
    if isinstance(given, str | os.PathLike):
        path = os.fsdecode(given)
        if not (has_magic(path) or ("://" in path and is_url(path))):
            os.lstat(path)  # of several, one that is not there is a failure
        return _of_paths([path], wanted)
    if isinstance(given, dict):
        named = ", ".join(map(str, list(given)[:20]))
        raise TypeError(f"got a {type(given).__name__} of {named}; expected one of them")
    if is_table(given):
        return table_source(given, wanted)
    alone = isinstance(given, bytes | bytearray) or is_array(given) or hasattr(given, "read")
    if alone or not isinstance(given, Iterable):
        raise TypeError(
            f"got a {type(given).__name__}; expected a path, a table, or an iterable of paths, of "
            "pictures or of batches; one picture is for lightmeter.log_image"
        )
    samples = iter(given)
    first = list(next(zip(samples, strict=False), ()))
    if all(isinstance(sample, str | os.PathLike) for sample in first):
        paths = [_path(path) for path in chain(first, samples)]
        return _of_paths(paths, wanted)
    name = type(given).__name__
    rest = [chain(first, samples)]  # for the first time, as a loader begins its workers anew

    def items() -> Iterator[Item]:
        return iterable_items(rest.pop() if rest else given, name, wanted)

    return Source(items)


def _path(path: Any) -> str:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"got a {type(path).__name__} among paths; expected a str or a Path")
    return os.fsdecode(path)


def opener_of(given: Any, wanted: Wanted, names: Collection[str]) -> Callable[[str], Any]:
    """From each of a few names that `given` gave its pictures to what can be measured again.

    The pictures are looked for once more; any other name is a path.
    """
    items = {item.name: item for item in source_of(given, wanted).items() if item.name in names}

    def opened(name: str) -> Any:
        if name not in items:
            return name
        (item,) = loaded([items[name]], wanted.limits)
        return item.picture

    return opened


def _of_paths(paths: list[str], wanted: Wanted) -> Source:
    """Pictures in files come first, and then what is elsewhere or in a file of many."""
    given: list[str] = []
    others: list[Item | str] = []  # pictures, and files of many
    is_folder = False
    for path in paths:
        if "://" in path and is_url(path):
            found, is_folder = expanded(path)
            others += found
        elif is_shard(path) and not os.path.isdir(path):
            is_pattern = has_magic(path) and not os.path.lexists(path)
            others += sorted(matches(path)) if is_pattern else [path]
        else:
            given.append(path)
    files = find_images(given)
    shards = sum(isinstance(part, str) for part in others)
    if not files and not others:
        named = shorten(", ".join(map(shown_url, paths)), 200) or "an empty list"
        suffixes = " ".join(sorted(image_suffixes()))
        _log.warning(
            "found no image in %s; expected files with one of the suffixes %s, or a pattern that "
            "matches files",
            named,
            suffixes,
        )
    if not shards and (wanted.column or wanted.values):
        check_known([wanted.column or wanted.values[0]], (), "files")
    is_folder = is_folder or (files != given and os.path.isdir(paths[0]))
    is_one = len(paths) == 1 and (is_folder or shards == len(others) == 1)
    below = len(os.path.join(paths[0], "")) if files else 0
    total = None if shards else len(files) + len(others)
    items = partial(_in_turn, files, others, wanted, below)
    if is_one:
        return Source(items, total)
    return Source(lambda: (replace(item, within="") for item in items()), total)


def _in_turn(
    files: list[str], others: list[Item | str], wanted: Wanted, below: int
) -> Iterator[Item]:
    """Yield the pictures of all parts, one after the other; where names of files begin `below`.

    Raises:
        ValueError: the first shard has no such column. A later one is a failure then, as others
            were measured already.
    """
    for file in files:
        yield item_of(file, within=file[below:])
    for part in others:
        if isinstance(part, Item):
            yield part
            continue
        try:
            yield from _shard_items(part, wanted)
        except ValueError as error:
            if part is others[0]:
                raise
            yield item_of(ImageError("corrupt", str(error)[:200]), part)


def _shard_items(path: str, wanted: Wanted) -> Iterator[Item]:
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
