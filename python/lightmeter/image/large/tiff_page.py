"""What a directory of a TIFF file says of its picture, each number checked before it is used."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.image.header import Source
from lightmeter.image.header.tiff import Entry, Tiff
from lightmeter.image.plugins import is_raw

__all__ = ["SEPARATE", "TiffPage", "pages_of", "reduced_pages"]

SEPARATE = 2  # planes of one sample each
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_FILL_ORDER, _STRIPS, _ORIENTATION, _SAMPLES, _ROWS, _STRIP_BYTES = 266, 273, 274, 277, 278, 279
_PLANES, _PREDICTOR, _COLOURS, _TILE_WIDTH, _TILE_HEIGHT = 284, 317, 320, 322, 323
_TILES, _TILE_BYTES, _INNER, _EXTRA, _FORMAT, _TABLES, _NODATA = 324, 325, 330, 338, 339, 347, 42113

_UNSIGNED = {3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_MOST_PIECES = 1 << 21
_MOST_SAMPLES = 4096
_MOST_PAGES = 4096
_PIECE = 1 << 20  # bytes
_REDUCED = 1
_MOST_APART = 0.02  # how much the shape of a level may differ from that of the picture


class TiffPage:
    """One picture of a TIFF file, as its directory says.

    Attributes:
        offset: of the directory.
        width, height: in pixels.
        samples: of a pixel; extra: those beyond colours, by TIFF's numbers of what they are.
        bits: of a sample; 0 where samples differ.
        kind: ``"u"``, ``"i"``, ``"f"`` or, where they are neither or differ, ``""``.
        photometric, compression, predictor, fill_order, planes, orientation: TIFF's numbers.
        is_tiled: whether its pieces are tiles, and no strips.
        piece_width, piece_height: of a tile or strip.
        order: ``"<"`` or ``">"``.
    """

    def __init__(self, tiff: Tiff, source: Source, offset: int) -> None:
        """Read the directory at `offset`.

        Raises:
            DamagedError: it is not there.
        """
        self._source, self._tiff = source, tiff
        self._entries = entries = tiff.directory(offset)

        def number(tag: int, default: int) -> int:
            return tiff.integer(entries, tag, default)

        self.offset, self.order = offset, tiff.order
        self.width, self.height = number(_WIDTH, 0), number(_HEIGHT, 0)
        self.samples = number(_SAMPLES, 1)
        bits = self._few(_BITS) or [1]
        self.bits = bits[0] if len(set(bits)) == 1 else 0
        formats = set(self._few(_FORMAT) or [1])
        self.kind = {1: "u", 2: "i", 3: "f"}.get(min(formats), "") if len(formats) == 1 else ""
        self.extra = self._few(_EXTRA)
        self.photometric, self.compression = number(_PHOTOMETRIC, -1), number(_COMPRESSION, 1)
        self.predictor, self.fill_order = number(_PREDICTOR, 1), number(_FILL_ORDER, 1)
        self.planes, self.orientation = number(_PLANES, 1), number(_ORIENTATION, 1)
        self.is_reduced = bool(number(_SUBFILE, 0) & _REDUCED)
        self.is_tiled = _TILES in entries
        self.piece_width = number(_TILE_WIDTH, 0) if self.is_tiled else self.width
        rows = number(_TILE_HEIGHT, 0) if self.is_tiled else number(_ROWS, self.height)
        self.piece_height = rows if self.is_tiled else min(rows, self.height)

    @property
    def decoded_bytes(self) -> int:
        """Bytes of all its samples."""
        return self.width * self.height * self.samples * max(8, self.bits) // 8

    @property
    def kinship(self) -> tuple[object, ...]:
        """What pages have in common that are levels or planes of one picture."""
        return self.samples, self.bits, self.kind, self.photometric

    @property
    def needs_codecs(self) -> bool:
        """Whether its samples are not stored as they are."""
        return self.compression != 1 or self.bits < 8 or self.predictor != 1

    def is_raw(self, start: bytes) -> bool:
        """Whether it is of a camera's raw file, which starts so."""
        return is_raw(start, self._entries, int(self.is_reduced))

    def inner(self) -> list[int]:
        """Where the directories are that belong to this page."""
        return self._few(_INNER)

    def pieces(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Where each strip or tile begins, and of how many bytes it is.

        Raises:
            ImageError: they are not as many as the picture needs.
            DamagedError: they are not there.
        """
        tags = (_TILES, _TILE_BYTES) if self.is_tiled else (_STRIPS, _STRIP_BYTES)
        across, down = -(-self.width // self.piece_width), -(-self.height // self.piece_height)
        count = across * down * (self.samples if self.planes == SEPARATE else 1)
        if count > _MOST_PIECES:
            raise ImageError("too_large", f"{count} strips or tiles, more than {_MOST_PIECES}")
        places, sizes = (self._many(tag, count) for tag in tags)
        if len(places) < count or len(sizes) < count:
            got = min(len(places), len(sizes))
            raise ImageError("corrupt", f"got {got} strips or tiles of {count}")
        return places, sizes

    def tables(self) -> bytes | None:
        """Tables that all JPEG tiles have in common."""
        return self._bytes(_TABLES) or None

    def palette(self) -> NDArray[np.uint8]:
        """Red, green and blue of each value of a sample: Nx3, as Pillow takes them."""
        colours = self._many(_COLOURS, 3 << self.bits)
        if len(colours) != 3 << self.bits:
            raise ImageError("corrupt", f"a palette of {len(colours)} numbers")
        return (colours >> np.uint64(8)).astype(np.uint8).reshape(3, -1).T

    def empty(self) -> float:
        """The sample of tiles that are left out."""
        try:
            return float(self._bytes(_NODATA).rstrip(b"\0 ") or 0)
        except ValueError:
            return 0.0

    def description(self) -> bytes:
        """The start of its description, of which OME-TIFF makes use."""
        return self._bytes(270)

    def _bytes(self, tag: int) -> bytes:
        entry = self._entries.get(tag)
        return b"" if entry is None else self._tiff.raw(entry, _PIECE)

    def _few(self, tag: int) -> list[int]:
        entry = self._entries.get(tag)
        if entry is None:
            return []
        numbers = self._tiff.numbers(entry, _MOST_SAMPLES)
        return [number for number in numbers if isinstance(number, int)]

    def _many(self, tag: int, most: int) -> NDArray[np.uint64]:
        entry = self._entries.get(tag)
        if entry is None or entry.kind not in _UNSIGNED:
            return np.zeros(0, np.uint64)
        of = np.dtype(self.order + _UNSIGNED[entry.kind])
        count = min(entry.length, most)
        if count * of.itemsize <= len(entry.data):
            return np.frombuffer(entry.data, of, count).astype(np.uint64)
        data = b"".join(self._read(entry, count * of.itemsize))
        return np.frombuffer(data, of).astype(np.uint64)

    def _read(self, entry: Entry, size: int) -> Iterator[bytes]:
        start = self._tiff.pointer(entry)
        for at in range(0, size, _PIECE):
            yield self._source.read(start + at, min(_PIECE, size - at))


def pages_of(tiff: Tiff, source: Source) -> list[TiffPage]:
    """All pages of a file.

    Raises:
        ImageError: they are too many, or their chain is a circle.
        DamagedError: one is not there.
    """
    places = tiff.directories(_MOST_PAGES)
    if places is None:
        raise ImageError("too_large", f"more than {_MOST_PAGES} pages, or pages in a circle")
    return [TiffPage(tiff, source, place) for place in places]


def reduced_pages(
    first: TiffPage, pages: list[TiffPage], tiff: Tiff, source: Source
) -> list[TiffPage]:
    """The levels of a pyramid below its first page, the larger ones first.

    They are the directories inside of the first page, or else the tiled or reduced pages behind it
    that are of its shape and each smaller than the last.
    """
    inner = [TiffPage(tiff, source, place) for place in first.inner()[:64]]
    levels: list[TiffPage] = []
    last = first
    for page in sorted(inner, key=lambda page: -page.width) if inner else pages[1:]:
        like = page.kinship == first.kinship and 0 < page.width < last.width and page.height > 0
        chosen = inner or page.is_reduced or page.is_tiled
        if like and chosen and _is_of_shape(page, first):
            levels.append(page)
            last = page
    return levels


def _is_of_shape(page: TiffPage, first: TiffPage) -> bool:
    ratio = page.width * first.height / (page.height * first.width)
    # A side of few pixels is rounded by as much as one.
    return abs(ratio - 1) < _MOST_APART + 1.5 / page.width + 1.5 / page.height
