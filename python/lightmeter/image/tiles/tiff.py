"""Reading TIFF files in tiles: pages by tifffile, and their tiles or strips.

The sizes of directories, tiles and decoded data are checked before tifffile or a decoder allocates
memory.
"""

import io
import logging
import operator
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import GRAY_MODES, Array
from lightmeter.image.decoders import decoder, is_trusted
from lightmeter.image.encoded import EncodedBytes, EncodedFile, Opened, most_pixels
from lightmeter.image.frame import Frame
from lightmeter.image.limits import check_frames, check_level
from lightmeter.image.open import header_in, is_raw
from lightmeter.image.reading import Reading
from lightmeter.image.tiff import NODATA, DamagedError, Tiff, parse_nodata
from lightmeter.image.tiles.raster import (
    MOST_DECODED,
    MOST_LEVELS,
    MOST_WHOLE,
    PIXELS_AT_ONCE,
    Block,
    Raster,
)

_HOW_TO_READ = "this needs: pip install 'lightmeter[large]' (tifffile, imagecodecs)"
_MOST_PAGES = 4096
_MOST_HELD = 1 << 28  # bytes that tifffile may hold for all pages
_MOST_PIECES = 1 << 21
_MOST_SAMPLES = 32
_MOST_DESCRIPTION = 1 << 16  # bytes, in which channels of OME are looked for
_BYTES = (1, 2, 7)  # types whose values tifffile keeps as bytes
_NUMBER_BYTES = 40  # of a number in a tuple

_DESCRIPTION = 270
_CHANNELS = "only the first page of an OME-TIFF is measured; for its channels: --read ome_tiff"
_SUBFILE_TYPE, _WIDTH, _HEIGHT, _BITS, _SAMPLES, _ORIENTATION = 254, 256, 257, 258, 277, 274
_ALSO_LOADED = frozenset({255, _ORIENTATION, 65426, NODATA})
_TILE_WIDTH, _TILE_HEIGHT, _SUB_IFDS, _STACK_OF_METAMORPH = 322, 323, 330, 33628

# Values of the tags of compression, predictor, planes, colour and alpha, and of a level.
_PLAIN, _JPEG = 1, 7
_NO_PREDICTOR, _DIFFERENCES, _OF_FLOATS = 1, 2, 3
_CONTIGUOUS, _SEPARATE = 1, 2
_BLACK_IS_ZERO, _RGB, _YCBCR = 1, 2, 6
_PREMULTIPLIED = 1
_REDUCED = 1

# Values of tags that are supported. Besides none and JPEG, the compression may be LZW, Deflate
# (both numbers), PackBits, LZMA and Zstandard, whose decoders are bounded.
_KNOWN: dict[str, tuple[int, ...]] = {
    "compression": (_PLAIN, _JPEG, 5, 8, 32946, 32773, 34925, 50000),
    "predictor": (_NO_PREDICTOR, _DIFFERENCES, _OF_FLOATS),
    "planarconfig": (_CONTIGUOUS, _SEPARATE),
    "imagedepth": (1,),
    "fillorder": (1,),
}

_MODES = {
    (_BLACK_IS_ZERO, 1): "L",
    (_YCBCR, 1): "L",
    (_BLACK_IS_ZERO, 2): "LA",
    (_RGB, 3): "RGB",
    (_YCBCR, 3): "RGB",
    (_RGB, 4): "RGBA",
}

_MOST_APART = 0.02  # how much the shape of a level may differ from that of the image
_ORDER = re.compile(r'DimensionOrder="XY([CZT]{3})"')
_SINGLE = re.compile(r'\bSize([CZT])="1"')

# Markers of JPEG: start and end, quantisation and Huffman tables.
_START, _END, _TABLES = b"\xff\xd8", b"\xff\xd9", (b"\xff\xdb", b"\xff\xc4")

_warn_once = cache(logging.getLogger("lightmeter.image").warning)

# tifffile logs damage. Without a handler logging would print it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@cache
def _can_read() -> bool:
    return all(map(find_spec, ("tifffile", "imagecodecs")))


