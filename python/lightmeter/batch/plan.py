"""Which blocks a source has, each by a name that what decides its result has."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from typing import Any, NamedTuple

from PIL import features

from lightmeter import _core
from lightmeter.batch.digest import digest_of
from lightmeter.batch.executors.waiting import MOST_HELD
from lightmeter.batch.sources.item import Item, Place
from lightmeter.batch.sources.remote import RemotePart
from lightmeter.batch.sources.tar import FilePart
from lightmeter.batch.sources.zip import ZipPart
from lightmeter.errors import ImageError

__all__ = ["Planned", "planned"]

# What decodes pictures. One that is not installed decides that its pictures fail.
_DECODERS = ("pillow", "pillow-heif", "pillow-jxl-plugin", "imagecodecs")

# What Pillow decodes with. Not all that it knows: where tkinter is missing, threads that ask for it
# at once may be told that it is there.
_LIBRARIES = ("jpg", "libjpeg_turbo", "jpg_2000", "zlib", "libtiff", "littlecms2", "webp", "avif")


class Planned(NamedTuple):
    """A block.

    Attributes:
        name: None if it is too large to look at before it is worked on.
        items: its pictures.
        length: how many; 0 without a name.
    """

    name: str | None
    items: Iterable[Item]
    length: int


def planned(items: Iterable[Item], size: int, work: Callable[..., Any]) -> Iterator[Planned]:
    """The blocks of `items`, which must be taken one after the other and each to its end.

    The name is a digest of what `work` is, of the versions of lightmeter and of the decoders, and
    of each item:

    - of a file, its path, size and time of change; of a folder of Zarr those of all its files;
    - of a member of an archive on this machine, its name and place in it, and the size and time of
      change of the archive;
    - of an object in a bucket, its address, and the size and version that the listing tells;
      of an address that is not listed, that alone;
    - of encoded bytes, those.

    A block of encoded bytes of more than 256 MB together has no name.

    Raises:
        TypeError: an item is none of these; `work` has an option or function without a digest.
    """
    settings = _settings(work)
    of_file = lru_cache(1024)(_state_of_file)  # archives have many members
    left = iter(items)
    for first in left:
        block, held = [first], first.weight
        for item in islice(left, size - 1):
            block.append(item)
            held += item.weight
            if held > MOST_HELD:
                break
        if held > MOST_HELD:
            yield Planned(None, chain(block, islice(left, size - len(block))), 0)
            continue
        digest = hashlib.sha256(settings)
        for item in block:
            described = _described(item, of_file)
            digest.update(len(described).to_bytes(8, "little") + described)
        place = Place(digest.hexdigest(), len(block))
        items_of_block = [replace(item, place=place) for item in block]
        yield Planned(place.block, items_of_block, len(block))


def _settings(work: Callable[..., Any]) -> bytes:
    libraries = list(map(features.version, _LIBRARIES))
    return digest_of([_core.__version__, list(map(_version, _DECODERS)), libraries, work])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _described(item: Item, of_file: Callable[[str], Any]) -> bytes:
    data = item.data
    state: Any
    if isinstance(data, str | os.PathLike):
        state = (os.fspath(data), _state_of_file(data))
    elif isinstance(data, FilePart | ZipPart):
        state = (data, of_file(data.file))
    elif isinstance(data, RemotePart):
        state = data
    elif isinstance(data, bytes):
        state = hashlib.sha256(data).digest()
    elif isinstance(data, ImageError):
        state = (data.reason, data.detail)
    else:
        raise TypeError(
            f"{item.name} is a {type(data).__name__} in memory, so that what is done of it cannot "
            "be kept; expected files, archives, tables or addresses, or no `resume`"
        )
    return repr((item.name, item.within, sorted(item.values.items()), state)).encode()


def _state_of_file(path: str | os.PathLike[str]) -> tuple[int, int] | bytes | int | None:
    try:
        state = os.stat(path)
        if stat.S_ISDIR(state.st_mode):
            return _state_of_folder(path)
    except OSError as error:
        return error.errno
    except ValueError:  # a NUL in the path
        return None
    return state.st_size, state.st_mtime_ns


def _state_of_folder(path: str | os.PathLike[str]) -> bytes:
    """Of a picture that is a folder: a digest of its files. Its own time says little of them."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(path):
        folders.sort()
        states = [(name, _state_of_file(os.path.join(folder, name))) for name in sorted(files)]
        digest.update(repr((os.path.relpath(folder, path), folders, states)).encode())
    return digest.digest()
