"""PNG: inflated by zlib, and all else in the core, where rows go into the meter as they come."""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.decode.png_chunks import png_chunks
from lightmeter.image.encoded import most_pixels
from lightmeter.image.meter import ImageMeter
from lightmeter.image.reading import Reading

_inflating: Any  # a module
try:
    from zlib_ng import zlib_ng
except ImportError:
    _inflating = zlib
else:
    _inflating = zlib_ng  # twice as fast

__all__ = ["is_deep_colour", "measure_png"]

_DEEP_GRAY = "I;16"
_GRAY_WITH_ALPHA = 4
# The modes that Pillow decodes to, by the type of colour, and those of some depths.
_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
_MODES_OF_DEPTH = {(1, 0): "1", (16, 0): _DEEP_GRAY, (16, 4): "RGBA"}

# What goes into zlib and comes out at once. More would not stay in the cache; less would take and
# give up the GIL more often.
_DEFLATED = 1 << 16
_INFLATED = 1 << 18


def measure_png(file: bytes, reading: Reading, threads: int | None = None) -> ImageMeter | None:
    """Measure the first frame of a PNG file; None leaves it to Pillow.

    The measurement is exactly that of Pillow's pixels, unless all bits of 16-bit colour are wanted.
    A file that Pillow refuses, or one that passes a limit of `reading`, is left to Pillow, which
    says why.

    Raises:
        ImageError: the mask does not fit, or samples are out of range, of a picture that Pillow has
            not with all the bits that `reading` wants.
    """
    chunks = png_chunks(file)
    if chunks is None or chunks.colour not in _MODES:
        return None
    mode = _MODES_OF_DEPTH.get((chunks.depth, chunks.colour), _MODES[chunks.colour])
    size = width, height = chunks.width, chunks.height
    is_deep = chunks.depth == 16 and (reading.all_bits or mode == _DEEP_GRAY)
    if width * height > most_pixels(reading.limits):
        return None
    try:
        rows = _core.PngRows(
            width, height, chunks.depth, chunks.colour, chunks.palette, reading.all_bits
        )
        dtype = np.dtype(np.uint16 if is_deep else np.uint8)
        known = _DEEP_GRAY if is_deep and chunks.colour == _GRAY_WITH_ALPHA else mode
        meter = reading.counting.meter(size, threads, known, dtype)
        white = reading.counting.range_of(dtype)
        inflated = _inflated(chunks.data)
        if not all(rows.take(piece, meter._core, white) for piece in inflated) or not rows.is_whole:
            return None
    except (ValueError, MemoryError, _inflating.error) as error:  # a wrong mask, no such range, ...
        if isinstance(error, ImageError) and reading.all_bits and is_deep_colour(file):
            raise
        return None
    return meter


def is_deep_colour(file: bytes) -> bool:
    """Whether a PNG file that was measured has colour, or alpha, of 16 bits."""
    depth, colour = file[24:26]  # of the header, which comes first
    return depth == 16 and colour != 0


def _inflated(data: list[memoryview]) -> Iterator[bytes]:
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
