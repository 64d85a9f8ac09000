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
from lightmeter.image.tiles.colours import Colours, colours_of, kind_of
from lightmeter.image.tiles.raster import MOST_DECODED, Raster, check_tile

__all__ = ["TiffRaster", "common_segments", "known_colours", "write_jpeg_tile"]

_PLAIN, _JPEG = 1, 7
_PREDICTORS = _NO_PREDICTOR, _DIFFERENCES, _OF_FLOATS = 1, 2, 3
_CONTIGUOUS, _SEPARATE = 1, 2
_YCBCR = 6
_ORIENTATION = 274
_MOST_SAMPLES = 32
_MOST_PIECES = 1 << 21
_MOST_SUMMED = 4  # channels of which the core sums up differences
_PIXELS_AT_ONCE = 1 << 20  # of rows of a strip without compression

_DECODERS = {5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits"}
_DECODERS |= {34925: "lzma", 50000: "zstd"}

# Markers of JPEG.
_START, _END = b"\xff\xd8", b"\xff\xd9"
_QUANTISATION, _HUFFMAN = b"\xff\xdb", b"\xff\xc4"


def known_colours(page: Any, bands: int | None) -> Colours | None:
    """Return what the samples of a page mean; None for what is left to Pillow."""
    sides = (page.imagewidth, page.imagelength, page.samplesperpixel, page.rowsperstrip)
    if not all(isinstance(side, int) for side in (*sides, page.tilewidth, page.tilelength)):
        return None
    bits, kind = page.bitspersample, kind_of(page)
    is_known = (
        min(sides[:3]) > 0
        and page.samplesperpixel <= _MOST_SAMPLES
        and page.imagedepth == 1
        and bits in (8, 16, 32, 64)
        and (page.compression in (_PLAIN, _JPEG) or page.compression in _DECODERS)
        and page.fillorder == 1
        and page.planarconfig in (_CONTIGUOUS, _SEPARATE)
        and page.predictor in (_PREDICTORS if kind == "f" else _PREDICTORS[:2])
        and page.tags.valueof(_ORIENTATION, 1) in range(1, 9)
    )
    return colours_of(page, bands) if is_known else None


class _Buffer(threading.local):
    """Memory for a tile, of each thread its own, so that it is not asked for again."""

    def __init__(self, size: int) -> None:
        self.tile: NDArray[np.uint8] = np.empty(size, np.uint8)


class TiffRaster(Raster):
    """A page of a TIFF file. Threads may read it at once."""

    def __init__(
        self, page: Any, file: EncodedFile, lock: threading.Lock, bands: int | None
    ) -> None:
        """Take a page of tifffile.

        Raises:
            ImageError: it is of no known kind, its tiles are too large, or not as many as it needs.
        """
        colours = known_colours(page, bands)
        if colours is None:
            what = f"{page.samplesperpixel} x {page.bitspersample}-bit samples"
            raise ImageError("unsupported", f"a page of {what}; give it as an array")
        self._page, self._file, self._lock, self._colours = page, file, lock, colours
        self.width, self.height = page.imagewidth, page.imagelength
        self.orientation = page.tags.valueof(_ORIENTATION, 1)
        self.tile_width = page.tilewidth if page.is_tiled else self.width
        self.tile_height = page.tilelength if page.is_tiled else page.rowsperstrip
        self.channels, self.mode, self.white = page.samplesperpixel, colours.mode, colours.white
        self._stored = np.dtype(f"{page.parent.byteorder}{kind_of(page)}{page.bitspersample // 8}")
        self.dtype = self._stored.newbyteorder("=")
        self._is_plain = page.compression == _PLAIN
        self._planes = page.samplesperpixel if page.planarconfig == _SEPARATE else 1
        # Rows of strips without compression are read as they are, so a strip may have any height.
        is_as_measured = self._is_plain and page.predictor == _NO_PREDICTOR
        self._by_rows = is_as_measured and not page.is_tiled and self._planes == 1
        self._rows_of_strip = self.tile_height
        if self._by_rows:
            self.tile_height = max(1, min(self.height, _PIXELS_AT_ONCE // self.width))
        self._piece = "tile" if page.is_tiled else "strip"
        check_tile(self, self._piece)
        self._across = -(-self.width // self.tile_width)
        self._per_plane = self._across * -(-self.height // max(1, self._rows_of_strip))
        self._check_pieces()
        self._empty = page.nodata
        in_row = self.tile_width * self.channels // self._planes
        self._row_bytes = in_row * self.dtype.itemsize
        self._buffer = _Buffer(0 if self._by_rows else self.tile_height * self._row_bytes)
        self._tables = page.jpegtables if isinstance(page.jpegtables, bytes) else None
        self._common = common_segments(self._tables) if self._may_be_of_core() else None
        self.in_planes = self._planes > 1 or self._common is not None

    def _check_pieces(self) -> None:
        count = self._per_plane * self._planes
        got = min(len(self._page.dataoffsets), len(self._page.databytecounts))
        if count > _MOST_PIECES:
            raise ImageError("too_large", f"{count} strips or tiles, more than {_MOST_PIECES}")
        if got < count:
            raise ImageError("corrupt", f"got {got} strips or tiles of {count}")

    def _may_be_of_core(self) -> bool:
        """Whether tiles are JPEG, gray or YCbCr. The core would take RGB for YCbCr."""
        channels = self.channels // self._planes
        known = channels == 1 or (channels == 3 and self._page.photometric == _YCBCR)
        return self._page.compression == _JPEG and self.dtype == np.uint8 and known

    def colours(self, samples: NDArray[Any]) -> NDArray[Any]:
        """As `Raster.colours` says."""
        return self._colours.convert(samples)

    def read(self, x: int, y: int, into: NDArray[Any]) -> None:
        """As `Raster.read` says."""
        if self._by_rows:
            self._read_rows(y, into)
            return
        index = y // self.tile_height * self._across + x // self.tile_width
        tile = self.tile_width, self.tile_height
        for plane in range(self._planes):
            to = into[..., plane : plane + 1] if self._planes > 1 else into
            data = self._encoded(index + plane * self._per_plane)
            if data is None:
                to[...] = self._empty
            elif self._common is None or not write_jpeg_tile(data, self._common, tile, to):
                self._decode(data, to)

    def _read_rows(self, top: int, into: NDArray[Any]) -> None:
        row_bytes = self.width * self.channels * self.dtype.itemsize
        y, bottom = top, top + len(into)
        while y < bottom:
            index, above = divmod(y, self._rows_of_strip)
            rows = min(self._rows_of_strip - above, bottom - y)
            to = into[y - top : y - top + rows]
            place, size = self._page.dataoffsets[index], self._page.databytecounts[index]
            if size == 0:
                to[...] = self._empty
            elif size < (above + rows) * row_bytes:
                raise ImageError("corrupt", f"a strip of {size} bytes, which are too few")
            else:
                data = self._bytes(place + above * row_bytes, rows * row_bytes)
                to[...] = np.frombuffer(data, self._stored).reshape(to.shape)
            y += rows

    def _encoded(self, index: int) -> bytes | None:
        """Return the encoded bytes of a strip or tile; None for one that was left out."""
        place, size = self._page.dataoffsets[index], self._page.databytecounts[index]
        if size == 0:
            return None
        if size > MOST_DECODED:
            raise ImageError("too_large", f"a tile of {size} encoded bytes")
        return self._bytes(place, size)

    def _bytes(self, place: int, size: int) -> bytes:
        if place + size > self._file.size:
            raise ImageError("truncated", f"no {size} bytes at {place} of {self._file.size}")
        with self._lock:
            self._file.seek(place)
            data = self._file.read(size)
        if len(data) != size:
            raise ImageError("truncated", f"got {len(data)} of {size} bytes at {place}")
        return data

    def _decode(self, data: bytes, into: NDArray[Any]) -> None:
        import imagecodecs

        rows, columns, channels = into.shape
        samples = self._decoded(data, channels, rows)
        if self._page.predictor == _DIFFERENCES and self._page.compression != _JPEG:
            if samples.dtype == np.uint8 and channels <= _MOST_SUMMED:
                _core.sum_differences(samples, into)
                return
            whole = samples.view(f"u{self.dtype.itemsize}")
            room = whole if whole.flags.writeable else None
            samples = imagecodecs.delta_decode(whole, axis=-2, out=room).view(self.dtype)
        into[...] = samples[:rows, :columns]

    def _decoded(self, data: bytes, channels: int, rows: int) -> NDArray[Any]:
        """Return a tile, or a strip of at least `rows` rows; differences stay such."""
        import imagecodecs

        if self._page.compression == _JPEG:
            return self._of_jpeg(data, channels, rows)
        if self._page.is_tiled:
            rows = self.tile_height
        row_bytes = self._row_bytes
        if self._is_plain:
            raw = np.frombuffer(data, np.uint8)
        else:
            decode = getattr(imagecodecs, f"{_DECODERS[self._page.compression]}_decode")
            # It writes no more than there is room for.
            raw = self._buffer.tile[: len(decode(data, out=self._buffer.tile))]
        rows = max(rows, len(raw) // row_bytes)
        if len(raw) < rows * row_bytes:
            detail = f"a {self._piece} of {len(raw)} bytes; expected {rows * row_bytes}"
            raise ImageError("truncated", detail)
        raw = raw[: rows * row_bytes]
        shape = rows, self.tile_width, channels
        if self._page.predictor == _OF_FLOATS:
            return imagecodecs.floatpred_decode(raw.view(self.dtype).reshape(shape), axis=-2)
        return raw.view(self._stored).reshape(shape).astype(self.dtype, copy=False)

    def _of_jpeg(self, data: bytes, channels: int, rows: int) -> NDArray[Any]:
        import imagecodecs

        _, frame = jpeg_frame(io.BytesIO(data)) or (0, b"")
        height, width = struct.unpack_from(">HH", frame, 1)
        if width > self.tile_width or height > self.tile_height:
            raise ImageError("corrupt", f"a JPEG of {width}x{height} pixels as a tile")
        colours: dict[str, Any] = {}
        if channels == 3:
            stored = "YCBCR" if self._page.photometric == _YCBCR else "RGB"
            colours = {"colorspace": stored, "outcolorspace": "RGB"}
        elif channels == 1 and self.channels > 1:
            colours = {"outcolorspace": "GRAYSCALE"}
        samples: NDArray[Any] = imagecodecs.jpeg8_decode(data, tables=self._tables, **colours)
        samples = samples.reshape(*samples.shape[:2], -1)
        if samples.shape[2] != channels or len(samples) < rows or samples.dtype != self.dtype:
            raise ImageError("corrupt", f"a JPEG of {samples.shape} samples as a tile")
        return samples


def common_segments(tables: bytes | None) -> bytes | None:
    """Return what all tiles of a page have in common, to be put behind the start of each.

    None if the core may not decode the tiles. Of other segments than tables, libjpeg forgets some
    before it reads a tile, so the joined stream would say something else.

    Args:
        tables: a JPEG stream without a picture, as TIFF has it; None is no tables.
    """
    if not is_trusted("JPEG"):
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
