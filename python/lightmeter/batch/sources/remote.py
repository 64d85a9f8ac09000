"""Pictures in object stores and on web servers, by fsspec: ``s3://``, ``gs://``, ``https://``."""

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lightmeter.batch.sources.item import NO_VALUES, Item
from lightmeter.batch.sources.names import is_image_name, is_shard, no_zarr, zarr_folders
from lightmeter.batch.sources.urls import is_url, is_web, shown_url, without_secrets
from lightmeter.errors import ImageError

__all__ = ["RemotePart", "check_packages", "expanded", "is_alone", "item_of", "linked"]

__all__ += ["fsspec_package", "local_path", "open_remote", "system_of"]

# What stores call a version of an object, or when it was changed.
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime")
_GUESS = 4 << 20  # bytes of an object whose size nobody told
_PIECE = 4 << 20  # bytes of an archive or a table that are fetched at a time
_OF_THIS_MACHINE = ("file:", "local:")


@dataclass(frozen=True, slots=True)
class RemotePart:
    """An object by its address; and its size and version, if a listing said them."""

    url: str
    told: int | None = None
    version: str | None = None

    @property
    def size(self) -> int:
        """Its bytes, or a guess."""
        return _GUESS if self.told is None else self.told


def item_of(data: Any, name: str = "", values: Mapping[str, Any] | None = None) -> Item:
    """Return the picture that a source has; the only place that makes one, and hides secrets.

    Args:
        data: a path, an address, encoded bytes, a picture, an array, a `RemotePart`, or an error.
        name: what it is called; by default its path or address.
        values: as those of `Item`.
    """
    if isinstance(data, str):
        name = name or data
        data = RemotePart(data) if "://" in data and is_url(data) else data
    return Item(shown_url(name) if "://" in name else name, data, values or NO_VALUES)


def local_path(text: str) -> str:
    """Return a path as Python opens it, where Hadoop wrote it: ``file:/a.jpg``."""
    return text.removeprefix("file:") if text.startswith("file:/") and not is_url(text) else text


def linked(path: str, file: str) -> Any:
    """Return the path, address or error that a manifest or table names.

    A path is absolute, or relative to the folder of the file, or else to the current one. A file
    elsewhere is somebody else's: it names nothing of this machine.
    """
    folder = os.path.dirname(file)
    path = local_path(path)
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


def expanded(url: str) -> tuple[list[Item], str | None]:
    """The objects that an address stands for, sorted by name; and the folder that it is, if it is.

    A folder, which on the web ends in a slash, stands for the pictures below it, by their suffixes;
    a pattern with ``*``, and outside the web ``[`` or ``?``, for what it matches, hidden names left
    out as in a folder; any other address for itself.

    Raises:
        FileNotFoundError: the folder does not exist.
        OSError: it cannot be listed.
        ImportError: fsspec, or what it needs for this protocol, is not installed.
    """
    try:
        return _expanded(url)
    except (ValueError, ImportError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(2, "No such file or folder", shown_url(url)) from None
    except Exception as error:  # of any library, whose text may have the whole address
        detail = without_secrets(f"{type(error).__name__}: {error}")[:200]
        raise OSError(f"{shown_url(url)} cannot be listed: {detail}") from None


def is_alone(url: str) -> bool:
    """Whether an address stands for itself, which needs no look at what there is."""
    if url.endswith("/") or _has_magic(url, url):
        return False
    # Of the web a folder ends in a slash: to ask for one would fetch whatever is there.
    return is_web(url) or is_image_name(url) or is_shard(url)


def check_packages(urls: Iterable[str]) -> None:
    """Look for what the protocols of addresses need.

    Raises:
        ImportError: fsspec, or what it needs for one of them, is not installed.
    """
    for url in {url.partition("://")[0]: url for url in urls}.values():
        system_of(url)


def _has_magic(url: str, path: str) -> bool:
    # In a web address brackets hold a host, and a question mark begins a query.
    return any(mark in path for mark in ("*" if is_web(url) else "*[?"))


def _expanded(url: str) -> tuple[list[Item], str | None]:
    system, path = system_of(url)
    if _has_magic(url, path):
        listed = system.glob(path, detail=True)
        return _objects(system, listed, lambda name: "/." in path or "/." not in name), None
    if not (url.endswith("/") or _is_folder(system, path)):
        return [item_of(url)], None
    listed = system.find(path, detail=True)
    root = path.rstrip("/") + "/"
    found = _objects(system, listed, lambda name: is_image_name(name.removeprefix(root)))
    folders = zarr_folders(map(system.unstrip_protocol, listed))
    found += [item_of(no_zarr(), folder) for folder in folders]
    found.sort(key=lambda item: item.name)
    if not found and not system.exists(path):
        raise FileNotFoundError(2, "No such file or folder", shown_url(url))
    return found, shown_url(url).rstrip("/")


def _is_folder(system: Any, path: str) -> bool:
    try:
        return bool(system.isdir(path))
    except Exception:  # it is for reading to say what is wrong
        return False


def _objects(system: Any, listed: Mapping[str, Any], taken: Callable[[str], bool]) -> list[Item]:
    items = []
    for name, info in sorted(listed.items()):
        if info.get("type") != "directory" and taken(name):
            url = system.unstrip_protocol(name)
            version = next((str(info[key]) for key in _VERSIONS if info.get(key) is not None), None)
            items.append(item_of(RemotePart(url, info.get("size"), version), url))
    return items


def fsspec_package(protocol: str = "addresses") -> Any:
    """Return the package fsspec.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import fsspec.asyn
    except ImportError as error:
        raise ImportError(
            f"for {protocol} lightmeter needs fsspec: pip install 'lightmeter[cloud]'"
        ) from error
    return fsspec


def system_of(url: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        ImportError: fsspec, or what it needs for this protocol, is not installed.
    """
    system, path = fsspec_package(f"{url.partition(':')[0]}://").core.url_to_fs(url)
    return system, path


def open_remote(url: str) -> "tuple[Any, int | None]":
    """A file to read, and its size; None for one that cannot seek.

    Raises:
        Exception: it is not there, or cannot be read; of any file system.
    """
    system, path = system_of(url)
    options = {"block_size": _PIECE, "cache_type": "background", "cache_options": {"maxblocks": 4}}
    file = system.open(path, "rb", **options)
    return file, file.size if file.seekable() else None
