"""Which pixels of pictures are ignored: rectangles, and those that a mask names."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.image.arrays import ArrayLike, as_numpy, is_array
from lightmeter.image.encoded import open_encoded
from lightmeter.image.failure import image_error
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.meter import measurable
from lightmeter.image.pillow import open_picture
from lightmeter.quiet import quiet

# x, y, width and height: in pixels, or in shares of the sides where one of them is a float.
Rectangle = tuple[float, float, float, float]
_One = Rectangle | str | os.PathLike[str] | ArrayLike
Ignore = _One | Sequence[_One]

_NUMBER = re.compile(r"\s*-?\d*\.?\d+\s*")
_EXPECTED = "a rectangle (x, y, width, height), a mask as a path or an array, or a list of these"


class _Mask(NamedTuple):
    width: int
    height: int
    bits: bytes  # one for a pixel, from left to right, then from top to bottom

    def __repr__(self) -> str:
        return f"a mask of {self.width}x{self.height}"


@dataclass(frozen=True)
class Ignored:
    """What `as_ignored` made of an `Ignore`."""

    rectangles: tuple[Rectangle, ...]
    masks: tuple[_Mask, ...]

    @lru_cache(maxsize=2)  # noqa: B019  each is as large as a gray picture
    def mask(self, width: int, height: int) -> NDArray[np.uint8]:
        """Of a picture of this size: HxW, 1 where a pixel is ignored, read-only.

        Raises:
            ImageError: a mask is of another size, or all pixels are ignored.
        """
        combined = np.zeros((height, width), np.uint8)
        for x, y, across, down in self.rectangles:
            edges = x, x + across, y, y + down
            if any(isinstance(number, float) for number in edges):
                edges = edges[0] * width, edges[1] * width, edges[2] * height, edges[3] * height
            left, right, top, bottom = map(round, edges)
            combined[top:bottom, left:right] = 1
        for mask in self.masks:
            if mask[:2] != (width, height):
                got = f"got {width}x{height} pixels, and {mask} of what to ignore"
                advice = "give a mask of the size of the picture, or rectangles in shares of it"
                raise ImageError("unsupported", f"{got}; {advice}")
            bits = np.frombuffer(mask.bits, np.uint8)
            combined |= np.unpackbits(bits, count=width * height).reshape(height, width)
        if combined.all():
            raise ImageError("empty", f"all {width}x{height} pixels are ignored")
        combined.flags.writeable = False
        return combined


def as_ignored(ignore: "Ignore | Ignored | None") -> Ignored | None:
    """What to ignore, checked; None where that is nothing.

    Raises:
        TypeError: `ignore` is of another type.
        ValueError: a rectangle has no area, or a share is not from 0 to 1; an array is not HxW.
        ImageError: a mask cannot be read.
    """
    if ignore is None or isinstance(ignore, Ignored):
        return ignore
    if _is_rectangle(ignore) or not isinstance(ignore, list | tuple):
        ignore = [ignore]  # type: ignore[list-item]
    rectangles = tuple(_rectangle(each) for each in ignore if _is_rectangle(each))
    masks = tuple(_mask(each) for each in ignore if not _is_rectangle(each))
    return Ignored(rectangles, masks) if rectangles or masks else None


def parse_ignored(text: str) -> Any:
    """Return a rectangle such as ``0,0,200,40`` or ``0,0.9,1,0.1``, or else the path of a mask."""
    numbers = text.split(",")
    if len(numbers) == 1 or not all(map(_NUMBER.fullmatch, numbers)):
        return text
    return tuple(float(number) if "." in number else int(number) for number in numbers)


def _is_rectangle(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(number, Real) for number in value)
    )


def _rectangle(numbers: Any) -> Rectangle:
    in_shares = not all(isinstance(number, Integral) for number in numbers)
    if len(numbers) != 4:
        raise ValueError(f"ignore has {numbers!r}; expected {_EXPECTED}")
    x, y, width, height = map(float if in_shares else int, numbers)
    if not (x >= 0 and y >= 0 and width > 0 and height > 0):
        wanted = "expected x and y from 0, and a width and a height above 0"
        raise ValueError(f"ignore has the rectangle {numbers!r}; {wanted}")
    if in_shares and not (x + width <= 1 + 1e-9 and y + height <= 1 + 1e-9):
        wanted = "in shares of the sides it reaches beyond 1; for pixels give whole numbers"
        raise ValueError(f"ignore has the rectangle {numbers!r}; {wanted}")
    return x, y, width, height


def _mask(given: Any) -> _Mask:
    if isinstance(given, str | os.PathLike):
        samples = _samples_of(given)
    elif is_array(given):
        samples = as_numpy(given)
    else:
        raise TypeError(f"ignore has a {type(given).__name__}; expected {_EXPECTED}")
    if samples.ndim != 2 or samples.size == 0:
        raise ValueError(f"ignore has a mask of shape {samples.shape}; expected HxW")
    height, width = samples.shape
    return _Mask(width, height, np.packbits(samples != 0).tobytes())


def _samples_of(path: str | os.PathLike[str]) -> NDArray[Any]:
    """One a pixel, which is not 0 where a sample is; alpha does not count."""
    try:
        with quiet(), open_encoded(path, DEFAULT_LIMITS) as file:
            image = measurable(open_picture(file, DEFAULT_LIMITS))
            samples: NDArray[Any] = np.asarray(image)
    except Exception as error:
        raise image_error(error, path=path) from error
    if samples.ndim == 2:
        return samples
    flat: NDArray[Any] = samples[..., : 1 if samples.shape[2] == 2 else 3].max(axis=2)
    return flat
