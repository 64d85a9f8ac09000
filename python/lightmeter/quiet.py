"""Silence for what decoders warn of, in the thread that decodes and nowhere else."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["quiet"]

_thread = threading.local()


class _InQuietThread:
    """Stands where a warning filter has the pattern of module names, and asks the thread instead.

    `warnings.catch_warnings` swaps the filters of the whole process, so two threads that use it
    undo each other.
    """

    def match(self, module: str) -> bool:
        return getattr(_thread, "depth", 0) > 0


_FILTER: Any = ("ignore", None, Warning, _InQuietThread(), 0)


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore the warnings of this thread: none is printed, and none becomes an error.

    A damaged file would print a line or, under ``-W error``, fail for another reason. The numbers
    of an image must not depend on the filters of the process.
    """
    filters: Any = warnings.filters
    # The user's filters may have been set, or put back, since the last time.
    if not filters or filters[0] is not _FILTER:
        filters.insert(0, _FILTER)
    _thread.depth = getattr(_thread, "depth", 0) + 1
    try:
        yield
    finally:
        _thread.depth -= 1
