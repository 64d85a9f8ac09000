"""A file of many pictures, here or elsewhere: an archive, a table or a manifest, by its suffix."""

import io
import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from lightmeter.batch.sources.item import Item, Wanted, reading_error
from lightmeter.batch.sources.listed import listed_items
from lightmeter.batch.sources.manifest import rows_and_damage
from lightmeter.batch.sources.members import items_of
from lightmeter.batch.sources.remote import open_remote
from lightmeter.batch.sources.table import arrow_items, has_pictures, parquet_items
from lightmeter.batch.sources.tar import tar_members
from lightmeter.batch.sources.urls import is_url, shown_url
from lightmeter.batch.sources.zip import zip_members
from lightmeter.errors import ImageError
from lightmeter.files import open_regular

__all__ = ["Shard"]


_BUFFER = 1 << 14


class Shard:
    """The pictures of one such file, in its order."""

    root: str | None = None

    def __init__(self, path: str, wanted: Wanted, *, alone: bool) -> None:
        """Take its path or address; `alone` if it is the whole source."""
        self._path, self._wanted, self._alone = path, wanted, alone
        self.name = shown_url(path)

    def __iter__(self) -> Iterator[Item]:
        """The pictures. A file that cannot be read is one failure.

        Raises:
            ValueError: a table or manifest has no such column.
            ImportError: a package is not installed.
        """
        name = self.name
        try:
            file, size = self._opened()
        except (ImportError, ValueError):
            raise
        except Exception as error:  # any that a file system of somebody else raises
            yield Item(name, reading_error(error))
            return
        with closing(file):
            try:
                yield from self._items(name, file, size)
            except ImageError as error:
                yield Item(name, error)
            except (ImportError, ValueError):
                raise
            except Exception as error:
                yield Item(name, reading_error(error))

    def _opened(self) -> tuple[Any, int | None]:
        """The file, and its size unless it cannot seek."""
        file: Any
        if is_url(self._path):
            file, size = open_remote(self._path)
            return (file if size is None else io.BufferedReader(file, _BUFFER)), size
        file = open_regular(self._path)
        return io.BufferedReader(file, _BUFFER), os.fstat(file.fileno()).st_size

    def _items(self, name: str, file: Any, size: int | None) -> Iterator[Item]:
        wanted, alone = self._wanted, self._alone
        local, limits = not is_url(self._path), wanted.limits
        suffix = name.lower().rpartition(".")[2]
        if suffix in ("tar", "tgz", "gz", "bz2", "xz", "zst"):
            members = tar_members(
                self._path if local else name, file, size=size, local=local, limits=limits
            )
            yield from items_of(name, members, wanted, alone=alone)
            return
        if size is None:
            raise ImageError(
                "unreadable",
                f"a .{suffix} is read in any order, which this server "
                "does not serve; expected one that knows its size, or a tar",
            )
        if suffix == "zip":
            zipped = zip_members(self._path, file, size=size, local=local, limits=limits)
            yield from items_of(name, zipped, wanted, alone=alone)
        elif suffix in ("arrow", "feather"):
            yield from arrow_items(name, file, wanted, alone=alone)
        elif suffix == "parquet" and has_pictures(file, wanted.column):
            yield from parquet_items(name, file, wanted, alone=alone)
        else:
            file.seek(0)
            yield from listed_items(name, rows_and_damage(name, file), wanted)
