"""Checking sizes of images, and names of values, in sources."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from lightmeter.batch.sources.names import without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.text import shorten

Row = Mapping[str, Any]  # values by the names of columns

_MOST_WITHOUT = 1000  # rows without a value, behind which it is taken for misspelt
_NAMED = 20  # values that an error names


def most_bytes(limits: Limits) -> int:
    """Return the maximum bytes of an image that is held in memory whole."""
    return min(most for most in (limits.bytes, limits.bytes_in_memory, 2**40) if most is not None)


def check_bytes(size: int, limits: Limits) -> None:
    """Check that data is small enough to be held in memory whole.

    Raises
    ------
    ImageError
        It is too large.
    """
    if size > most_bytes(limits):
        raise ImageError("too_large", f"{size} bytes, more than {most_bytes(limits)}")


def reading_error(error: Exception) -> ImageError:
    """Return the error of an image, or of a file with images, that cannot be read."""
    if isinstance(error, ImageError):
        return error
    detail = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    is_gone = isinstance(error, FileNotFoundError)
    return ImageError("vanished" if is_gone else "unreadable", without_secrets(detail)[:200])


def check_known(values: Iterable[str], names: Iterable[Any], where: str) -> None:
    """Check that each value is an existing name.

    Raises
    ------
    ValueError
        A name does not exist, or exists several times.
    """
    known = list(names)
    for value in values:
        if value not in known:
            listed = shorten(", ".join(map(str, known[:_NAMED])), 300)
            hint = f"it has {listed}" if listed else "only tables, manifests and archives have some"
            raise ValueError(f"no value {value!r} in {where}; {hint}")
        if known.count(value) > 1:
            raise ValueError(f"{where} has {known.count(value)} columns named {value!r}")


def seen(rows: Iterable[Row], values: Iterable[str], where: str) -> Iterator[Row]:
    """Yield rows, and check that each value occurs in some row, to detect misspelt names.

    Raises
    ------
    ValueError
        A value occurs in none of the first thousand rows, or in no row at all.
    ImageError
        The source is damaged after the rows.
    """
    missing, names, number, damage = set(values), set[str](), 0, None
    try:
        for number, row in enumerate(rows, 1):
            missing.difference_update(row)
            if missing:
                names.update(filter(None, islice(row, _NAMED)))
                if number == _MOST_WITHOUT:
                    break
            yield row
    except ImageError as error:
        damage = error
    if number:
        check_known(sorted(missing), sorted(names), where)
    if damage:
        raise damage
