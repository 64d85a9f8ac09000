"""Which source an address or an object is: the table of all kinds."""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from glob import has_magic
from itertools import chain, islice
from typing import Any

from lightmeter.batch.fetching import loaded
from lightmeter.batch.sources.checks import check_known
from lightmeter.batch.sources.folder import find_images, matches
from lightmeter.batch.sources.item import Item, Source, Wanted, item_of
from lightmeter.batch.sources.iterable import iterable_source
from lightmeter.batch.sources.names import image_suffixes, is_shard, is_url, shown_url
from lightmeter.batch.sources.remote import expanded
from lightmeter.batch.sources.shard import shard_items
from lightmeter.batch.sources.table import is_table, table_source
from lightmeter.errors import ImageError
from lightmeter.image.arrays import is_array
from lightmeter.text import shorten

_log = logging.getLogger("lightmeter.batch")


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
        if not (has_magic(path) or is_url(path)):
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
    first = [*islice(samples, 1)]
    if all(isinstance(sample, str | os.PathLike) for sample in first):
        return _of_paths([*map(os.fsdecode, chain(first, samples))], wanted)
    return iterable_source(given, chain(first, samples), wanted)


def _of_paths(paths: list[str], wanted: Wanted) -> Source:
    """Pictures in files come first, and then what is elsewhere or in a file of many."""
    given: list[str] = []
    others: list[Item | str] = []  # pictures, and files of many
    is_folder = os.path.isdir(paths[0]) if paths else False
    for path in paths:
        if is_url(path):
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
        _log.warning(
            "found no image in %s; expected files with one of the suffixes %s, or a pattern that "
            "matches files",
            shorten(", ".join(map(shown_url, paths)), 200) or "an empty list",
            " ".join(sorted(image_suffixes())),
        )
    if not shards and (wanted.column or wanted.values):
        check_known([wanted.column or wanted.values[0]], (), "files")
    is_one = len(paths) == 1 and (is_folder or shards == len(others) == 1)
    below = len(os.path.join(paths[0], "")) if files else 0

    def items() -> Iterator[Item]:
        yield from (item_of(file, within=file[below:]) for file in files)
        for part in others:
            try:
                yield from [part] if isinstance(part, Item) else shard_items(part, wanted)
            except ValueError as error:  # no such column
                if part is others[0]:
                    raise
                yield item_of(ImageError("corrupt", str(error)[:200]), str(part))

    def unnamed() -> Iterator[Item]:
        return (replace(item, within="") for item in items())

    return Source(items if is_one else unnamed, None if shards else len(files) + len(others))


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
