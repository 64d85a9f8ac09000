"""A picture as a reader found it, and as it was measured."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from lightmeter.image.bands import BandMeter
from lightmeter.image.decoders import Decoder
from lightmeter.image.exif import ExifTags
from lightmeter.image.header import Facts
from lightmeter.image.meter import ImageMeter
from lightmeter.image.metrics import Returned
from lightmeter.image.thumbnail import Thumbnail


class Frame(NamedTuple):
    """A picture that a reader found.

    Attributes:
        picture: a loaded image, an array HxWxC, or a list of what is read in tiles: one `Raster`,
            or one for each band.
        exif: its Exif, which comes with the first frame of a file.
        facts: of the header of its file, likewise.
        decoder: what decoded it.
        path: what it was read from, or "".
        mask: HxW, not 0 where its reader says that a pixel is none.
        nodata: the number that its file says of samples that are none.
    """

    picture: Any
    exif: ExifTags | None = None
    facts: Facts | None = None
    decoder: Decoder | None = None
    path: str = ""
    mask: NDArray[Any] | None = None
    nodata: float | None = None


class Measured(NamedTuple):
    """One image: its exact counts; its Exif and header facts, if it can have any; a thumbnail;
    what the functions of the reading returned for it; the path that it was read from, or ""; what
    decoded it, if it comes from a file; the text of how it was read.
    """

    meter: ImageMeter | BandMeter
    exif: ExifTags | None
    facts: Facts | None = None  # of the header of its encoded bytes
    thumbnail: Thumbnail | None = None
    returned: Returned = ()
    path: str = ""
    decoder: Decoder | None = None
    read: str = ""

    @property
    def all_facts(self) -> Facts | None:
        """Those of its header, and the share of its pixels that is ignored, if anything is."""
        meters = self.meter.bands.values() if isinstance(self.meter, BandMeter) else [self.meter]
        known = [share for m in meters if (share := m._core.ignored_percent) is not None]
        if not known:
            return self.facts
        return {**(self.facts or {}), "ignored_percent": sum(known) / len(known)}
