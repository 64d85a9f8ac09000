"""Bytes of remote pictures, those of a block side by side, so that waits for them overlap.

Most file systems of fsspec are coroutines on the one loop that it keeps in a thread. What has none
is read by threads.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from lightmeter.batch.sources.item import Item, check_bytes, most_bytes, reading_error
from lightmeter.batch.sources.remote import RemotePart, fsspec_package, system_of
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["fetched"]

_THREADS = 16


def fetched(items: Sequence[Item], limits: Limits) -> Iterator[Item]:
    """The same items in the same order; those that are remote with their bytes or an error."""
    if RemotePart not in [type(item.data) for item in items]:
        yield from items
        return
    import asyncio  # loaded with fsspec, so that `import lightmeter` is light

    loop = fsspec_package().asyn.get_loop()
    pool = ThreadPoolExecutor(_THREADS, "lightmeter-fetch")  # has no thread before it is asked

    def begin(part: RemotePart, most: int) -> "Future[bytes]":
        return asyncio.run_coroutine_threadsafe(_read(part, most, limits, pool), loop)

    parts = [item.data for item in items if isinstance(item.data, RemotePart)]
    futures = deque(begin(part, part.size) for part in parts)
    try:
        for item in items:
            part, data = item.data, item.data
            if isinstance(part, RemotePart):
                try:
                    data = futures.popleft().result()
                    if len(data) > part.size:  # it has grown, or nobody told how large it is
                        data = begin(part, most_bytes(limits)).result()
                    if len(data) > most_bytes(limits):
                        raise ImageError("too_large", f"more than {most_bytes(limits)} bytes")
                except Exception as error:  # any that a file system of somebody else raises
                    data = reading_error(error)
            yield item if data is part else replace(item, data=data)
    finally:
        for future in futures:
            future.cancel()
        pool.shutdown(cancel_futures=True)


async def _read(part: RemotePart, most: int, limits: Limits, threads: Executor) -> bytes:
    """Return the first bytes of an object, one more than `most` where it has more."""
    import asyncio

    check_bytes(part.told or 0, limits)
    system, path = system_of(part.url)
    if most == 0:  # object stores have no range of nothing
        return b""
    limit = asyncio.timeout(limits.seconds)
    try:
        async with limit:
            if not _has_coroutines(system):
                read = asyncio.get_running_loop().run_in_executor
                return bytes(await read(threads, system.cat_file, path, 0, most + 1))
            if hasattr(system, "encode_url"):
                return await _from_web(system, path, most + 1)
            return bytes(await system._cat_file(path, start=0, end=most + 1))
    except TimeoutError:
        if limit.expired():
            raise ImageError("too_large", f"not read within {limits.seconds:g} seconds") from None
        raise


def _has_coroutines(system: Any) -> bool:
    """One that wraps another, such as a cache, may have only the attributes of that other."""
    is_async = issubclass(type(system), fsspec_package().asyn.AsyncFileSystem)
    return is_async and system.async_impl and not system.asynchronous


async def _from_web(system: Any, path: str, most: int) -> bytes:
    """A web server may send any number of bytes, whatever it is asked for and whatever it says."""
    session = await system.set_session()
    async with session.get(system.encode_url(path), **system.kwargs) as answer:
        system._raise_not_found_for_status(answer, path)
        pieces = []
        async for piece in answer.content.iter_any():
            pieces.append(piece[:most])
            most -= len(piece)
            if most <= 0:
                answer.close()
                break
    return b"".join(pieces)
