"""The Exif of an image's main directory (IFD0) as numbers and strings worth tracking."""

from numbers import Real
from typing import Any

from PIL import ExifTags as PillowTags
from PIL import Image

__all__ = ["ExifTags", "read_exif"]

ExifTags = dict[str, int | float | str]

# Offsets of other directories and of image data in the file: addresses, not facts about the image.
_POINTERS = frozenset(
    {
        "ExifOffset",
        "GPSInfo",
        "ExifInteroperabilityOffset",
        "SubIFDs",
        "StripOffsets",
        "StripByteCounts",
        "TileOffsets",
        "TileByteCounts",
        "FreeOffsets",
        "FreeByteCounts",
        "JpegIFOffset",
        "JpegIFByteCount",
    }
)

# What may name a person or a device's owner is left out.
_PERSONAL = frozenset(
    {
        "Artist",
        "BodySerialNumber",
        "CameraOwnerName",
        "CameraSerialNumber",
        "Copyright",
        "HostComputer",
        "ImageDescription",
        "ImageID",
        "ImageUniqueID",
        "XPAuthor",
        "XPComment",
        "XPKeywords",
        "XPSubject",
        "XPTitle",
    }
)


def read_exif(image: Image.Image) -> ExifTags:
    """The tags of IFD0 by name: integers, rationals as floats, strings without padding.

    Pointer tags, personal tags, unknown tags and values that are not one number or string are left
    out. Damaged Exif is no reason to lose the picture: whatever cannot be read is absent.
    """
    try:
        entries = dict(image.getexif())
    except Exception:  # Pillow's Exif parser raises nearly every type there is
        return {}
    tags: ExifTags = {}
    for code, raw in entries.items():
        name = PillowTags.TAGS.get(code)
        if name is None or name in _POINTERS or name in _PERSONAL:
            continue
        value = _plain(raw)
        if value is not None:
            tags[name] = value
    return tags


def _plain(raw: Any) -> int | float | str | None:
    if isinstance(raw, int):
        return int(raw) if -(2**63) <= raw < 2**63 else float(raw)
    if isinstance(raw, Real):
        try:
            return float(raw)
        except (ArithmeticError, ValueError):  # a rational with denominator zero
            return None
    if isinstance(raw, str):
        text = raw.split("\0", 1)[0].strip()
        return text.encode(errors="replace").decode() or None
    return None
