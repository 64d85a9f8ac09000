"""What the core's readers of headers return: facts, and where the rest is in the file."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lightmeter import _core

__all__ = ["ExifEntry", "ExifParts", "Facts", "JpegHeader", "MeasuredJpeg", "Part", "Picture"]
__all__ += ["PngHeader"]

# Name -> value. None: the format can have it, and this file has not.
Facts = dict[str, int | str | None]

Part = tuple[int, int]  # offset and size; all of it is in the file

# Facts, Exif, start of the colour profile, index of pictures.
JpegHeader = tuple[Facts, bytes, bytes | None, bytes | None]

# Facts, part of the Exif, part of the colour profile, texts that may hold Exif: deflated or not.
PngHeader = tuple[Facts, Part | None, Part | None, list[tuple[Part, bool]]]

# Code, type by TIFF's number, how many values, the first 512 bytes of them.
ExifEntry = tuple[int, int, int, bytes]

# Order of the bytes, ``"<"`` or ``">"``, then the tags of the main directory, Exif, GPS, Interop.
ExifParts = tuple[str, list[ExifEntry], list[ExifEntry], list[ExifEntry], list[ExifEntry]]

# A file in memory: format, header (None for a PNG file that has none), bytes.
Picture = tuple[Literal["JPEG"], JpegHeader, bytes] | tuple[Literal["PNG"], PngHeader | None, bytes]

# A JPEG file that the core decoded: facts, start of the colour profile, Exif, bytes of the file,
# mode, measurement, and what it adds to a profile.
MeasuredJpeg = tuple[
    Facts, bytes | None, ExifParts | None, int, str, "_core.ImageMeter", "_core.ImageFeatures"
]
