"""Working on blocks in new processes on this machine."""

import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing import connection, get_context
from typing import Any

from lightmeter.batch.running import MOST_WAITING, BlockWork, Gate, Result, Submit
from lightmeter.batch.sources.item import Item
from lightmeter.errors import BatchError


@contextmanager
def processes(work: BlockWork[Result], workers: int) -> Iterator[Submit[Result]]:
    """Start processes that work on blocks; see `lightmeter.batch.running.threads`.

    The processes are spawned, not forked, so each runs the calling script up to its ``if __name__
    == "__main__":``. They end immediately when the body ends or this process ends.

    Raises
    ------
    TypeError
        `work` cannot be pickled. Nothing was started.
    BatchError
        A worker died.
    """
    pickled = _pickled(work)
    context = get_context("spawn")
    # The other end closes when this process ends, for any reason.
    alive, holder = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _begin, (alive,))
    begun = deque[tuple[Future[Result], list[str]]](maxlen=2 * MOST_WAITING)

    def submit(block: list[Item]) -> Future[Result]:
        future: Future[Result] = pool.submit(_worked, pickled, block)
        begun.append((future, [item.name for item in block]))
        return future

    try:
        yield submit
    except BrokenProcessPool:
        names = [name for future, block in begun if future.exception() for name in block]
        raise BatchError(
            f"a worker process died at one of {len(names)} images, from {names[0]!r} to "
            f"{names[-1]!r}. Workers run the script that started them, which must be a file: "
            "put what it does below `if __name__ == '__main__':`. Or the system killed it for want "
            "of memory: give limits. Or a decoder crashed: measure these images one by one. With "
            "`resume` nothing done is lost"
        ) from None
    finally:
        holder.close()
        pool.shutdown(cancel_futures=True)
        alive.close()


def _pickled(work: Any) -> bytes:
    try:
        return pickle.dumps(work)
    except Exception as error:  # __reduce__ may raise any
        raise TypeError(
            f"what worker processes are to do cannot be sent to them: {error}. Functions of yours "
            "must be found by their names in a module, as lambdas and local functions are not; or "
            "use executor='threads'"
        ) from error


def _begin(parent: connection.Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: connection.Connection) -> None:
    connection.wait([parent])
    os._exit(0)


@cache
def _loaded(work: bytes) -> Callable[..., Any]:
    try:
        return pickle.loads(work)  # type: ignore[no-any-return]  # of the parent
    except (AttributeError, ImportError) as error:
        raise TypeError(
            f"worker processes do not find a function of yours: {error}. Put it in a module that "
            "they can import, or use executor='threads'"
        ) from None


def _worked(pickled: bytes, block: list[Item]) -> Any:
    """Return the result of a block; workers call this."""
    work = _loaded(pickled)
    try:
        return work(block, Gate())
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it would end the pool in place of the run
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise
