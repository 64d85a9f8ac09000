"""What a source gives: images by name, and what is known of each beside its pixels."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from PIL import Image

from lightmeter.batch.sources.names import is_url, shown_url
from lightmeter.errors import ImageError
from lightmeter.image.arrays import is_array
from lightmeter.image.limits import Limits
from lightmeter.image.reading import Reading

_FOLDER = 1 << 30  # bytes that a folder of Zarr is taken for
_GUESS = 4 << 20  # bytes of an object whose size nobody told
_LONGEST_VALUE = 1 << 20  # characters
_NO_VALUES: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class RemotePart:
    """An object by its address; and its size and version, if a listing said them."""

    url: str
    told: int | None = None
    version: str | None = None

    @property
    def size(self) -> int:
        """Return its bytes, or a guess."""
        return _GUESS if self.told is None else self.told


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a source.

    Attributes
    ----------
    name
        What failures, rows and thumbnails call it: its path, or its archive and its name in it,
        as in ``shard.tar:dir/a.jpg``.
    data
        A path, encoded bytes, a `RemotePart` that names them, an image or an array; or the error
        of an image that is known to be damaged.
    values
        What the source says of it, by the names of columns.
    within
        Its name below the folder, or in the archive or table that is the whole source, for failures
        and patterns; empty where there are several.
    mask
        What it says to ignore of the image: a path, bytes or an array.
    """

    name: str
    data: Any
    values: Mapping[str, Any] = field(default_factory=lambda: _NO_VALUES)
    within: str = ""
    mask: Any = None

    @property
    def size(self) -> int:
        """Return bytes of the image as it is, wherever that is, if they are known; a folder is
        large.
        """
        data = self.data
        if isinstance(data, str | os.PathLike):
            try:
                state = os.stat(data)
            except (OSError, ValueError):
                return 0
            return state.st_size if stat.S_ISREG(state.st_mode) else _FOLDER
        if isinstance(data, bytes | RemotePart):
            return len(data) if isinstance(data, bytes) else data.size
        if isinstance(data, Image.Image):  # as large as it is or will be when decoded
            return data.width * data.height * len(data.getbands())
        return int(getattr(data, "nbytes", 0)) if is_array(data) else 0

    @property
    def picture(self) -> Any:
        """Return its data.

        Raises
        ------
        ImageError
            Its bytes could not be had.
        """
        if isinstance(self.data, ImageError):
            raise self.data
        return self.data

    def read_by(self, reading: Reading) -> Reading:
        """Return how it is read, with its mask.

        Raises
        ------
        ImageError
            It has none, and should, or one that cannot be read.
        """
        return reading.of_picture(self.name, self.within, self.mask)


def item_of(
    data: Any, name: str = "", values: Mapping[str, Any] = _NO_VALUES, within: str = ""
) -> Item:
    """Return the image that a source has; the only place that makes one, and hides secrets.

    Parameters
    ----------
    data
        A path, an address, encoded bytes, an image, an array, a `RemotePart`, or an error.
    name
        What it is called; by default its path or address.
    values
        As those of `Item`; what is nested, or a very long text, becomes None.
    within
        likewise.
    """
    if isinstance(data, str):
        name = name or data
        data = RemotePart(data) if is_url(data) else data
    if "://" in name + within:
        name, within = shown_url(name), shown_url(within)
    if values:
        values = {key: _plain(value) for key, value in values.items()}
    return Item(name, data, values, within)


def _plain(value: Any) -> Any:
    """Return a value of somebody's table as it can be logged; None for what is nested or very
    long.
    """
    if isinstance(value, str):
        return value.encode(errors="replace").decode() if len(value) <= _LONGEST_VALUE else None
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return None
    return value if isinstance(value, bool | int | float | date) else None


@dataclass(frozen=True)
class Source:
    """Images in an order that is always the same.

    Attributes
    ----------
    items
        Gives the images, a few in memory at a time, from the first on.
    total
        How many they are, if that is known.
    """

    items: Callable[[], Iterable[Item]]
    total: int | None = None

    def __iter__(self) -> Iterator[Item]:
        """Return the images."""
        return iter(self.items())


@dataclass(frozen=True)
class Wanted:
    """What to take of a source that says more than images.

    Attributes
    ----------
    column
        The name of the images, or of their paths; None looks for it.
    values
        Names of what else to take of each, which becomes `Item.values`.
    limits
        What one image may cost.
    layout
        Order of the dimensions of arrays; None takes the usual one of the source.
    mask
        The column of masks, one of `values`.
    """

    column: str | None = None
    values: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    layout: str | None = None
    mask: str | None = None

    @classmethod
    def of(
        cls,
        reading: Reading,
        column: str | None = None,
        values: Iterable[str] = (),
        origins: Iterable[object] = (),
    ) -> Self:
        """Return what a reading wants of images, these columns, and those that origins name.

        An origin is what `lightmeter.profile_images` takes as `segment_by` or `group`.
        """
        columns = dict.fromkeys(values)
        for origin in origins:
            for text in origin.values() if isinstance(origin, Mapping) else [origin]:
                if isinstance(text, str) and text.startswith("column:"):
                    columns[text.removeprefix("column:")] = None
        mask = None if reading.ignored is None else reading.ignored.column
        if mask is not None:
            columns[mask] = None
        return cls(column, tuple(columns), reading.limits, reading.layout, mask)
