"""Closing the open loggers when a process ends, and resetting them in a forked child."""

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
    """Close one logger after the other; all measure meanwhile, so later ones need less time."""
    end = time.monotonic() + seconds
    for logger in list(open_loggers):
        logger.close(max(1.0, end - time.monotonic()))


# Workers of multiprocessing do not run atexit handlers, and they clear finalizers when they start.


def _close_at_end_of_worker(_: object = None) -> None:
    util.Finalize(None, _close_all, exitpriority=-100)  # last, because other finalizers may track


_close_at_end_of_worker()
util.register_after_fork(_close_all, _close_at_end_of_worker)


# Signals


def handle_signals() -> None:
    """Make SIGTERM and SIGHUP store the remaining images before they end the process.

    A handler that the program has set stays in place.

    Raises
    ------
    ValueError
        This is not the main thread, the only one in which Python sets handlers.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Close the loggers in another thread, because the interrupted one may hold any lock.

    An exception raised here could be swallowed, and the process would not end.
    """
    signal.signal(number, signal.SIG_DFL)  # a second signal ends the process at once
    with contextlib.suppress(RuntimeError):  # the interpreter ends, and closes the loggers itself
        _thread.start_new_thread(_close_and_end, (number,))  # `threading` would take a lock


def _close_and_end(number: int) -> None:
    try:
        _close_all(_SIGNAL_SECONDS)
    finally:
        os.kill(os.getpid(), number)


# A forked child starts over, because the parent stores the images tracked before the fork. No
# profile is half changed in the child, because the core changes profiles under the GIL, and Python
# forks under the GIL. The signals handled here are blocked during the fork: Python clears pending
# signals in a new child, so a worker that gets SIGTERM as it starts would never end.

_masks = threading.local()  # the signals that the forking thread blocked before


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
