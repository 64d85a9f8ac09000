"""Ignoring warnings of decoders, only in the thread that decodes."""

import logging
import threading
import warnings
from contextlib import ContextDecorator, suppress
from typing import Any

_thread = threading.local()


class _InQuietThread:
    """Replace the module pattern of a warning filter, and match if the thread is quiet.

    `warnings.catch_warnings` swaps the filters of the whole process, so two threads would undo each
    other's changes.
    """

    def match(self, module: str) -> bool:
        return is_quiet()


def is_quiet() -> bool:
    """Return whether this thread is within `quiet`."""
    return getattr(_thread, "depth", 0) > 0


# Pillow logs some damage as errors, which logging prints if there is no handler.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class quiet(ContextDecorator):  # noqa: N801  # read as a function; a generator would take three times as long
    """Ignore the warnings of this thread: none is printed, and none becomes an error.

    Without it, a damaged file would print a warning or, under ``-W error``, fail with another
    reason. The numbers of an image must not depend on the filters of the process.
    """

    def __enter__(self) -> None:
        """Start ignoring warnings; contexts may be nested."""
        # The user may have changed or restored filters since the last time.
        if not warnings.filters or not _is_own(warnings.filters[0]):
            _put_first(warnings.filters)
        _thread.depth = getattr(_thread, "depth", 0) + 1

    def __exit__(self, *_: object) -> None:
        """Restore the previous state."""
        _thread.depth -= 1


def _put_first(filters: Any) -> None:
    """Insert a new filter in front, then remove older ones, on which other threads rely."""
    own = ("ignore", None, Warning, _InQuietThread(), 0)
    filters.insert(0, own)
    for old in [old for old in filters if _is_own(old) and old is not own]:
        with suppress(ValueError):  # another thread was faster
            filters.remove(old)


def _is_own(entry: Any) -> bool:
    return isinstance(entry[3], _InQuietThread)
