"""Decoding PNG: zlib inflates, and the core decodes rows and measures them one by one."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.meter import DEEP_GRAY, ImageMeter
from lightmeter.image.reading import Reading

_inflating: Any  # a module
try:
    from zlib_ng import zlib_ng
except ImportError:
    _inflating = zlib
else:
    _inflating = zlib_ng  # twice as fast


# Bit depth and colour type by Pillow's raw mode.
_FORMS = {"1": (1, 0), "L;2": (2, 0), "L;4": (4, 0), "L": (8, 0), "I;16B": (16, 0)}
_FORMS |= {"P;1": (1, 3), "P;2": (2, 3), "P;4": (4, 3), "P": (8, 3), "LA": (8, 4), "RGB": (8, 2)}
_FORMS |= {"RGBA": (8, 6), "RGB;16B": (16, 2), "LA;16B": (16, 4), "RGBA;16B": (16, 6)}
_GRAY_WITH_ALPHA = "LA;16B"

# Chunks that may follow the pixels, which Pillow reads there without an error.
_BEHIND = (b"tEXt", b"eXIf", b"tIME")
_MOST_CHUNKS = 1 << 16
_HEAD = struct.Struct(">I4s")  # size and name

# Bytes that zlib reads and writes at once. More would not stay in the cache; less would release and
# take the GIL more often.
_DEFLATED = 1 << 16
_INFLATED = 1 << 18


def measure_png(file: bytes, image: Any, reading: Reading) -> ImageMeter | None:
    """Measure the first frame of a PNG file; return None to leave it to Pillow.

    The measurement equals that of Pillow's pixels, unless a `value_range` asks for all bits of
    colour. A file that Pillow refuses is left to Pillow, which gives the reason.

    Parameters
    ----------
    file
        Bytes of the file.
    image
        The image that Pillow opened from it, not loaded.
    reading
        How to measure it.

    Raises
    ------
    ImageError
        The mask does not fit, or samples are out of range. Both are raised only for images that
        Pillow cannot decode to all the bits that `reading` asks for.
    """
    _, _, start, form = image.tile[0]
    if form not in _FORMS or "interlace" in image.info or getattr(image, "is_animated", False):
        return None
    depth, colour = _FORMS[form]
    size: tuple[int, int] = image.size
    palette = image.palette.getdata() if image.palette is not None else ("", b"")
    all_bits = reading.value_range is not None
    is_deep = depth == 16 and (all_bits or image.mode in DEEP_GRAY)
    try:
        rows = _core.PngRows(*size, depth, colour, palette[1], all_bits)
        dtype = np.dtype(np.uint16 if is_deep else np.uint8)
        mode = "I;16" if is_deep and form == _GRAY_WITH_ALPHA else image.mode
        meter = reading.counting.meter(size, 1, mode, dtype)
        white = reading.counting.range_of(dtype)
        inflated = _inflated(_data(memoryview(file), start - _HEAD.size))
        if not all(rows.take(piece, meter._core, white) for piece in inflated) or not rows.is_whole:
            return None
    except (ValueError, MemoryError, _inflating.error, struct.error) as error:  # a wrong mask, ...
        if isinstance(error, ImageError) and is_deep and image.mode not in DEEP_GRAY:
            raise
        return None
    return meter


def _data(file: memoryview, place: int) -> Iterator[memoryview]:
    """Yield the bodies of the pixel chunks. Like Pillow, this ignores their checksums."""
    names: tuple[bytes, ...] = (b"IDAT", *_BEHIND)
    for _ in range(_MOST_CHUNKS):
        size, name = _HEAD.unpack_from(file, place)
        end = place + _HEAD.size + size
        if name == b"IEND":
            return
        if name not in names or end > len(file):
            break
        if name == b"IDAT":
            yield file[place + _HEAD.size : end]
        else:
            names = _BEHIND
        place = end + 4
    raise ValueError("other chunks")


def _inflated(data: Iterator[memoryview]) -> Iterator[bytes]:
    inflater = _inflating.decompressobj()
    for body in data:
        for start in range(0, len(body), _DEFLATED):
            deflated: Any = body[start : start + _DEFLATED]
            while deflated:
                if inflater.eof:
                    raise ValueError("bytes behind the stream")
                yield inflater.decompress(deflated, _INFLATED)
                deflated = inflater.unused_data or inflater.unconsumed_tail
    while not inflater.eof and (rest := inflater.decompress(b"", _INFLATED)):  # still held back
        yield rest
    if not inflater.eof:
        raise ValueError("the stream has no end")
