"""Which Exif tags there are, what is personal, and how their values are read."""

from functools import lru_cache
from typing import NamedTuple

from PIL import ExifTags as Pillow

from lightmeter.image.exif import values
from lightmeter.image.exif.values import Conversion, Held, Value, as_plain

__all__ = ["DATES", "ENUMERATIONS", "GPS_NAMES", "INTEROP_NAMES", "KNOWN", "NAMES", "PERSONAL"]
__all__ += ["POINTERS", "TAGS", "Tag", "value_of"]


class Tag(NamedTuple):
    """What is special of a tag.

    Attributes:
        convert: from its values to what is tracked.
        personal: whether it may name a person or tell where they were, identifies a device or a
            picture, or is free text. A profile keeps only those names of an ExifPolicy that are
            personal (profile.cpp), so a change changes the meaning of stored profiles.
        names: of its numbers, if it is an enumeration.
        sign: the code of the tag of GPS that says the sign of a coordinate, and what it says of
            negative ones.
        is_pointer: whether it is an offset in the file: an address, not a fact about the image.
    """

    convert: Conversion = as_plain
    personal: bool = False
    names: dict[int, str] = {}  # noqa: RUF012
    sign: tuple[int, bytes] | None = None
    is_pointer: bool = False


def _personal(convert: Conversion = as_plain, sign: tuple[int, bytes] | None = None) -> Tag:
    return Tag(convert, personal=True, sign=sign)


def _names(*names: str, first: int = 0) -> dict[int, str]:
    return dict(enumerate(names, first))


def _code(*names: str, first: int = 0, others: dict[int, str] | None = None) -> Tag:
    """Return an enumeration (Exif 2.32, TIFF 6.0) of numbers from `first` on, and of others."""
    numbered = _names(*names, first=first) | (others or {})
    return Tag(values.as_code(numbered), names=numbered)


_DATE = Tag(values.as_date)
_TEXT = Tag(values.as_text)
_POINTER = Tag(is_pointer=True)
_LIGHT = _code(
    "unknown", "daylight", "fluorescent", "tungsten", "flash",
    others={255: "other"} | _names(
        "fine weather", "cloudy", "shade", "daylight fluorescent", "day white fluorescent",
        "cool white fluorescent", "white fluorescent", "warm white fluorescent",
        "standard light A", "standard light B", "standard light C", "D55", "D65", "D75", "D50",
        "ISO studio tungsten", first=9,
    ),
)  # fmt: skip
_COMPRESSION = {
    32773: "PackBits", 32946: "deflate (old)", 34712: "JPEG 2000", 34892: "lossy JPEG",
    34925: "LZMA", 50000: "Zstandard", 50001: "WebP",
}  # fmt: skip
# Where the first row and the first column are seen, and what brings the picture upright.
_ORIENTATION = (
    "upright", "mirrored", "rotate 180", "mirrored, rotate 180", "mirrored, rotate 270 CW",
    "rotate 90 CW", "mirrored, rotate 90 CW", "rotate 270 CW",
)  # fmt: skip
_EXPOSURE = (
    "not defined", "manual", "program", "aperture priority", "shutter priority", "creative",
    "action", "portrait", "landscape",
)  # fmt: skip
_METERING = (
    "unknown", "average", "center-weighted", "spot", "multi-spot", "multi-segment", "partial",
)  # fmt: skip
_GAIN = ("none", "low gain up", "high gain up", "low gain down", "high gain down")
_COLOURS = ("white is zero", "black is zero", "RGB", "palette", "transparency mask", "CMYK")
_MORE_COLOURS = {
    6: "YCbCr", 8: "CIELAB", 9: "ICCLAB", 32803: "color filter array", 34892: "linear raw",
}  # fmt: skip
_SENSING = (
    "not defined", "one-chip color area", "two-chip color area", "three-chip color area",
    "color sequential area",
)  # fmt: skip
_SENSITIVITY = (
    "unknown", "SOS", "REI", "ISO speed", "SOS and REI", "SOS and ISO speed", "REI and ISO speed",
    "SOS, REI and ISO speed",
)  # fmt: skip

