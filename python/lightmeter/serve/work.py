"""Work on a store in threads: so much at once, and so much that waits."""

import math
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from anyio import to_thread

from lightmeter.serve.refusal import busy

__all__ = ["Work"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Work:
    """Runs functions in threads and refuses what would have to wait for long."""

    def __init__(self, most: int, wait: float, waiting: int | None = None) -> None:
        """At most `most` at once; what could not begin within `wait` seconds is refused.

        `waiting` is how much may wait, by default 8 times as much as is done at once.
        """
        self._room, self._threads = anyio.CapacityLimiter(most), anyio.CapacityLimiter(math.inf)
        self._wait = wait
        self._waiting = 8 * most if waiting is None else waiting
        self._running: set[object] = set()

    @property
    def is_busy(self) -> bool:
        """Whether a thread works, also where whoever waited for it has gone."""
        return bool(self._running)

    async def do(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Call `function` in a thread. It goes on there if whoever waits for it is cancelled.

        Raises:
            HTTPException: 503, there is too much to do already.
        """
        task = object()

        def call() -> _R:
            self._running.add(task)
            try:
                return function(*args, **kwargs)
            finally:
                self._running.discard(task)

        if self._room.statistics().tasks_waiting >= self._waiting:
            raise busy("the server has too much to do now; ask again in a moment")
        try:
            with anyio.fail_after(self._wait):
                await self._room.acquire_on_behalf_of(task)
        except TimeoutError:
            raise busy("the server has too much to do now; ask again in a moment") from None
        try:
            return await to_thread.run_sync(call, limiter=self._threads)
        finally:
            self._room.release_on_behalf_of(task)
