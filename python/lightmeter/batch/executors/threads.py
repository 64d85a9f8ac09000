"""Working through blocks in threads: decoding and measuring run outside the GIL."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from lightmeter.batch.executors.waiting import MOST_HELD, Waiting
from lightmeter.image.meter import available_cpus

__all__ = ["in_threads", "watching"]

T = TypeVar("T")
Result = TypeVar("Result")


def in_threads(  # noqa: C901
    work: Callable[[Iterable[T]], Result],
    items: Iterable[T],
    size: int | Callable[[int], int],
    *,
    workers: int | None,
    total: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    stopped: threading.Event | None = None,
) -> Generator[Result, None, None]:
    """What `work` returns for each block, which is a run of items, in their order.

    A block is begun while its items still come. So there are never more bytes of pictures waiting
    than 256 MB and one picture, however slow the workers are. Items that are paths weigh nothing.
    While one block is slow, others go on until 12 MB of results wait for it.

    Close the iterator, should it not be read to its end: the workers stop then after the item that
    they are at. A process that forked has none of the workers, so the iterator of its parent raises
    a RuntimeError there.

    Args:
        work: is called with the items of a block, which it goes through once.
        items: are gone through by the caller's thread, a few blocks ahead of the results.
        size: how many items a block has, or a function that tells it by how many are in those
            before; the last may have fewer.
        workers: how many threads; None takes one per processor.
        total: how many items there are; None where only their end tells.
        progress: called as ``progress(done, total)`` after each item, by one thread at a time. An
            unknown total is that of the items that came so far.
        stopped: is set when the run ends early, for `watching`.
    """
    stopped = stopped or threading.Event()
    room = _Room(MOST_HELD)
    lock = threading.Lock()
    workers = workers or available_cpus()
    came = done = 0

    def worked(block: "_Block[T]") -> Result:
        try:
            return work(watched(block))
        finally:
            block.leave()

    def watched(block: "_Block[T]") -> Iterator[T]:
        nonlocal done
        for item in block.take():
            if stopped.is_set():
                break
            yield item
            if progress is not None:
                with lock:
                    done += 1
                    progress(done, came if total is None else total)
        if stopped.is_set():  # a part of a block shall not pass for the whole
            raise CancelledError

    with ThreadPoolExecutor(workers, "lightmeter") as pool:
        waiting: Waiting[Result] = Waiting(workers)
        block: _Block[T] | None = None
        most = 0
        try:
            for item in items:
                if block is None:
                    yield from waiting.until_room()
                    block, most = _Block(room), size(came) if callable(size) else size
                    waiting.add(pool.submit(worked, block))
                came += 1
                block.put(item)
                if block.count == most:
                    block.end()
                    block = None
            if block is not None:
                block.end()
            yield from waiting.rest()
        except BaseException:  # Ctrl-C too
            stopped.set()
            if block is not None:
                block.end()
            pool.shutdown(cancel_futures=True)
            raise


class _Stopped(BaseException):
    """The run has ended early. No ``except Exception`` takes that for damage of a picture."""


def watching(stopped: threading.Event, watch: Callable[..., None] | None, *told: Any) -> None:
    """Tell `watch` how far an item is that takes long, and leave it where the run has ended."""
    if stopped.is_set():
        raise _Stopped
    if watch is not None:
        watch(*told)


class _Room:
    """How many bytes may wait, of all blocks together."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._changed = threading.Condition()

    def take(self, weight: int) -> None:
        """Wait until there is any room."""
        with self._changed:
            while self._left <= 0:
                self._changed.wait()
            self._left -= weight

    def give(self, weight: int) -> None:
        with self._changed:
            self._left += weight
            self._changed.notify()


class _Block(Generic[T]):
    """Items on their way from the thread that finds them to the one that works on them."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._items: SimpleQueue[tuple[T, int] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._left = False
        self._held = 0  # the weight of the item that is worked on
        self.count = 0

    def put(self, item: T) -> None:
        weight = getattr(item, "weight", 0)
        if weight:
            self._room.take(weight)
        with self._lock:
            self.count += 1
            if not self._left:
                self._items.put((item, weight))
                return
        self._give(weight)

    def end(self) -> None:
        """There are no more items."""
        self._items.put(None)

    def take(self) -> Iterator[T]:
        while (entry := self._items.get()) is not None:
            self._held = entry[1]
            yield entry[0]
            del entry
            self._let_go()

    def leave(self) -> None:
        """The worker takes no more: what waits, and what still comes, is let go."""
        with self._lock:
            self._left = True
        self._let_go()  # an error may hold the iterator, so that it does not end by itself
        while not self._items.empty():
            entry = self._items.get()
            if entry is not None:
                self._give(entry[1])

    def _let_go(self) -> None:
        weight, self._held = self._held, 0
        self._give(weight)

    def _give(self, weight: int) -> None:
        if weight:
            self._room.give(weight)
