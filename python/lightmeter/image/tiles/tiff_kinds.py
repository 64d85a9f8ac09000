"""Which pages of TIFF files are read in tiles, and what Pillow takes their samples for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError

__all__ = ["JPEG", "NO_PREDICTOR", "ORIENTATION", "PLAIN", "SEPARATE", "YCBCR"]
__all__ += ["depth_of", "mode_of", "palette_of"]

# Values of the tags of compression, predictor, planes and colour, and tags.
PLAIN, JPEG = 1, 7
NO_PREDICTOR, _DIFFERENCES, _OF_FLOATS = 1, 2, 3
_CONTIGUOUS, SEPARATE = 1, 2
_BLACK_IS_ZERO, _RGB, _PALETTE, YCBCR = 1, 2, 3, 6
_PREMULTIPLIED = 1
ORIENTATION, _COLOUR_MAP = 274, 320

# Besides: LZW, Deflate by both numbers, PackBits, LZMA, Zstandard. Their decoders are bounded.
_COMPRESSED = (5, 8, 32946, 32773, 34925, 50000)

_MOST_SAMPLES = 32
_COLOUR_DEPTHS = ("u8", "u16", "f32", "f64")
_GRAY_MODES = {"u8": "L", "u16": "I;16", "f32": "F", "f64": "F", "i16": "I", "i32": "I", "u32": "I"}
_MODES = {
    (_BLACK_IS_ZERO, 1): "L",
    (YCBCR, 1): "L",
    (_PALETTE, 1): "P",
    (_BLACK_IS_ZERO, 2): "LA",
    (_RGB, 3): "RGB",
    (YCBCR, 3): "RGB",
    (_RGB, 4): "RGBA",
}


def depth_of(page: Any) -> str:
    """Return what samples are, such as ``u8``; the bits alone of such as are no numbers."""
    kind = {1: "u", 2: "i", 3: "f"}.get(page.sampleformat, "")
    return f"{kind}{page.bitspersample}"


def mode_of(page: Any, bands: int | None) -> str | None:
    """Return what Pillow calls the picture of a page of tifffile; None for what is left to it."""
    samples, depth = page.samplesperpixel, depth_of(page)
    if not _is_known(page, depth):
        return None
    # The decoder of JPEG makes RGB of all three, but not of each alone.
    is_rgb = page.compression == JPEG and page.planarconfig != SEPARATE
    if page.photometric in (_PALETTE, YCBCR) and (depth != "u8" or (samples > 1 and not is_rgb)):
        return None
    if samples > 1:
        if bands is not None and not depth.isdigit():
            return f"{bands} bands"
        if depth not in _COLOUR_DEPTHS or page.extrasamples[:1] == (_PREMULTIPLIED,):
            return None
    mode = _MODES.get((page.photometric, min(samples, 4)))
    if mode != "L":
        return mode
    is_swapped = depth == "u16" and page.parent.byteorder == ">"
    return "I;16B" if is_swapped else _GRAY_MODES.get(depth)


def _is_known(page: Any, depth: str) -> bool:
    sides = (page.imagewidth, page.imagelength, page.samplesperpixel, page.rowsperstrip)
    if not all(isinstance(side, int) for side in (*sides, page.tilewidth, page.tilelength)):
        return False
    predictors = (NO_PREDICTOR, _DIFFERENCES, *([_OF_FLOATS] if depth[0] == "f" else []))
    return bool(
        min(sides[:3]) > 0
        and page.samplesperpixel <= _MOST_SAMPLES
        and page.imagedepth == 1
        and page.bitspersample in (8, 16, 32, 64)
        and page.compression in (PLAIN, JPEG, *_COMPRESSED)
        and page.fillorder == 1
        and page.planarconfig in (_CONTIGUOUS, SEPARATE)
        and page.predictor in predictors
        and page.tags.valueof(ORIENTATION, 1) in range(1, 9)
    )


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
