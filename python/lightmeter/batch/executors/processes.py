"""Working through blocks in processes of this machine."""

import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import chain, islice
from multiprocessing import connection, get_context
from typing import Any, Generic, NamedTuple, TypeVar

from lightmeter.batch.executors.waiting import MOST_HELD, Waiting
from lightmeter.errors import BatchError
from lightmeter.image.meter import available_cpus

__all__ = ["in_processes"]

T = TypeVar("T")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Iterable[T]], Result],
    items: Iterable[T],
    size: int | Callable[[int], int],
    *,
    workers: int | None,
    total: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[Result, None, None]:
    """What `work` returns for each block, from new processes, as `executors` says.

    They are no copies of this process. So a script that calls this is run again in each, up to its
    ``if __name__ == "__main__":``. They end with the iterator, at once, and with this process.
    Progress is told after each block.

    Blocks of encoded bytes are sent whole. One of more than 256 MB is worked on in this process.

    Raises:
        TypeError: `work` cannot be sent to another process. Nothing was begun.
        BatchError: workers died, and at the third attempt at a block one that had it alone.
    """
    workers = workers or available_cpus()
    came = done = 0

    def finished(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, came if total is None else total)

    def counted(heavy: Iterable[T]) -> Generator[T, None, None]:
        nonlocal came
        for item in heavy:
            came += 1
            yield item
            finished(1)

    pool: _Pool[Result] = _Pool(_pickled(work), workers, finished)
    waiting: Waiting[Result] = Waiting(workers, pool.ended)
    try:
        left = iter(items)
        for first in left:
            yield from waiting.until_room()
            most = size(came) if callable(size) else size
            block, held = [first], _weight(first)
            for item in islice(left, most - 1):
                block.append(item)
                held += _weight(item)
                if held > MOST_HELD:
                    break
            if held > MOST_HELD:
                here: Future[Result] = Future()
                here.set_result(work(counted(chain(block, islice(left, most - len(block))))))
                waiting.add(here)
            else:
                came += len(block)
                waiting.add(pool.submit(block), held)
        yield from waiting.rest()
    finally:
        pool.close()


class _Sent(NamedTuple):
    block: list[Any]
    again: bool
    executor: ProcessPoolExecutor


class _Pool(Generic[Result]):
    """Worker processes, and others in place of those that died."""

    def __init__(self, work: bytes, workers: int, finished: Callable[[int], None]) -> None:
        self._work, self._workers, self._finished = work, workers, finished
        self._context = get_context("spawn")
        # Its other end closes with this process, however that ends.
        self._reader, self._writer = self._context.Pipe(duplex=False)
        self._began = self._context.Event()
        self._sent: dict[Future[Result], _Sent] = {}
        self._executor = self._started(workers)

    def _started(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            workers, self._context, _begin, (self._work, self._reader, self._began)
        )

    def submit(self, block: list[Any], *, again: bool = False) -> "Future[Result]":
        """Send a block."""
        try:
            future: Future[Result] = self._executor.submit(_worked, block)
        except BrokenProcessPool:
            self._executor = self._started(self._workers)
            future = self._executor.submit(_worked, block)
        self._sent[future] = _Sent(block, again, self._executor)
        return future

    def ended(self, future: "Future[Result]") -> "Future[Result] | None":
        """Send a block again whose worker died."""
        sent = self._sent.pop(future, None)
        if sent is None:  # it was not sent
            return None
        if not isinstance(future.exception(), BrokenProcessPool):
            self._finished(len(sent.block))
            return None
        if not self._began.is_set():
            raise BatchError(
                "the worker processes ended as they began. They run the script that started them, "
                "which must be a file: put what it does below `if __name__ == '__main__':`"
            )
        if sent.executor is self._executor:
            self._executor.shutdown()
            self._executor = self._started(self._workers)
        return self._alone(sent.block) if sent.again else self.submit(sent.block, again=True)

    def _alone(self, block: list[Any]) -> "Future[Result]":
        """Send a block to a worker that has nothing else, and wait for it."""
        with self._started(1) as executor:
            future: Future[Result] = executor.submit(_worked, block)
            if isinstance(future.exception(), BrokenProcessPool):
                first, last = (getattr(item, "name", item) for item in (block[0], block[-1]))
                raise BatchError(
                    f"a worker process died at each of 3 attempts at {len(block)} pictures, from "
                    f"{first!r} to {last!r}. The system may have killed it for want of memory: "
                    "give limits. Or a decoder crashed: measure these pictures one by one"
                )
        self._finished(len(block))
        return future

    def close(self) -> None:
        """End the workers, whatever they are at."""
        self._writer.close()
        self._executor.shutdown(cancel_futures=True)
        self._reader.close()


def _weight(item: Any) -> int:
    return int(getattr(item, "weight", 0))


def _pickled(work: Any) -> bytes:
    try:
        return pickle.dumps(work)
    except Exception as error:  # what __reduce__ of anybody's object raises
        raise TypeError(
            f"what worker processes are to do cannot be sent to them: {error}. Functions of yours "
            "must be found by their names in a module, as lambdas and local functions are not; or "
            "use executor='threads'"
        ) from error


_work = b""  # in a worker: what `in_processes` was given


def _begin(work: bytes, parent: connection.Connection, began: Any) -> None:
    global _work  # a worker is told once
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    began.set()


def _end_with(parent: connection.Connection) -> None:
    connection.wait([parent])
    os._exit(0)


@cache
def _loaded() -> Callable[[list[Any]], Any]:
    try:
        return pickle.loads(_work)  # type: ignore[no-any-return]  # of the parent
    except (AttributeError, ImportError) as error:
        raise TypeError(
            f"worker processes do not find a function of yours: {error}. Put it in a module that "
            "they can import, or use executor='threads'"
        ) from None


def _worked(block: list[Any]) -> Any:
    """In a worker: what came of a block."""
    work = _loaded()
    try:
        return work(block)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it would end the pool in place of the run
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise
