"""Bytes of remote objects, many at a time.

Most file systems of fsspec are coroutines on the one loop that it keeps in a thread. They are begun
there, many by one message: a thread for each read, as fsspec's own functions need, takes as much
processor time as the read. What has no coroutines is read by threads.
"""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from lightmeter.errors import ImageError

if TYPE_CHECKING:  # asyncio is loaded with fsspec, so that `import lightmeter` is light
    import asyncio

__all__ = ["ByteRange", "Fetcher", "NoRangesError", "fetch"]


class NoRangesError(OSError):
    """The file system or server sends files whole, whatever part is asked for."""


class ByteRange(NamedTuple):
    """Some bytes of an object.

    Attributes:
        system: a file system of fsspec.
        path: of the object in it.
        start: the first byte.
        end: what is behind the last one. There may be fewer.
        begins: whether these are all bytes, or so many of them. A web server is not asked for a
            range of them then, which it need not know.
    """

    system: Any
    path: str
    start: int
    end: int
    begins: bool = False


class Fetcher:
    """Fetches in the background until it is closed."""

    def __init__(self, threads: int, seconds: float | None) -> None:
        """Take how many threads may read, and how long a coroutine may."""
        self._threads, self._seconds = threads, seconds
        self._pool: ThreadPoolExecutor | None = None
        self._tasks: dict[Any, set[asyncio.Task[None]]] = defaultdict(set)  # by their loops

    def begin(self, ranges: Sequence[ByteRange]) -> list["Future[bytes]"]:
        """The bytes of each, or what its file system raises; without waiting for them."""
        futures: list[Future[bytes]] = []
        jobs = defaultdict(list)
        for asked in ranges:
            if _has_coroutines(asked.system):
                futures.append(Future())
                jobs[asked.system.loop].append((asked, futures[-1]))
            else:
                self._pool = self._pool or ThreadPoolExecutor(self._threads, "lightmeter-fetch")
                futures.append(self._pool.submit(_read, asked))
        for loop, run in jobs.items():
            loop.call_soon_threadsafe(self._start, loop, run)
        return futures

    def _start(self, loop: Any, run: list[tuple[ByteRange, "Future[bytes]"]]) -> None:
        tasks = self._tasks[loop]
        for asked, future in run:
            task = loop.create_task(self._into(future, asked))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _into(self, future: "Future[bytes]", asked: ByteRange) -> None:
        import asyncio

        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                data = await _awaited(asked)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as error:
            if limit.expired():
                detail = f"not read within {self._seconds:g} seconds"
                future.set_exception(ImageError("too_large", detail))
            else:
                future.set_exception(error)
        else:
            future.set_result(data)

    def __enter__(self) -> "Fetcher":
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Give up what is under way."""
        for loop, tasks in list(self._tasks.items()):
            loop.call_soon_threadsafe(_cancel, tasks)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def fetch(asked: ByteRange, seconds: float | None) -> bytes:
    """The bytes, or what the file system raises."""
    if not _has_coroutines(asked.system):
        return _read(asked)
    with Fetcher(1, seconds) as fetcher:
        return fetcher.begin([asked])[0].result()


def _cancel(tasks: set["asyncio.Task[None]"]) -> None:
    for task in list(tasks):
        task.cancel()


def _has_coroutines(system: Any) -> bool:
    """One that wraps another, such as a cache, may have only the attributes of that other."""
    from fsspec.asyn import AsyncFileSystem

    kind = type(system)
    return issubclass(kind, AsyncFileSystem) and system.async_impl and not system.asynchronous


def _read(asked: ByteRange) -> bytes:
    if asked.start == asked.end:  # object stores have no range of nothing
        return b""
    data = bytes(asked.system.cat_file(asked.path, start=asked.start, end=asked.end))
    if len(data) > asked.end - asked.start and not asked.begins:
        raise NoRangesError(f"got {len(data)} bytes; expected {asked.end - asked.start}")
    return data


async def _awaited(asked: ByteRange) -> bytes:
    if asked.start == asked.end:
        return b""
    if hasattr(asked.system, "encode_url"):
        return await _from_web(asked)
    system, path, start, end, _ = asked
    return bytes(await system._cat_file(path, start=start, end=end))


async def _from_web(asked: ByteRange) -> bytes:
    """A web server may send any number of bytes, whatever it is asked for and whatever it says."""
    system, path, start, end, begins = asked
    options = dict(system.kwargs)
    if not begins:
        headers = {**options.get("headers", {}), "Range": f"bytes={start}-{end - 1}"}
        options["headers"] = headers
    session = await system.set_session()
    async with session.get(system.encode_url(path), **options) as answer:
        system._raise_not_found_for_status(answer, path)
        left = end if begins else end - start
        if not begins and start > 0 and answer.status == 200:
            raise NoRangesError("the server sends files from their first byte only")
        pieces = []
        async for piece in answer.content.iter_any():
            pieces.append(piece[:left])
            left -= len(piece)
            if left <= 0:
                answer.close()
                break
    return b"".join(pieces)
