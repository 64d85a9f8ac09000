"""Working on blocks in parallel, with ordered results and a few blocks in memory."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from queue import SimpleQueue
from typing import Any, TypeVar

from lightmeter.batch.sources.item import Item, RemotePart, Source
from lightmeter.batch.sources.remote import loaded
from lightmeter.image.limits import Limits
from lightmeter.image.meter import available_cpus
from lightmeter.image.tiles.raster import Watch

# Number of images in the first blocks, and in blocks after many. It is independent of the number of
# workers, because the result must be too. Small blocks at the start let workers share a few large
# images; later, merging must be cheap compared with measuring.
_FEWEST, _MOST = 16, 64
_PICTURE_BYTES = 128 << 10  # for which there is room in a block
_REMOTE_BYTES = 32 << 20  # of images elsewhere, which a block fetches side by side

Result = TypeVar("Result")
Progress = Callable[[int, int], None]  # of items that are done, and all
Submit = Callable[[list[Item]], Future[Result]]

# Blocks that are submitted in addition to the running ones, so that no worker waits while the next
# block is prepared. Of blocks at addresses, there are twice as many, because they wait for answers.
_AHEAD = 1

# Maximum blocks that run, or whose results wait for an earlier slow block.
MOST_WAITING = 64


def blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Split images into blocks, depending only on their number and sizes."""
    before, held = 0, 0.0  # images; the share of the block's bytes
    block: list[Item] = []
    most = _FEWEST
    for item in items:
        block.append(item)
        is_remote = isinstance(item.data, RemotePart)
        held += item.size / (_REMOTE_BYTES if is_remote else most * _PICTURE_BYTES)
        if len(block) >= most or held >= 1:
            before += len(block)
            yield block
            block, held, most = [], 0.0, max(_FEWEST, min(_MOST, before // 16))
    if block:
        yield block


def _is_ahead(block: list[Item]) -> bool:
    """Return whether a block is fetched ahead: unlike large images, it may wait."""
    return len(block) > 1 and all(isinstance(item.data, RemotePart) for item in block)


def workers_of(workers: int | None) -> int:
    """Return the number of workers; None means one per processor.

    Raises
    ------
    ValueError
        `workers` is not an integer, or below 1.
    """
    if workers is None:
        return available_cpus()
    if not hasattr(workers, "__index__") or workers < 1:
        raise ValueError(f"workers is {workers!r}; expected an integer of at least 1, or None")
    return workers


def threads_for(source: Source, workers: int) -> int:
    """Return how many threads share an image if there are fewer images than workers."""
    return max(1, workers // max(1, source.total or workers))


class Gate:
    """Let a number of threads measure, while others wait for remote images; end all of them."""

    def __init__(self, workers: int = 1) -> None:
        self._free = threading.Semaphore(workers)
        self.is_over = False

    def __call__(self) -> None:
        """Raise an exception if the run has ended."""
        if self.is_over:
            raise KeyboardInterrupt  # which no decoder takes for damage of an image

    def __enter__(self) -> None:
        """Wait until fewer threads measure."""
        self._free.acquire()

    def __exit__(self, *error: object) -> None:
        """Let another thread measure."""
        self._free.release()


BlockWork = Callable[[list[Item], Gate], Result]


@contextmanager
def threads(work: BlockWork[Result], workers: int) -> Iterator[Submit[Result]]:
    """Start threads that work on blocks; decoding and measuring release the GIL.

    If the body ends with an exception, including Ctrl-C, the threads stop after their current item,
    and abandon images that are read in tiles.

    Parameters
    ----------
    work
        Called with the items of a block, and the `Gate` of the threads.
    workers
        Number of threads that measure at once.

    Yields
    ------
    Submit[Result]
        A function that submits a block and returns the future of its result.
    """
    gate = Gate(workers)
    most = 2 * (workers + _AHEAD)
    with ThreadPoolExecutor(workers) as own, ThreadPoolExecutor(most) as ahead:
        try:
            yield lambda block: (ahead if _is_ahead(block) else own).submit(work, block, gate)
        except BaseException:
            gate.is_over = True
            for pool in (own, ahead):
                pool.shutdown(cancel_futures=True)
            raise


def results(
    work: BlockWork[Result],
    cut: Iterable[list[Item]],
    workers: int,
    progress: Progress | None = None,
    total: int | None = None,
    start: Any = threads,
) -> Generator[Result, None, None]:
    """Yield the results of a function for blocks, in the order of the blocks.

    A few blocks are submitted ahead. A forked process does not have the workers, so the iterator
    raises RuntimeError there.

    Parameters
    ----------
    work
        A function as for `threads`.
    cut
        The blocks.
    workers
        Number of workers.
    progress
        Called after each block.
    total
        Number of items; None passes the number so far to `progress`.
    start
        Starts the workers: `threads` or `lightmeter.batch.processes.processes`.
    """
    process = os.getpid()
    free = SimpleQueue[object]()  # signals cannot leave it locked, unlike a semaphore
    for _ in range(2 * (workers + _AHEAD)):
        free.put(None)
    waiting: deque[tuple[Future[Result], int]] = deque()  # with how many items it has
    taken = finished = 0
    with start(work, workers) as submit:
        for block in chain(cut, [None]):
            if block is not None:
                places = range(1 if _is_ahead(block) else 2)
                for _ in places:
                    free.get()
                future = submit(block)
                for _ in places:
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
    """Yield the results of a function for the images of a source, computed by threads.

    Parameters
    ----------
    function
        Called with an item, whose remote data was fetched, and a function as for `threads`.
    source
        The images.
    workers
        Number of threads.
    limits
        Limits on fetching an image.
    progress
        See `results`.
    """

    def work(block: list[Item], gate: Gate) -> Iterable[Result]:
        found = []
        for batch in loaded(block, limits, gate):
            with gate:
                for item in batch:
                    gate()
                    found.append(function(item, gate))
        return found

    blocks_done = results(work, blocks(source), workers, progress, source.total)
    return (result for found in blocks_done for result in found)
