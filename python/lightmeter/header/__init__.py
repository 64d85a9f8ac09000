"""Facts that stand in front of the pixels of an encoded picture, read without decoding them.

Whatever the bytes are, these readers raise nothing but what the file itself raises (OSError), take
bounded time and little memory, and leave out what is damaged.
"""

from typing import IO, NamedTuple

from lightmeter.header.gif import gif_facts
from lightmeter.header.isobmff import heif_header, is_heif
from lightmeter.header.jpeg import jpeg_header
from lightmeter.header.png import png_header
from lightmeter.header.source import DamagedError, Source
from lightmeter.header.tiff import tiff_facts
from lightmeter.header.webp import webp_header

__all__ = ["DamagedError", "Facts", "Header", "Source", "exif_block", "read_header"]

# Classic TIFF and BigTIFF in both byte orders, and the raw formats that look like them.
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")

# Name -> value; None where the format can have it and this file has not.
Facts = dict[str, int | str | None]


class Header(NamedTuple):
    """What the header of a file says, and where its Exif is (a TIFF structure), if anywhere."""

    facts: Facts
    exif: Source | None


def read_header(file: IO[bytes]) -> Header | None:
    """Read the header of a seekable binary file; None if it is in no format known here.

    Known are JPEG, PNG, WebP, TIFF, GIF, HEIF and AVIF. The position of the file is not kept.

    Raises:
        OSError: the file cannot be read.
    """
    source = Source(file)
    start = source.read_up_to(0, 16)
    try:
        return _read(source, start)
    except DamagedError:
        return Header({}, None)


def exif_block(block: bytes) -> Source | None:
    """The TIFF structure in a block of Exif, with or without the ``Exif`` in front of it."""
    if block.startswith(b"Exif\0"):
        block = block[6:]
    return Source(block) if block else None


def _read(source: Source, start: bytes) -> Header | None:
    facts: Facts
    exif = b""
    if start.startswith(b"\xff\xd8"):
        facts, exif = jpeg_header(source)
    elif start.startswith(b"\x89PNG\r\n\x1a\n"):
        facts, exif = png_header(source)
    elif start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        facts, exif = webp_header(source)
    elif start.startswith(b"GIF8"):
        facts = gif_facts(source)
    elif is_heif(start):
        facts, exif = heif_header(source)
    elif start.startswith(_TIFF_STARTS):
        return Header(tiff_facts(source), source)
    else:
        return None
    return Header(facts, exif_block(exif))
