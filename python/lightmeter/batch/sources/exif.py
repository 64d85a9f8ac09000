"""The Exif of a file by its path, without reading a pixel."""

from lightmeter.errors import ImageError
from lightmeter.image.encoded import open_encoded
from lightmeter.image.exif import ExifTags, read_exif
from lightmeter.image.header import read_header
from lightmeter.image.limits import Limits

__all__ = ["exif_of"]

_LIMITS = Limits(bytes=None)  # only the header is read, in however large a file


def exif_of(path: str) -> ExifTags:
    """The tags that are not personal; none where the file cannot be read.

    It never waits for a pipe or a device: they have no Exif.
    """
    try:
        with open_encoded(path, _LIMITS) as file:
            header = read_header(file)
            return (
                {}
                if header is None
                else read_exif(header.exif, orientation=header.orientation).tags
            )
    except (OSError, ImageError):
        return {}
