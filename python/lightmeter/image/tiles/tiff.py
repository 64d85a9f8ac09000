"""TIFF files that are read in tiles: their pages, levels and planes, as tifffile reads them."""

import logging
import re
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.limits import check_frames
from lightmeter.image.reading import Reading
from lightmeter.image.tiff import Entry, Tiff
from lightmeter.image.tiles.raster import band_count
from lightmeter.image.tiles.tiff_raster import TiffRaster, known_colours

__all__ = ["HOW_TO_READ", "TiffPicture", "can_read"]

HOW_TO_READ = "this needs: pip install 'lightmeter[large]' (tifffile, imagecodecs)"

_MOST_PAGES = 4096
_MOST_LEVELS = 64
_MOST_HELD = 1 << 28  # bytes of memory for what tifffile reads of all pages
_BYTE_TYPES, _NUMBER_BYTES = (1, 2, 7), 40  # a number in a tuple takes 40 bytes
_SUB_IFDS, _STACK_OF_METAMORPH = 330, 33628
_ALSO_LOADED = frozenset({255, 274, 65426})
_REDUCED = 1
_MOST_APART = 0.02  # how much the shape of a level may differ from that of the picture

_ORDER = re.compile(r'DimensionOrder="XY([CZT]{3})"')
_SIZE = re.compile(r'\bSize([CZT])="(\d{1,6})"')

# tifffile logs damage. Without a handler logging would print it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@cache
def can_read() -> bool:
    """Return whether the packages that read tiles are installed."""
    try:
        import imagecodecs  # noqa: F401
        import tifffile  # noqa: F401
    except ImportError:
        return False
    return True


