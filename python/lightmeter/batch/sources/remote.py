"""Pictures in object stores and on web servers, by fsspec: ``s3://``, ``gs://``, ``https://``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lightmeter.batch.sources.fetching import ByteRange, fetch
from lightmeter.batch.sources.item import Item, most_bytes
from lightmeter.batch.sources.names import is_image_name, is_shard, no_zarr, zarr_folders
from lightmeter.batch.sources.remote_file import open_remote_file
from lightmeter.batch.sources.tar import check_bytes
from lightmeter.batch.sources.urls import is_web, shown_url, without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["RemotePart", "check_packages", "expanded", "is_alone", "open_remote"]

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
        most = most_bytes(limits)
        data = fetch(self.bytes_up_to(most, limits), limits.seconds)
        if len(data) > most:
            raise ImageError("too_large", f"more than {most} bytes")
        return data

    def bytes_up_to(self, most: int, limits: Limits) -> ByteRange:
        """So many bytes of it, and one more if it has more; none if it is known to be empty.

        It may have grown since it was listed.

        Raises:
            ImageError: it is known to be too large.
            ImportError: fsspec, or what it needs for this protocol, is not installed.
        """
        check_bytes(self.size or 0, limits)
        system, path = _system_of(self.url)
        return ByteRange(system, path, 0, 0 if self.size == 0 else most + 1, begins=True)


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
        _system_of(url)


def _has_magic(url: str, path: str) -> bool:
    # In a web address brackets hold a host, and a question mark begins a query.
    return any(mark in path for mark in ("*" if is_web(url) else "*[?"))


def _expanded(url: str) -> tuple[list[Item], str | None]:
    system, path = _system_of(url)
    if _has_magic(url, path):
        listed = system.glob(path, detail=True)
        return _objects(system, listed, lambda name: "/." in path or "/." not in name), None
    if is_alone(url) or not (url.endswith("/") or _is_folder(system, path)):
        return [Item(shown_url(url), RemotePart(url))], None
    listed = system.find(path, detail=True)
    root = path.rstrip("/") + "/"
    found = _objects(system, listed, lambda name: is_image_name(name.removeprefix(root)))
    folders = zarr_folders(map(system.unstrip_protocol, listed))
    found += [Item(shown_url(folder), no_zarr()) for folder in folders]
    found.sort(key=lambda item: item.name)
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
    for name in _VERSIONS:
        if info.get(name) is not None:
            return str(info[name])
    return None


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
    file = open_remote_file(system, path)
    return (system.open(path, "rb"), None) if file is None else (file, file.size)
