"""What a source refuses: pictures that are too large, and names of values that it does not have."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from lightmeter.batch.sources.names import without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.failure import Failure
from lightmeter.image.limits import Limits
from lightmeter.text import shorten

_MOST_WITHOUT = 1000  # pictures without a value, behind which it is taken for misspelt
_NAMED = 20  # values that an error names


def most_bytes(limits: Limits) -> int:
    """How many bytes a picture may have that is held in memory whole."""
    return min(most for most in (limits.bytes, limits.bytes_in_memory, 2**40) if most is not None)


def check_bytes(size: int, limits: Limits) -> None:
    """Refuse what is too large to be held whole.

    Raises:
        ImageError: it is.
    """
    if size > most_bytes(limits):
        raise ImageError("too_large", f"{size} bytes, more than {most_bytes(limits)}")


def reading_error(error: Exception) -> ImageError:
    """The error of a picture, or of a file of many, that cannot be read."""
    if isinstance(error, ImageError):
        return error
    detail = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    is_gone = Failure.of(error).reason == "vanished"
    return ImageError("vanished" if is_gone else "unreadable", without_secrets(detail)[:200])


def check_known(values: Iterable[str], names: Iterable[Any], where: str) -> None:
    """Check that each value is one of the names that there are.

    Raises:
        ValueError: one is not, or several have this name.
    """
    known = list(names)
    for value in values:
        if value not in known:
            listed = shorten(", ".join(map(str, known[:_NAMED])), 300) or "none"
            raise ValueError(f"no value {value!r} in {where}; it has {listed}")
        if known.count(value) > 1:
            raise ValueError(f"{where} has {known.count(value)} columns named {value!r}")


class SeenValues:
    """Looks out for values that pictures of a source do not have, as they are misspelt."""

    def __init__(self, values: Iterable[str], where: str) -> None:
        self._missing, self._where = set(values), where
        self._names: set[str] = set()
        self._pictures = 0

    def add(self, names: Iterable[str]) -> None:
        """Take the names of the values that a picture has, or a few do.

        Raises:
            ValueError: the first thousand have none of some name.
        """
        if self._missing:
            self._missing.difference_update(names)
            self._names.update(islice(names, _NAMED))
            self._pictures += 1
            if self._pictures == _MOST_WITHOUT:
                self.check()

    def check(self) -> None:
        """Refuse values that no picture had, if there was any.

        Raises:
            ValueError: there are some.
        """
        if self._pictures:
            check_known(sorted(self._missing), sorted(self._names), self._where)
