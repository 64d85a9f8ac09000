"""Which Exif tags there are, by code and name, and which of them are personal."""

from PIL import ExifTags as Pillow

__all__ = ["GPS_NAMES", "INTEROP_NAMES", "KNOWN", "NAMES", "PERSONAL", "POINTERS"]

# Exif 3.0 tags that Pillow has no name for.
_NEWER = {
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA439: "CameraFirmware",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
}
_INTEROP = {int(tag): tag.name for tag in Pillow.Interop}

# Offsets of other directories and of image data in the file: addresses, not facts about the image.
POINTERS = frozenset(
    {
        "ExifInteroperabilityOffset",
        "ExifOffset",
        "FreeByteCounts",
        "FreeOffsets",
        "GPSInfo",
        "JpegACTables",
        "JpegDCTables",
        "JpegIFByteCount",
        "JpegIFOffset",
        "JpegQTables",
        "StripByteCounts",
        "StripOffsets",
        "SubIFDs",
        "TileByteCounts",
        "TileOffsets",
    }
)


def _tracked(names: dict[int, str]) -> dict[int, str]:
    return {code: name for code, name in names.items() if name not in POINTERS}


NAMES = _tracked({**Pillow.TAGS, **_NEWER})
GPS_NAMES = dict(Pillow.GPSTAGS)
INTEROP_NAMES = _tracked({**_INTEROP, **Pillow.TAGS, **_NEWER})

# What may name a person or tell where they were, what identifies a device or a picture, and free
# text. A profile keeps only those names of an ExifPolicy that are in this set (profile.cpp), so
# a change of the set changes the meaning of stored profiles.
PERSONAL = frozenset(
    {
        "Artist",
        "BodySerialNumber",
        "CameraOwnerName",
        "CameraSerialNumber",
        "Copyright",
        "DocumentName",
        "GPSAltitude",
        "GPSAltitudeRef",
        "GPSAreaInformation",
        "GPSDestBearing",
        "GPSDestBearingRef",
        "GPSDestDistance",
        "GPSDestDistanceRef",
        "GPSDestLatitude",
        "GPSDestLatitudeRef",
        "GPSDestLongitude",
        "GPSDestLongitudeRef",
        "GPSLatitude",
        "GPSLatitudeRef",
        "GPSLongitude",
        "GPSLongitudeRef",
        "HostComputer",
        "ImageDescription",
        "ImageEditor",
        "ImageHistory",
        "ImageID",
        "ImageTitle",
        "ImageUniqueID",
        "LensSerialNumber",
        "OriginalRawFileDigest",
        "OriginalRawFileName",
        "PageName",
        "Photographer",
        "ProfileCopyright",
        "RawDataUniqueID",
        "RawImageDigest",
        "SecurityClassification",
        "UserComment",
        "XPAuthor",
        "XPComment",
        "XPKeywords",
        "XPSubject",
        "XPTitle",
    }
)

KNOWN = frozenset(
    {*NAMES.values(), *GPS_NAMES.values(), *INTEROP_NAMES.values(), *PERSONAL, "has_gps"}
)
