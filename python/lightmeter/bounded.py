"""Bounding the time of a function."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

_T = TypeVar("_T")
_LOOK = 0.25  # seconds until it is looked whether there is less time than was thought


def bounded(work: Callable[[], _T], until: Callable[[], float]) -> _T:
    """Return the result of a function that runs in a thread, which is abandoned after a time limit.

    Socket timeouts are not sufficient: they do not bound the lookup of a name, or an answer that
    arrives byte by byte.

    Parameters
    ----------
    work
        Function to run, which is called once.
    until
        Returns the end of the time limit on the clock of `time.monotonic`, which may move.

    Raises
    ------
    TimeoutError
        The time limit has passed.
    """
    outcome: Future[_T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:  # the interpreter is ending
        run()
    while (remaining := until() - time.monotonic()) > 0:
        wait([outcome], min(remaining, _LOOK))
        if outcome.done():
            return outcome.result()
    raise TimeoutError("no time was left for an answer")
