"""Object storage and web servers as sources, by fsspec: ``s3://``, ``gs://``, ``https://``."""

from typing import Any

from lightmeter.batch.sources.item import RemotePart, reading_error
from lightmeter.batch.sources.names import is_image_name, is_shard, is_web, shown_url

# Keys of the version or modification time of an object.
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime")
_PIECE = 4 << 20  # bytes of an archive or a table that are fetched at a time


def expanded(url: str) -> tuple[dict[str, Any], str]:
    """Return the images that a URL stands for, by their URLs, and their common folder.

    A folder, which on the web ends in a slash, stands for the images below it, by their suffixes. A
    pattern with ``*`` or, outside the web, ``[`` or ``?``, stands for its matches without hidden
    names. Any other URL stands for itself. The value of an archive or table is None.

    Raises
    ------
    FileNotFoundError
        A folder does not exist.
    OSError
        A folder cannot be listed.
    ValueError
        The protocol is unknown.
    ImportError
        fsspec or the package of this protocol is not installed.
    """
    # On the web, a folder ends in a slash, because a test for a folder would fetch the content.
    is_alone = is_web(url) or is_image_name(url) or is_shard(url)
    try:
        system, path = system_of(url)
        # In a web URL, brackets hold a host, and a question mark begins a query.
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
    except Exception as error:  # the text may contain the whole URL
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
    """Return the file system of a URL, and the path in it.

    Raises
    ------
    ImportError
        fsspec or the package of the protocol is not installed.
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
    """Wrap a file of another library, whose errors mean failed reads, not damaged bytes."""

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
    """Return an open file, and its size in bytes; None if it cannot seek.

    Raises
    ------
    Exception
        The file does not exist or cannot be read; the type depends on the file system.
    """
    system, path = system_of(url)
    options = {"block_size": _PIECE, "cache_type": "background", "cache_options": {"maxblocks": 4}}
    file = system.open(path, "rb", **options)
    return _Reported(file), file.size if file.seekable() else None
