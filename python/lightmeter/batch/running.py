"""Working through blocks in parallel: results in their order, a few blocks in memory."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from lightmeter.batch.sources.fetch import fetched
from lightmeter.batch.sources.item import Item, Source
from lightmeter.image.limits import Limits
from lightmeter.image.meter import available_cpus
from lightmeter.image.tiles.measured import Watch

__all__ = ["Progress", "in_order", "threads", "threads_for", "workers_of"]

Result = TypeVar("Result")
Progress = Callable[[int, int], None]  # of items that are done, and all

# Blocks that are begun beside those that workers are at, so that no worker waits for the next one.
_AHEAD = 2

# Blocks that are begun or whose results wait for an earlier one, which is slow.
_MOST_WAITING = 64

_WEIGHT = attrgetter("weight")
_MOST_HELD = 256 << 20  # bytes of pictures in the blocks that are begun


def workers_of(workers: int | None) -> int:
    """Return how many workers there are: None stands for one per processor.

    Raises:
        TypeError: `workers` is no integer.
        ValueError: it is below 1.
    """
    if workers is None:
        return available_cpus()
    if not hasattr(workers, "__index__"):
        raise TypeError(f"workers is {workers!r}; expected an integer, or None")
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    return workers


def threads_for(source: Source, workers: int) -> int:
    """Return how many threads share a picture, where there are fewer pictures than workers."""
    return max(1, workers // max(1, source.total or workers))


def _silent(done: int, total: int) -> None:
    pass


def in_order(
    submit: Callable[[list[Item]], "Future[Result]"],
    blocks: Iterable[list[Item]],
    workers: int,
    progress: Progress | None = None,
    total: int | None = None,
) -> Generator[Result, None, None]:
    """Yield the result of each block in the order of the blocks, which are taken a few ahead.

    Progress is told behind each; without a total that is the number of items that came so far.

    A process that forked has none of the workers: the iterator raises a RuntimeError there.
    """
    process = os.getpid()
    waiting: deque[tuple[Future[Result], int, int]] = deque()  # with its items, and their bytes
    taken = finished = 0
    tell: Progress = progress or _silent

    def is_first_next() -> bool:
        """Wait until one more block may begin, or the first one is finished."""
        while True:
            if os.getpid() != process:  # before any lock, which a worker may have held as it forked
                raise RuntimeError(
                    "these results belong to the process that forked this one; start again here"
                )
            if waiting[0][0].done():
                return True
            begun = [entry for entry in waiting if not entry[0].done()]
            held = sum([weight for *_, weight in begun])
            if len(waiting) >= _MOST_WAITING:
                wait([waiting[0][0]])
            elif len(begun) < workers + _AHEAD and held < _MOST_HELD:
                return False
            else:
                wait([future for future, *_ in begun], return_when=FIRST_COMPLETED)

    def first() -> Result:
        nonlocal finished
        future, items, _ = waiting.popleft()
        result = future.result()
        finished += items
        tell(finished, total or taken)
        return result

    for block in blocks:
        taken += len(block)
        waiting.append((submit(block), len(block), sum(map(_WEIGHT, block))))
        del block
        while waiting and is_first_next():
            yield first()
    while waiting:
        wait([waiting[0][0]])
        if is_first_next():
            yield first()


class _Stopped(BaseException):
    """The run has ended early. No ``except Exception`` takes that for damage of a picture."""


@contextmanager
def threads(
    work: Callable[[Iterator[Item], Watch], Result],
    workers: int,
    limits: Limits,
) -> Iterator[Callable[[list[Item]], "Future[Result]"]]:
    """Start threads that work on blocks. Decoding and measuring run outside the GIL.

    Where the body ends by an error, Ctrl-C too, they stop after the item that they are at, and
    leave a picture that is read in tiles.

    Args:
        work: is called with the items of a block, remote ones with their bytes; and with a function
            to be called with the pixels measured of a large picture, and all.
        workers: how many threads.
        limits: what fetching a picture may cost.

    Yields:
        What begins a block, and returns the future of its result.
    """
    stopped = threading.Event()

    def watch(done: int, total: int) -> None:
        if stopped.is_set():
            raise _Stopped

    def watched(block: list[Item]) -> Iterator[Item]:
        for item in fetched(block, limits):
            if stopped.is_set():
                raise _Stopped
            yield item

    def worked(block: list[Item]) -> Any:
        return work(watched(block), watch)

    with ThreadPoolExecutor(workers, "lightmeter") as pool:
        try:
            yield partial(pool.submit, worked)  # type: ignore[call-arg]  # a partial has some
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
