"""Which pages of TIFF files are read in tiles, and what Pillow takes their samples for."""

from typing import Any

from lightmeter.image.arrays import DTYPES, GRAY_MODES

# Values of the tags of compression, predictor, planes and colour, and tags.
PLAIN, JPEG = 1, 7
NO_PREDICTOR, _DIFFERENCES, _OF_FLOATS = 1, 2, 3
_CONTIGUOUS, SEPARATE = 1, 2
_BLACK_IS_ZERO, _RGB, YCBCR = 1, 2, 6
_PREMULTIPLIED = 1
ORIENTATION = 274

# Besides: LZW, Deflate by both numbers, PackBits, LZMA, Zstandard. Their decoders are bounded.
_COMPRESSED = (5, 8, 32946, 32773, 34925, 50000)

_MOST_SAMPLES = 32
_MODES = {
    (_BLACK_IS_ZERO, 1): "L",
    (YCBCR, 1): "L",
    (_BLACK_IS_ZERO, 2): "LA",
    (_RGB, 3): "RGB",
    (YCBCR, 3): "RGB",
    (_RGB, 4): "RGBA",
}


def mode_of(page: Any, bands: int | None) -> str | None:
    """Return what Pillow calls the picture of a page of tifffile; None for what is left to it."""
    if not _is_known(page):
        return None
    samples, dtype = page.samplesperpixel, page.dtype.name
    # The decoder of JPEG makes RGB of all three, but not of each alone.
    is_rgb = page.compression == JPEG and page.planarconfig != SEPARATE
    if page.photometric == YCBCR and (dtype != "uint8" or (samples > 1 and not is_rgb)):
        return None
    if samples > 1 and bands is not None:
        return f"{bands} bands"
    if samples > 1 and (dtype not in DTYPES or page.extrasamples[:1] == (_PREMULTIPLIED,)):
        return None
    mode = _MODES.get((page.photometric, min(samples, 4)))
    if mode != "L":
        return mode
    is_swapped = dtype == "uint16" and page.parent.byteorder == ">"
    return "I;16B" if is_swapped else GRAY_MODES[dtype]


def _is_known(page: Any) -> bool:
    sides = (page.imagewidth, page.imagelength, page.samplesperpixel, page.rowsperstrip)
    if not all(isinstance(side, int) for side in (*sides, page.tilewidth, page.tilelength)):
        return False
    dtype = page.dtype
    if dtype is None or dtype.name not in GRAY_MODES or dtype.itemsize * 8 != page.bitspersample:
        return False
    predictors = (NO_PREDICTOR, _DIFFERENCES, *([_OF_FLOATS] if dtype.kind == "f" else []))
    return bool(
        min(sides[:3]) > 0
        and page.samplesperpixel <= _MOST_SAMPLES
        and page.imagedepth == 1
        and dtype.name != "int8"
        and page.compression in (PLAIN, JPEG, *_COMPRESSED)
        and page.fillorder == 1
        and page.planarconfig in (_CONTIGUOUS, SEPARATE)
        and page.predictor in predictors
        and page.tags.valueof(ORIENTATION, 1) in range(1, 9)
    )