# Of any other tag the values are plain.
TAGS = {
    "Artist": _personal(),
    "BodySerialNumber": _personal(),
    "CalibrationIlluminant1": _LIGHT,
    "CalibrationIlluminant2": _LIGHT,
    "CameraOwnerName": _personal(),
    "CameraSerialNumber": _personal(),
    "ColorSpace": _code("sRGB", "Adobe RGB", first=1, others={0xFFFF: "uncalibrated"}),
    "ComponentsConfiguration": Tag(values.as_components),
    "CompositeImage": _code("unknown", "no", "general", "captured when shooting"),
    "Compression": _code(
        *("none", "CCITT RLE", "CCITT T.4", "CCITT T.6", "LZW", "JPEG (old)", "JPEG", "deflate"),
        first=1,
        others=_COMPRESSION,
    ),
    "Contrast": _code("normal", "soft", "hard"),
    "Copyright": _personal(),
    "CustomRendered": _code("normal", "custom"),
    "DateTime": _DATE,
    "DateTimeDigitized": _DATE,
    "DateTimeOriginal": _DATE,
    "DocumentName": _personal(),
    "ExifInteroperabilityOffset": _POINTER,
    "ExifOffset": _POINTER,
    "ExifVersion": _TEXT,
    "ExposureMode": _code("auto", "manual", "auto bracket"),
    "ExposureProgram": _code(*_EXPOSURE),
    "ExtraSamples": _code("unspecified", "associated alpha", "unassociated alpha"),
    "FileSource": _code("others", "transparent scanner", "reflex scanner", "digital camera"),
    "FillOrder": _code("high bit first", "low bit first", first=1),
    "Flash": Tag(values.as_flash),
    "FlashPixVersion": _TEXT,
    "FocalPlaneResolutionUnit": _code("none", "inch", "cm", "mm", "um", first=1),
    "FreeByteCounts": _POINTER,
    "FreeOffsets": _POINTER,
    "GPSAltitude": _personal(sign=(5, b"\1")),
    "GPSAltitudeRef": _code("above sea level", "below sea level")._replace(personal=True),
    "GPSAreaInformation": _personal(values.as_coded_text),
    "GPSDateStamp": _DATE,
    "GPSDestBearing": _personal(),
    "GPSDestBearingRef": _personal(),
    "GPSDestDistance": _personal(),
    "GPSDestDistanceRef": _personal(),
    "GPSDestLatitude": _personal(values.as_coordinate, sign=(19, b"S")),
    "GPSDestLatitudeRef": _personal(),
    "GPSDestLongitude": _personal(values.as_coordinate, sign=(21, b"W")),
    "GPSDestLongitudeRef": _personal(),
    "GPSDifferential": _code("none", "corrected"),
    "GPSInfo": _POINTER,
    "GPSLatitude": _personal(values.as_coordinate, sign=(1, b"S")),
    "GPSLatitudeRef": _personal(),
    "GPSLongitude": _personal(values.as_coordinate, sign=(3, b"W")),
    "GPSLongitudeRef": _personal(),
    "GPSProcessingMethod": Tag(values.as_coded_text),
    "GPSTimeStamp": Tag(values.as_coordinate),  # hours, minutes and seconds as hours
    "GPSVersionID": Tag(values.as_version),
    "GainControl": _code(*_GAIN),
    "HostComputer": _personal(),
    "ISOSpeedRatings": Tag(values.as_first),  # further values are of other scales
    "ImageDescription": _personal(),
    "ImageEditor": _personal(),
    "ImageHistory": _personal(),
    "ImageID": _personal(),
    "ImageTitle": _personal(),
    "ImageUniqueID": _personal(),
    "InteropVersion": _TEXT,
    "JpegACTables": _POINTER,
    "JpegDCTables": _POINTER,
    "JpegIFByteCount": _POINTER,
    "JpegIFOffset": _POINTER,
    "JpegQTables": _POINTER,
    "LensSerialNumber": _personal(),
    "LensSpecification": Tag(values.as_lens),
    "LightSource": _LIGHT,
    "MeteringMode": _code(*_METERING, others={255: "other"}),
    "Orientation": _code(*_ORIENTATION, first=1),
    "OriginalRawFileDigest": _personal(),
    "OriginalRawFileName": _personal(),
    "PageName": _personal(),
    "PhotometricInterpretation": _code(*_COLOURS, others=_MORE_COLOURS),
    "Photographer": _personal(),
    "PlanarConfiguration": _code("chunky", "planar", first=1),
    "Predictor": _code("none", "horizontal", "floating point", first=1),
    "PreviewDateTime": _DATE,
    "ProfileCopyright": _personal(),
    "RawDataUniqueID": _personal(),
    "RawImageDigest": _personal(),
    "ResolutionUnit": _code("none", "inch", "cm", first=1),
    "SampleFormat": _code("unsigned", "signed", "float", "undefined", first=1),
    "Saturation": _code("normal", "low", "high"),
    "SceneCaptureType": _code("standard", "landscape", "portrait", "night"),
    "SceneType": _code("directly photographed", first=1),
    "SecurityClassification": _personal(),
    "SensingMethod": _code(
        *_SENSING, first=1, others={7: "trilinear", 8: "color sequential linear"}
    ),
    "SensitivityType": _code(*_SENSITIVITY),
    "Sharpness": _code("normal", "soft", "hard"),
    "StripByteCounts": _POINTER,
    "StripOffsets": _POINTER,
    "SubIFDs": _POINTER,
    "SubjectDistanceRange": _code("unknown", "macro", "close", "distant"),
    "TileByteCounts": _POINTER,
    "TileOffsets": _POINTER,
    "UserComment": _personal(values.as_coded_text),
    "WhiteBalance": _code("auto", "manual"),
    "XPAuthor": _personal(values.as_wide_text),
    "XPComment": _personal(values.as_wide_text),
    "XPKeywords": _personal(values.as_wide_text),
    "XPSubject": _personal(values.as_wide_text),
    "XPTitle": _personal(values.as_wide_text),
    "YCbCrPositioning": _code("centered", "co-sited", first=1),
}
_PLAIN = Tag()

