"""Images as readers return them, and their measurements."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from numpy.typing import NDArray

from lightmeter.image.bands import BandMeter
from lightmeter.image.decoders import Decoder
from lightmeter.image.exif import ExifTags
from lightmeter.image.header import Facts
from lightmeter.image.meter import ImageMeter
from lightmeter.image.metrics import Returned
from lightmeter.image.thumbnail import Thumbnail

_MOST_FACTS, _LONGEST = 64, 128  # of an image; characters of a name or text


class Frame(NamedTuple):
    """Hold one image that a reader found.

    Attributes
    ----------
    picture
        A loaded PIL image, an array HxWxC, or a list of rasters to read in tiles: one `Raster`, or
        one for each band.
    exif
        Exif of the file; only the first frame of a file has it.
    facts
        Facts from the header of the file; only the first frame has them.
    decoder
        Decoder of the image.
    path
        Path of the file, or "".
    mask
        Array HxW that is nonzero at pixels to ignore, or HxWxC with a mask for each band.
    nodata
        Sample value that the file declares as missing.
    returned
        Facts that the user's reader returned, by the name of the reader.
    group
        Group that the user's reader returned.
    reading
        Options from the reader that replace those of the caller.
    seconds
        Time in a video.
    """

    picture: Any
    exif: ExifTags | None = None
    facts: Facts | None = None
    decoder: Decoder | None = None
    path: str = ""
    mask: NDArray[Any] | None = None
    nodata: float | None = None
    returned: Returned = ()
    group: str | None = None
    reading: Any = None
    seconds: float | None = None


class Read(NamedTuple):
    """Hold the result of a user's reader: one image of a file and its facts.

    A reader may also return the image alone, or a tuple (image, facts, mask).

    Attributes
    ----------
    picture
        An array HxW or HxWxC, a chunked array, a PIL image, or a path.
    facts
        At most 64 numbers and texts by name. Their features have the reader's name as a prefix.
    mask
        Array HxW that is nonzero at pixels to ignore; for bands also HxWxC, with a mask for each.
    bands
        Names of the channels if they are not colours; those of the `Reading` take precedence.
    value_range
        Samples of black and white; that of the `Reading` takes precedence.
    group
        Group of related images, such as their series.
    """

    picture: Any
    facts: Mapping[str, Any] | None = None
    mask: Any = None
    bands: Sequence[str] | None = None
    value_range: tuple[float, float] | None = None
    group: str | None = None

    @property
    def known(self) -> dict[str, Any]:
        """Return the facts, checked, because they may come from an untrusted file."""
        facts = islice((self.facts or {}).items(), _MOST_FACTS)
        return {
            str(name)[:_LONGEST]: value[:_LONGEST] if isinstance(value, str) else value
            for name, value in facts
        }


class Measured(NamedTuple):
    """Hold the measurement of one image.

    Attributes
    ----------
    meter
        Exact counts of the pixels.
    exif
        Exif; None if the image cannot have any.
    facts
        Facts from the header, and the percentage of ignored pixels; None if there can be none.
    thumbnail
        Thumbnail, if one was requested.
    returned
        Results of the functions of the reading.
    path
        Path of the file, or "".
    decoder
        Decoder, if the image comes from a file.
    read
        Text of the reading; see `Reading.text`.
    group
        Group, if the reader returned one.
    seconds
        Time in a video.
    """

    meter: ImageMeter | BandMeter
    exif: ExifTags | None
    facts: Facts | None = None
    thumbnail: Thumbnail | None = None
    returned: Returned = ()
    path: str = ""
    decoder: Decoder | None = None
    read: str = ""
    group: str | None = None
    seconds: float | None = None