def open_large_tiff(file: Opened, reading: Reading) -> Iterator[Frame] | None:
    """Open a TIFF file to read in tiles; return None for any other file.

    A file is read in tiles if its first page is large, if a level is given, if its samples are
    bands, or if a `value_range` asks for all bits of 16-bit colour.

    Raises
    ------
    ImageError
        It is damaged, or of an unsupported kind.
    """
    if isinstance(file, EncodedBytes) or file.format != "TIFF":
        return None
    try:
        pages = _pages_of(file, reading)
    except Exception as error:
        if reading.pyramid_level is not None or isinstance(error, ImageError | OSError):
            raise
        return None  # Pillow may read it, or give the reason
    return None if pages is None else _frames(file, pages, reading)


def _frames(file: EncodedFile, pages: list[Any], reading: Reading) -> Iterator[Frame]:
    first = pages[0]
    header: tuple[Any, Any] = header_in(file, None, reading.exif)
    is_encoded = first.compression != _PLAIN or first.predictor != _NO_PREDICTOR
    decoded_by = decoder("TIFF", "imagecodecs") if is_encoded else None
    nodata = parse_nodata(first.tags.valueof(NODATA))
    for rasters in rasters_of(pages, file, reading):
        yield Frame(rasters, *header, decoded_by, nodata=nodata)
        header = None, None


def _pages_of(file: EncodedFile, reading: Reading) -> list[Any] | None:
    tiff = Tiff(file)
    first = tiff.directory(tiff.first)
    width, height = tiff.integer(first, _WIDTH, 0), tiff.integer(first, _HEIGHT, 0)
    bits, samples = tiff.integer(first, _BITS, 1), tiff.integer(first, _SAMPLES, 1)
    pixel_bytes = samples * max(8, bits) / 8
    is_level, is_bands = reading.pyramid_level is not None, reading.bands is not None
    is_large = is_level or width * height * pixel_bytes > MOST_WHOLE
    is_deep = reading.value_range is not None and samples >= 3 and bits == 16
    is_wanted = is_large or is_bands or is_deep
    with suppress(DamagedError):
        text = tiff.values(first, _DESCRIPTION, _MOST_DESCRIPTION).start
        if not is_bands and text.count(b"Channel ID=") > 1 and tiff.directories(1) is None:
            _warn_once(_CHANNELS)
    if not is_wanted or is_raw(file.start, first, tiff.integer(first, _SUBFILE_TYPE, 0)):
        tile = tiff.integer(first, _TILE_WIDTH, 0) * tiff.integer(first, _TILE_HEIGHT, 0)
        if tile * pixel_bytes > MOST_DECODED:  # Pillow would hold it, however small the image is
            raise ImageError("too_large", f"tiles of more than {MOST_DECODED} bytes")
        return None
    if not _can_read():
        if is_level or width * height > most_pixels(reading.limits):
            raise ImageError("too_large", f"{width}x{height} pixels; {_HOW_TO_READ}")
        return None
    pages = open_pages(file, tiff)
    if not is_large and reading.frames == "all" and _planes(pages, pages[0]) != pages:
        return None  # of a small file every page counts
    # Pillow may support a kind that is not supported here.
    is_known = reading.pyramid_level or _mode_of(pages[0], reading.band_count) is not None
    return pages if is_known else None


def open_pages(file: EncodedFile, tiff: Tiff) -> list[Any]:
    """Read all directories of a file.

    `TiffFile.series` is not used, because its size depends on claims of the file, and an OME-TIFF
    may name other files for it.

    Raises
    ------
    ImageError
        There are too many directories, or they are too large.
    Exception
        They are damaged.
    """
    import tifffile

    loaded = tifffile.TIFF.TAG_LOAD | tifffile.TIFF.TAG_ATTRIBUTES.keys() | _ALSO_LOADED
    _check_directories(tiff, loaded)
    # Without these, a file may claim the frames or offsets of a certain program. These are the only
    # kinds that affect reading of directories; newer versions of tifffile reject some others.
    plain: Any = {"is_lsm": False, "is_ndpi": False, "is_scanimage": False}
    file.seek(0)
    return list(tifffile.TiffFile(file, **plain).pages)


