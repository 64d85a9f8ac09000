"""What a source gives: pictures by name, and what is known of each beside its pixels."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from PIL import Image

from lightmeter.batch.sources.addresses import is_url, shown_url, without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.arrays import is_array
from lightmeter.image.failure import Failure
from lightmeter.image.limits import Limits
from lightmeter.text import shorten

_MOST_WITHOUT = 1000  # pictures without a value, behind which it is taken for misspelt
_NAMED = 20  # values that an error names
_FOLDER = 1 << 30  # bytes that a folder of Zarr is taken for
_GUESS = 4 << 20  # bytes of an object whose size nobody told
_NO_VALUES: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class RemotePart:
    """An object by its address; and its size and version, if a listing said them."""

    url: str
    told: int | None = None
    version: str | None = None

    @property
    def size(self) -> int:
        """Its bytes, or a guess."""
        return _GUESS if self.told is None else self.told


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a source.

    Attributes:
        name: what failures, rows and small pictures call it: its path, or its archive and its name
            in it, as in ``shard.tar:dir/a.jpg``.
        data: a path, encoded bytes, a `RemotePart` that names them, a picture or an array; or the
            error of a picture that is known to be damaged.
        values: what the source says of it, by the names of columns.
        within: its name below the folder, or in the archive or table that is the whole source, for
            failures and patterns; empty where there are several.
    """

    name: str
    data: Any
    values: Mapping[str, Any] = field(default_factory=lambda: _NO_VALUES)
    within: str = ""

    @property
    def weight(self) -> int:
        """Bytes in memory while the item waits."""
        if isinstance(self.data, bytes | str):
            return len(self.data) if isinstance(self.data, bytes) else 0
        if isinstance(self.data, Image.Image):  # as large as it is or will be when decoded
            return self.data.width * self.data.height * len(self.data.getbands())
        return int(getattr(self.data, "nbytes", 0)) if is_array(self.data) else 0

    @property
    def size(self) -> int:
        """Bytes of the encoded picture, wherever it is, if they are known; a folder is large."""
        if not isinstance(self.data, str | os.PathLike):
            return self.data.size if isinstance(self.data, RemotePart) else self.weight
        try:
            state = os.stat(self.data)
        except (OSError, ValueError):
            return 0
        return state.st_size if stat.S_ISREG(state.st_mode) else _FOLDER

    @property
    def picture(self) -> Any:
        """Its data.

        Raises:
            ImageError: its bytes could not be had.
        """
        if isinstance(self.data, ImageError):
            raise self.data
        return self.data


def item_of(
    data: Any, name: str = "", values: Mapping[str, Any] = _NO_VALUES, within: str = ""
) -> Item:
    """Return the picture that a source has; the only place that makes one, and hides secrets.

    Args:
        data: a path, an address, encoded bytes, a picture, an array, a `RemotePart`, or an error.
        name: what it is called; by default its path or address.
        values: as those of `Item`; what is nested becomes None.
        within: likewise.
    """
    if isinstance(data, str):
        name = name or data
        data = RemotePart(data) if "://" in data and is_url(data) else data
    if "://" in name + within:
        name, within = shown_url(name), shown_url(within)
    if values:
        values = {key: _plain(value) for key, value in values.items()}
    return Item(name, data, values, within)


def reading_error(error: Exception) -> ImageError:
    """The error of a picture, or of a file of many, that cannot be read."""
    reason = Failure.of(error).reason
    if isinstance(error, ImageError):
        return error
    detail = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    detail = without_secrets(detail)[:200]
    return ImageError("vanished" if reason == "vanished" else "unreadable", detail)


@dataclass(frozen=True)
class Source:
    """Pictures in an order that is always the same.

    Attributes:
        items: gives the pictures, a few in memory at a time, from the first on.
        total: how many they are, if that is known.
    """

    items: Callable[[], Iterable[Item]]
    total: int | None = None

    def __iter__(self) -> Iterator[Item]:
        """The pictures."""
        return iter(self.items())


@dataclass(frozen=True)
class Wanted:
    """What to take of a source that says more than pictures.

    Attributes:
        column: the name of the pictures, or of their paths; None looks for it.
        values: names of what else to take of each, which becomes `Item.values`.
        limits: what one picture may cost.
        layout: order of the dimensions of arrays; None takes the usual one of the source.
    """

    column: str | None = None
    values: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    layout: str | None = None


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


def check_known(values: Iterable[str], names: Iterable[Any], where: str) -> None:
    """Check that values are among the names that there are.

    Raises:
        ValueError: one is not.
    """
    known = list(names)
    for value in values:
        if value not in known:
            listed = shorten(", ".join(map(str, known[:_NAMED])), 300) or "none"
            raise ValueError(f"no value {value!r} in {where}; it has {listed}")


def _plain(value: Any) -> Any:
    """A value of somebody's table as it can be logged; None for what is nested."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return None
    return value if isinstance(value, bool | int | float | date) else None
