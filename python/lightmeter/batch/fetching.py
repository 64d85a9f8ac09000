"""Fetching remote images of a block in parallel, so that waiting times overlap."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from lightmeter.batch.sources.checks import check_bytes, most_bytes, reading_error
from lightmeter.batch.sources.item import Item, RemotePart
from lightmeter.batch.sources.names import is_web
from lightmeter.batch.sources.remote import system_of
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

_THREADS = 64  # as many images are in a block


def loaded(items: Iterable[Item], limits: Limits) -> Iterator[Item]:
    """Yield the same items in the same order, with remote data replaced by bytes or an error."""
    end = time.monotonic() + (limits.seconds or threading.TIMEOUT_MAX)
    pool = ThreadPoolExecutor(_THREADS, "lightmeter-fetch")

    def begin(part: RemotePart, most: int) -> Future[bytes]:
        check_bytes(part.known_size or 0, limits)
        system, path = system_of(part.url)
        if is_web(part.url):
            import asyncio  # takes long, and fsspec has done it

            loop = system.loop
            return asyncio.run_coroutine_threadsafe(_from_web(system, path, most, end), loop)
        return pool.submit(_from_store, part.url, system, path, most)

    def data_of(part: RemotePart, future: Future[bytes]) -> bytes | ImageError:
        most = most_bytes(limits)
        try:
            data = future.result(end - time.monotonic())
            if len(data) > part.size:  # it has grown, or its size was unknown
                data = begin(part, most).result(end - time.monotonic())
        except Exception as error:  # a file system may raise any
            if isinstance(error, TimeoutError) and time.monotonic() >= end:
                return ImageError("too_large", f"not read within {limits.seconds} seconds")
            return reading_error(error)
        return data if len(data) <= most else ImageError("too_large", f"more than {most} bytes")

    begun = deque[tuple[Item, Future[bytes] | None]]()
    for item in items:
        try:
            is_remote = isinstance(item.data, RemotePart)
            begun.append((item, begin(item.data, item.size) if is_remote else None))
        except Exception as error:
            begun.append((replace(item, data=reading_error(error)), None))
    try:
        while begun:
            item, future = begun.popleft()
            yield item if future is None else replace(item, data=data_of(item.data, future))
    finally:
        for _, future in begun:
            if future is not None:
                future.cancel()
        pool.shutdown(wait=False)


def opener_of(
    items: Iterable[Item], names: Collection[str], limits: Limits
) -> Callable[[str], Any]:
    """Return a function that maps a name in `names` to data to measure again; others are paths."""
    kept = {item.name: item for item in items if item.name in names}

    def opened(name: str) -> Any:
        return next(loaded([kept[name]], limits)).image if name in kept else name

    return opened


def _from_store(url: str, system: Any, path: str, most: int) -> bytes:
    """Return the first bytes of an object: at most one more than `most`."""
    if most == 0:  # object stores have no range of nothing
        return b""
    if not system.async_impl:  # such as FTP, whose connection threads cannot share
        system, path = system_of(url)
    return bytes(system.cat_file(path, start=0, end=most + 1))


async def _from_web(system: Any, path: str, most: int, end: float) -> bytes:
    """Return the first bytes of a file on the web, of which a server may send more than it says.

    This runs in fsspec's own loop, because threads for the reads would each open a connection.
    """
    import asyncio

    session = await system.set_session()
    answered = session.get(system.encode_url(path), **system.kwargs)
    data = bytearray()
    async with asyncio.timeout(end - time.monotonic()), answered as answer:
        if answer.status == 404:
            raise FileNotFoundError(path)
        answer.raise_for_status()
        while len(data) <= most and (piece := await answer.content.read(most + 1 - len(data))):
            data += piece
    return bytes(data)
