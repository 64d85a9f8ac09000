"""TIFF files that are read in tiles: which these are, and their levels and planes."""

import re
import threading
from collections.abc import Iterator

from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.header import DamagedError, Source
from lightmeter.image.header.tiff import Tiff
from lightmeter.image.large.colours import Colours, colours_of
from lightmeter.image.large.raster import check_frames
from lightmeter.image.large.tiff_page import SEPARATE, TiffPage, pages_of, reduced_pages
from lightmeter.image.large.tiff_raster import COMPRESSIONS, TiffRaster

__all__ = ["TiffPicture"]

_PREDICTORS = (1, 2, 3)
_OF_FLOATS = 3
_ORDER = re.compile(rb'DimensionOrder="XY([CZT]{3})"')
_SIZE = re.compile(rb'\bSize([CZT])="(\d{1,6})"')


class TiffPicture:
    """A TIFF file.

    Attributes:
        first: the page of the whole picture.
        levels: the page of each level.
    """

    def __init__(self, file: EncodedFile) -> None:
        """Read all directories.

        Raises:
            ImageError: they are too many.
            DamagedError, struct.error: they are damaged.
        """
        source = Source(file)
        self._file, self._lock = file, threading.Lock()
        self._tiff = tiff = Tiff(source)
        self._pages = pages_of(tiff, source)
        if not self._pages:
            raise DamagedError("no page")
        self.first = self._pages[0]
        self.levels = [self.first, *reduced_pages(self.first, self._pages, tiff, source)]

    def rasters(
        self, level: int, bands: int | None, *, most: int | None, whole: bool
    ) -> Iterator[list[TiffRaster]]:
        """The pages of a level, each alone, or as many as there are bands if each is a band.

        Args:
            level: 0 is the whole picture.
            bands: how many channels a picture has that are no colours.
            most: how many pictures there may be; None does not look.
            whole: whether to give all pictures, and not only the first.

        Raises:
            ImageError: there is no such level, or it is of another number of bands.
            DamagedError: a page is damaged.
        """
        if level >= len(self.levels):
            raise ImageError(
                "unsupported", f"no level {level}; the picture has 0 to {len(self.levels) - 1}"
            )
        page = self.levels[level]
        if bands is None or page.samples > 1:
            if bands not in (None, page.samples):
                raise ImageError(
                    "unsupported", f"got {page.samples} samples a pixel; expected {bands} bands"
                )
            pages = self._planes(level) if whole else [page]
            check_frames(len(pages), most)
            for plane in pages:
                yield [self._raster(plane, bands)]
            return
        planes = self._planes(level)
        if len(planes) % bands:
            raise ImageError(
                "unsupported", f"got a gray picture of {len(planes)} pages; expected {bands} bands"
            )
        check_frames(len(planes) // bands, most)
        order = self._channels_last(len(planes), bands)
        for start in range(0, len(planes) if whole else bands, bands):
            yield [self._raster(planes[n], None) for n in order[start : start + bands]]

    @property
    def is_of_planes(self) -> bool:
        """Whether all pages are planes like the first one."""
        return len(self._planes(0)) == len(self._pages)

    def is_known(self, bands: int | None) -> bool:
        """Whether its samples are such as are read here."""
        return _colours(self.first, bands) is not None

    def _raster(self, page: TiffPage, bands: int | None) -> TiffRaster:
        colours = _colours(page, bands)
        if colours is None:
            raise ImageError("unsupported", f"a page of {page.samples} x {page.bits}-bit samples")
        return TiffRaster(page, self._file, self._lock, colours)

    def _planes(self, level: int) -> list[TiffPage]:
        """The pages of the size of a level, in the order of the file."""
        page, source = self.levels[level], Source(self._file)
        pages = self._pages
        if level > 0 and self.first.inner():
            pages = [
                TiffPage(self._tiff, source, place)
                for each in self._pages
                for place in each.inner()[level - 1 : level]
            ]
        size = (page.width, page.height)
        return [
            each
            for each in pages
            if (each.width, each.height) == size and each.kinship == page.kinship
        ]

    def _channels_last(self, count: int, bands: int) -> list[int]:
        """The numbers of the planes in an order in which the channels of one picture are a run."""
        text = self.first.description()
        order, sizes = _ORDER.search(text), dict(reversed(_SIZE.findall(text)))
        if order is None or int(sizes.get(b"C", 0)) != bands:
            return list(range(count))
        steps, step = {}, 1
        for axis in order[1].decode():
            size = int(sizes.get(axis.encode(), 1))
            steps[axis] = (step, size)
            step *= size
        if step != count:
            return list(range(count))
        return sorted(range(count), key=lambda n: [n // steps[a][0] % steps[a][1] for a in "TZC"])


def _colours(page: TiffPage, bands: int | None) -> Colours | None:
    """What the samples of a page mean; None for what is left to Pillow."""
    known = (
        min(page.width, page.height) > 0
        and 0 < page.samples <= 32
        and page.bits in (1, 2, 4, 8, 16, 32, 64)
        and page.kind != ""
        and page.compression in COMPRESSIONS
        and page.fill_order == 1
        and page.planes in (1, SEPARATE)
        and page.predictor in _PREDICTORS
        and (page.predictor == 1 or page.bits >= 8)
        and (page.predictor != _OF_FLOATS or page.kind == "f")
        and page.orientation in range(1, 9)
    )
    return colours_of(page, bands) if known else None
