"""Object storage and web servers as sources, by fsspec: ``s3://``, ``gs://``, ``https://``."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from lightmeter.batch.sources.item import Item, RemotePart, check_bytes, most_bytes, reading_error
from lightmeter.batch.sources.names import is_image_name, is_shard, is_web, shown_url
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.image.tiles.raster import Watch

# Keys of the version or modification time of an object.
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime")
_PIECE = 4 << 20  # bytes of an archive or a table that are fetched at a time
_THREADS = 32  # that fetch a block from an object store
_BATCH = 16  # small images measured at once; more saves little
_PAUSE = 0.1  # seconds between looks at whether the run has ended


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

    def seekable(self) -> bool:
        # A file of unknown size claims to be seekable, and then cannot find its end.
        return bool(self._file.seekable() and getattr(self._file, "size", 0) is not None)

    def read(self, *count: int) -> bytes:
        try:
            return bytes(self._file.read(*count))
        except Exception as error:
            raise reading_error(error) from None


def open_remote(url: str) -> Any:
    """Return an open file, which may be unable to seek.

    Raises
    ------
    Exception
        The file does not exist or cannot be read; the type depends on the file system.
    """
    system, path = system_of(url)
    options = {"block_size": _PIECE, "cache_type": "background", "cache_options": {"maxblocks": 4}}
    return _Reported(system.open(path, "rb", **options))


def loaded(
    items: Sequence[Item], limits: Limits, watch: Watch | None = None
) -> Iterator[list[Item]]:
    """Yield the same items in batches, with remote data replaced by bytes or an error.

    All of them are fetched before the first batch, except for the rest of large objects of unknown
    size. `watch` may raise an exception, which ends the wait for them.
    """
    remote = [item.data for item in items if isinstance(item.data, RemotePart)]
    fetched = deque(_fetched(remote, limits, watch) if remote else ())
    batch: list[Item] = []
    for item in items:
        part, is_large = item.data, False
        if isinstance(part, RemotePart):
            data = fetched.popleft()
            # It has grown, or its size was unknown.
            is_large = isinstance(data, bytes) and len(data) > part.size
            if is_large:
                [data] = _fetched([replace(part, known_size=most_bytes(limits))], limits, watch)
            item = replace(item, data=data)
        batch.append(item)
        if is_large or len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def opener_of(
    items: Iterable[Item], names: Collection[str], limits: Limits
) -> Callable[[str], Any]:
    """Return a function that maps a name in `names` to data to measure again; others are paths."""
    kept = {item.name: item for item in items if item.name in names}

    def opened(name: str) -> Any:
        return next(loaded([kept[name]], limits))[0].image if name in kept else name

    return opened


def _fetched(
    parts: Sequence[RemotePart], limits: Limits, watch: Watch | None
) -> list[bytes | ImageError]:
    """Return the first bytes of objects: at most one more than the size of each."""
    import asyncio  # takes long, and most need none

    opened = [(part, *_system_of(part.url)) for part in parts]
    try:
        from fsspec.asyn import get_loop
    except ImportError:  # so each has failed with an error that says what to install
        return [reading_error(error) for _, error, _ in opened]
    pool = ThreadPoolExecutor(_THREADS, "lightmeter-fetch")
    reads = asyncio.run_coroutine_threadsafe(_read_all(opened, limits, pool), get_loop())
    try:
        while not reads.done():
            if watch is not None:
                watch()
            wait([reads], _PAUSE)
        return reads.result()
    finally:
        reads.cancel()
        pool.shutdown(wait=False)


def _system_of(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it, or an error."""
    try:
        return system_of(url)
    except Exception as error:  # a file system may raise any
        return error, ""


async def _read_all(
    opened: Sequence[tuple[RemotePart, Any, str]], limits: Limits, pool: ThreadPoolExecutor
) -> list[bytes | ImageError]:
    import asyncio

    tasks = [asyncio.create_task(_read(*part, limits, pool)) for part in opened]
    try:
        await asyncio.wait(tasks, timeout=limits.seconds)
    finally:
        for task in tasks:
            task.cancel()
    late = ImageError("too_large", f"not read within {limits.seconds} seconds")
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return [data if isinstance(data, bytes | ImageError) else late for data in found]


async def _read(
    part: RemotePart, system: Any, path: str, limits: Limits, pool: ThreadPoolExecutor
) -> bytes | ImageError:
    try:
        check_bytes(part.known_size or 0, limits)
        if isinstance(system, Exception):
            raise system
        if is_web(part.url):
            data: bytes | ImageError = await _from_web(system, path, part.size)
        else:
            import asyncio

            begun = pool.submit(_from_store, system, part.url, path, part.size)
            data = await asyncio.wrap_future(begun)
        is_too_large = isinstance(data, bytes) and len(data) > (most := most_bytes(limits))
        return ImageError("too_large", f"more than {most} bytes") if is_too_large else data
    except Exception as error:  # a file system may raise any
        return reading_error(error)


def _from_store(system: Any, url: str, path: str, most: int) -> bytes | ImageError:
    try:
        if most == 0:  # object stores have no range of nothing
            return b""
        if not system.async_impl:  # such as FTP, whose connection threads cannot share
            system, path = system_of(url)
        return bytes(system.cat_file(path, start=0, end=most + 1))
    except BaseException as error:  # StopIteration would never reach the loop, SystemExit end it
        return reading_error(error)


async def _from_web(system: Any, path: str, most: int) -> bytes:
    """Return the first bytes of a file on the web, of which a server may send more than it says."""
    session = await system.set_session()
    data = bytearray()
    async with session.get(system.encode_url(path), **system.kwargs) as answer:
        if answer.status == 404:
            raise FileNotFoundError(path)
        answer.raise_for_status()
        while len(data) <= most and (piece := await answer.content.read(most + 1 - len(data))):
            data += piece
    return bytes(data)
