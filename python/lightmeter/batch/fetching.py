"""Fetching remote images of a block in parallel, so that waiting times overlap."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
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
    read = partial(_read, limits=limits, end=end)

    def data_of(part: RemotePart, future: Future[bytes]) -> bytes | ImageError:
        most = most_bytes(limits)
        try:
            data = future.result(end - time.monotonic())
            if len(data) > part.size:  # it has grown, or its size was unknown
                data = pool.submit(read, part, most).result(end - time.monotonic())
        except Exception as error:  # a file system may raise any
            if isinstance(error, TimeoutError) and time.monotonic() >= end:
                return ImageError("too_large", f"not read within {limits.seconds} seconds")
            return reading_error(error)
        return data if len(data) <= most else ImageError("too_large", f"more than {most} bytes")

    begun = deque[tuple[Item, Future[bytes] | None]]()
    for item in items:
        is_remote = isinstance(item.data, RemotePart)
        begun.append((item, pool.submit(read, item.data, item.size) if is_remote else None))
    try:
        while begun:
            item, future = begun.popleft()
            yield item if future is None else replace(item, data=data_of(item.data, future))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def opener_of(
    items: Iterable[Item], names: Collection[str], limits: Limits
) -> Callable[[str], Any]:
    """Return a function that maps a name in `names` to data to measure again; others are paths."""
    kept = {item.name: item for item in items if item.name in names}

    def opened(name: str) -> Any:
        return next(loaded([kept[name]], limits)).image if name in kept else name

    return opened


def _read(part: RemotePart, most: int, limits: Limits, end: float) -> bytes:
    """Return the first bytes of an object: at most one more than `most`."""
    check_bytes(part.known_size or 0, limits)
    system, path = system_of(part.url)
    if most == 0:  # object stores have no range of nothing
        return b""
    if not is_web(part.url):
        return bytes(system.cat_file(path, start=0, end=most + 1))
    # Read it as a stream, because a web server may send more bytes than requested or announced.
    with system.open(path, "rb", block_size=0, size=1) as file:
        data = bytearray()
        while len(data) <= most and (piece := file.read(most + 1 - len(data))):
            data += piece
            if time.monotonic() >= end:  # the time limit has passed
                raise TimeoutError
    return bytes(data)