DATES = frozenset(name for name, tag in TAGS.items() if tag is _DATE)
ENUMERATIONS = {name: tag.names for name, tag in TAGS.items() if tag.names}
PERSONAL = frozenset(name for name, tag in TAGS.items() if tag.personal)
POINTERS = frozenset(name for name, tag in TAGS.items() if tag.is_pointer)

# Exif 3.0 tags that Pillow has no name for.
_NEWER = _names(
    "ImageTitle", "Photographer", "ImageEditor", "CameraFirmware", "RAWDevelopingSoftware",
    "ImageEditingSoftware", "MetadataEditingSoftware", first=0xA436,
)  # fmt: skip


def _tracked(names: dict[int, str]) -> dict[int, str]:
    return {code: name for code, name in names.items() if name not in POINTERS}


NAMES = _tracked({**Pillow.TAGS, **_NEWER})
GPS_NAMES = dict(Pillow.GPSTAGS)
INTEROP_NAMES = _tracked({int(tag): tag.name for tag in Pillow.Interop} | NAMES)
KNOWN = frozenset(
    {*NAMES.values(), *GPS_NAMES.values(), *INTEROP_NAMES.values(), *PERSONAL, "has_gps"}
)


# Cameras say the same again and again. The values remembered take some megabytes at most.
@lru_cache(maxsize=4096)
def value_of(name: str, order: str, kind: int, length: int, start: bytes) -> Value | None:
    """Return the value of the tag `name`; None if it says nothing.

    Whole numbers are int and rationals float, both finite. Several equal values count as one, and
    unequal ones make a text. For tables, and for bytes without a known meaning, the value is their
    length. The arguments are those of `Held`.

    Raises:
        DamagedError: the value lies outside of the file.
    """
    return TAGS.get(name, _PLAIN).convert(Held(order, kind, length, start))
