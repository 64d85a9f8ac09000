"""Waiting for another machine, in slices, so that time can run out earlier than was thought."""

import errno
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

__all__ = ["Wait", "connect"]

_T = TypeVar("_T")
_SLICE = 0.25  # seconds after which it is looked whether there is still time
_LONGEST = 10.0  # seconds, to each number that the name has


class Wait:
    """How long to wait for the other side: all in all, and for each sign of life."""

    def __init__(self, until: Callable[[], float], idle: float) -> None:
        """`until` says when it is over, by the clock of `time.monotonic`; it may change."""
        self._until = until
        self._idle = idle

    def left(self) -> float:
        """Seconds.

        Raises:
            TimeoutError: none.
        """
        left = self._until() - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time was left for an answer")
        return min(left, self._idle)

    def during(self, end: socket.socket, act: Callable[[], _T]) -> _T:
        """What `act` returns, which reads or writes a piece.

        Raises:
            TimeoutError: it takes too long.
        """
        silent = time.monotonic() + self._idle
        while True:
            left = min(self.left(), silent - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"nothing came for {self._idle:g} seconds")
            end.settimeout(min(left, _SLICE))
            try:
                return act()
            except TimeoutError:
                continue


def connect(place: tuple[str, int], wait: Wait) -> socket.socket:
    """A connection to the first number of a name that takes one. Each has its share of the time.

    Raises:
        OSError: none does.
    """
    numbers = _numbers(place, wait)
    for index, (family, kind, protocol, _, address) in enumerate(numbers):
        end = socket.socket(family, kind, protocol)
        try:
            _connect(end, address, wait, min(_LONGEST, wait.left() / (len(numbers) - index)))
        except BaseException as error:
            end.close()
            if not isinstance(error, OSError) or index == len(numbers) - 1:
                raise
        else:
            return end
    raise OSError(f"{place[0]} has no address")


def _connect(end: socket.socket, address: Any, wait: Wait, seconds: float) -> None:
    until = time.monotonic() + seconds
    end.setblocking(False)
    code = end.connect_ex(address)
    if code not in (0, errno.EINPROGRESS, errno.EINTR):  # as without a route: no later error
        raise OSError(code, os.strerror(code))
    poll = select.poll()
    poll.register(end, select.POLLOUT)
    while not poll.poll(1000 * min(wait.left(), _SLICE)):
        if time.monotonic() > until:
            raise TimeoutError(f"no connection came about in {seconds:.1f} seconds")
    if code := end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, os.strerror(code))
    end.settimeout(wait.left())


def _numbers(place: tuple[str, int], wait: Wait) -> list[Any]:
    """What the system knows of a name. Without a network it may look for half a minute."""
    ask = partial(socket.getaddrinfo, *place, type=socket.SOCK_STREAM)
    try:
        return ask(flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    answers: list[Any] = []
    thread = threading.Thread(target=_look, args=(ask, answers), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending
        _look(ask, answers)
    else:
        while thread.is_alive():
            thread.join(min(wait.left(), _SLICE))
    (answer,) = answers
    if isinstance(answer, OSError):
        raise answer
    return list(answer)


def _look(ask: Callable[[], list[Any]], answers: list[Any]) -> None:
    try:
        answers.append(ask())
    except OSError as error:
        answers.append(error)
