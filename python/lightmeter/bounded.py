"""Waiting for work of others no longer than there is time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

_T = TypeVar("_T")
_LOOK = 0.25  # seconds until it is looked whether there is less time than was thought


def bounded(work: Callable[[], _T], until: Callable[[], float]) -> _T:
    """Return what some work returns, which a thread does that is left alone when time runs out.

    No timeout of a socket bounds a look-up of a name, or an answer that comes byte by byte.

    Parameters
    ----------
    work
        Is called once.
    until
        When time is over, by `time.monotonic`; it may say another time later.

    Raises
    ------
    TimeoutError
        There is no time left.
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
