"""Facts from the header of an encoded picture, read without decoding a pixel.

For any bytes, these readers take bounded time and little memory, and leave out what is damaged.
They raise the OSError of a file that cannot be read, and nothing else.
"""

from typing import IO, NamedTuple

from lightmeter.image.encoded import EncodedBytes
from lightmeter.image.header.gif import gif_facts
from lightmeter.image.header.isobmff import heif_header
from lightmeter.image.header.jpeg import jpeg_facts, jpeg_header
from lightmeter.image.header.png import png_facts, png_header
from lightmeter.image.header.source import DamagedError, Source
from lightmeter.image.header.tiff import tiff_facts
from lightmeter.image.header.webp import webp_header
from lightmeter.image.magic import START_BYTES, format_of
from lightmeter.image.parts import Facts

__all__ = ["DamagedError", "Facts", "Header", "Source", "exif_block", "header_of", "read_header"]


class Header(NamedTuple):
    """What the header of a file says.

    Attributes:
        facts: name -> value.
        exif: the Exif, which is a TIFF structure; None without one.
        orientation: that of the container, by Exif's numbers; it overrides the Exif's.
    """

    facts: Facts
    exif: Source | None
    orientation: int | None = None


def read_header(file: IO[bytes]) -> Header | None:
    """Read the header of a seekable binary file, and move its position.

    Formats: JPEG, PNG, WebP, TIFF, GIF, HEIF and AVIF. For any other the result is None.

    Raises:
        OSError: the file cannot be read.
    """
    source = Source(file)
    start = source.read_up_to(0, START_BYTES)
    try:
        return _read(source, start)
    except DamagedError:
        return Header({}, None)


def header_of(file: EncodedBytes) -> Header:
    """The header of a file in memory, which is at hand."""
    data = file.data

    def read(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    match file.picture:
        case "JPEG", header, _:
            facts, exif = jpeg_facts(header)
        case _, None, _:
            return Header({}, None)
        case _, header, _:
            facts, exif = png_facts(header, read)
    return Header(facts, exif_block(exif))


def exif_block(block: bytes) -> Source | None:
    """The TIFF structure in a block of Exif, with or without the ``Exif`` in front of it."""
    if block.startswith(b"Exif\0"):
        block = block[6:]
    return Source(block) if block else None


def _read(source: Source, start: bytes) -> Header | None:
    facts: Facts
    exif = b""
    match format_of(start):
        case "JPEG":
            facts, exif = jpeg_header(source)
        case "PNG":
            facts, exif = png_header(source)
        case "WEBP":
            facts, exif = webp_header(source)
        case "GIF":
            facts = gif_facts(source)
        case "AVIF" | "HEIF":
            heif = heif_header(source)
            return Header(heif.facts, exif_block(heif.exif), heif.orientation)
        case "TIFF" | "RAW":  # raw formats that look like TIFF
            return Header(tiff_facts(source), source)
        case _:
            return None
    return Header(facts, exif_block(exif))
