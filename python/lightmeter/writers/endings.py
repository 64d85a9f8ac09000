"""The ends of a process, and its forks: what becomes of the loggers that are open."""

import _thread
import atexit
import contextlib
import os
import signal
import threading
import time
import weakref
from multiprocessing import util
from types import FrameType
from typing import Protocol

__all__ = ["CLOSING_SECONDS", "forget", "handle_signals", "remember"]

CLOSING_SECONDS = 30.0
_SIGNAL_SECONDS = 8.0  # Docker kills 10 seconds after it asked
_LEAST_SECONDS = 1.0


class _Logger(Protocol):
    def close(self, timeout: float | None = ...) -> bool: ...
    def _before_fork(self) -> None: ...
    def _after_fork(self) -> None: ...
    def _start_over(self) -> None: ...


_loggers: "weakref.WeakSet[_Logger]" = weakref.WeakSet()
_forking: list[_Logger] = []
_unmasked: list[set[int | signal.Signals]] = []  # what the forking thread blocked before
_one_fork = threading.Lock()


def remember(logger: _Logger) -> None:
    """Close the logger at the end of the process, and start it over in a forked child."""
    with _one_fork:
        _loggers.add(logger)


def forget(logger: _Logger) -> None:
    """It is closed."""
    with _one_fork:
        _loggers.discard(logger)


@atexit.register
def _close_all(seconds: float = CLOSING_SECONDS) -> None:
    """One after the other; all of them measure meanwhile, so later ones need less time."""
    end = time.monotonic() + seconds
    for logger in list(_loggers):
        logger.close(max(_LEAST_SECONDS, end - time.monotonic()))


# Workers of multiprocessing, which end without atexit, and begin by forgetting finalizers


def _close_at_end_of_worker(_: object = None) -> None:
    util.Finalize(None, _close_all, exitpriority=-100)  # after those of others, who may track


_close_at_end_of_worker()
util.register_after_fork(_close_all, _close_at_end_of_worker)


# Signals


def handle_signals() -> None:
    """Let SIGTERM and SIGHUP store what is left before they end the process.

    Only where they would end it at once: a handler that is there stays, and decides.

    Raises:
        ValueError: this is not the main thread, the only one that Python lets do so.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ValueError(
            f"handle_signals is True in the thread {threading.current_thread().name!r}; expected "
            "the main thread: make the logger there"
        )
    for number in _ends():
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _on_signal)


def _ends() -> list[signal.Signals]:
    """The signals that ask a process to end, as far as the system has them."""
    return [number for number in signal.Signals if number.name in ("SIGTERM", "SIGHUP")]


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


# Forks wait until no profile is half changed. A child starts over: what was tracked before is the
# parent's to store. The signals handled here are blocked meanwhile: Python forgets in a new child
# what it has heard, and a worker that is asked to end as it begins would never do so.


def _before_fork() -> None:
    _one_fork.acquire()
    numbers = [number for number in _ends() if signal.getsignal(number) is _on_signal]
    _unmasked.append(signal.pthread_sigmask(signal.SIG_BLOCK, numbers))
    _forking.extend(_loggers)
    for logger in _forking:
        logger._before_fork()


def _after_fork_in_parent() -> None:
    while _forking:
        _forking.pop()._after_fork()
    signal.pthread_sigmask(signal.SIG_SETMASK, _unmasked.pop())
    _one_fork.release()


def _after_fork_in_child() -> None:
    for logger in _forking:
        logger._start_over()
    _forking.clear()
    signal.pthread_sigmask(signal.SIG_SETMASK, _unmasked.pop())
    _one_fork.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
