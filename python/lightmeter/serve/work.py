"""Work on a store in threads: so much at once, and so much that waits."""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from anyio import to_thread

from lightmeter.serve.refusal import busy

_P = ParamSpec("_P")
_R = TypeVar("_R")
_TOO_MUCH = "the server has too much to do now; ask again in a moment"


class Work:
    """Runs functions in threads and refuses what would have to wait for long."""

    def __init__(self, most: int, wait: float, waiting: int | None = None) -> None:
        """At most `most` at once; what could not begin within `wait` seconds is refused.

        `waiting` is how much may wait, by default 8 times as much as is done at once.
        """
        self._limiter, self._wait = anyio.CapacityLimiter(most), wait
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
        task, until = object(), time.monotonic() + self._wait

        def call() -> _R:
            if time.monotonic() > until:
                raise busy(_TOO_MUCH)
            self._running.add(task)
            try:
                return function(*args, **kwargs)
            finally:
                self._running.discard(task)

        if self._limiter.statistics().tasks_waiting >= self._waiting:
            raise busy(_TOO_MUCH)
        return await to_thread.run_sync(call, limiter=self._limiter)
