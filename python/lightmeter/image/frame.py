"""Images as readers return them, their measurements, and their thumbnails."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from PIL import Image

from lightmeter.image.arrays import DEEP_GRAY, Pair, Range, measurable
from lightmeter.image.decoders import Decoder
from lightmeter.image.exif import ExifTags
from lightmeter.image.meter import BandMeter, ImageMeter
from lightmeter.image.metrics import Returned
from lightmeter.image.open import Facts

_SIDE = 80  # pixels
_MOST_BYTES = 4096


class Thumbnail(NamedTuple):
    """Hold a thumbnail as JPEG, with the path of its image, and the size (width, height)."""

    path: str
    jpeg: bytes
    size: Pair

    @property
    def key(self) -> int:
        """Return a 64-bit hash of the path and the contents of the thumbnail.

        Measured numbers are not hashed, so that profiles with different metrics do not keep one
        image twice.
        """
        size = "{}x{}".format(*self.size)
        whole = b"\0".join((self.path.encode(), size.encode(), self.jpeg))
        return int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "little")


def make_thumbnail(
    image: Image.Image, path: str, *, side: int = _SIDE, most_bytes: int = _MOST_BYTES
) -> Thumbnail | None:
    """Return a thumbnail of a loaded image, not rotated; None without 8-bit colours to show."""
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


class Frame(NamedTuple):
    """Hold one image that a reader found.

    Attributes
    ----------
    image
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

    image: Any
    exif: ExifTags | None = None
    facts: Facts | None = None
    decoder: Decoder | None = None
    path: str = ""
    mask: Any = None
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
    image
        An array HxW or HxWxC, a chunked array, a PIL image, or a path.
    facts
        At most 64 numbers and texts by name. Their features have the reader's name as a prefix.
        Those with invalid names or values are dropped and count as an error.
    mask
        Array HxW that is nonzero at pixels to ignore; for bands also HxWxC, with a mask for each.
    bands
        Names of the channels if they are not colours; those of the `Reading` take precedence.
    value_range
        Samples of black and white; that of the `Reading` takes precedence.
    group
        Group of related images, such as their series.
    """

    image: Any
    facts: Mapping[str, Any] | None = None
    mask: Any = None
    bands: Sequence[str] | None = None
    value_range: Range | None = None
    group: str | None = None


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