def _check_directories(tiff: Tiff, loaded: frozenset[int]) -> None:
    """Check that tifffile, which loads the tags `loaded`, needs little memory and time."""
    offsets = tiff.directories(_MOST_PAGES)
    if offsets is None:
        raise ImageError("too_large", f"more than {_MOST_PAGES} pages, or pages in a circle")
    held = 0
    for offset in offsets:
        directory = tiff.directory(offset)
        inner = tiff.values(directory, _SUB_IFDS, 8 * MOST_LEVELS).numbers(MOST_LEVELS)
        for tags in (directory, *(tiff.directory(int(place or 0)) for place in inner)):
            if _STACK_OF_METAMORPH in tags:  # tifffile reads each number per plane
                raise ValueError("a stack of MetaMorph")
            for tag in tags.keys() & loaded:
                value_bytes = 1 if tags[tag].kind in _BYTES else _NUMBER_BYTES
                held += tags[tag].length * value_bytes
        if held > _MOST_HELD:
            raise ImageError("too_large", f"tags of more than {_MOST_HELD} bytes")


def _mode_of(page: Any, bands: int | None) -> str | None:
    """Return Pillow's mode of a page of tifffile; None to leave the page to Pillow."""
    if not _is_known(page):
        return None
    samples, dtype = page.samplesperpixel, page.dtype.name
    # The JPEG decoder converts three channels to RGB, but not separate channels.
    is_rgb = page.compression == _JPEG and page.planarconfig != _SEPARATE
    if page.photometric == _YCBCR and (dtype != "uint8" or (samples > 1 and not is_rgb)):
        return None
    if samples > 1 and bands is not None:
        return f"{bands} bands"
    if samples > 1 and page.extrasamples[:1] == (_PREMULTIPLIED,):
        return None
    mode = _MODES.get((page.photometric, min(samples, 4)))
    return GRAY_MODES[dtype] if mode == "L" else mode


def _is_known(page: Any) -> bool:
    sides = (page.imagewidth, page.imagelength, page.samplesperpixel, page.rowsperstrip)
    if not all(isinstance(side, int) for side in (*sides, page.tilewidth, page.tilelength)):
        return False
    dtype = page.dtype
    return bool(
        min(sides[:3]) > 0
        and page.samplesperpixel <= _MOST_SAMPLES
        and dtype is not None
        and dtype.name in GRAY_MODES.keys() - {"int8"}
        and dtype.itemsize * 8 == page.bitspersample
        and (page.predictor != _OF_FLOATS or dtype.kind == "f")
        and all(getattr(page, name) in values for name, values in _KNOWN.items())
        and page.tags.valueof(_ORIENTATION, 1) == 1  # Pillow turns images
    )


def rasters_of(pages: list[Any], file: EncodedFile, reading: Reading) -> Iterator[list[Raster]]:
    """Yield the pages of a level: one at a time, or one for each band if each page is a band.

    Raises
    ------
    ImageError
        There is no such level, or it has another number of bands.
    Exception
        A page is damaged.
    """
    level, bands = reading.pyramid_level or 0, reading.band_count
    levels, lock = [pages[0], *_reduced(pages)], threading.Lock()
    check_level(level, len(levels))
    page = levels[level]
    planes, samples, together = _planes(pages, page, level) or [page], page.samplesperpixel, 1
    if bands is not None and samples > 1 and samples != bands:
        got = f"{samples} samples a pixel; expected {bands} bands; give it as an array HxWxC"
        raise ImageError("unsupported", f"got {got}")
    if bands is not None and samples == 1:
        if len(planes) % bands > 0:
            got = f"a gray image of {len(planes)} pages; expected {bands} bands"
            raise ImageError("unsupported", f"got {got}")
        text = pages[0].description
        order, single = _ORDER.search(text), _SINGLE.findall(text)
        if order is not None and order[1].strip("".join(single))[:1] not in ("", "C"):
            got = f"planes of OME in the order XY{order[1]}, where channels are not the first"
            raise ImageError("unsupported", f"got {got}; give them as an array HxWxC")
        together, bands = bands, None
    starts = range(0, len(planes) if reading.frames == "all" else together, together)
    check_frames(len(starts), reading.limits)
    for start in starts:
        yield [TiffRaster(plane, file, lock, bands) for plane in planes[start : start + together]]


