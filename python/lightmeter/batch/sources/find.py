"""Which source an address or an object is: the table of all kinds."""

import logging
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

from lightmeter.batch.sources.datasets import HuggingFace, Torch, is_hugging_face, is_torch
from lightmeter.batch.sources.folder import Files, as_paths, find_images, image_suffixes
from lightmeter.batch.sources.item import Item, Source, Wanted
from lightmeter.batch.sources.names import is_shard
from lightmeter.batch.sources.patterns import has_magic, matches
from lightmeter.batch.sources.remote import RemotePart, check_packages, expanded, is_alone
from lightmeter.batch.sources.shard import Shard
from lightmeter.batch.sources.table import Table, is_table
from lightmeter.batch.sources.urls import is_url, shown_url, without_secrets
from lightmeter.errors import ImageError
from lightmeter.files import path_bytes
from lightmeter.image.tiles.zarr_folder import is_zarr
from lightmeter.text import shorten

__all__ = ["opener_of", "source_of"]

_log = logging.getLogger("lightmeter.batch")
_BRACES = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}", re.ASCII)  # shard-{000..127}.tar
_MOST_SHARDS = 1_000_000


def source_of(given: Any, wanted: Wanted) -> Source:
    """The source that `given` is.

    Data sets and tables are told by their methods, and what is text by how it begins and ends:

    ====================================  ======================================================
    ``.tar`` ``.tar.gz`` ``.tgz`` `.zip`  an archive, or a shard of WebDataset
    ``.parquet`` ``.arrow`` ``.feather``  a table of pictures; a manifest if it has none
    ``.csv`` ``.jsonl``                   a manifest
    ``s3://``, ``https://``, ``hf://``    any of these elsewhere, a picture, a folder or a pattern
    anything else                         a file, a folder or a pattern
    ====================================  ======================================================

    Of several, files come first, sorted by path, and then what else there is in the given order.

    Raises:
        FileNotFoundError: it is one path and does not exist.
        TypeError: it is of no known kind.
        ValueError: it has no pictures in such a column.
        ImportError: a package that it needs is not installed.
    """
    if isinstance(given, str | os.PathLike):
        return _of_paths(given, [os.fsdecode(given)], wanted)
    if isinstance(given, dict):
        named = ", ".join(map(str, list(given)[:20]))
        raise TypeError(f"got a {type(given).__name__} of {named}; expected one of them")
    if isinstance(given, Source):
        return given
    if is_hugging_face(given):
        return HuggingFace(given, wanted)
    if is_table(given):
        return Table(given, wanted)
    if is_torch(given):
        return Torch(given, wanted)
    paths = as_paths(given)
    return _of_paths(paths, paths, wanted)


def opener_of(given: Any, wanted: Wanted, names: Collection[str]) -> Callable[[str], Any]:
    """From each of a few names that `given` gave its pictures to what can be measured again.

    Members of archives and rows of tables are looked for once more; any other name is a path.
    """
    source = source_of(given, wanted)
    items = {}
    if not isinstance(source, Files):
        items = {item.name: item for item in source if item.name in names}

    def opened(name: str) -> Any:
        return items[name].loaded(wanted.limits).data if name in items else name

    return opened


def _of_paths(given: Any, paths: list[str], wanted: Wanted) -> Source:
    files: list[str] = []
    shards: list[str] = []
    for path in paths:
        (shards if is_url(path) or _is_shard(path) else files).append(path)
    if not shards:
        _refuse_columns(wanted)
        is_folder = len(paths) == 1 and os.path.isdir(paths[0]) and not is_zarr(paths[0])
        root = paths[0] if is_folder else None
        files_found = find_images(given)
        if not files_found:
            _warn_of_nothing(paths)
        return Files(files_found, root)
    if len(paths) == 1 and is_url(paths[0]):
        return _Remote(paths[0], wanted)
    found = [path for shard in shards for path in _unfolded(shard)]
    alone = len(paths) == len(found) == 1
    if alone:
        os.lstat(found[0])
    parts: list[Any] = [Files(find_images(files))] if files else []
    for is_picture, run in groupby(found, _is_picture):
        if is_picture:
            parts.append(_Addresses(list(run), wanted))
        else:
            parts += [
                _Remote(path, wanted) if is_url(path) else Shard(path, wanted, alone=alone)
                for path in run
            ]
    return _Chain(parts)


