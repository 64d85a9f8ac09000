"""From the samples of a TIFF file to those that are measured, as Pillow takes them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.image.large.tiff_page import SEPARATE, TiffPage

__all__ = ["Colours", "colours_of"]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_PREMULTIPLIED = 1
_JPEG = 7
_DEEP_WHITE = 65535.0


class Colours(NamedTuple):
    """What the samples of a page mean.

    Attributes:
        mode: what Pillow calls such a picture.
        of: makes HxWx1 or HxWx3 of the samples as they are stored, HxWxC.
        white: what a sample of white is unless `Reading.value_range` says it.
    """

    mode: str
    of: Callable[[NDArray[Any]], NDArray[Any]]
    white: float = 255.0


def colours_of(page: TiffPage, bands: int | None) -> Colours | None:
    """What the samples of a page mean; None for what is not known here."""
    deep = f"{page.kind}{page.bits}"
    if page.samples == 1:
        return _of_gray(page, deep)
    if page.kind == "u" and page.bits < 8:
        return None
    white = 1.0 if page.kind == "f" else _DEEP_WHITE
    if bands is not None:
        plain = deep in ("u8", "u16", "f32", "f64")
        return Colours(f"{bands} bands", _same if plain else _exact, white)
    if deep not in ("u8", "u16", "f32", "f64"):
        return None
    beyond = page.extra[:1] == [_PREMULTIPLIED]
    match page.photometric:
        case 0 | 1 if page.samples == 2 and not (page.photometric == 0 or beyond):
            return Colours("LA", _first, white)
        case 2 if page.samples == 3 or (page.samples > 3 and not beyond):
            return Colours("RGBA" if page.samples > 3 else "RGB", _first_three, white)
        case 2 if page.samples > 3 and beyond and deep in ("u8", "u16"):
            return Colours("RGBA", _divided, white)
        case 5 if page.samples == 4 and deep == "u8" and page.compression != _JPEG:
            return Colours("CMYK", _of_cmyk)
        case 6 if page.samples == 3 and deep == "u8" and page.compression == _JPEG:
            # The decoder makes RGB of all three, but not of each alone.
            return None if page.planes == SEPARATE else Colours("RGB", _same)
    return None


def _of_gray(page: TiffPage, deep: str) -> Colours | None:
    if page.photometric == _PALETTE:
        if page.kind != "u" or page.bits not in (1, 2, 4, 8):
            return None
        palette = page.palette()
        return Colours("P", lambda samples: palette[samples[..., 0]])
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) and not (
        page.photometric == _YCBCR and deep == "u8"
    ):
        return None
    if deep in ("u1", "u2", "u4", "u8"):
        mode = "1" if page.bits == 1 else "L"
        step, inverted = 255 // ((1 << page.bits) - 1), page.photometric == _WHITE_IS_ZERO
        table = np.arange(1 << page.bits) * step
        shown = (255 - table if inverted else table).astype(np.uint8)
        plain = page.bits == 8 and not inverted
        return Colours(mode, _same if plain else lambda samples: shown[samples])
    if deep == "u16":
        return Colours("I;16" if page.order == "<" else "I;16B", _same, _DEEP_WHITE)
    if deep in ("f32", "f64"):
        return Colours("F", _same, 1.0)
    if deep in ("i16", "i32", "u32"):
        return Colours("I", _exact, _DEEP_WHITE)
    return None


def _same(samples: NDArray[Any]) -> NDArray[Any]:
    return samples


def _exact(samples: NDArray[Any]) -> NDArray[Any]:
    return samples.astype(np.float64)


def _first(samples: NDArray[Any]) -> NDArray[Any]:
    return samples[..., :1]


def _first_three(samples: NDArray[Any]) -> NDArray[Any]:
    return samples[..., :3]


def _divided(samples: NDArray[Any]) -> NDArray[Any]:
    """Without the alpha that the colours were multiplied by, rounded as Pillow does."""
    white = np.iinfo(samples.dtype).max
    colours, alpha = samples[..., :3].astype(np.uint32), samples[..., 3:4].astype(np.uint32)
    divided = np.minimum(colours * np.uint32(white) // np.maximum(alpha, 1), white)
    return np.where(alpha == 0, 0, divided).astype(samples.dtype)


def _of_cmyk(samples: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(Image.fromarray(np.ascontiguousarray(samples), "CMYK").convert("RGB"))
