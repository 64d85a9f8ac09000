"""Choosing the pixels to ignore: by position, by masks, and by their samples."""

import hashlib
import math
import os
from ast import literal_eval
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.files import AnyPath
from lightmeter.image.arrays import ArrayLike, Pair, as_numpy, is_array, measurable
from lightmeter.image.encoded import open_encoded
from lightmeter.image.failure import image_error
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.open import open_image
from lightmeter.quiet import quiet
from lightmeter.text import near

# x, y, width and height: in pixels, or as fractions of the sides if any of them is a float.
Rectangle = tuple[float, float, float, float]
# A function is of the path of an image, and returns its mask or None.
_One = Rectangle | float | AnyPath | ArrayLike | Callable[[str], Any]
Ignore = _One | Sequence[_One]

_COLUMN, _RULES = "column:", ("alpha", "nodata")
ALL_IGNORED = "all pixels are ignored"
_SUFFIXES = (".png", ".tif")  # of masks of images of other formats
_EXPECTED = (
    "a rectangle (x, y, width, height), 'alpha', 'nodata', a number, a mask as a path or an array, "
    "a folder of masks, 'column:NAME', a function of the path, or a list of these"
)


class _Mask(NamedTuple):
    width: int
    height: int
    bits: bytes  # one for a pixel; each row begins with a byte


@dataclass(frozen=True)
class Ignored:
    """Hold the checked form of an `Ignore`, from `as_ignored`.

    Attributes
    ----------
    areas
        Rectangles and masks.
    rules
        Rules for samples: ``"alpha"``, ``"nodata"`` and numbers.
    beside
        Source of a mask for each image: a folder, ``"column:NAME"``, a function, or None.
    description
        Description of everything ignored, as a profile stores it.
    """

    areas: tuple[Any, ...] = field(default=(), repr=False)
    rules: tuple[str | float, ...] = ()
    beside: Any = None
    description: tuple[Any, ...] = ()

    @property
    def is_fixed(self) -> bool:
        """Return whether all images of one size have the same mask."""
        return not self.rules and self.beside is None

    @property
    def column(self) -> str | None:
        """Return the column that holds the mask of each image."""
        return self.beside.removeprefix(_COLUMN) if isinstance(self.beside, str) else None

    def for_image(self, path: str, within: str, cell: Any, mask: Any) -> "Ignored":
        """Return the ignored pixels of one image, including its own masks.

        Parameters
        ----------
        path
            Path that can be opened, passed to functions.
        within
            Path relative to the folder of images, for folders of masks.
        cell
            Mask in the column.
        mask
            A further mask.

        Raises
        ------
        ImageError
            A mask is missing, or cannot be read.
        """
        try:
            found = (_beside(self.beside, path, within, cell), mask)
            own = [_mask(given) for given in found if given is not None]
        except Exception as error:
            known = image_error(error, otherwise="unsupported")
            raise ImageError(known.reason, f"its mask: {known.detail}"[:200]) from error
        return replace(self, areas=(*self.areas, *own), beside=None)

    def mask(self, width: int, height: int) -> _core.Mask:
        """Return the mask of an image of this size, to which `mark` may add pixels.

        Raises
        ------
        ImageError
            A mask has another size, or all pixels are ignored.
        """
        mask = _core.Mask(width, height)
        for area in self.areas:
            if not isinstance(area, _Mask):
                x, y, across, down = area
                edges = np.array([x, x + across, y, y + down], float)
                edges *= [width, width, height, height] if isinstance(x, float) else 1
                left, right, top, bottom = map(round, edges.clip(0, [width, width, height, height]))
                mask.ignore(np.broadcast_to(np.True_, (bottom - top, right - left)), left, top)
            elif area[:2] != (width, height):
                got = f"got {width}x{height} pixels, and a mask of {area.width}x{area.height}"
                raise ImageError("unsupported", f"{got} to ignore; give one of the image's size")
            else:
                rows = np.frombuffer(area.bits, np.uint8).reshape(height, -1)
                mask.ignore(np.unpackbits(rows, axis=1, count=width).view(np.bool_), 0, 0)
        if mask.count == width * height:
            raise ImageError("empty", ALL_IGNORED)
        return mask

    shared_mask = lru_cache(maxsize=2)(mask)  # used if `is_fixed`

    def mark(self, mask: _core.Mask, samples: Any, at: Pair, nodata: float | None = None) -> None:
        """Add the pixels of a tile to a mask whose samples match a rule.

        Parameters
        ----------
        mask
            Mask of the image or of one band; threads may mark different tiles at once.
        samples
            A loaded PIL image, or an array HxW or HxWxC.
        at
            (x, y) of the first pixel.
        nodata
            Sample value that the file declares as missing.
        """
        if isinstance(samples, Image.Image):
            key = samples.info.get("transparency")  # a colour or colours that are transparent
            if "alpha" in self.rules and key is not None:
                is_deep = samples.mode.startswith("I")  # Pillow has no alpha of more than 8 bits
                alpha = np.asarray(samples if is_deep else samples.convert("RGBA").getchannel("A"))
                mask.ignore(alpha == (key if is_deep else 0), *at)
            samples = np.asarray(samples if samples.mode == "P" else measurable(samples))
        colours = samples if samples.ndim == 3 else samples[..., None]
        has_alpha, is_float = colours.shape[2] in (2, 4), colours.dtype.kind == "f"
        if has_alpha:
            colours, alpha = colours[..., :-1], colours[..., -1]
        for rule in self.rules:
            if rule != "alpha":
                number = nodata if rule == "nodata" else rule
                # The number in the dtype of the file. None becomes NaN, which equals nothing.
                found = colours == (colours.dtype.type(number) if is_float else number)
                ignored = found.all(axis=2)
                if is_float and rule == "nodata":  # a pixel with a NaN cannot be measured
                    ignored |= np.isnan(colours).any(axis=2)
                mask.ignore(ignored, *at)
            elif has_alpha:
                mask.ignore(alpha == 0, *at)


