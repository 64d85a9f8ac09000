"""An image as a reader found it, and as it was measured."""

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
    """An image that a reader found.

    Attributes
    ----------
    picture
        A loaded image, an array HxWxC, or a list of what is read in tiles: one `Raster`, or one for
        each band.
    exif
        Its Exif, which comes with the first frame of a file.
    facts
        Of the header of its file, likewise.
    decoder
        What decoded it.
    path
        What it was read from, or "".
    mask
        HxW, not 0 where its reader says that a pixel is none, or HxWxC of each band.
    nodata
        The number that its file says of samples that are none.
    returned
        What the reader of the user says of it, by the name of that.
    group
        What it has in common with others, likewise.
    reading
        How it is measured, if its reader says more than whoever asked for it.
    seconds
        Its time in a video.
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
    """What a reader of the user found: one image of a file, and what is known of it.

    A reader may also return the image alone, or a tuple of it, facts and a mask.

    Attributes
    ----------
    picture
        An array HxW or HxWxC, one that is read in pieces, a PIL image, or a path.
    facts
        Numbers and texts by name, at most 64. They are features below the reader's name.
    mask
        HxW, not 0 where pixels are ignored; of bands also HxWxC, a mask of each.
    bands
        Names of its channels, if they are no colours; those of the `Reading` come first.
    value_range
        Which samples are black and white, likewise.
    group
        What images that are alike have in common, such as their series.
    """

    picture: Any
    facts: Mapping[str, Any] | None = None
    mask: Any = None
    bands: Sequence[str] | None = None
    value_range: tuple[float, float] | None = None
    group: str | None = None

    @property
    def known(self) -> dict[str, Any]:
        """Return the facts, of which a stranger may have written any."""
        facts = islice((self.facts or {}).items(), _MOST_FACTS)
        return {
            str(name)[:_LONGEST]: value[:_LONGEST] if isinstance(value, str) else value
            for name, value in facts
        }


class Measured(NamedTuple):
    """One image, as it was measured.

    Attributes
    ----------
    meter
        Its exact counts.
    exif
        Its Exif, if it can have any.
    facts
        Of its header, if it can have any, and the share of its pixels that is ignored.
    thumbnail
        A thumbnail.
    returned
        What the functions of the reading returned for it.
    path
        What it was read from, or "".
    decoder
        What decoded it, if it comes from a file.
    read
        The text of how it was read.
    group
        Its group, if its reader says.
    seconds
        Its time in a video.
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
