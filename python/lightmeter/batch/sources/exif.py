"""The Exif of a file or of encoded bytes, without reading a pixel."""

from typing import Any

from lightmeter.errors import ImageError
from lightmeter.image.encoded import open_encoded
from lightmeter.image.exif import ExifTags, read_exif
from lightmeter.image.limits import Limits
from lightmeter.image.pillow import file_header

__all__ = ["exif_of"]

_LIMITS = Limits(bytes=None)  # only the header is read, in however large a file


def exif_of(encoded: Any) -> ExifTags:
    """The tags that are not personal; none of what is no path or bytes, or cannot be read.

    It never waits for a pipe or a device: they have no Exif.
    """
    if not isinstance(encoded, str | bytes):
        return {}
    try:
        with open_encoded(encoded, _LIMITS) as file:
            header = file_header(file, _LIMITS)
            return {} if header is None else read_exif(header.exif, orientation=header.orientation)
    except (OSError, ImageError):
        return {}
