"""Finding the kind of a source: the table of all kinds."""

import io
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from glob import has_magic
from itertools import chain, islice
from typing import IO, Any

from lightmeter.batch.sources.archive import archive_items
from lightmeter.batch.sources.folder import find_images
from lightmeter.batch.sources.item import Item, Source, Wanted, check_known, item_of, reading_error
from lightmeter.batch.sources.iterable import iterable_source
from lightmeter.batch.sources.manifest import csv_items, jsonl_items
from lightmeter.batch.sources.names import is_shard, is_url, shown_url
from lightmeter.batch.sources.parquet import parquet_items
from lightmeter.batch.sources.remote import expanded, open_remote
from lightmeter.batch.sources.table import is_table, table_source
from lightmeter.errors import ImageError
from lightmeter.files import open_regular
from lightmeter.image.arrays import is_array
from lightmeter.text import shorten

_log = logging.getLogger("lightmeter.batch")

# Yields the images of a file from its name and the open file, which can seek except for a tar file.
_Items = Callable[[str, IO[bytes], Wanted], Iterator[Item]]
_FORMATS: dict[str, _Items] = {
    "zip": archive_items, "parquet": parquet_items, "csv": csv_items, "jsonl": jsonl_items
}  # fmt: skip

_BUFFER = 1 << 14  # bytes of a file that are read at a time


def source_of(given: Any, wanted: Wanted) -> Source:
    """Return the source that `given` stands for.

    Datasets and tables are recognized by their methods, and texts by their beginning and end:

    ====================================  ======================================================
    ``.tar`` ``.tar.gz`` ``.tgz`` `.zip`  an archive, or a shard of WebDataset
    ``.parquet``                          a table of images; a manifest if it has none
    ``.csv`` ``.jsonl``                   a manifest
    ``s3://``, ``https://``, ``hf://``    any of these elsewhere, an image, a folder or a pattern
    anything else                         a file, a folder or a pattern
    ====================================  ======================================================

    Several paths and patterns stand for all their files, sorted by path. Any other object is
    iterated for images.

    Raises
    ------
    FileNotFoundError
        `given` is a single path that does not exist.
    TypeError
        The kind of `given` is unknown.
    ValueError
        There is no such column of images.
    ImportError
        A package for the source is not installed.
    """
    if isinstance(given, str | os.PathLike):
        path = os.fsdecode(given)
        if not (has_magic(path) or is_url(path)):
            os.lstat(path)  # of several, one that is not there is a failure
        return _of_paths([path], wanted)
    if is_table(given):
        return table_source(given, wanted)
    alone = isinstance(given, dict | bytes | bytearray) or is_array(given) or hasattr(given, "read")
    if alone or not isinstance(given, Iterable):
        raise TypeError(
            f"got a {type(given).__name__}; expected a path, a table, such as one split of a "
            "dataset, or an iterable of paths, images or batches; for one image, use "
            "lightmeter.log_image"
        )
    samples = iter(given)
    first = [*islice(samples, 1)]
    if all(isinstance(sample, str | os.PathLike) for sample in first):
        return _of_paths([*map(os.fsdecode, chain(first, samples))], wanted)
    return iterable_source(given, chain(first, samples), wanted)


def _of_paths(paths: list[str], wanted: Wanted) -> Source:
    """Return the images in files, sorted by path, including those in archives and tables."""
    found: dict[str, Any] = {}  # by name; None is a file of many
    root = os.path.join(paths[0], "") if paths and os.path.isdir(paths[0]) else ""
    for path in paths:
        if is_url(path):
            parts, root = expanded(path)
            found |= parts
        else:
            is_many = is_shard(path)  # other patterns are of images
            files = find_images(path)
            found |= {file: None if is_many and is_shard(file) else file for file in files}
    names = sorted(found)
    shards = [name for name in names if found[name] is None]
    if not names:
        _log.warning(
            "found no image in %s; expected files with the suffix of an image format, such as "
            ".jpg, .png or .tif, or a pattern that matches files; links to folders do not count",
            shorten(", ".join(map(shown_url, paths)), 200) or "an empty list",
        )
    if not shards and (wanted.column or wanted.values):
        check_known([wanted.column or wanted.values[0]], (), "files")

    def of_shard(name: str) -> Iterator[Item]:
        try:
            for item in _shard_items(name, wanted):
                yield item if len(paths) == len(names) == 1 else replace(item, within="")
        except ValueError as error:  # no such column
            if name == shards[0]:
                raise
            yield item_of(ImageError("corrupt", str(error)[:200]), name)

    def items() -> Iterator[Item]:
        for name in names:
            if found[name] is None:
                yield from of_shard(name)
            else:
                within = name.removeprefix(root) if root and len(paths) == 1 else ""
                yield item_of(found[name], name, within=within)

    return Source(items, None if shards else len(names))


def _shard_items(path: str, wanted: Wanted) -> Iterator[Item]:
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
        local = not is_url(path)
        file = io.BufferedReader(open_regular(path), _BUFFER) if local else open_remote(path)
        with closing(file):
            if suffix in _FORMATS and not file.seekable():
                raise ImageError(
                    "unreadable",
                    f"a .{suffix} is read in any order, which this server does not serve; expected "
                    "one that knows its size, or a tar",
                )
            yield from _FORMATS.get(suffix, archive_items)(name, file, wanted)
    except Exception as error:  # a file system may raise any
        if isinstance(error, ImportError | ValueError) and not isinstance(error, ImageError):
            raise
        yield item_of(reading_error(error), path)
