"""TIFF files of several samples a pixel, of which Pillow decodes only those that are colours.

Their strips or tiles are described anew: as gray pages, or as one gray page that is as many times
as wide. That Pillow decodes, with every lossless compression that it knows.
"""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.header import DamagedError, Source
from lightmeter.image.header.tiff import Tiff
from lightmeter.image.limits import Limits
from lightmeter.image.magic import START_BYTES
from lightmeter.image.plugins import SUBFILE_TYPE, is_raw

__all__ = ["tiff_samples"]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_FILL_ORDER = 266
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANES = 273, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _FORMAT = 317, 322, 323, 324, 325, 339

# None, LZW, Deflate by two numbers, PackBits, LZMA and Zstandard: of bytes, whatever these mean.
_LOSSLESS = frozenset({1, 5, 8, 32946, 32773, 34925, 50000})
_SEPARATE = 2
_NO_PREDICTOR, _DIFFERENCES = 1, 2
_MOST_PIECES = 1 << 18
_SHORT, _LONG = 3, 4
_MOST_BYTES = 2**32  # that an offset of a TIFF reaches


def tiff_samples(file: EncodedFile, count: int, limits: Limits) -> NDArray[Any] | None:
    """The samples of the first page of a TIFF file of `count` samples a pixel, HxWxC.

    None for any other file, and for one that cannot be described anew.

    Raises:
        ImageError: the picture is too large.
        Exception: what Pillow raises of a damaged file.
    """
    try:
        page = _Page(Tiff(Source(file)), count, file.start(START_BYTES))
    except (DamagedError, struct.error):
        return None
    if not page.is_known:
        return None
    if limits.pixels is not None and page.width * page.height > limits.pixels:
        raise ImageError(
            "too_large", f"{page.width}x{page.height} pixels, more than {limits.pixels}"
        )
    most = limits.bytes_in_memory
    if most is not None and file.size > most:
        raise ImageError(
            "too_large",
            f"{file.size} bytes of a TIFF of {count} bands, which is read whole; more than {most} "
            "(Limits.bytes_in_memory)",
        )
    file.seek(0)
    with Image.open(io.BytesIO(page.anew(file.read())), formats=["TIFF"]) as image:
        if page.is_separate:
            pages = []
            for number in range(count):
                image.seek(number)
                pages.append(np.asarray(image))
            return np.stack(pages, axis=2)
        return page.summed(np.array(image).reshape(page.height, page.width, count))


class _Page:
    """The first page of a TIFF file."""

    def __init__(self, tiff: Tiff, count: int, start: bytes) -> None:
        directory = tiff.directory(tiff.first)

        def number(tag: int, default: int) -> int:
            return tiff.integer(directory, tag, default)

        def numbers(tag: int, most: int) -> list[int]:
            found = tiff.numbers(directory[tag], most) if tag in directory else ()
            return [value if isinstance(value, int) else -1 for value in found]

        self._order, self._count = tiff.order, count
        self.width, self.height = number(_WIDTH, 0), number(_HEIGHT, 0)
        self.is_separate = number(_PLANES, 1) == _SEPARATE
        self._bits, formats = set(numbers(_BITS, count)), set(numbers(_FORMAT, count)) or {1}
        self._format = min(formats)
        self._compression = number(_COMPRESSION, 1)
        self._predictor = number(_PREDICTOR, _NO_PREDICTOR)
        tiled = _TILES in directory
        self._tags = (_TILES, _TILE_BYTES) if tiled else (_STRIPS, _STRIP_BYTES)
        self._places, self._sizes = (numbers(tag, _MOST_PIECES) for tag in self._tags)
        self._piece_width = number(_TILE_WIDTH, 0) if tiled else self.width
        self._piece_height = number(_TILE_HEIGHT if tiled else _ROWS, self.height)
        self.is_known = (
            number(_SAMPLES, 1) == count
            and not is_raw(start, directory, number(SUBFILE_TYPE, 0))
            and min(self.width, self.height, self._piece_width, self._piece_height) > 0
            and len(self._bits) == len(formats) == 1
            and number(_FILL_ORDER, 1) == 1  # else the bits of each byte are in reverse
            and self._compression in _LOSSLESS
            # Pillow takes the bytes of these in the wrong order.
            and not (self._bits == {32} and tiff.order == ">" and self._compression != 1)
            and (self.is_separate or self._predictor in (_NO_PREDICTOR, _DIFFERENCES))
            and len(self._places) == len(self._sizes) > 0
            and len(self._places) == self._pieces() * (count if self.is_separate else 1)
            and 0 <= min(self._places) <= max(self._places) < _MOST_BYTES
            and 0 <= min(self._sizes) <= max(self._sizes) < _MOST_BYTES
        )

    def _pieces(self) -> int:
        """How many strips or tiles cover a plane."""
        across, down = -(-self.width // self._piece_width), -(-self.height // self._piece_height)
        return across * down

    def anew(self, data: bytes) -> bytes:
        """The file, with other pages."""
        pages = self._count if self.is_separate else 1
        wider = 1 if self.is_separate else self._count
        each = len(self._places) // pages
        head = {"<": b"II", ">": b"MM"}[self._order] + struct.pack(self._order + "H", 42)
        anew = bytearray(data)
        link = 4  # where the place of the next page is to stand
        for page in range(pages):
            some = slice(page * each, (page + 1) * each)
            numbers = {
                _WIDTH: [self.width * wider],
                _HEIGHT: [self.height],
                _BITS: list(self._bits),
                _COMPRESSION: [self._compression],
                _PHOTOMETRIC: [1],  # black is zero
                self._tags[0]: self._places[some],
                self._tags[1]: self._sizes[some],
                _SAMPLES: [1],
                _PREDICTOR: [self._predictor if self.is_separate else _NO_PREDICTOR],
                _FORMAT: [self._format],
            }
            if self._tags[0] == _TILES:
                numbers[_TILE_WIDTH] = [self._piece_width * wider]
                numbers[_TILE_HEIGHT] = [self._piece_height]
            else:
                numbers[_ROWS] = [min(self._piece_height, self.height)]
            link = self._append(anew, numbers, link)
        anew[:4] = head
        if len(anew) >= _MOST_BYTES:
            raise ImageError("too_large", f"{len(data)} bytes of a TIFF of several bands")
        return bytes(anew)

    def _append(self, file: bytearray, numbers: dict[int, list[int]], link: int) -> int:
        """Append a directory, to which what stands at `link` leads; where its own link is."""
        rows = []
        for tag, values in sorted(numbers.items()):
            packed = struct.pack(f"{self._order}{len(values)}I", *values)
            if len(values) > 1:
                file += bytes(len(file) % 2)
                packed, place = struct.pack(self._order + "I", len(file)), packed
                file += place
            rows.append(struct.pack(self._order + "HHI", tag, _LONG, len(values)) + packed)
        file += bytes(len(file) % 2)
        struct.pack_into(self._order + "I", file, link, len(file))
        file += struct.pack(self._order + "H", len(rows)) + b"".join(rows) + bytes(4)
        return len(file) - 4

    def summed(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The samples, of differences to the pixel to the left within a strip or tile."""
        if self._predictor == _NO_PREDICTOR:
            return samples
        samples = samples.astype(samples.dtype.newbyteorder("="))
        whole = samples.view(np.dtype(f"u{samples.dtype.itemsize}"))
        for left in range(0, self.width, self._piece_width):
            piece = whole[:, left : left + self._piece_width]
            np.cumsum(piece, axis=1, dtype=piece.dtype, out=piece)
        return samples
