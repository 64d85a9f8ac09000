"""Working through blocks in threads: decoding and measuring run outside the GIL."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from lightmeter.image.meter import available_cpus

__all__ = ["in_blocks", "in_threads", "workers_of"]

# Blocks begun or waiting to be taken, for each worker: one slow file holds back no more than that.
_BLOCKS_AHEAD = 4

Result = TypeVar("Result")


def workers_of(workers: int | None) -> int:
    """How many threads work; None takes one per processor.

    Raises:
        TypeError: `workers` is no integer.
        ValueError: it is below 1.
    """
    if workers is not None and not hasattr(workers, "__index__"):
        raise TypeError(f"workers is {workers!r}; expected an integer, or None")
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    return workers or available_cpus()


def in_blocks(items: Sequence[str], size: int) -> list[Sequence[str]]:
    """The items in runs of `size`; the last may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_threads(
    work: Callable[[Iterable[str]], Result],
    blocks: Sequence[Sequence[str]],
    *,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[Result, None, None]:
    """What `work` returns for each block, in their order.

    Close the iterator, should it not be read to its end: the workers stop then after the item that
    they are at. A process that forked has none of the workers, so the iterator of its parent raises
    a RuntimeError there.

    Args:
        work: is called with the items of a block, which it goes through once.
        blocks: the blocks.
        workers: how many threads.
        progress: called as ``progress(done, total)`` after each item, by one thread at a time.
    """
    total = sum(map(len, blocks))
    stopped = threading.Event()
    lock = threading.Lock()
    process = os.getpid()
    done = 0

    def watched(block: Sequence[str]) -> Iterator[str]:
        nonlocal done
        for item in block:
            if stopped.is_set():
                return
            yield item
            if progress is not None:
                with lock:
                    done += 1
                    progress(done, total)

    def first(waiting: deque[Future[Result]]) -> Result:
        if os.getpid() != process:
            raise RuntimeError(
                "these results belong to the process that forked this one; start again in this one"
            )
        return waiting.popleft().result()

    with ThreadPoolExecutor(workers, "lightmeter") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for block in blocks:
                if len(waiting) == workers * _BLOCKS_AHEAD:
                    yield first(waiting)
                waiting.append(pool.submit(work, watched(block)))
            while waiting:
                yield first(waiting)
        except BaseException:  # Ctrl-C too
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