def _warn_of_nothing(paths: list[str]) -> None:
    """Say that there is nothing to measure, which may be a slip."""
    named = shorten(", ".join(paths), 200) or "an empty list"
    suffixes = " ".join(sorted(image_suffixes()))
    _log.warning(
        "found no image in %s; expected files with one of the suffixes %s, or a pattern that "
        "matches files",
        without_secrets(named),
        suffixes,
    )


def _is_picture(path: str) -> bool:
    """Whether it is an address of one object, which is one picture."""
    return is_url(path) and is_alone(path) and not is_shard(path)


def _refuse_columns(wanted: Wanted) -> None:
    for name in (*wanted.values, *([wanted.column] if wanted.column is not None else [])):
        raise ValueError(
            f"got the column {name!r} of files, which have none; expected a table, a manifest, an "
            "archive or a data set"
        )


def _is_shard(path: str) -> bool:
    return is_shard(path) and not os.path.isdir(path)


def _unfolded(path: str) -> list[str]:
    """The files that a pattern for shards stands for, sorted; a range in braces, as it says."""
    if not is_url(path) and os.path.lexists(path):
        return [path]
    braces = None if is_url(path) and "*" in path else _BRACES.search(path)
    if braces is not None:
        first, last = int(braces[1]), int(braces[2])
        if not first <= last < first + _MOST_SHARDS:
            raise ValueError(
                f"got the range {braces[0]} in {path!r}; expected one such as 000..127"
            )
        names = (
            f"{path[: braces.start()]}{number:0{len(braces[1])}}{path[braces.end() :]}"
            for number in range(first, last + 1)
        )
        return [file for name in names for file in _unfolded(name)]
    if has_magic(path) and not is_url(path):
        return sorted(matches(path), key=path_bytes)
    return [path]


class _Chain:
    """Several sources, one after the other."""

    def __init__(self, sources: list[Any]) -> None:
        self._sources = sources
        self.root = sources[0].root if len(sources) == 1 else None

    def __len__(self) -> int:
        """How many pictures, if each source tells it."""
        return sum(map(len, self._sources))

    def __iter__(self) -> Iterator[Item]:
        return _in_turn(self._sources)


def _in_turn(sources: Iterable[Source]) -> Iterator[Item]:
    """What they give, one after the other.

    Raises:
        ValueError: the first shards have no such column. Of later ones that is a failure, as they
            may be damaged, and others were measured already.
    """
    given = False
    for source in sources:
        try:
            for item in source:
                given = given or not isinstance(item.data, ImageError)
                yield item
        except ValueError as error:
            if not given:
                raise
            yield Item(getattr(source, "name", ""), ImageError("corrupt", str(error)[:200]))


class _One:
    """A picture alone."""

    root: str | None = None

    def __init__(self, item: Item) -> None:
        self._item = item

    def __iter__(self) -> Iterator[Item]:
        yield self._item


class _Addresses:
    """Pictures elsewhere, of which nothing is looked up before they are fetched."""

    root: str | None = None

    def __init__(self, urls: list[str], wanted: Wanted) -> None:
        _refuse_columns(wanted)
        check_packages(urls)
        self._urls = urls

    def __len__(self) -> int:
        """How many."""
        return len(self._urls)

    def __iter__(self) -> Iterator[Item]:
        return (Item(shown_url(url), RemotePart(url)) for url in self._urls)


class _Remote:
    """What an address elsewhere stands for, which is looked up when the source is made."""

    def __init__(self, url: str, wanted: Wanted) -> None:
        self._wanted = wanted
        self.root: str | None = None
        self._items: list[Item] = []
        addresses = _unfolded(url)
        if len(addresses) > 1:
            check_packages(addresses)
            self._items = [Item(shown_url(address), RemotePart(address)) for address in addresses]
        else:
            self._items, self.root = expanded(url)
        if not self._items:
            _warn_of_nothing([shown_url(url)])
        self._plain = not any(is_shard(_url_of(item)) for item in self._items)
        if self._plain:
            _refuse_columns(wanted)

    def __len__(self) -> int:
        """How many objects, if each is one picture."""
        if not self._plain:
            raise TypeError("shards do not tell how many pictures they have")
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        if self._plain:
            return iter(self._items)
        shard_of = partial(Shard, wanted=self._wanted, alone=len(self._items) == 1)
        urls = map(_url_of, self._items)
        return _in_turn(
            shard_of(url) if is_shard(url) else _One(item)
            for url, item in zip(urls, self._items, strict=True)
        )


def _url_of(item: Item) -> str:
    """The address of an item; nothing of one that is known to be no picture."""
    return item.data.url if isinstance(item.data, RemotePart) else ""
