"""JPEG: what the segments before the first scan say."""

from lightmeter import _core
from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.source import DamagedError, Source
from lightmeter.image.header.tiff import Tiff
from lightmeter.image.parts import Facts, JpegHeader

__all__ = ["jpeg_facts", "jpeg_frame", "jpeg_header"]


def jpeg_header(source: Source) -> tuple[Facts, bytes]:
    """Return facts of a JPEG file, and its Exif block (without the ``Exif`` in front), or no bytes.

    It reads up to the first scan. Of a damaged file it takes what comes before the damage.
    """
    return jpeg_facts(_core.jpeg_header(source.file, source.size))


def jpeg_facts(header: JpegHeader) -> tuple[Facts, bytes]:
    """Return the same of a header that the core read."""
    facts, exif, icc, pictures = header
    if icc is not None:
        facts["ColorProfile"] = profile_description(icc)
    if pictures is not None:
        facts["FrameCount"] = _frame_count(pictures)
    return facts, exif


def jpeg_frame(source: Source) -> tuple[int, bytes]:
    """Return marker and body of the header of the frame, of JPEG-LS too.

    Raises:
        DamagedError: there is none before the first scan.
    """
    frame = _core.jpeg_frame(source.file, source.size)
    if frame is None:
        raise DamagedError("no header of a frame")
    marker, part = frame
    return marker, source.read(*part)


def _frame_count(block: bytes) -> int | None:
    """Return the pictures of a multi-picture file (CIPA DC-007): tag 0xB001."""
    try:
        tiff = Tiff(Source(block))
        return tiff.integer(tiff.directory(tiff.first), 0xB001, 1)
    except DamagedError:
        return None
