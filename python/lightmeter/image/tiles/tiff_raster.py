"""The tiles and strips of a TIFF file: read from its pages' places, and decoded within bounds."""

import io
import struct
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.decode.trusted import is_trusted
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.header import jpeg_frame
from lightmeter.image.tiles import tiff_kinds as kinds
from lightmeter.image.tiles.raster import MOST_DECODED, Block, Raster

_MOST_PIECES = 1 << 21
_PIXELS_AT_ONCE = 1 << 20  # of rows without compression
_MEASURED = {"LA": 1, "RGBA": 3}  # channels before those that are not measured

# Markers of JPEG.
_START, _END = b"\xff\xd8", b"\xff\xd9"
_QUANTISATION, _HUFFMAN = b"\xff\xdb", b"\xff\xc4"


class TiffRaster(Raster):
    """A page of a TIFF file. Threads may read it at once."""

    def __init__(
        self, page: Any, file: EncodedFile, lock: threading.Lock, bands: int | None
    ) -> None:
        """Take a page of tifffile.

        Raises:
            ImageError: it is of no known kind, its tiles are too large, or not as many as it needs.
        """
        mode = kinds.mode_of(page, bands)
        if mode is None:
            what = f"{page.samplesperpixel} x {page.bitspersample}-bit samples"
            raise ImageError("unsupported", f"a page of {what}; give it as an array")
        self._page, self._file, self._lock, self.mode = page, file, lock, mode
        self.width, self.height = page.imagewidth, page.imagelength
        self.channels = page.samplesperpixel
        self.orientation = page.tags.valueof(kinds.ORIENTATION, 1)
        self.dtype, self._stored = page.dtype, page.dtype.newbyteorder(page.parent.byteorder)
        self._planes = page.samplesperpixel if page.planarconfig == kinds.SEPARATE else 1
        self._piece = "tile" if page.is_tiled else "strip"
        self.tile_width = page.tilewidth if page.is_tiled else self.width
        self.tile_height = page.tilelength if page.is_tiled else page.rowsperstrip
        # Strips of samples as they are may be of any height: their rows are one behind the other.
        is_as_measured = page.compression == kinds.PLAIN and page.predictor == kinds.NO_PREDICTOR
        is_rows = is_as_measured and self._planes == 1 and not page.is_tiled
        self._is_rows = is_rows and page.is_contiguous and sum(page.databytecounts) > 0
        if self._is_rows:
            self.tile_height = max(1, min(self.height, _PIXELS_AT_ONCE // self.width))
        self.check_sides(f"a {self._piece} of {self.tile_width}x{self.tile_height} pixels")
        self._across = -(-self.width // self.tile_width)
        self._per_plane = self._across * -(-self.height // self.tile_height)
        self._check_pieces()
        self._tables = page.jpegtables if isinstance(page.jpegtables, bytes) else None
        self._common = common_segments(self._tables) if self._may_be_of_core() else None

    def _check_pieces(self) -> None:
        page, count = self._page, self._per_plane * self._planes
        if self._is_rows:
            if sum(page.databytecounts) < self.decoded_bytes:
                raise ImageError("corrupt", f"strips of less than {self.decoded_bytes} bytes")
            return
        got = min(len(page.dataoffsets), len(page.databytecounts))
        if count > _MOST_PIECES:
            raise ImageError("too_large", f"{count} strips or tiles, more than {_MOST_PIECES}")
        if got < count:
            raise ImageError("corrupt", f"got {got} strips or tiles of {count}")

    def _may_be_of_core(self) -> bool:
        """Whether tiles are JPEG, gray or YCbCr. The core would take RGB for YCbCr."""
        channels = self.channels // self._planes
        known = channels == 1 or (channels == 3 and self._page.photometric == kinds.YCBCR)
        return self._page.compression == kinds.JPEG and self.dtype == np.uint8 and known

    def _samples(self, block: Block) -> NDArray[Any]:
        shape = block.height, block.width, self.channels
        if self._is_rows:
            row_bytes = self.decoded_bytes // self.height
            place = self._page.dataoffsets[0] + block.y * row_bytes
            data = self._bytes(place, block.height * row_bytes)
            samples = np.frombuffer(data, self._stored).reshape(shape)
        else:
            samples = self._tiles(block, shape)
        return samples[..., : _MEASURED.get(self.mode)]

    def _tiles(self, block: Block, shape: tuple[int, ...]) -> NDArray[Any]:
        if self._planes > 1 or self._common is not None:  # decoders write one channel at a time
            samples = np.empty((shape[2], *shape[:2]), self.dtype).transpose(1, 2, 0)
        else:
            samples = np.empty(shape, self.dtype)
        for top in range(0, block.height, self.tile_height):
            for left in range(0, block.width, self.tile_width):
                into = samples[top : top + self.tile_height, left : left + self.tile_width]
                self._read_tile(block.x + left, block.y + top, into)
        return samples

    def _read_tile(self, x: int, y: int, into: NDArray[Any]) -> None:
        index = y // self.tile_height * self._across + x // self.tile_width
        for plane in range(self._planes):
            to = into[..., plane : plane + 1] if self._planes > 1 else into
            number = index + plane * self._per_plane
            place, size = self._page.dataoffsets[number], self._page.databytecounts[number]
            if size == 0:  # left out
                to[...] = self._page.nodata
                continue
            if size > MOST_DECODED:
                raise ImageError("too_large", f"a tile of {size} encoded bytes")
            data = self._bytes(place, size)
            most = self.tile_width, self.tile_height
            if self._common is None or not write_jpeg_tile(data, self._common, most, to):
                self._decode(data, number, to)

    def _bytes(self, place: int, size: int) -> bytes:
        if place + size > self._file.size:
            raise ImageError("truncated", f"no {size} bytes at {place} of {self._file.size}")
        with self._lock:
            self._file.seek(place)
            data = self._file.read(size)
        if len(data) != size:
            raise ImageError("truncated", f"got {len(data)} of {size} bytes at {place}")
        return data

    def _decode(self, data: bytes, number: int, into: NDArray[Any]) -> None:
        from tifffile import TiffFileError

        if self._page.compression == kinds.JPEG:
            _, frame = jpeg_frame(io.BytesIO(data)) or (0, b"")
            height, width = struct.unpack_from(">HH", frame, 1)
            if not (0 < width <= self.tile_width and 0 < height <= self.tile_height):
                raise ImageError("corrupt", f"a JPEG of {width}x{height} pixels as a tile")
        try:  # decoders write no more than there is room for
            samples, _, _ = self._page.decode(data, number, jpegtables=self._tables)
        except TiffFileError as error:
            raise ImageError("truncated", str(error)[:200]) from None
        into[...] = samples[0, : into.shape[0], : into.shape[1]]


def common_segments(tables: bytes | None) -> bytes | None:
    """Return what all tiles of a page have in common, to be put behind the start of each.

    None if the core may not decode the tiles. Of other segments than tables, libjpeg forgets some
    before it reads a tile, so the joined stream would say something else.

    Args:
        tables: a JPEG stream without a picture, as TIFF has it; None is no tables.
    """
    if not is_trusted():
        return None
    if tables is None:
        return b""
    place = len(_START)
    if tables[:place] != _START:
        return None
    while tables[place : place + 2] != _END:
        if tables[place : place + 2] not in (_QUANTISATION, _HUFFMAN):
            return None
        place += 2 + max(2, int.from_bytes(tables[place + 2 : place + 4], "big"))
    return tables[len(_START) : place]


def write_jpeg_tile(
    data: bytes, common: bytes, most: tuple[int, int], into: NDArray[np.uint8]
) -> bool:
    """Decode a tile, as far as there is room. Returns False if another decoder has to look.

    Args:
        data: a JPEG stream.
        common: as `common_segments` gives it.
        most: width and height of a tile.
        into: HxWxC in planes: in a row, samples of a channel lie one behind the other.
    """
    decoder = _core.open_jpeg(data[:2] + common + data[2:])
    if decoder is None:
        return False
    bands, height, width = decoder.shape
    rows, columns, channels = into.shape
    fits = columns <= width <= most[0] and rows <= height <= most[1]
    return fits and bands == channels and decoder.write(into.transpose(2, 0, 1))