class TiffPicture:
    """A TIFF file.

    Its `TiffFile.series` are not asked for: they hold as much as the file says, whatever its size,
    and an OME-TIFF may name other files for them.

    Attributes:
        levels: the page of each level, the whole picture first.
    """

    def __init__(self, file: EncodedFile) -> None:
        """Read all directories.

        Raises:
            ImageError: they are too many or too large.
            Exception: they are damaged.
        """
        import tifffile

        loaded = tifffile.TIFF.TAG_LOAD | tifffile.TIFF.TAG_ATTRIBUTES.keys() | _ALSO_LOADED
        _check_directories(Tiff(file), loaded)
        self._file, self._lock = file, threading.Lock()
        # Otherwise a file may say that it has the frames or offsets of a certain program. These are
        # all that the directories are read by; newer ones of tifffile refuse some of the others.
        plain: Any = {"is_lsm": False, "is_ndpi": False, "is_scanimage": False}
        file.seek(0)
        self._pages: list[Any] = list(tifffile.TiffFile(file, **plain).pages)
        self.levels = [self._pages[0], *self._reduced()]

    def rasters(self, reading: Reading) -> Iterator[list[TiffRaster]]:
        """Yield the pages of a level, each alone, or as many as there are bands if each is a band.

        Raises:
            ImageError: there is no such level, or it is of another number of bands.
            Exception: a page is damaged.
        """
        level, bands = reading.pyramid_level or 0, band_count(reading)
        if level >= len(self.levels):
            raise ImageError(
                "unsupported", f"no level {level}; the picture has 0 to {len(self.levels) - 1}"
            )
        page = self.levels[level]
        planes, samples = self._planes(level) or [page], page.samplesperpixel
        if bands is None or samples > 1:
            groups = [[plane] for plane in planes]
            got = f"{samples} samples a pixel; expected {bands} bands; give it as an array HxWxC"
            is_wrong = bands not in (None, samples)
        else:
            order = self._channels_last(len(planes), bands)
            starts = range(0, len(planes), bands)
            groups = [[planes[n] for n in order[start : start + bands]] for start in starts]
            got = f"a gray picture of {len(planes)} pages; expected {bands} bands"
            is_wrong, bands = len(planes) % bands > 0, None
        if is_wrong:
            raise ImageError("unsupported", f"got {got}")
        groups = groups if reading.frames == "all" else groups[:1]
        check_frames(len(groups), reading.limits)
        for group in groups:
            yield [TiffRaster(plane, self._file, self._lock, bands) for plane in group]

    @property
    def is_of_planes(self) -> bool:
        """Whether all pages are planes like the first one."""
        return len(self._planes(0)) == len(self._pages)

    @property
    def is_encoded(self) -> bool:
        """Whether its samples are not stored as they are."""
        page = self.levels[0]
        return bool(page.compression != 1 or page.predictor != 1)

    def is_known(self, bands: int | None) -> bool:
        """Return whether its samples are such as are read here."""
        return known_colours(self.levels[0], bands) is not None

    def _reduced(self) -> Iterator[Any]:
        """Yield the levels below the first page, the larger ones first.

        They are the directories inside of the first page, or else the tiled or reduced pages behind
        it that are of its shape and each smaller than the last.
        """
        first = last = self._pages[0]
        inner = _inner(first)
        for page in sorted(inner, key=lambda page: -page.imagewidth) or self._pages[1:]:
            is_smaller = 0 < page.imagewidth < last.imagewidth and page.imagelength > 0
            is_chosen = inner or page.subfiletype & _REDUCED or page.is_tiled
            if is_smaller and is_chosen and _is_alike(page, first) and _is_of_shape(page, first):
                yield page
                last = page

    def _planes(self, level: int) -> list[Any]:
        """Return the pages of the size of a level, in the order of the file."""
        page, pages = self.levels[level], self._pages
        if level > 0 and _inner(pages[0]):
            pages = [inner for outer in pages for inner in _inner(outer)[level - 1 : level]]
        size = page.imagewidth, page.imagelength
        return [
            other
            for other in pages
            if (other.imagewidth, other.imagelength) == size and _is_alike(other, page)
        ]

    def _channels_last(self, count: int, bands: int) -> list[int]:
        """Return the numbers of the planes such that the channels of one picture are a run."""
        text = self._pages[0].description
        order, sizes = _ORDER.search(text), dict(reversed(_SIZE.findall(text)))
        if order is None or int(sizes.get("C", 0)) != bands:
            return list(range(count))
        steps, step = {}, 1
        for axis in order[1]:
            size = int(sizes.get(axis, 1))
            steps[axis] = (step, size)
            step *= size
        if step != count:
            return list(range(count))
        return sorted(range(count), key=lambda n: [n // steps[a][0] % steps[a][1] for a in "TZC"])


def _check_directories(tiff: Tiff, loaded: frozenset[int]) -> None:
    """Refuse what would take tifffile much memory or time: it reads the tags `loaded` itself."""
    offsets = tiff.directories(_MOST_PAGES)
    if offsets is None:
        raise ImageError("too_large", f"more than {_MOST_PAGES} pages, or pages in a circle")
    held = 0
    for offset in offsets:
        directory = tiff.directory(offset)
        held += _held(directory, loaded)
        if _SUB_IFDS in directory:
            for inner in tiff.numbers(directory[_SUB_IFDS], _MOST_LEVELS):
                held += _held(tiff.directory(int(inner or 0)), loaded)
        if held > _MOST_HELD:
            raise ImageError("too_large", f"tags of more than {_MOST_HELD} bytes")


def _held(directory: dict[int, Entry], loaded: frozenset[int]) -> int:
    if _STACK_OF_METAMORPH in directory:  # each number of it is read once for each plane
        raise ValueError("a stack of MetaMorph")
    return sum(
        entry.length * (1 if entry.kind in _BYTE_TYPES else _NUMBER_BYTES)
        for tag, entry in directory.items()
        if tag in loaded
    )


def _inner(page: Any) -> list[Any]:
    return page.pages[:_MOST_LEVELS] if page.subifds else []


def _is_alike(page: Any, other: Any) -> bool:
    """Return whether both may be levels or planes of one picture."""
    names = ("samplesperpixel", "bitspersample", "sampleformat", "photometric")
    return all(getattr(page, name) == getattr(other, name) for name in names)


def _is_of_shape(page: Any, first: Any) -> bool:
    ratio = page.imagewidth * first.imagelength / (page.imagelength * first.imagewidth)
    # A side of few pixels is rounded by as much as one.
    return bool(abs(ratio - 1) < _MOST_APART + 1.5 / page.imagewidth + 1.5 / page.imagelength)