def as_ignored(ignore: "Ignore | Ignored | None") -> Ignored | None:
    """Check `ignore` and return it prepared; None if nothing is ignored.

    Raises
    ------
    TypeError
        `ignore` has the wrong type.
    ValueError
        A rectangle has no area; a fraction is not from 0 to 1; an array is not HxW; or there are
        several sources of masks for each image.
    ImageError
        A mask cannot be read.
    """
    if ignore is None or isinstance(ignore, Ignored):
        return ignore
    if _is_rectangle(ignore) or not isinstance(ignore, list | tuple):
        ignore = [ignore]  # type: ignore[list-item]
    try:
        parts = sorted(map(_part, ignore), key=lambda part: repr(part[0]))
    except OverflowError:
        raise ValueError(f"ignore has a number beyond floats; expected {_EXPECTED}") from None
    if not parts:
        return None
    texts, found = zip(*parts, strict=True)
    areas = tuple(part for part in found if isinstance(part, tuple))
    rules = tuple(filter(is_rule, found))
    beside = [part for part in found if part not in areas and not is_rule(part)]
    if len(beside) > 1:
        raise ValueError(f"ignore has {len(beside)} sources of one mask per image; expected one")
    return Ignored(areas, rules, next(iter(beside), None), texts)


def _part(given: Any) -> tuple[Any, Any]:
    """Return how a profile names a part, and the part of an `Ignored`."""
    part, is_path = given, isinstance(given, str | os.PathLike)
    if _is_rectangle(given):
        part = _rectangle(given)
    elif is_rule(given):  # NaN means nodata
        part = given if isinstance(given, str) else float(given) if given == given else "nodata"
    elif callable(given):
        return getattr(given, "__name__", "masks"), given
    elif is_path and os.path.isdir(given):
        return "a folder of masks", Path(os.fsdecode(given))
    elif not (isinstance(given, str) and given.startswith(_COLUMN)):
        if is_path and not os.path.exists(given):
            hint = near(given, (*_RULES, _COLUMN), "expected a mask, a folder of masks, or a rule")
            raise ImageError("vanished", f"there is no {str(given)!r:.100} to ignore; {hint}")
        if not (is_path or isinstance(given, bytes | Image.Image) or is_array(given)):
            raise TypeError(f"ignore has a {type(given).__name__}; expected {_EXPECTED}")
        mask = _mask(given)
        return f"{mask.width}x{mask.height} {hashlib.sha256(mask.bits).hexdigest()[:16]}", mask
    # JSON has no number for infinity.
    return str(part) if part in (math.inf, -math.inf) else part, part