def _planes(pages: list[Any], page: Any, level: int = 0) -> list[Any]:
    """Return the pages of the same size and kind as `page`, in the order of the file."""
    if level > 0 and _inner(pages[0]):
        pages = [inner for outer in pages for inner in _inner(outer)[level - 1 : level]]
    return [other for other in pages if _is_alike(other, page, "imagewidth", "imagelength")]


def _reduced(pages: list[Any]) -> Iterator[Any]:
    """Yield the levels below the first page, the largest first.

    These are the directories within the first page or, without any, the tiled or reduced pages
    after it with the same proportions, each smaller than the one before.
    """
    first = last = pages[0]
    inner = _inner(first)
    for page in sorted(inner, key=lambda page: -page.imagewidth) or pages[1:]:
        is_smaller = 0 < page.imagewidth < last.imagewidth and page.imagelength > 0
        is_chosen = inner or page.subfiletype & _REDUCED or page.is_tiled
        if is_smaller and is_chosen and _is_alike(page, first) and _is_of_shape(page, first):
            yield page
            last = page


def _inner(page: Any) -> list[Any]:
    return page.pages[:MOST_LEVELS] if page.subifds else []


def _is_alike(page: Any, other: Any, *sides: str) -> bool:
    """Return whether both may be levels or planes of one image."""
    names = ("samplesperpixel", "bitspersample", "sampleformat", "photometric", *sides)
    return all(getattr(page, name) == getattr(other, name) for name in names)


def _is_of_shape(page: Any, first: Any) -> bool:
    ratio = page.imagewidth * first.imagelength / (page.imagelength * first.imagewidth)
    # A side is rounded by up to one pixel, which matters if it has few.
    return bool(abs(ratio - 1) < _MOST_APART + 1.5 / page.imagewidth + 1.5 / page.imagelength)


