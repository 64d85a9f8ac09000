"""The ends of a process, and its forks: what becomes of the loggers that are open."""

import _thread
import atexit
import contextlib
import os
import signal
import threading
import time
from multiprocessing import util
from types import FrameType
from typing import Any

CLOSING_SECONDS = 30.0
_SIGNAL_SECONDS = 8.0  # Docker kills 10 seconds after it asked
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


open_loggers: set[Any] = set()  # closed when the process ends


@atexit.register
def _close_all(seconds: float = CLOSING_SECONDS) -> None:
    """One after the other; all of them measure meanwhile, so later ones need less time."""
    end = time.monotonic() + seconds
    for logger in list(open_loggers):
        logger.close(max(1.0, end - time.monotonic()))


# Workers of multiprocessing, which end without atexit, and begin by forgetting finalizers


def _close_at_end_of_worker(_: object = None) -> None:
    util.Finalize(None, _close_all, exitpriority=-100)  # after those of others, who may track


_close_at_end_of_worker()
util.register_after_fork(_close_all, _close_at_end_of_worker)


# Signals


def handle_signals() -> None:
    """Let SIGTERM and SIGHUP store what is left before they end the process.

    Only where they would end it at once: a handler that is there stays, and decides.

    Raises
    ------
    ValueError
        This is not the main thread, the only one that Python lets do so.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Leave the work to another thread: the one interrupted may hold any lock, and goes on.

    An exception in its place could be swallowed, and the process would not end.
    """
    signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
    with contextlib.suppress(RuntimeError):  # the interpreter is ending, and closes loggers
        _thread.start_new_thread(_close_and_end, (number,))  # `threading` would take a lock


def _close_and_end(number: int) -> None:
    try:
        _close_all(_SIGNAL_SECONDS)
    finally:
        os.kill(os.getpid(), number)


# A forked child starts over: what was tracked before is the parent's to store. No profile is half
# changed in it, because the core changes profiles under the GIL, as Python forks. The signals
# handled here are blocked meanwhile: Python forgets in a new child what it has heard, and a worker
# that is asked to end as it begins would never do so.

_masks = threading.local()  # what the forking thread blocked before


def _before_fork() -> None:
    numbers = [number for number in _SIGNALS if signal.getsignal(number) is _on_signal]
    _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.before)


def _after_fork_in_child() -> None:
    for logger in open_loggers:
        logger._start_over()
    _after_fork()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
)
