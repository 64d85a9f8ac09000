"""Facts from the header of an encoded picture, read without decoding a pixel.

For any bytes, the readers of JPEG, PNG and TIFF take bounded time and little memory, and leave out
what is damaged. They raise the OSError of a file that cannot be read, and nothing else. What other
formats say is what Pillow and its plugins say of an image that they opened.
"""

from typing import IO, Any, NamedTuple

from PIL import Image

from lightmeter.image.encoded import EncodedBytes
from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.jpeg import jpeg_facts, jpeg_header
from lightmeter.image.header.png import png_facts, png_header
from lightmeter.image.header.source import DamagedError, Source
from lightmeter.image.header.tiff import tiff_facts
from lightmeter.image.magic import START_BYTES, format_of
from lightmeter.image.parts import Facts

__all__ = ["BY_PILLOW", "DamagedError", "Facts", "Header", "Source", "exif_block", "header_of"]
__all__ += ["picture_header", "read_header"]

# The formats of which Pillow and its plugins say what the header does.
BY_PILLOW = frozenset({"AVIF", "GIF", "HEIF", "JXL", "WEBP"})


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


def read_header(file: IO[bytes], image: Image.Image | None = None) -> Header | None:
    """Read the header of a seekable binary file, and move its position.

    Args:
        file: JPEG, PNG or TIFF. For any other format that is not in `BY_PILLOW` the result is None.
        image: what Pillow opened of the file. Without it there is nothing of `BY_PILLOW` either.

    Raises:
        OSError: the file cannot be read.
    """
    source = Source(file)
    name = format_of(source.read_up_to(0, START_BYTES))
    if name in BY_PILLOW:
        return None if image is None else picture_header(image)
    try:
        return _read(source, name)
    except DamagedError:
        return Header({}, None)


def picture_header(image: Image.Image) -> Header:
    """Return what Pillow says of an image of `BY_PILLOW` that it opened.

    The Exif of AVIF and HEIF says how the picture was to be turned before it was decoded, though
    plugins turn it and change that tag.
    """
    info: Any = image.info
    icc, exif, turned = (info.get(key) for key in ("icc_profile", "exif", "original_orientation"))
    facts: Facts = {
        "Channels": len(image.getbands()),
        "ColorProfile": profile_description(icc) if isinstance(icc, bytes) else None,
        "FrameCount": _frame_count(image),
        "HasAlpha": int(image.has_transparency_data),
    }
    if image.format in ("HEIF", "WEBP"):
        facts["BitDepth"] = info.get("bit_depth", 8)
    if isinstance(chroma := info.get("chroma"), int):  # such as 420
        facts["ChromaSubsampling"] = ":".join(str(chroma))
    return Header(
        facts,
        exif_block(exif) if isinstance(exif, bytes) else None,
        turned if turned in range(1, 9) else None,
    )


def _frame_count(image: Image.Image) -> int | None:
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # what Pillow raises of a damaged file
        return None


def header_of(file: EncodedBytes) -> Header:
    """Return the header of a file in memory, which is at hand."""
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
    """Return the TIFF structure in a block of Exif, with or without the ``Exif`` in front of it."""
    if block.startswith(b"Exif\0"):
        block = block[6:]
    return Source(block) if block else None


def _read(source: Source, name: str | None) -> Header | None:
    match name:
        case "JPEG":
            facts, exif = jpeg_header(source)
        case "PNG":
            facts, exif = png_header(source)
        case "TIFF" | "RAW":  # raw formats that look like TIFF
            return Header(tiff_facts(source), source)
        case _:
            return None
    return Header(facts, exif_block(exif))
