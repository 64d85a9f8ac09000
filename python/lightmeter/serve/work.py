"""Work on a store in threads: so much at once, and so much that waits."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from lightmeter.serve.refusal import busy

__all__ = ["Work"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_WAITING = 8  # for each that is worked on


class Work:
    """A pool of threads that refuses what would have to wait for long."""

    def __init__(self, name: str, most: int, wait: float, waiting: int | None = None) -> None:
        """At most `most` at once; what could not begin within `wait` seconds is refused.

        `waiting` is how much may wait, by default 8 times as much as is done at once.
        """
        self._threads = ThreadPoolExecutor(most, name)
        self._most = most + (_WAITING * most if waiting is None else waiting)
        self._wait = wait
        self._lock = threading.Lock()
        self._taken = 0

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self._taken > 0

    async def do(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Call `function` in a thread. It goes on there if whoever waits for it is cancelled.

        Raises:
            RequestError: 503, there is too much to do already.
        """
        until = time.monotonic() + self._wait
        with self._lock:
            if self._taken >= self._most:
                raise _too_busy()
            self._taken += 1

        def call() -> _R:
            try:
                if time.monotonic() > until:
                    raise _too_busy()
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self._taken -= 1

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _too_busy() -> Exception:
    return busy("the server has too much to do now; ask again in a moment")
