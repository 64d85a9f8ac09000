"""Working through blocks in threads: decoding and measuring run outside the GIL."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_threads"]

# Blocks begun or waiting to be taken, for each worker: one slow file holds back no more than that.
_BLOCKS_AHEAD = 4

Result = TypeVar("Result")


def in_threads(
    work: Callable[[Iterable[str]], Result],
    blocks: Sequence[Sequence[str]],
    *,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[Result, None, None]:
    """What `work` returns for each block, in their order.

    Close the iterator, should it not be read to its end: the workers stop then after the item that
    they are at.

    Args:
        work: is called with the items of a block, which it goes through once.
        blocks: the blocks.
        workers: how many threads.
        progress: called as ``progress(done, total)`` after each item, by one thread at a time.
    """
    total = sum(map(len, blocks))
    stopped = threading.Event()
    lock = threading.Lock()
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

    with ThreadPoolExecutor(workers, "lightmeter") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for block in blocks:
                if len(waiting) == workers * _BLOCKS_AHEAD:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(work, watched(block)))
            while waiting:
                yield waiting.popleft().result()
        except BaseException:  # Ctrl-C too
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
