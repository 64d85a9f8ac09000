"""Items of a source: images with their names and values; checks that all sources share."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, Self

from PIL import Image

from lightmeter.batch.sources.names import is_url, shown_url, without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.arrays import is_array
from lightmeter.image.limits import Limits
from lightmeter.image.reading import Reading
from lightmeter.text import shorten

Row = Mapping[str, Any]  # values by the names of columns

_FOLDER = 1 << 30  # bytes that a folder of Zarr is taken for
_GUESS = 1 << 20  # bytes of an object of unknown size
_LONGEST_VALUE = 1 << 20  # characters
_NO_VALUES: Row = {}
_MOST_WITHOUT = 1000  # rows without a value, behind which it is taken for misspelt
_NAMED = 20  # values that an error names


@dataclass(frozen=True, slots=True)
class RemotePart:
    """Describe a remote object by its URL, with size in bytes and version from a listing."""

    url: str
    known_size: int | None = None
    version: str | None = None

    @property
    def size(self) -> int:
        """Return the size in bytes, or a guess."""
        return _GUESS if self.known_size is None else self.known_size


@dataclass(frozen=True, slots=True)
class Item:
    """Describe one image of a source.

    Attributes
    ----------
    name
        Name in failures, rows and thumbnails: the path, or the archive and the name within it, such
        as ``shard.tar:dir/a.jpg``.
    data
        A path, encoded bytes, a `RemotePart`, a PIL image or an array; or the error of a damaged
        image.
    values
        Values in the source, by column.
    within
        Name relative to the folder, archive or table that is the whole source, for failures and
        patterns; empty if there are several sources.
    mask
        Mask of pixels to ignore: a path, bytes or an array.
    """

    name: str
    data: Any
    values: Mapping[str, Any] = field(default_factory=lambda: _NO_VALUES)
    within: str = ""
    mask: Any = None

    @property
    def size(self) -> int:
        """Return the size in bytes if known, or an estimate; a folder counts as large."""
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
    def image(self) -> Any:
        """Return the data of the image.

        Raises
        ------
        ImageError
            The bytes could not be read.
        """
        if isinstance(self.data, ImageError):
            raise self.data
        return self.data

    def read_by(self, reading: Reading) -> Reading:
        """Return the reading of the image, with its mask.

        Raises
        ------
        ImageError
            The mask is missing or cannot be read.
        """
        return reading.for_image(self.name, self.within, self.mask)


def item_of(
    data: Any,
    name: str,
    values: Mapping[str, Any] = _NO_VALUES,
    within: str = "",
    mask: Any = None,
) -> Item:
    """Return an item; all sources create items here, so that secrets in names are hidden.

    Parameters
    ----------
    data
        A path, a URL, encoded bytes, a PIL image, an array, a `RemotePart`, or an error.
    name
        Name of the item, such as its path or URL.
    values
        Values of `Item`; nested values and very long texts become None.
    within, mask
        See `Item`.
    """
    if is_url(data):
        data = RemotePart(data)
    if "://" in name + within:
        name, within = shown_url(name), shown_url(within)
    if values:
        values = {key: _plain(value) for key, value in values.items()}
    return Item(name, data, values, within, mask)


def _plain(value: Any) -> Any:
    """Return a value of a table in a form that can be logged; None if nested or very long."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode() if len(value) <= _LONGEST_VALUE else None
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return None
    return value if isinstance(value, bool | int | float | date) else None


@dataclass(frozen=True)
class Source:
    """Provide images in a fixed order.

    Attributes
    ----------
    items
        Yields the images from the first on, with a few in memory at a time.
    total
        Number of images, if known.
    """

    items: Callable[[], Iterable[Item]]
    total: int | None = None

    def __iter__(self) -> Iterator[Item]:
        """Iterate over the images."""
        return iter(self.items())


@dataclass(frozen=True)
class Wanted:
    """Describe the wanted parts of a source.

    Attributes
    ----------
    column
        Column of images, or of their paths; None searches for it.
    values
        Names of other columns, for `Item.values`.
    limits
        Limits on one image.
    layout
        Order of the dimensions of arrays; None takes the default of the source.
    mask
        Column of masks, which is also in `values`.
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
        """Return the parts that a reading, `column`, `values` and `origins` need.

        `origins` are arguments `segment_by` and `group` of `lightmeter.profile_images`.
        """
        columns = dict.fromkeys(values)
        for origin in origins:
            for text in origin.values() if isinstance(origin, Mapping) else [origin]:
                if isinstance(text, str) and text.startswith("column:"):
                    columns[text.removeprefix("column:")] = None
        mask = reading.ignored.column
        if mask is not None:
            columns[mask] = None
        return cls(column, tuple(columns), reading.limits, reading.layout, mask)


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


def reading_error(error: BaseException) -> ImageError:
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
