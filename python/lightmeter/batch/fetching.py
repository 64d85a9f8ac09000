"""Fetching the remote images of a block together, while other blocks are measured."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from lightmeter.batch.sources.item import Item, RemotePart, check_bytes, most_bytes, reading_error
from lightmeter.batch.sources.names import is_web
from lightmeter.batch.sources.remote import system_of
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

_THREADS = 32  # that fetch a block from an object store
_BATCH = 16  # small images measured at once; more saves little
_PAUSE = 0.1  # seconds between looks at whether the run has ended


class Turn:
    """Let a number of threads measure, while others wait for remote images; end all of them."""

    def __init__(self, workers: int = 1) -> None:
        self._free = threading.Semaphore(workers)
        self.is_over = False

    def __call__(self) -> None:
        """Raise an exception if the run has ended."""
        if self.is_over:
            raise KeyboardInterrupt  # which no decoder takes for damage of an image

    def __enter__(self) -> None:
        """Wait until one of the threads that measure ends its turn."""
        self._free.acquire()

    def __exit__(self, *error: object) -> None:
        """End the turn."""
        self._free.release()


def loaded(items: Sequence[Item], limits: Limits, turn: Turn) -> Iterator[list[Item]]:
    """Yield the same items in batches, with remote data replaced by bytes or an error.

    All of them are fetched before the first batch, except for the rest of large objects of unknown
    size.
    """
    remote = [item.data for item in items if isinstance(item.data, RemotePart)]
    fetched = deque(_fetched(remote, limits, turn) if remote else ())
    batch: list[Item] = []
    for item in items:
        part, is_large = item.data, False
        if isinstance(part, RemotePart):
            data = fetched.popleft()
            # It has grown, or its size was unknown.
            is_large = isinstance(data, bytes) and len(data) > part.size
            if is_large:
                [data] = _fetched([replace(part, known_size=most_bytes(limits))], limits, turn)
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
        return next(loaded([kept[name]], limits, Turn()))[0].image if name in kept else name

    return opened


def _fetched(parts: Sequence[RemotePart], limits: Limits, turn: Turn) -> list[bytes | ImageError]:
    """Return the first bytes of objects: at most one more than the size of each."""
    import asyncio  # takes long, and most need none

    from fsspec.asyn import get_loop

    pool = ThreadPoolExecutor(_THREADS, "lightmeter-fetch")
    opened = [(part, *_system_of(part.url)) for part in parts]
    reads = asyncio.run_coroutine_threadsafe(_read_all(opened, limits, pool), get_loop())
    try:
        while not reads.done():
            turn()
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
            data = await _from_web(system, path, part.size)
        else:
            import asyncio

            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(pool, _from_store, system, part.url, path, part.size)
        most = most_bytes(limits)
        return data if len(data) <= most else ImageError("too_large", f"more than {most} bytes")
    except Exception as error:  # a file system may raise any
        return reading_error(error)


def _from_store(system: Any, url: str, path: str, most: int) -> bytes:
    if most == 0:  # object stores have no range of nothing
        return b""
    if not system.async_impl:  # such as FTP, whose connection threads cannot share
        system, path = system_of(url)
    return bytes(system.cat_file(path, start=0, end=most + 1))


async def _from_web(system: Any, path: str, most: int) -> bytes:
    """Return the first bytes of a file on the web, of which a server may send more than it says."""
    session = await system.set_session()
    pieces, left = [], most + 1
    async with session.get(system.encode_url(path), **system.kwargs) as answer:
        if answer.status == 404:
            raise FileNotFoundError(path)
        answer.raise_for_status()
        while left and (piece := await answer.content.read(left)):
            pieces.append(piece)
            left -= len(piece)
    return b"".join(pieces)
