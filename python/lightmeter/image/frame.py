"""A picture as a reader found it, as it was measured, and small enough to keep in a profile."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from numpy.typing import NDArray
from PIL import Image

from lightmeter.image.bands import BandMeter
from lightmeter.image.decoders import Decoder
from lightmeter.image.exif import ExifTags
from lightmeter.image.header import Facts
from lightmeter.image.meter import DEEP_GRAY, ImageMeter, measurable
from lightmeter.image.metrics import Returned

_SIDE = 80  # pixels
_MOST_BYTES = 4096


class Thumbnail(NamedTuple):
    """A small picture of an image, and the path and size of the image."""

    path: str
    jpeg: bytes
    size: tuple[int, int]

    @property
    def key(self) -> int:
        """Return a hash of 64 bits of the path and the contents, for which the small picture
        stands.

        Nothing that was measured enters it: a profile that knows another metric shall not keep the
        same picture twice.
        """
        size = "{}x{}".format(*self.size)
        whole = b"\0".join((self.path.encode(), size.encode(), self.jpeg))
        return int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "little")


def make_thumbnail(
    image: Image.Image,
    path: str,
    *,
    side: int = _SIDE,
    most_bytes: int = _MOST_BYTES,
) -> Thumbnail | None:
    """Return a small picture of a loaded image, not turned; None if it has no 8-bit colours to
    show.
    """
    shown = measurable(image)
    if shown.mode in DEEP_GRAY:
        return None
    scale = min(1.0, side / max(image.size))
    size = tuple(max(1, round(length * scale)) for length in image.size)
    small = shown.resize((size[0], size[1]), Image.Resampling.BILINEAR, reducing_gap=2.0)
    small.info = {}  # comments, which Pillow would write, and transparency, which may be nonsense
    small = small.convert("RGB")
    for quality in (70, 40, 15, 1):
        file = io.BytesIO()
        small.save(file, "JPEG", quality=quality)
        if file.tell() <= most_bytes:
            return Thumbnail(path, file.getvalue(), image.size)
    return None


_MOST_FACTS, _LONGEST = 64, 128  # of a picture; characters of a name or text


class Frame(NamedTuple):
    """A picture that a reader found.

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
    """What a reader of the user found: one picture of a file, and what is known of it.

    A reader may also return the picture alone, or a tuple of it, facts and a mask.

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
        What pictures that are alike have in common, such as their series.
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
        A small picture.
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
