"""Fetching pictures before they are needed, so that waiting for them overlaps decoding."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.remote import RemotePart
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["fetched_ahead"]

_THREADS = 16
_MOST_BYTES = 256 << 20
_GUESS = 1 << 20  # bytes of an object that nobody told the size of


def fetched_ahead(items: Iterable[Item], limits: Limits) -> Iterator[Item]:
    """The same items in the same order; those that are remote with their bytes or an error.

    At most 32 are fetched ahead, and not more than 256 MB as far as sizes are known.
    """
    pool: ThreadPoolExecutor | None = None
    waiting: deque[tuple[Item, Future[Item] | None, int]] = deque()
    pending = 0

    def first() -> Item:
        nonlocal pending
        item, future, size = waiting.popleft()
        pending -= size
        return item if future is None else future.result()

    try:
        for item in items:
            if not isinstance(item.data, RemotePart):
                if not waiting:
                    yield item
                    continue
                waiting.append((item, None, 0))
            else:
                size = min(item.data.size or _GUESS, _MOST_BYTES)
                while waiting and pending + size > _MOST_BYTES:
                    yield first()
                pool = pool or ThreadPoolExecutor(_THREADS, "lightmeter-fetch")
                waiting.append((item, pool.submit(_fetched, item, limits), size))
                pending += size
            if len(waiting) >= 2 * _THREADS:
                yield first()
        while waiting:
            yield first()
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _fetched(item: Item, limits: Limits) -> Item:
    try:
        return item.loaded(limits)
    except ImageError as error:
        return replace(item, data=error)
