"""What the samples of a TIFF file mean, as Pillow takes them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError

__all__ = ["depth_of", "mode_of", "palette_of"]

_COLOUR_MAP = 320
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_PREMULTIPLIED = 1
_JPEG = 7
_SEPARATE = 2

# By what `depth_of` gives.
_GRAY_MODES = {"u8": "L", "u16": "I;16", "f32": "F", "f64": "F", "i16": "I", "i32": "I", "u32": "I"}
_COLOUR_DEPTHS = ("u8", "u16", "f32", "f64")


def depth_of(page: Any) -> str:
    """Return what samples are, such as ``u8``; the bits alone of such as are no numbers."""
    kind = {1: "u", 2: "i", 3: "f"}.get(page.sampleformat, "")
    return f"{kind}{page.bitspersample}"


def mode_of(page: Any, bands: int | None) -> str | None:
    """Return what Pillow calls the picture of a page of tifffile; None for what it has to read."""
    samples, depth = page.samplesperpixel, depth_of(page)
    if samples == 1:
        return _gray_mode(page, depth)
    if bands is not None and not depth.isdigit():
        return f"{bands} bands"
    is_divided = page.extrasamples[:1] == (_PREMULTIPLIED,)
    return _colour_mode(page, depth) if depth in _COLOUR_DEPTHS and not is_divided else None


def _gray_mode(page: Any, depth: str) -> str | None:
    if depth == "u8" and page.photometric == _PALETTE:
        return "P"
    is_gray = page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    if not is_gray and (depth != "u8" or page.photometric != _YCBCR):
        return None
    mode = _GRAY_MODES.get(depth)
    return "I;16B" if mode == "I;16" and page.parent.byteorder == ">" else mode


def _colour_mode(page: Any, depth: str) -> str | None:
    samples = page.samplesperpixel
    if page.photometric == _BLACK_IS_ZERO and samples == 2:
        return "LA"
    if page.photometric == _RGB and samples >= 3:
        return "RGBA" if samples > 3 else "RGB"
    # The decoder of JPEG makes RGB of all three, but not of each alone.
    is_jpeg = page.compression == _JPEG and page.planarconfig != _SEPARATE and depth == "u8"
    return "RGB" if page.photometric == _YCBCR and samples == 3 and is_jpeg else None


def palette_of(page: Any) -> NDArray[np.uint8]:
    """Return red, green and blue of each value of a sample: 256x3, as Pillow takes them.

    Raises:
        ImageError: it has another number of colours.
    """
    entry = page.tags.get(_COLOUR_MAP)
    count = 0 if entry is None else entry.count
    if count != 3 << 8:
        raise ImageError("corrupt", f"a palette of {count} numbers")
    return (np.reshape(page.colormap, (3, -1)) >> 8).astype(np.uint8).T
