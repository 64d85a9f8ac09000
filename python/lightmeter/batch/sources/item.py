"""What a source gives: pictures by name, and what is known of each beside its pixels."""

import os
import stat
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Protocol, runtime_checkable

from PIL import Image

from lightmeter.batch.sources.urls import without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.arrays import is_array
from lightmeter.image.failure import Failure
from lightmeter.image.limits import Limits
from lightmeter.image.meter import available_cpus

__all__ = ["Item", "Part", "Source", "Wanted"]
__all__ += ["most_bytes", "plain", "reading_error", "threads_for", "total_of"]

_FOLDER = 1 << 30  # bytes that a folder of Zarr is taken for
_NO_VALUES: Mapping[str, Any] = {}


class Part(Protocol):
    """Where the bytes of a picture are, such as a member of an archive. It can be pickled."""

    def read(self, limits: Limits) -> bytes:
        """The bytes.

        Raises:
            ImageError: there are more than `most_bytes` of `limits`, or they are damaged.
            OSError: they cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a source.

    Attributes:
        name: what failures, rows and small pictures call it: its path, or its archive and its name
            in it, as in ``shard.tar:dir/a.jpg``.
        data: a path, encoded bytes, a `Part` that holds them, a picture or an array; or the error
            of a picture that is known to be damaged.
        within: its name in its archive or bucket, where that is all there is; patterns for segments
            are searched in it. None takes the name.
        values: what the source says of it, by the names of columns.
    """

    name: str
    data: Any
    within: str | None = None
    values: Mapping[str, Any] = field(default_factory=lambda: _NO_VALUES)

    @property
    def weight(self) -> int:
        """Bytes in memory while the item waits."""
        if isinstance(self.data, bytes):
            return len(self.data)
        if isinstance(self.data, Image.Image):  # as large as it is or will be when decoded
            return self.data.width * self.data.height * len(self.data.getbands())
        return int(getattr(self.data, "nbytes", 0)) if is_array(self.data) else 0

    @property
    def size(self) -> int:
        """Bytes of the encoded picture, wherever it is, if they are known; a folder is large."""
        if not isinstance(self.data, str | os.PathLike):
            size = None if is_array(self.data) else getattr(self.data, "size", None)
            return self.weight or (size if isinstance(size, int) else 0)
        try:
            state = os.stat(self.data)
        except (OSError, ValueError):
            return 0
        return state.st_size if stat.S_ISREG(state.st_mode) else _FOLDER

    def loaded(self, limits: Limits) -> "Item":
        """The item with its bytes in place of the part that holds them.

        Raises:
            ImageError: they cannot be had.
        """
        if isinstance(self.data, ImageError):
            raise self.data
        if isinstance(self.data, bytes | str | os.PathLike) or not hasattr(self.data, "read"):
            return self
        try:
            return replace(self, data=self.data.read(limits))
        except Exception as error:  # any that a file system of somebody else raises
            raise reading_error(error) from error


def reading_error(error: Exception) -> ImageError:
    """The error of a picture, or of a file of many, that cannot be read."""
    reason = Failure.of(error).reason
    if isinstance(error, ImageError):
        return error
    detail = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    detail = without_secrets(detail)[:200]
    return ImageError("vanished" if reason == "vanished" else "unreadable", detail)


@runtime_checkable
class Source(Protocol):
    """Pictures in an order that is always the same. It may be gone through more than once.

    Attributes:
        root: a folder or the like that the names of failures in profiles are relative to.
    """

    root: str | None

    def __iter__(self) -> Iterator[Item]:
        """The pictures, a few in memory at a time."""
        ...


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


def plain(value: Any) -> Any:
    """A value of somebody's table as it can be logged; None for what is nested."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return None
    return value if isinstance(value, bool | int | float | date) else None


def threads_for(source: Source, workers: int | None) -> int:
    """How many threads share a picture, where there are fewer pictures than workers."""
    workers = workers or available_cpus()
    return max(1, workers // max(1, total_of(source) or workers))


def total_of(source: Source) -> int | None:
    """How many pictures it has, if it tells."""
    try:
        return len(source) if isinstance(source, Sized) else None
    except TypeError:  # of a data set that is streamed
        return None
