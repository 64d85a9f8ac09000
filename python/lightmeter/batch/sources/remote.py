"""Object stores and web servers as sources, by fsspec: ``s3://``, ``gs://``, ``https://``."""

from typing import Any

from lightmeter.batch.sources.checks import reading_error
from lightmeter.batch.sources.item import RemotePart
from lightmeter.batch.sources.names import is_image_name, is_shard, is_web, shown_url

# What stores call a version of an object, or when it was changed.
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime")
_PIECE = 4 << 20  # bytes of an archive or a table that are fetched at a time


def expanded(url: str) -> tuple[dict[str, Any], str]:
    """Return the images that an address stands for, by their addresses, and the folder they are
    below.

    A folder, which on the web ends in a slash, stands for the images below it, by their suffixes;
    a pattern with ``*``, and outside the web ``[`` or ``?``, for what it matches, hidden names left
    out as in a folder; any other address for itself. A file
    of many is None.

    Raises
    ------
    FileNotFoundError
        A folder is not there.
    OSError
        A folder cannot be listed.
    ValueError
        The protocol is not known.
    ImportError
        Fsspec, or the package of this protocol, is not installed.
    """
    # Of the web a folder ends in a slash: to ask for one would fetch whatever is there.
    is_alone = is_web(url) or is_image_name(url) or is_shard(url)
    try:
        system, path = system_of(url)
        # In a web address brackets hold a host, and a question mark begins a query.
        if any(mark in path for mark in ("*" if is_web(url) else "*[?")):
            listed, root = system.glob(path, detail=True), ""
        elif url.endswith("/") or (not is_alone and system.isdir(path)):
            listed, root = system.find(path, detail=True), f"{path.rstrip('/')}/"
            if not listed and not system.exists(path):
                raise FileNotFoundError
        else:
            return {url: None if is_shard(url) else url}, ""
    except (ValueError, ImportError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(2, "No such file or folder", shown_url(url)) from None
    except Exception as error:  # of any library, whose text may have the whole address
        detail = reading_error(error).detail
        raise OSError(f"{shown_url(url)} cannot be listed: {detail}") from None
    found, start = {}, ""
    for name, info in listed.items():
        below = name.removeprefix(root)
        is_taken = is_image_name(below) if root else "/." in path or "/." not in name
        if is_taken and info.get("type") != "directory":
            address = system.unstrip_protocol(name)
            version = next((str(info[key]) for key in _VERSIONS if info.get(key) is not None), None)
            part = RemotePart(address, info.get("size"), version)
            found[address] = None if is_shard(address) else part
            start = address.removesuffix(below)
    return found, start if root else ""


def system_of(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it.

    Raises
    ------
    ImportError
        Fsspec is not installed, or a package of the protocol.
    """
    try:
        import fsspec
    except ImportError as error:
        raise ImportError(
            f"for {url.partition(':')[0]}:// lightmeter needs fsspec: pip install "
            "'lightmeter[cloud]'"
        ) from error
    system, path = fsspec.core.url_to_fs(url)
    return system, path


class _Reported:
    """A file of somebody else's library, whose errors are those of reading and not of the bytes."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, *count: int) -> bytes:
        try:
            return bytes(self._file.read(*count))
        except Exception as error:
            raise reading_error(error) from None


def open_remote(url: str) -> tuple[Any, int | None]:
    """Return a file to read, and its size; None for one that cannot seek.

    Raises
    ------
    Exception
        It is not there, or cannot be read; of any file system.
    """
    system, path = system_of(url)
    options = {"block_size": _PIECE, "cache_type": "background", "cache_options": {"maxblocks": 4}}
    file = system.open(path, "rb", **options)
    return _Reported(file), file.size if file.seekable() else None
