"""Results in the order of their blocks, of which a bounded number wait for an earlier one."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Generic, TypeVar

__all__ = ["MOST_HELD", "Waiting"]

# Blocks that are begun or wait for a worker, for each worker.
_BLOCKS_AHEAD = 4

# Bytes of finished results that may wait for an earlier one that is slow. The profile of a block
# has 16 kB with the default metrics, so 48 000 pictures are measured meanwhile.
_MOST_FINISHED = 12 << 20
MOST_HELD = 256 << 20  # bytes of items that workers have or wait for
_UNTOLD = 1 << 18  # bytes of a result that does not say its weight
_OVERHEAD = 1 << 10  # of the objects that hold one

Result = TypeVar("Result")


class Waiting(Generic[Result]):
    """The blocks that were given to workers, in their order.

    It belongs to one thread. A process that forked has none of the workers, so that using it there
    raises a RuntimeError.
    """

    def __init__(
        self,
        workers: int,
        ended: "Callable[[Future[Result]], Future[Result] | None]" = lambda _: None,
    ) -> None:
        """Start with none.

        Args:
            workers: how many there are.
            ended: called with what has ended; returns what to wait for in its place, or None.
        """
        self._most = workers * _BLOCKS_AHEAD
        self._ended = ended
        self._futures: deque[Future[Result]] = deque()
        self._begun: dict[Future[Result], int] = {}  # and the bytes of its items
        self._finished = 0  # bytes
        self._process = os.getpid()

    def add(self, future: "Future[Result]", held: int = 0) -> None:
        """Take the next block, whose items hold so many bytes until it has ended."""
        self._futures.append(future)
        self._begun[future] = held

    def until_room(self) -> Iterator[Result]:
        """Wait until one more block may begin; the results that come first meanwhile."""
        yield from self._ready()
        while True:
            if self._finished >= _MOST_FINISHED:
                wait([self._futures[0]])
            elif len(self._begun) >= self._most or sum(self._begun.values()) >= MOST_HELD:
                wait(self._begun, return_when=FIRST_COMPLETED)
            else:
                return
            yield from self._ready()

    def rest(self) -> Iterator[Result]:
        """Wait until all blocks are finished; their results."""
        yield from self._ready()
        while self._futures:
            wait(self._begun, return_when=FIRST_COMPLETED)
            yield from self._ready()

    def _check_process(self) -> None:
        """Before any lock: a worker may have held it when the process forked."""
        if os.getpid() != self._process:
            raise RuntimeError(
                "these results belong to the process that forked this one; start again in this one"
            )

    def _ready(self) -> Iterator[Result]:
        self._check_process()
        for future in [future for future in self._begun if future.done()]:
            held = self._begun.pop(future)
            instead = self._ended(future)
            if instead is None:
                self._finished += _weight(future)
            else:
                self._futures[self._futures.index(future)] = instead
                self._begun[instead] = held
        while self._futures and self._futures[0] not in self._begun:
            future = self._futures.popleft()
            self._finished -= _weight(future)
            yield future.result()
            self._check_process()


def _weight(future: "Future[Any]") -> int:
    """Bytes that a finished block holds."""
    if future.cancelled() or future.exception() is not None:
        return 0
    return int(getattr(future.result(), "weight", _UNTOLD)) + _OVERHEAD
