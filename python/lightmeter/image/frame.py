"""A picture as a reader found it, and as it was measured."""

from typing import Any, NamedTuple

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
        seconds: its time in a video.
    """

    picture: Any
    exif: ExifTags | None = None
    facts: Facts | None = None
    decoder: Decoder | None = None
    path: str = ""
    seconds: float | None = None


class Measured(NamedTuple):
    """One image: its exact counts; its Exif and header facts, if it can have any; a thumbnail;
    what the functions of the reading returned for it; the path that it was read from, or ""; what
    decoded it, if it comes from a file; the text of how it was read; its time in a video.
    """

    meter: ImageMeter | BandMeter
    exif: ExifTags | None
    facts: Facts | None = None  # of the header of its encoded bytes
    thumbnail: Thumbnail | None = None
    returned: Returned = ()
    path: str = ""
    decoder: Decoder | None = None
    read: str = ""
    seconds: float | None = None
