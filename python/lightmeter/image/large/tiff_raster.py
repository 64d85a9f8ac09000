"""The tiles and strips of a TIFF file: found, read and decoded."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.large.codecs import codecs, inflated
from lightmeter.image.large.colours import Colours
from lightmeter.image.large.jpeg_size import jpeg_size
from lightmeter.image.large.jpeg_tile import common_segments, write_jpeg_tile
from lightmeter.image.large.raster import MOST_DECODED, Raster, check_tile
from lightmeter.image.large.tiff_page import SEPARATE, TiffPage

__all__ = ["COMPRESSIONS", "TiffRaster"]

_PLAIN, _JPEG = 1, 7
_NO_PREDICTOR, _DIFFERENCES, _OF_FLOATS = 1, 2, 3
_YCBCR = 6
_MOST_SUMMED = 4  # channels of which the core sums up differences

_DECODERS = {
    5: "lzw",
    8: "deflate",
    32946: "deflate",
    32773: "packbits",
    34925: "lzma",
    50000: "zstd",
}
COMPRESSIONS = frozenset({_PLAIN, _JPEG, *_DECODERS})

# Rows of a strip without compression are read as so many pixels.
_PIXELS_AT_ONCE = 1 << 20


class _Room(threading.local):
    """Memory for a tile, of each thread its own, so that it is not asked for again."""

    def __init__(self, size: int) -> None:
        self.tile: NDArray[np.uint8] = np.empty(size, np.uint8)


class TiffRaster(Raster):
    """A page of a TIFF file. Threads may read it at once."""

    def __init__(self, page: TiffPage, file: EncodedFile, lock: threading.Lock, colours: Colours):
        """Take a page of a known kind.

        Raises:
            ImageError: its tiles are too large, or not as many as it needs.
            DamagedError: where they are is not in the file.
        """
        self._page, self._file, self._lock, self._colours = page, file, lock, colours
        self.width, self.height, self.orientation = page.width, page.height, page.orientation
        self.tile_width, self.tile_height = page.piece_width, page.piece_height
        self.channels, self.mode, self.white = page.samples, colours.mode, colours.white
        self._packed = page.bits < 8
        self._stored = np.dtype(f"{page.order}{page.kind}{max(page.bits, 8) // 8}")
        self.dtype = self._stored.newbyteorder("=")
        self._is_plain = page.compression == _PLAIN
        # Rows of strips without compression are read as they are, so a strip may have any height.
        self._by_rows = (
            self._is_plain
            and not page.is_tiled
            and not self._packed
            and page.predictor == _NO_PREDICTOR
            and page.planes != SEPARATE
        )
        if self._by_rows:
            self.tile_height = max(1, min(page.height, _PIXELS_AT_ONCE // max(1, page.width)))
        check_tile(self, "tile" if page.is_tiled else "strip")
        self._places, self._sizes = page.pieces()
        self._across = -(-page.width // page.piece_width)
        self._per_plane = self._across * -(-page.height // page.piece_height)
        self._empty = page.empty()
        self._tables = page.tables() if page.compression == _JPEG else None
        self._planes, in_row = 1, page.samples * page.piece_width
        if page.planes == SEPARATE:
            self._planes, in_row = page.samples, page.piece_width
        self._row_bytes = -(-in_row * page.bits // 8)
        self._room = _Room(0 if self._by_rows else page.piece_height * self._row_bytes)
        self._common = common_segments(self._tables) if self._may_be_of_core() else None
        self.in_planes = self._planes > 1 or self._common is not None

    def _may_be_of_core(self) -> bool:
        """Whether tiles are JPEG, gray or YCbCr. The core would take RGB for YCbCr."""
        page = self._page
        channels = 1 if self._planes > 1 else page.samples
        known = channels == 1 or (channels == 3 and page.photometric == _YCBCR)
        return page.compression == _JPEG and self.dtype == np.uint8 and known

    def colours(self, samples: NDArray[Any]) -> NDArray[Any]:
        """As `Raster.colours` says."""
        return self._colours.of(samples)

    def read(self, x: int, y: int, into: NDArray[Any]) -> None:
        """As `Raster.read` says."""
        if self._by_rows:
            self._read_rows(y, into)
            return
        index = y // self.tile_height * self._across + x // self.tile_width
        tile = self.tile_width, self.tile_height
        for plane in range(self._planes):
            to = into[..., plane : plane + 1] if self._planes > 1 else into
            data = self._bytes_of(index + plane * self._per_plane)
            if data is None:
                to[...] = self._empty
            elif self._common is None or not write_jpeg_tile(data, self._common, tile, to):
                self._decode(data, to)

    def _read_rows(self, top: int, into: NDArray[Any]) -> None:
        row_bytes = self.width * self.channels * self.dtype.itemsize
        y, bottom = top, top + len(into)
        while y < bottom:
            index, above = divmod(y, self._page.piece_height)
            rows = min(self._page.piece_height - above, bottom - y)
            to = into[y - top : y - top + rows]
            place, size = int(self._places[index]), int(self._sizes[index])
            if size == 0:
                to[...] = self._empty
            elif size < (above + rows) * row_bytes:
                raise ImageError("corrupt", f"a strip of {size} bytes, which are too few")
            else:
                data = self._bytes(place + above * row_bytes, rows * row_bytes)
                to[...] = np.frombuffer(data, self._stored).reshape(to.shape)
            y += rows

    def _bytes_of(self, index: int) -> Any:
        """The encoded bytes of a strip or tile; None for one that was left out."""
        place, size = int(self._places[index]), int(self._sizes[index])
        if size == 0:
            return None
        if size > MOST_DECODED:
            raise ImageError("too_large", f"a tile of {size} encoded bytes")
        return self._bytes(place, size, self._room.tile if self._is_plain else None)

    def _bytes(self, place: int, size: int, room: NDArray[np.uint8] | None = None) -> Any:
        """Bytes of the file: all, or as many as there is room for, which then are in `room`."""
        if place + size > self._file.size:
            raise ImageError("truncated", f"no {size} bytes at {place} of {self._file.size}")
        with self._lock:
            self._file.seek(place)
            if room is None:
                data: bytes | NDArray[np.uint8] = self._file.read(size)
                count, expected = len(data), size
            else:
                data = room[:size]
                count, expected = self._file.readinto(data.data), len(data)
        if count != expected:
            raise ImageError("truncated", f"got {count} of {expected} bytes at {place}")
        return data

    def _decode(self, data: Any, into: NDArray[Any]) -> None:
        rows, columns, channels = into.shape
        samples = self._decoded(data, channels, rows)
        if self._page.predictor == _DIFFERENCES and self._page.compression != _JPEG:
            if samples.dtype == np.uint8 and channels <= _MOST_SUMMED:
                _core.sum_differences(samples, into)
                return
            whole = samples.view(f"u{self.dtype.itemsize}")
            codecs().delta_decode(whole, axis=-2, out=whole)
        into[...] = samples[:rows, :columns]

    def _decoded(self, data: Any, channels: int, rows: int) -> NDArray[Any]:
        """A tile, or a strip of which at least `rows` rows are there; differences stay such."""
        if self._page.compression == _JPEG:
            return self._of_jpeg(data, channels, rows)
        if self._page.is_tiled:
            rows = self.tile_height
        row_bytes = self._row_bytes
        raw: NDArray[Any] = data
        if not self._is_plain:
            raw = inflated(_DECODERS[self._page.compression], data, self._room.tile)
        rows = max(rows, len(raw) // row_bytes)
        if len(raw) < rows * row_bytes:
            what = "tile" if self._page.is_tiled else "strip"
            raise ImageError(
                "truncated", f"a {what} of {len(raw)} bytes; expected {rows * row_bytes}"
            )
        raw = raw[: rows * row_bytes]
        shape = (rows, self.tile_width, channels)
        if self._packed:
            packed = raw.tobytes()
            row = self.tile_width * channels
            raw = codecs().packints_decode(packed, np.uint8, self._page.bits, runlen=row)
            return np.asarray(raw).reshape(shape)
        if self._page.predictor == _OF_FLOATS:
            encoded = raw.view(self.dtype).reshape(shape)
            floats: NDArray[Any] = codecs().floatpred_decode(encoded, axis=-2)
            return floats
        return raw.view(self._stored).reshape(shape).astype(self.dtype, copy=False)

    def _of_jpeg(self, data: bytes, channels: int, rows: int) -> NDArray[Any]:
        width, height = jpeg_size(data)
        if width > self.tile_width or height > self.tile_height:
            raise ImageError("corrupt", f"a JPEG of {width}x{height} pixels as a tile")
        colours = {}
        if channels == 3:
            stored = "YCBCR" if self._page.photometric == _YCBCR else "RGB"
            colours = {"colorspace": stored, "outcolorspace": "RGB"}
        elif channels == 1 and self.channels > 1:
            colours = {"outcolorspace": "GRAYSCALE"}
        samples: NDArray[Any] = codecs().jpeg8_decode(data, tables=self._tables, **colours)
        samples = samples.reshape(*samples.shape[:2], -1)
        if samples.shape[2] != channels or len(samples) < rows or samples.dtype != self.dtype:
            raise ImageError("corrupt", f"a JPEG of {samples.shape} samples as a tile")
        return samples
