"""Pictures in object stores and on web servers, by fsspec: ``s3://``, ``gs://``, ``https://``.

Those of a block are read side by side, so that waits for them overlap.
"""

import os
import posixpath
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from lightmeter.batch.sources.addresses import is_url, is_web, shown_url, without_secrets
from lightmeter.batch.sources.folder import is_image_name, is_shard
from lightmeter.batch.sources.item import (
    Item,
    RemotePart,
    check_bytes,
    item_of,
    most_bytes,
    reading_error,
)
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

# What stores call a version of an object, or when it was changed.
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime")
_PIECE = 4 << 20  # bytes of an archive or a table that are fetched at a time
_THREADS = 64  # as many pictures are in a block
_OF_THIS_MACHINE = ("file:", "local:")


def local_path(text: str) -> str:
    """Return a path as Python opens it, where Hadoop wrote it: ``file:/a.jpg``."""
    return text.removeprefix("file:") if text.startswith("file:/") and not is_url(text) else text


def linked(path: str, file: str) -> Any:
    """Return the path, address or error that a manifest or table names.

    A path is absolute, or relative to the folder of the file, or else to the current one. A file
    elsewhere is somebody else's: it names nothing of this machine.
    """
    folder, path = os.path.dirname(file), local_path(path)
    if is_url(file):
        address = path if is_url(path) else _below(folder, path)
        if address is None or address.startswith(_OF_THIS_MACHINE) or "::" in path:
            detail = "a file elsewhere names one of this machine; expected an address"
            return ImageError("unreadable", detail)
        return address
    if is_url(path) or os.path.isabs(path) or not folder:
        return path
    joined = os.path.join(folder, path)
    return path if not os.path.lexists(joined) and os.path.lexists(path) else joined


def _below(folder: str, path: str) -> str | None:
    """A path relative to a folder elsewhere; None if it leads out of its host or bucket."""
    scheme, _, place = folder.partition("://")
    root = place.partition("/")[0]
    joined = posixpath.normpath(f"{place}/{path}")
    inside = not path.startswith("/") and joined.startswith(f"{root}/")
    return f"{scheme}://{joined}" if inside else None


def expanded(url: str) -> tuple[list[Item | str], bool]:
    """The pictures that an address stands for, and the addresses of files of many, sorted by name;
    and whether it is a folder.

    A folder, which on the web ends in a slash, stands for the pictures below it, by their suffixes;
    a pattern with ``*``, and outside the web ``[`` or ``?``, for what it matches, hidden names left
    out as in a folder; any other address for itself.

    Raises:
        FileNotFoundError: the folder does not exist.
        OSError: it cannot be listed.
        ImportError: fsspec, or what it needs for this protocol, is not installed.
    """
    # Of the web a folder ends in a slash: to ask for one would fetch whatever is there.
    is_alone = is_web(url) or is_image_name(url) or is_shard(url)
    try:
        system, path = _system_of(url)
        # In a web address brackets hold a host, and a question mark begins a query.
        if any(mark in path for mark in ("*" if is_web(url) else "*[?")):
            listed, root = system.glob(path, detail=True), ""
        elif url.endswith("/") or (not is_alone and system.isdir(path)):
            listed, root = system.find(path, detail=True), f"{path.rstrip('/')}/"
            if not listed and not system.exists(path):
                raise FileNotFoundError
        else:
            return [url if is_shard(url) else item_of(url)], False
    except (ValueError, ImportError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(2, "No such file or folder", shown_url(url)) from None
    except Exception as error:  # of any library, whose text may have the whole address
        detail = without_secrets(f"{type(error).__name__}: {error}")[:200]
        raise OSError(f"{shown_url(url)} cannot be listed: {detail}") from None
    items: list[Item | str] = []
    for name, info in sorted(listed.items()):
        below = name.removeprefix(root)
        is_taken = is_image_name(below) if root else "/." in path or "/." not in name
        if is_taken and info.get("type") != "directory":
            address = system.unstrip_protocol(name)
            version = next((str(info[key]) for key in _VERSIONS if info.get(key) is not None), None)
            part = RemotePart(address, info.get("size"), version)
            items.append(address if is_shard(address) else item_of(part, address, within=below))
    return items, bool(root)


def _system_of(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise ImportError(
            f"for {url.partition(':')[0]}:// lightmeter needs fsspec: pip install "
            "'lightmeter[cloud]'"
        ) from error
    system, path = fsspec.core.url_to_fs(url)
    return system, path


def open_remote(url: str) -> "tuple[Any, int | None]":
    """A file to read, and its size; None for one that cannot seek.

    Raises:
        Exception: it is not there, or cannot be read; of any file system.
    """
    system, path = _system_of(url)
    options = {"block_size": _PIECE, "cache_type": "background", "cache_options": {"maxblocks": 4}}
    file = system.open(path, "rb", **options)
    return file, file.size if file.seekable() else None


def fetched(items: Sequence[Item], limits: Limits) -> Iterator[Item]:
    """The same items in the same order; those that are remote with their bytes or an error."""
    most, end = most_bytes(limits), time.monotonic() + (limits.seconds or threading.TIMEOUT_MAX)
    pool = ThreadPoolExecutor(_THREADS, "lightmeter-fetch")
    parts = [item.data for item in items if isinstance(item.data, RemotePart)]
    futures = deque(pool.submit(_read, part, part.size, limits, end) for part in parts)
    try:
        for item in items:
            part: Any = item.data
            if isinstance(part, RemotePart):
                try:
                    data: Any = futures.popleft().result(end - time.monotonic())
                    if len(data) > part.size:  # it has grown, or nobody told how large it is
                        again = pool.submit(_read, part, most, limits, end)
                        data = again.result(end - time.monotonic())
                    if len(data) > most:
                        raise ImageError("too_large", f"more than {most} bytes")
                except Exception as error:  # any that a file system of somebody else raises
                    data = reading_error(error)
                    if isinstance(error, TimeoutError) and time.monotonic() >= end:
                        data = ImageError("too_large", f"not read within {limits.seconds} seconds")
                item = replace(item, data=data)
            yield item
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read(part: RemotePart, most: int, limits: Limits, end: float) -> bytes:
    """Return the first bytes of an object, one more than `most` where it has more."""
    check_bytes(part.told or 0, limits)
    system, path = _system_of(part.url)
    if most == 0:  # object stores have no range of nothing
        return b""
    if not is_web(part.url):
        return bytes(system.cat_file(path, start=0, end=most + 1))
    # As a stream: a web server may send any number of bytes, whatever it is asked for or says.
    with system.open(path, "rb", block_size=0, size=1) as file:
        data = bytearray()
        while len(data) <= most and (piece := file.read(most + 1 - len(data))):
            data += piece
            if time.monotonic() >= end:  # nobody waits any more
                raise TimeoutError
    return bytes(data)
