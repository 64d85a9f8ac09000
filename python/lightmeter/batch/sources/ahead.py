"""Fetching pictures before they are needed, so that waiting for them overlaps decoding."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace

from lightmeter.batch.sources.fetching import ByteRange, Fetcher
from lightmeter.batch.sources.item import Item, reading_error
from lightmeter.batch.sources.remote import RemotePart
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["fetched_ahead"]

# Objects that are fetched or wait: two blocks, so that two workers begin with the first answers.
_MOST = 128
_TOGETHER = 16  # are begun by one message: each one takes the interpreter from the other threads
_THREADS = 16
_MOST_BYTES = 256 << 20
_LEAST_GUESS, _MOST_GUESS = 1 << 20, 64 << 20  # bytes of an object that nobody told the size of


def fetched_ahead(items: Iterable[Item], limits: Limits) -> Iterator[Item]:
    """The same items in the same order; those that are remote with their bytes or an error.

    At most 128 are fetched ahead, and not more than 256 MB. Of an object whose size nobody told no
    more is fetched ahead than a guess, and the rest of it when it is its turn.
    """
    with Fetcher(_THREADS, limits.seconds) as fetcher:
        yield from _Ahead(fetcher, limits).of(items)


@dataclass(slots=True)
class _Waiting:
    item: Item
    size: int = 0
    future: "Future[bytes] | None" = None


class _Ahead:
    def __init__(self, fetcher: Fetcher, limits: Limits) -> None:
        self._fetcher, self._limits = fetcher, limits
        self._waiting: deque[_Waiting] = deque()
        self._to_begin: list[_Waiting] = []
        self._bytes = 0  # of all that wait
        self._guess = _LEAST_GUESS

    def of(self, items: Iterable[Item]) -> Iterator[Item]:
        waiting = self._waiting
        for item in items:
            if not isinstance(item.data, RemotePart):
                if waiting:
                    waiting.append(_Waiting(item))
                else:
                    yield item
            else:
                size = min(item.data.size or self._guess, _MOST_BYTES)
                while waiting and self._bytes + size > _MOST_BYTES:
                    yield self._first()
                waiting.append(_Waiting(item, size))
                self._to_begin.append(waiting[-1])
                self._bytes += size
                if len(self._to_begin) == _TOGETHER:
                    self._begin()
            if len(waiting) == _MOST:
                yield self._first()
        while waiting:
            yield self._first()

    def _begin(self) -> None:
        ranges: list[ByteRange] = []
        begun: list[_Waiting] = []
        for entry in self._to_begin:
            try:
                ranges.append(entry.item.data.bytes_up_to(entry.size, self._limits))
                begun.append(entry)
            except Exception as error:  # of a library, such as one that is not installed
                entry.item = replace(entry.item, data=reading_error(error))
        self._to_begin.clear()
        for entry, future in zip(begun, self._fetcher.begin(ranges), strict=True):
            entry.future = future

    def _first(self) -> Item:
        entry = self._waiting[0]
        if isinstance(entry.item.data, RemotePart) and entry.future is None:
            self._begin()
        self._waiting.popleft()
        self._bytes -= entry.size
        return entry.item if entry.future is None else self._fetched(entry, entry.future)

    def _fetched(self, entry: _Waiting, future: "Future[bytes]") -> Item:
        try:
            data = future.result()
            if len(data) > entry.size:
                item = entry.item.loaded(self._limits)
                self._guess = min(max(self._guess, 2 * item.weight), _MOST_GUESS)
                return item
        except ImageError as error:
            return replace(entry.item, data=error)
        except Exception as error:  # any that a file system of somebody else raises
            return replace(entry.item, data=reading_error(error))
        return replace(entry.item, data=data)