class TiffRaster(Raster):
    """Read a page of a TIFF file; several threads may read at once."""

    def __init__(
        self, page: Any, file: EncodedFile, lock: threading.Lock, bands: int | None
    ) -> None:
        """Take a page of tifffile.

        Raises
        ------
        ImageError
            The kind of the page is unknown, its tiles are too large, or tiles are missing.
        """
        mode = _mode_of(page, bands)
        if mode is None:
            what = f"{page.samplesperpixel} x {page.bitspersample}-bit samples"
            raise ImageError("unsupported", f"a page of {what}; give it as an array")
        self._page, self._file, self._lock, self.mode = page, file, lock, mode
        self.width, self.height = page.imagewidth, page.imagelength
        self.channels = page.samplesperpixel
        self.takes_fourth = mode == "RGBA" and not any(page.extrasamples[:1])
        self.dtype, self._stored = page.dtype, page.dtype.newbyteorder(page.parent.byteorder)
        self._planes = page.samplesperpixel if page.planarconfig == _SEPARATE else 1
        self.tile_width = page.tilewidth if page.is_tiled else self.width
        self.tile_height = page.tilelength if page.is_tiled else page.rowsperstrip
        # Uncompressed strips may have any height, because their rows are contiguous.
        is_as_measured = page.compression == _PLAIN and page.predictor == _NO_PREDICTOR
        is_rows = is_as_measured and self._planes == 1 and not page.is_tiled
        self._is_rows = is_rows and page.is_contiguous and sum(page.databytecounts) > 0
        if self._is_rows:
            self.tile_height = max(1, min(self.height, PIXELS_AT_ONCE // self.width))
        piece = "tile" if page.is_tiled else "strip"
        self.check_sides(f"a {piece} of {self.tile_width}x{self.tile_height} pixels")
        self._across = -(-self.width // self.tile_width)
        self._per_plane = self._across * -(-self.height // self.tile_height)
        count = self._per_plane * self._planes
        got = min(len(page.dataoffsets), len(page.databytecounts))
        if self._is_rows and sum(page.databytecounts) < self.decoded_bytes:
            raise ImageError("corrupt", f"strips of less than {self.decoded_bytes} bytes")
        if not self._is_rows and count > _MOST_PIECES:
            raise ImageError("too_large", f"{count} strips or tiles, more than {_MOST_PIECES}")
        if not self._is_rows and got < count:
            raise ImageError("corrupt", f"got {got} strips or tiles of {count}")
        self._tables = page.jpegtables if isinstance(page.jpegtables, bytes) else None
        # The core would mistake RGB for YCbCr.
        is_known = mode == "L" or page.photometric == _YCBCR or self._planes > 1
        is_of_core = page.compression == _JPEG and self.dtype == np.uint8 and is_known
        self._common = common_segments(self._tables or _START + _END) if is_of_core else None

    def read(self, block: Block) -> Array:
        """Return the samples of a block."""
        shape = block.height, block.width, self.channels
        if self._is_rows:
            row_bytes = self.decoded_bytes // self.height
            place = self._page.dataoffsets[0] + block.y * row_bytes
            data = self._bytes(place, block.height * row_bytes)
            return np.frombuffer(data, self._stored).reshape(shape)
        if self._planes > 1 or self._common is not None:  # decoders write one channel at a time
            samples = np.empty((shape[2], *shape[:2]), self.dtype).transpose(1, 2, 0)
        else:
            samples = np.empty(shape, self.dtype)
        for top in range(0, block.height, self.tile_height):
            for left in range(0, block.width, self.tile_width):
                into = samples[top : top + self.tile_height, left : left + self.tile_width]
                self._read_tile(block.x + left, block.y + top, into)
        return samples

    def _read_tile(self, x: int, y: int, into: Array) -> None:
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
            self._decode(self._bytes(place, size), number, to)

    def _bytes(self, place: int, size: int) -> bytes:
        if place + size > self._file.size:
            raise ImageError("truncated", f"no {size} bytes at {place} of {self._file.size}")
        with self._lock:
            self._file.seek(place)
            data = self._file.read(size)
        if len(data) != size:
            raise ImageError("truncated", f"got {len(data)} of {size} bytes at {place}")
        return data

    def _decode(self, data: bytes, number: int, into: Array) -> None:
        if self._page.compression == _JPEG:
            frame = _core.jpeg_frame(io.BytesIO(data), len(data))
            if frame is None:
                raise ImageError("corrupt", "a tile without the frame of a JPEG")
            height, width = struct.unpack_from(">HH", data, frame[1][0] + 1)
            if not (0 < width <= self.tile_width and 0 < height <= self.tile_height):
                raise ImageError("corrupt", f"a JPEG of {width}x{height} pixels as a tile")
        if self._common is not None:
            planes = into.transpose(2, 0, 1)
            jpeg = _core.open_jpeg(data[:2] + self._common + data[2:])
            channels, *sides = jpeg.shape if jpeg else (0, 0, 0)
            fits = channels == len(planes) and all(map(operator.ge, sides, into.shape))
            if jpeg and fits and jpeg.write(planes):
                return
        # Decoders write at most the available room.
        samples, _, _ = self._page.decode(data, number, jpegtables=self._tables)
        into[...] = samples[0, : into.shape[0], : into.shape[1]]


def common_segments(tables: bytes) -> bytes | None:
    """Return the JPEG segments that all tiles of a page share, to insert after the start of each.

    Returns None if the core may not decode the tiles. libjpeg forgets some segments other than
    tables before it reads a tile, so a joined stream would mean something else.
    """
    place = len(_START)
    while tables[place : place + 2] in _TABLES:
        place += 2 + int.from_bytes(tables[place + 2 : place + 4], "big")
    is_known = tables.startswith(_START) and tables[place : place + 2] == _END
    return tables[len(_START) : place] if is_known and is_trusted() else None
