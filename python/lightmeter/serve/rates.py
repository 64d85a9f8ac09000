"""How often somebody did something lately."""

import threading
import time
from collections import OrderedDict

__all__ = ["Rates"]

_MOST = 10_000  # that are remembered


class Rates:
    """A bucket of tokens for each name: each use takes one, and they come back with time."""

    def __init__(self, a_second: float, most: int) -> None:
        """So many come back a second, up to `most`."""
        self._rate, self._most = a_second, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> float:
        """Take a token; 0, or if there is none the seconds until there is one."""
        with self._lock:
            now = time.monotonic()
            left, at = self._left.pop(name, (self._most, now))
            left = min(self._most, left + (now - at) * self._rate)
            wait = 0 if left >= 1 else (1 - left) / self._rate
            self._left[name] = left - (wait == 0), now
            if len(self._left) > _MOST:
                self._left.popitem(last=False)
            return wait
