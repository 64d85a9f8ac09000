"""The pages of a TIFF file: levels of a pyramid, planes, and channels of bands."""

import re
import threading
from collections.abc import Iterator
from typing import Any

from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.limits import check_frames, check_level
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.tiff_raster import TiffRaster

MOST_LEVELS = 64
_REDUCED = 1
_MOST_APART = 0.02  # how much the shape of a level may differ from that of the picture

_ORDER = re.compile(r'DimensionOrder="XY([CZT]{3})"')
_SINGLE = re.compile(r'\bSize([CZT])="1"')


class TiffPages:
    """The pages of tifffile of a TIFF file.

    Attributes:
        levels: the page of each level, the whole picture first.
    """

    def __init__(self, pages: list[Any], file: EncodedFile) -> None:
        """Find the levels.

        Raises:
            Exception: a page is damaged.
        """
        self._pages, self._file, self._lock = pages, file, threading.Lock()
        self.levels = [pages[0], *_reduced(pages)]

    def rasters(self, reading: Reading) -> Iterator[list[TiffRaster]]:
        """Yield the pages of a level, each alone, or as many as there are bands if each is a band.

        Raises:
            ImageError: there is no such level, or it is of another number of bands.
            Exception: a page is damaged.
        """
        level, bands = reading.pyramid_level or 0, reading.band_count
        check_level(level, len(self.levels))
        page = self.levels[level]
        planes, samples, together = self._planes(level) or [page], page.samplesperpixel, 1
        if bands is not None and samples > 1 and samples != bands:
            got = f"{samples} samples a pixel; expected {bands} bands; give it as an array HxWxC"
            raise ImageError("unsupported", f"got {got}")
        if bands is not None and samples == 1:
            if len(planes) % bands > 0:
                got = f"a gray picture of {len(planes)} pages; expected {bands} bands"
                raise ImageError("unsupported", f"got {got}")
            text = self._pages[0].description
            order, single = _ORDER.search(text), _SINGLE.findall(text)
            if order is not None and order[1].strip("".join(single))[:1] not in ("", "C"):
                got = f"planes of OME in the order XY{order[1]}, where channels are not the first"
                raise ImageError("unsupported", f"got {got}; give them as an array HxWxC")
            together, bands = bands, None
        starts = range(0, len(planes) if reading.frames == "all" else together, together)
        check_frames(len(starts), reading.limits)
        for start in starts:
            group = planes[start : start + together]
            yield [TiffRaster(plane, self._file, self._lock, bands) for plane in group]

    @property
    def are_planes(self) -> bool:
        """Whether all are planes like the first one."""
        return len(self._planes(0)) == len(self._pages)

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


def _reduced(pages: list[Any]) -> Iterator[Any]:
    """Yield the levels below the first page, the larger ones first.

    They are the directories inside of the first page, or else the tiled or reduced pages behind it
    that are of its shape and each smaller than the last.
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


def _is_alike(page: Any, other: Any) -> bool:
    """Return whether both may be levels or planes of one picture."""
    names = ("samplesperpixel", "bitspersample", "sampleformat", "photometric")
    return all(getattr(page, name) == getattr(other, name) for name in names)


def _is_of_shape(page: Any, first: Any) -> bool:
    ratio = page.imagewidth * first.imagelength / (page.imagelength * first.imagewidth)
    # A side of few pixels is rounded by as much as one.
    return bool(abs(ratio - 1) < _MOST_APART + 1.5 / page.imagewidth + 1.5 / page.imagelength)
