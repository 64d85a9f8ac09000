"""Bytes of remote pictures, those of a block side by side, so that waits for them overlap.

Most file systems of fsspec are coroutines on the one loop that it keeps in a thread. What has none
is read by threads.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from lightmeter.batch.sources.item import Item, most_bytes, reading_error
from lightmeter.batch.sources.remote import RemotePart, system_of
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["fetched"]

_THREADS = 16


def fetched(items: Sequence[Item], limits: Limits) -> Iterator[Item]:
    """The same items in the same order; those that are remote with their bytes or an error."""
    if RemotePart not in [type(item.data) for item in items]:
        yield from items
        return
    with _fetching(limits) as begin:
        futures = [
            begin(item.data) if isinstance(item.data, RemotePart) else None for item in items
        ]
        for number, item in enumerate(items):
            future, futures[number] = futures[number], None
            yield item if future is None else replace(item, data=_bytes(item.data, future, limits))


def _bytes(part: RemotePart, future: "Future[bytes]", limits: Limits) -> bytes | ImageError:
    try:
        data = future.result()
        if len(data) > part.most_ahead(limits):  # nobody told how large it is
            with _fetching(limits) as begin:
                data = begin(part, whole=True).result()
        if len(data) > most_bytes(limits):
            raise ImageError("too_large", f"more than {most_bytes(limits)} bytes")
    except Exception as error:  # any that a file system of somebody else raises
        return reading_error(error)
    return data


@contextmanager
def _fetching(limits: Limits) -> Iterator[Callable[..., "Future[bytes]"]]:
    """Give what begins to fetch a part, or so much of it as may be fetched ahead."""
    import asyncio  # loaded with fsspec, so that `import lightmeter` is light

    pool = ThreadPoolExecutor(_THREADS, "lightmeter-fetch")  # has no thread before it is asked
    begun: list[Future[bytes]] = []

    def begin(part: RemotePart, whole: bool = False) -> "Future[bytes]":
        future: Future[bytes] = Future()
        try:
            most = most_bytes(limits) if whole else part.most_ahead(limits)
            system, path = system_of(part.url)
            if most == 0:  # object stores have no range of nothing
                future.set_result(b"")
            elif _has_coroutines(system):
                coroutine = _awaited(system, path, most + 1, limits.seconds)
                future = asyncio.run_coroutine_threadsafe(coroutine, system.loop)
            else:
                future = pool.submit(partial(system.cat_file, path, start=0, end=most + 1))
        except Exception as error:  # it is too large, or a library is not installed
            future.set_exception(error)
        begun.append(future)
        return future

    try:
        yield begin
    finally:
        for future in begun:
            future.cancel()
        pool.shutdown(cancel_futures=True)


def _has_coroutines(system: Any) -> bool:
    """One that wraps another, such as a cache, may have only the attributes of that other."""
    from fsspec.asyn import AsyncFileSystem

    kind = type(system)
    return issubclass(kind, AsyncFileSystem) and system.async_impl and not system.asynchronous


async def _awaited(system: Any, path: str, most: int, seconds: float | None) -> bytes:
    import asyncio

    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            if hasattr(system, "encode_url"):
                return await _from_web(system, path, most)
            return bytes(await system._cat_file(path, start=0, end=most))
    except TimeoutError:
        if limit.expired():
            raise ImageError("too_large", f"not read within {seconds:g} seconds") from None
        raise


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
