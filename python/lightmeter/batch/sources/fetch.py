"""Bytes of remote pictures, those of a block side by side, so that waits for them overlap.

Most file systems of fsspec are coroutines on the one loop that it keeps in a thread. What has none
is read by threads.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
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
    parts = [item.data for item in items if isinstance(item.data, RemotePart)]
    with _fetching(parts, limits) as begun:
        futures = deque(begun)
        for item in items:
            if isinstance(item.data, RemotePart):
                yield replace(item, data=_bytes(item.data, futures.popleft(), limits))
            else:
                yield item


def _bytes(part: RemotePart, future: "Future[bytes]", limits: Limits) -> bytes | ImageError:
    try:
        data = future.result()
        if len(data) > part.most_ahead(limits):  # nobody told how large it is
            with _fetching([part], limits, whole=True) as (again,):
                data = again.result()
        if len(data) > most_bytes(limits):
            raise ImageError("too_large", f"more than {most_bytes(limits)} bytes")
    except Exception as error:  # any that a file system of somebody else raises
        return reading_error(error)
    return data


@contextmanager
def _fetching(
    parts: Sequence[RemotePart], limits: Limits, *, whole: bool = False
) -> "Iterator[list[Future[bytes]]]":
    """Begin to fetch parts, or so much of each as may be fetched ahead; give up at the end.

    Coroutines are begun by one message: each one takes the interpreter from the other threads.
    """
    import asyncio  # loaded with fsspec, so that `import lightmeter` is light

    pool = ThreadPoolExecutor(_THREADS, "lightmeter-fetch")  # has no thread before it is asked
    futures: list[Future[bytes]] = []
    jobs: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)  # by their loops
    for part in parts:
        future: Future[bytes] = Future()
        try:
            most = most_bytes(limits) if whole else part.most_ahead(limits)
            system, path = system_of(part.url)
            if most == 0:  # object stores have no range of nothing
                future.set_result(b"")
            elif _has_coroutines(system):
                jobs[system.loop].append((future, system, path, most + 1, limits.seconds))
            else:
                future = pool.submit(system.cat_file, path, start=0, end=most + 1)
        except Exception as error:  # it is too large, or a library is not installed
            future.set_exception(error)
        futures.append(future)
    begun = [asyncio.run_coroutine_threadsafe(_all(run), loop) for loop, run in jobs.items()]
    try:
        yield futures
    finally:
        for run in begun:
            run.cancel()
        pool.shutdown(cancel_futures=True)


async def _all(jobs: list[tuple[Any, ...]]) -> None:
    import asyncio

    await asyncio.gather(*[_into(*job) for job in jobs])


async def _into(future: "Future[bytes]", *asked: Any) -> None:
    import asyncio

    try:
        future.set_result(await _awaited(*asked))
    except asyncio.CancelledError:
        future.cancel()
        raise
    except Exception as error:
        future.set_exception(error)


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
