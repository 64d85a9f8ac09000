"""Pictures in object stores and on web servers, by fsspec: ``s3://``, ``gs://``, ``https://``."""

import io
import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lightmeter.batch.sources.item import Item, most_bytes
from lightmeter.batch.sources.names import is_image_name, is_shard
from lightmeter.batch.sources.tar import check_bytes
from lightmeter.batch.sources.urls import is_web, shown_url, without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["RemoteFile", "RemotePart", "expanded", "open_remote"]

_PIECE = 4 << 20
_AHEAD = 3  # pieces that are fetched before they are asked for
_KEPT = 8

# What stores call a version of an object, or when it was changed.
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime")


@dataclass(frozen=True, slots=True)
class RemotePart:
    """An object by its address; and its size and version, if a listing said them."""

    url: str
    size: int | None = None
    version: str | None = None

    def read(self, limits: Limits) -> bytes:
        """The bytes; raises as `Part.read` does."""
        check_bytes(self.size or 0, limits)
        system, path = _system_of(self.url)
        most = most_bytes(limits)
        if self.size is not None:
            data = system.cat_file(path)
        elif is_web(self.url):  # a server may send any number of bytes, whatever is asked for
            with system.open(path, "rb", cache_type="none") as file:
                data = _up_to(file, most + 1)
        else:
            data = system.cat_file(path, start=0, end=most + 1)
        if len(data) > most:
            raise ImageError("too_large", f"more than {most} bytes")
        return bytes(data)


def _up_to(file: Any, most: int) -> bytes:
    pieces, count = [], 0
    while count < most and (piece := file.read(min(_PIECE, most - count))):
        pieces.append(piece)
        count += len(piece)
    return b"".join(pieces)


def expanded(url: str) -> tuple[list[Item], str | None]:
    """The objects that an address stands for, sorted by name; and the folder that it is, if it is.

    A folder stands for the pictures below it, by their suffixes; a pattern with ``*``, and outside
    the web ``[`` or ``?``, for what it matches, hidden names left out as in a folder; any other
    address for itself.

    Raises:
        FileNotFoundError: the folder does not exist.
        OSError: it cannot be listed.
        ImportError: fsspec, or what it needs for this protocol, is not installed.
    """
    try:
        return _expanded(url)
    except (OSError, ValueError, ImportError):
        raise
    except Exception as error:  # of any library
        detail = without_secrets(f"{type(error).__name__}: {error}")[:200]
        raise OSError(f"{shown_url(url)} cannot be listed: {detail}") from None


def _expanded(url: str) -> tuple[list[Item], str | None]:
    system, path = _system_of(url)
    # In a web address brackets hold a host, and a question mark begins a query.
    magic = "*" if is_web(url) else "*[?"
    if any(mark in path for mark in magic):
        listed = system.glob(path, detail=True)
        return _objects(system, listed, lambda name: "/." in path or "/." not in name), None
    if is_image_name(url) or is_shard(url) or not (url.endswith("/") or _is_folder(system, path)):
        return [Item(shown_url(url), RemotePart(url))], None
    listed = system.find(path, detail=True)
    root = path.rstrip("/") + "/"
    found = _objects(system, listed, lambda name: is_image_name(name.removeprefix(root)))
    if not found and not system.exists(path):
        raise FileNotFoundError(2, "No such file or folder", shown_url(url))
    return found, shown_url(url).rstrip("/")


def _is_folder(system: Any, path: str) -> bool:
    try:
        return bool(system.isdir(path))
    except Exception:  # it is for reading to say what is wrong
        return False


def _objects(system: Any, listed: dict[str, Any], taken: Callable[[str], bool]) -> list[Item]:
    items = []
    for name, info in sorted(listed.items()):
        if info.get("type") != "directory" and taken(name):
            url = system.unstrip_protocol(name)
            items.append(Item(shown_url(url), RemotePart(url, info.get("size"), _version(info))))
    return items


def _version(info: dict[str, Any]) -> str | None:
    """What changes with an object, of whatever its store tells."""
    return next((str(info[name]) for name in _VERSIONS if info.get(name) is not None), None)


def _system_of(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise ImportError(
            f"for {url.partition(':')[0]}:// lightmeter needs fsspec: "
            "pip install 'lightmeter[cloud]'"
        ) from error
    system, path = fsspec.core.url_to_fs(url)
    return system, path


def open_remote(url: str) -> "tuple[Any, int | None]":
    """A file to read, and its size; None for one that cannot seek.

    Raises:
        OSError: it is not there, or cannot be read.
        ImportError: fsspec, or what it needs for this protocol, is not installed.
    """
    system, path = _system_of(url)
    size = system.info(path).get("size")
    if not isinstance(size, int):
        return system.open(path, "rb"), None
    return RemoteFile(system, path, size), size


class RemoteFile(io.RawIOBase):
    """A remote file that is fetched in pieces, the next ones before they are asked for."""

    def __init__(self, system: Any, path: str, size: int) -> None:
        """Read `path` of a file system of fsspec, which has `size` bytes."""
        self._system, self._path, self.size = system, path, size
        self._at = 0
        self._pool = ThreadPoolExecutor(_AHEAD + 1, "lightmeter-fetch")
        self._pieces: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._last = -2
        self._whole: bytes | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, from which the next read is."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """The bytes at the place, as many as the piece has that it is in."""
        if self._at >= self.size or not len(buffer):
            return 0
        data, start = self._whole, self._at
        if data is None:
            number, start = divmod(self._at, _PIECE)
            data = self._piece(number).result()
        part = data[start : start + len(buffer)]
        if not part:
            raise OSError(f"{shown_url(self._path)} ends at byte {self._at} of {self.size}")
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _piece(self, number: int) -> "Future[bytes]":
        ahead = _AHEAD if number in (self._last, self._last + 1) else 0  # it is read in order
        self._last = number
        for wanted in range(number, number + ahead + 1):
            if wanted * _PIECE < self.size and wanted not in self._pieces:
                self._pieces[wanted] = self._pool.submit(self._fetch, wanted)
        self._pieces.move_to_end(number)
        while len(self._pieces) > _KEPT:
            self._pieces.popitem(last=False)
        return self._pieces[number]

    def _fetch(self, number: int) -> bytes:
        start = number * _PIECE
        end = min(start + _PIECE, self.size)
        data = bytes(self._system.cat_file(self._path, start=start, end=end))
        if len(data) > end - start:  # of a server that knows no ranges
            self._whole, data = data, data[start:end]
        return data

    def close(self) -> None:
        """Fetch no more."""
        if not self.closed:
            self._pool.shutdown(cancel_futures=True)
            self._pieces.clear()
        super().close()
