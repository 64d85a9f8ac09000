"""Working through blocks in parallel: results in their order, a few blocks in memory."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from queue import SimpleQueue
from typing import Any, TypeVar

from lightmeter.batch.block import blocks
from lightmeter.batch.fetching import loaded
from lightmeter.batch.sources.item import Item, Source
from lightmeter.image.limits import Limits
from lightmeter.image.meter import available_cpus
from lightmeter.image.tiles.measured import Watch

Result = TypeVar("Result")
Progress = Callable[[int, int], None]  # of items that are done, and all
Submit = Callable[[list[Item]], Future[Result]]

# Blocks that are begun beside those that workers are at, so that no worker waits for the next one,
# which is cut by then.
_AHEAD = 1

# Blocks that are begun or whose results wait for an earlier one, which is slow.
MOST_WAITING = 64


def workers_of(workers: int | None) -> int:
    """Return how many workers there are: None stands for one per processor.

    Raises
    ------
    TypeError
        `workers` is no integer.
    ValueError
        It is below 1.
    """
    if workers is None:
        return available_cpus()
    if not hasattr(workers, "__index__"):
        raise TypeError(f"workers is {workers!r}; expected an integer, or None")
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    return workers


def threads_for(source: Source, workers: int) -> int:
    """Return how many threads share an image, where there are fewer images than workers."""
    return max(1, workers // max(1, source.total or workers))


@contextmanager
def threads(work: Callable[[list[Item], Watch], Result], workers: int) -> Iterator[Submit[Result]]:
    """Start threads that work on blocks. Decoding and measuring run outside the GIL.

    Where the body ends by an error, Ctrl-C too, they stop after the item that they are at, and
    leave an image that is read in tiles.

    Parameters
    ----------
    work
        Is called with the items of a block; and with a function to be called before each, and
        before more is read of a large image.
    workers
        How many threads.

    Yields
    ------
    Submit[Result]
        What begins a block, and returns the future of its result.
    """
    stopped = threading.Event()

    def watch() -> None:
        if stopped.is_set():
            raise KeyboardInterrupt  # which no decoder takes for damage of an image

    with ThreadPoolExecutor(workers, "lightmeter") as pool:
        try:
            yield lambda block: pool.submit(work, block, watch)
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


def results(
    work: Callable[[list[Item], Watch], Result],
    cut: Iterable[list[Item]],
    workers: int,
    progress: Progress | None = None,
    total: int | None = None,
    start: Any = threads,
) -> Generator[Result, None, None]:
    """Yield what a function returns of each block, in the order of the blocks.

    Blocks are taken a few ahead. A process that forked has none of the workers: the iterator raises
    a RuntimeError there.

    Parameters
    ----------
    work
        As `threads` takes it.
    cut
        The blocks.
    workers
        How many there are.
    progress
        Is called after each block.
    total
        The number of items; None tells `progress` the number that came so far.
    start
        What starts the workers: `threads`, or `lightmeter.batch.processes.processes`.
    """
    process = os.getpid()
    free = SimpleQueue[object]()  # whose lock no signal can leave taken, as it could a semaphore's
    for _ in range(workers + _AHEAD):
        free.put(None)
    waiting: deque[tuple[Future[Result], int]] = deque()  # with how many items it has
    taken = finished = 0
    with start(work, workers) as submit:
        for block in chain(cut, [None]):
            if block is not None:
                free.get()
                future = submit(block)
                future.add_done_callback(free.put)
                waiting.append((future, len(block)))
                taken += len(block)
            most = 0 if block is None else MOST_WAITING - 1
            del block
            while waiting and (len(waiting) > most or waiting[0][0].done()):
                future, items = waiting.popleft()
                result = future.result()
                finished += items
                if progress is not None:
                    progress(finished, total or taken)
                yield result
                if os.getpid() != process:  # before any lock that a worker held as it forked
                    raise RuntimeError(
                        "these results belong to the process that forked this one; start again here"
                    )


def each(
    function: Callable[[Item, Watch], Result],
    source: Source,
    workers: int,
    limits: Limits,
    progress: Progress | None = None,
) -> Generator[Result, None, None]:
    """Yield what a function returns of each image of a source, likewise, by threads.

    Parameters
    ----------
    function
        Is called with an item, a remote one with its bytes, and as `threads` says.
    source
        The images.
    workers
        How many threads.
    limits
        What fetching an image may cost.
    progress
        As for `results`.
    """

    def work(block: list[Item], watch: Watch) -> Iterable[Result]:
        found = []
        for item in loaded(block, limits):
            watch()
            found.append(function(item, watch))
        return found

    blocks_done = results(work, blocks(source.items()), workers, progress, source.total)
    return (result for found in blocks_done for result in found)
