"""From the samples of a TIFF file to those that are measured, as Pillow takes them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError

__all__ = ["Colours", "colours_of", "kind_of"]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_PREMULTIPLIED = 1
_JPEG = 7
_SEPARATE = 2
_COLOUR_MAP = 320
_DEEP_WHITE = 65535.0
_PLAIN = ("u8", "u16", "f32", "f64")


class Colours(NamedTuple):
    """What the samples of a page mean.

    Attributes:
        mode: what Pillow calls such a picture.
        convert: makes HxWx1 or HxWx3 of the samples as they are stored, HxWxC.
        white: what a sample of white is unless `Reading.value_range` says it.
    """

    mode: str
    convert: Callable[[NDArray[Any]], NDArray[Any]]
    white: float = 255.0


def kind_of(page: Any) -> str:
    """Return ``"u"``, ``"i"`` or ``"f"``, or ``""`` for samples that are neither or differ."""
    return {1: "u", 2: "i", 3: "f"}.get(page.sampleformat, "")


def colours_of(page: Any, bands: int | None) -> Colours | None:
    """Return what the samples of a page of tifffile mean; None for what is left to Pillow."""
    samples, deep = page.samplesperpixel, f"{kind_of(page)}{page.bitspersample}"
    if samples == 1:
        return _of_gray(page, deep)
    white = 1.0 if deep[0] == "f" else _DEEP_WHITE
    if bands is not None and deep[0] in "uif":
        return Colours(f"{bands} bands", _same if deep in _PLAIN else _exact, white)
    is_divided = page.extrasamples[:1] == (_PREMULTIPLIED,)
    if deep not in _PLAIN or is_divided:
        return None
    if page.photometric == _BLACK_IS_ZERO and samples == 2:
        return Colours("LA", lambda stored: stored[..., :1], white)
    if page.photometric == _RGB and samples >= 3:
        return Colours("RGBA" if samples > 3 else "RGB", lambda stored: stored[..., :3], white)
    # The decoder of JPEG makes RGB of all three, but not of each alone.
    is_jpeg = page.compression == _JPEG and page.planarconfig != _SEPARATE and deep == "u8"
    if page.photometric == _YCBCR and samples == 3 and is_jpeg:
        return Colours("RGB", _same)
    return None


def _of_gray(page: Any, deep: str) -> Colours | None:
    if page.photometric == _PALETTE and deep == "u8":
        palette = _palette(page)
        return Colours("P", lambda samples: palette[samples[..., 0]])
    if page.photometric == _YCBCR and deep != "u8":
        return None
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _YCBCR):
        return None
    if deep == "u8":
        return Colours("L", _inverted if page.photometric == _WHITE_IS_ZERO else _same)
    if deep == "u16":
        return Colours("I;16" if page.parent.byteorder == "<" else "I;16B", _same, _DEEP_WHITE)
    if deep in ("f32", "f64"):
        return Colours("F", _same, 1.0)
    return Colours("I", _exact, _DEEP_WHITE) if deep in ("i16", "i32", "u32") else None


def _palette(page: Any) -> NDArray[np.uint8]:
    """Return red, green and blue of each value of a sample: 256x3, as Pillow takes them."""
    entry = page.tags.get(_COLOUR_MAP)
    count = 0 if entry is None else entry.count
    if count != 3 << 8:
        raise ImageError("corrupt", f"a palette of {count} numbers")
    return (np.reshape(page.colormap, (3, -1)) >> 8).astype(np.uint8).T


def _same(samples: NDArray[Any]) -> NDArray[Any]:
    return samples


def _inverted(samples: NDArray[Any]) -> NDArray[Any]:
    return np.uint8(255) - samples


def _exact(samples: NDArray[Any]) -> NDArray[Any]:
    return samples.astype(np.float64)
