"""From the samples of a TIFF file to those that are measured, as Pillow takes them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError

__all__ = ["Colours", "colours_of", "kind_of"]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_PREMULTIPLIED = 1
_JPEG = 7
_SEPARATE = 2
_COLOUR_MAP = 320
_DEEP_WHITE = 65535.0


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
    """Return what the samples of a page of tifffile mean; None for what is not known here."""
    kind, samples = kind_of(page), page.samplesperpixel
    deep = f"{kind}{page.bitspersample}"
    if samples == 1:
        return _of_gray(page, deep)
    if kind == "" or (kind == "u" and page.bitspersample < 8):
        return None
    white = 1.0 if kind == "f" else _DEEP_WHITE
    if bands is not None:
        plain = deep in ("u8", "u16", "f32", "f64")
        return Colours(f"{bands} bands", _same if plain else _exact, white)
    if deep not in ("u8", "u16", "f32", "f64"):
        return None
    beyond = page.extrasamples[:1] == (_PREMULTIPLIED,)
    match page.photometric:
        case 0 | 1 if samples == 2 and not (page.photometric == 0 or beyond):
            return Colours("LA", lambda stored: stored[..., :1], white)
        case 2 if samples == 3 or (samples > 3 and not beyond):
            mode = "RGBA" if samples > 3 else "RGB"
            return Colours(mode, lambda stored: stored[..., :3], white)
        case 2 if samples > 3 and beyond and deep in ("u8", "u16"):
            return Colours("RGBA", _divided, white)
        case 5 if samples == 4 and deep == "u8" and page.compression != _JPEG:
            return Colours("CMYK", _of_cmyk)
        case 6 if samples == 3 and deep == "u8" and page.compression == _JPEG:
            # The decoder makes RGB of all three, but not of each alone.
            return None if page.planarconfig == _SEPARATE else Colours("RGB", _same)
    return None


def _of_gray(page: Any, deep: str) -> Colours | None:
    bits = page.bitspersample
    if page.photometric == _PALETTE:
        if deep not in ("u1", "u2", "u4", "u8"):
            return None
        palette = _palette(page)
        return Colours("P", lambda samples: palette[samples[..., 0]])
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) and not (
        page.photometric == _YCBCR and deep == "u8"
    ):
        return None
    if deep in ("u1", "u2", "u4", "u8"):
        mode = "1" if bits == 1 else "L"
        step, inverted = 255 // ((1 << bits) - 1), page.photometric == _WHITE_IS_ZERO
        table = np.arange(1 << bits) * step
        shown = (255 - table if inverted else table).astype(np.uint8)
        plain = bits == 8 and not inverted
        return Colours(mode, _same if plain else lambda samples: shown[samples])
    if deep == "u16":
        return Colours("I;16" if page.parent.byteorder == "<" else "I;16B", _same, _DEEP_WHITE)
    if deep in ("f32", "f64"):
        return Colours("F", _same, 1.0)
    return Colours("I", _exact, _DEEP_WHITE) if deep in ("i16", "i32", "u32") else None


def _palette(page: Any) -> NDArray[np.uint8]:
    """Return red, green and blue of each value of a sample: Nx3, as Pillow takes them."""
    entry = page.tags.get(_COLOUR_MAP)
    count = 0 if entry is None else entry.count
    if count != 3 << page.bitspersample:
        raise ImageError("corrupt", f"a palette of {count} numbers")
    return (np.reshape(page.colormap, (3, -1)) >> 8).astype(np.uint8).T


def _same(samples: NDArray[Any]) -> NDArray[Any]:
    return samples


def _exact(samples: NDArray[Any]) -> NDArray[Any]:
    return samples.astype(np.float64)


def _divided(samples: NDArray[Any]) -> NDArray[Any]:
    """Without the alpha that the colours were multiplied by, rounded as Pillow does."""
    white = np.iinfo(samples.dtype).max
    colours, alpha = samples[..., :3].astype(np.uint32), samples[..., 3:4].astype(np.uint32)
    divided = np.minimum(colours * np.uint32(white) // np.maximum(alpha, 1), white)
    return np.where(alpha == 0, 0, divided).astype(samples.dtype)


def _of_cmyk(samples: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(Image.fromarray(np.ascontiguousarray(samples), "CMYK").convert("RGB"))
