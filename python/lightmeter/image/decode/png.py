"""PNG: inflated by zlib, and all else in the core, where rows go into the meter as they come."""

import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import samples_of
from lightmeter.image.decode.png_chunks import PngChunks, png_chunks
from lightmeter.image.meter import Counting, ImageMeter
from lightmeter.image.reading import Reading

_inflating: Any  # a module
try:
    from zlib_ng import zlib_ng
except ImportError:
    _inflating = zlib
else:
    _inflating = zlib_ng  # twice as fast

__all__ = ["is_deep_colour", "measure_png", "open_png", "png_samples"]

_DEEP_GRAY = "I;16"
_GRAY_WITH_ALPHA = 4
# The modes that Pillow decodes to, by depth and type of colour.
_MODES = {
    (1, 0): "1",
    (2, 0): "L",
    (4, 0): "L",
    (8, 0): "L",
    (16, 0): _DEEP_GRAY,
    (8, 2): "RGB",
    (16, 2): "RGB",
    (1, 3): "P",
    (2, 3): "P",
    (4, 3): "P",
    (8, 3): "P",
    (8, 4): "LA",
    (16, 4): "RGBA",
    (8, 6): "RGBA",
    (16, 6): "RGBA",
}
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

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
    try:
        picture = open_png(file, reading.all_bits)
        if picture is None or picture.size[0] * picture.size[1] > reading.limits.most_pixels:
            return None
        return picture.measured(reading.counting, threads)
    except (ValueError, MemoryError) as error:  # a wrong mask, samples out of range, ...
        if isinstance(error, ImageError) and reading.all_bits and is_deep_colour(file):
            raise
        return None


def open_png(file: bytes, deep_colour: bool) -> "PngPicture | None":
    """A PNG file in memory; None if Pillow has to look."""
    chunks = png_chunks(file)
    if chunks is None or (chunks.depth, chunks.colour) not in _MODES:
        return None
    return PngPicture(chunks, deep_colour)


def is_deep_colour(file: bytes) -> bool:
    """Whether a PNG file that was measured has colour, or alpha, of 16 bits."""
    depth, colour = file[24:26]  # of the header, which comes first
    return depth == 16 and colour != 0


class PngPicture:
    """A PNG picture of one frame, without interlace."""

    def __init__(self, chunks: PngChunks, deep_colour: bool) -> None:
        """Take what `png_chunks` found."""
        self._chunks = chunks
        self._deep_colour = deep_colour
        self.size = chunks.width, chunks.height
        self.mode = _MODES[chunks.depth, chunks.colour]
        self.is_deep = chunks.depth == 16 and (deep_colour or self.mode == _DEEP_GRAY)
        if self.is_deep and chunks.colour == _GRAY_WITH_ALPHA:
            self.mode = _DEEP_GRAY

    def measured(self, counting: Counting, threads: int | None) -> ImageMeter | None:
        """Return a meter that was shown all rows; None if Pillow has to look."""
        meter = counting.meter(self.size, threads)
        dtype = np.dtype(np.uint16 if self.is_deep else np.uint8)
        meter._samples = samples_of(dtype)
        white = meter._range_of(dtype)
        try:
            if not self._measure(meter._core, white):
                return None
        except _inflating.error:
            return None
        meter.mode = self.mode
        return meter

    def _measure(self, meter: _core.ImageMeter, value_range: tuple[float, float]) -> bool:
        width, height, depth, colour, palette, data = self._chunks
        rows = _core.PngRows(width, height, depth, colour, palette, self._deep_colour)
        inflater = _inflating.decompressobj()
        for deflated in _pieces(data):
            while deflated:
                if inflater.eof:
                    return False  # bytes after the stream
                if not rows.take(inflater.decompress(deflated, _INFLATED), meter, value_range):
                    return False
                deflated = inflater.unused_data or inflater.unconsumed_tail
        while not inflater.eof:  # what zlib still holds back
            rest = inflater.decompress(b"", _INFLATED)
            if not rest or not rows.take(rest, meter, value_range):
                return False
        return rows.is_whole


def _pieces(data: list[memoryview]) -> Iterator[memoryview | bytes]:
    for body in data:
        for at in range(0, len(body), _DEFLATED):
            yield body[at : at + _DEFLATED]


def png_samples() -> Iterator[bytes]:
    """Small files of every depth and type of colour, with all filters; any bytes are pixels."""
    numbers = random.Random(0)
    width, height = 13, 11
    for depth, colour in _MODES:
        row_bytes = (width * depth * _SAMPLES[colour] + 7) // 8
        rows = [bytes([y % 5]) + numbers.randbytes(row_bytes) for y in range(height)]
        form = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
        palette = _chunk(b"PLTE", numbers.randbytes(3 << depth)) if colour == 3 else b""
        yield b"".join(
            (
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", form),
                palette,
                _chunk(b"IDAT", zlib.compress(b"".join(rows))),
                _chunk(b"IEND", b""),
            )
        )


def _chunk(name: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