def is_rule(given: object) -> bool:
    """Return whether `given` is a rule for samples."""
    is_number = isinstance(given, Real) and not isinstance(given, bool)
    return is_number or (isinstance(given, str) and given in _RULES)


def parse_ignored(text: str) -> Any:
    """Return a rectangle such as ``0,0,200,40`` or ``0,0.9,1,0.1``, a number, or the text."""
    try:
        parsed = literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return text
    return parsed if _is_rectangle(parsed) or is_rule(parsed) else text


def _is_rectangle(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) > 1
        and all(isinstance(number, Real) for number in value)
    )


def _rectangle(numbers: Any) -> Rectangle:
    in_shares = not all(isinstance(number, Integral) for number in numbers)
    x, y, width, height = map(float if in_shares else int, (*numbers, 0, 0)[:4])
    most = 1 + 1e-9 if in_shares else 2.0**53
    is_inside = min(x, y) >= 0 and x + width <= most and y + height <= most
    if len(numbers) != 4 or not (is_inside and min(width, height) > 0):
        wanted = "expected x and y from 0, and width and height above 0, as integers in pixels, or "
        wanted += "as fractions of the sides, so that x + width and y + height are at most 1"
        raise ValueError(f"ignore has the rectangle {numbers!r:.100}; {wanted}")
    return x, y, width, height


def _mask(given: Any) -> _Mask:
    """Return the mask of a path, bytes, an image or an array: alpha does not count."""
    if isinstance(given, str | os.PathLike | bytes):
        try:
            with quiet(), open_encoded(given, DEFAULT_LIMITS) as file:
                return _mask(open_image(file, DEFAULT_LIMITS))
        except Exception as error:
            raise image_error(error, path=None if isinstance(given, bytes) else given) from error
    if isinstance(given, Image.Image):
        samples: Any = np.asarray(measurable(given))
        if samples.ndim == 3:
            samples = samples[..., : 1 if samples.shape[2] == 2 else 3].any(axis=2)
    elif is_array(given):
        samples = as_numpy(given)
    else:
        raise TypeError(f"got a {type(given).__name__}; expected a path, bytes or an array HxW")
    if samples.ndim != 2 or samples.size == 0 or samples.dtype.kind not in "biuf":
        what = f"a mask of shape {samples.shape} and {samples.dtype}"
        raise ValueError(f"ignore has {what}; expected HxW of numbers or bools")
    height, width = samples.shape
    return _Mask(width, height, np.packbits(samples != 0, axis=1).tobytes())


def _beside(place: Any, path: str, within: str, cell: Any) -> Any:
    """Return the mask of an image from a source of masks, as `_mask` takes it, or None."""
    if place is None or callable(place):
        return place and place(path)
    if isinstance(cell, ImageError):
        raise cell
    if isinstance(place, str):
        if cell is None or (isinstance(cell, str | bytes) and not cell):
            raise ImageError("vanished", f"nothing in {place!r}, which is of tables")
        return np.array(cell) if isinstance(cell, list) else cell
    own = Path(within)
    if not own.name or own.is_absolute() or ".." in own.parts:
        raise ImageError("unsupported", f"no name in a folder of masks: {within!r:.100}")
    for name in (own, *map(own.with_suffix, _SUFFIXES)):
        if os.path.isfile(place / name):
            return place / name
    raise ImageError("vanished", f"there is no {own}, nor with .png or .tif")
