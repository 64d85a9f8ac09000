"""What the core's readers of headers return: facts, and where the rest is in the file."""

from typing import Literal

__all__ = ["ExifEntry", "Facts", "JpegHeader", "Part", "Picture", "PngHeader"]

# Name -> value. None: the format can have it, and this file has not.
Facts = dict[str, int | str | None]

Part = tuple[int, int]  # offset and size; all of it is in the file

# Facts, parts of the Exif, part of the colour profile, part of the index of pictures.
JpegHeader = tuple[Facts, list[Part], Part | None, Part | None]

# Facts, part of the Exif, part of the colour profile, texts that may hold Exif: deflated or not.
PngHeader = tuple[Facts, Part | None, Part | None, list[tuple[Part, bool]]]

# Code, type by TIFF's number, how many values, the first 512 bytes of them.
ExifEntry = tuple[int, int, int, bytes]

# A file in memory: format, header (None for a PNG file that has none), bytes.
Picture = tuple[Literal["JPEG"], JpegHeader, bytes] | tuple[Literal["PNG"], PngHeader | None, bytes]
