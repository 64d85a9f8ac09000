"""Which Exif tags there are, what is personal, and how their values are read."""

from functools import lru_cache
from typing import NamedTuple

from PIL import ExifTags as Pillow

from lightmeter.image.exif import values
from lightmeter.image.exif.values import Conversion, Held, Value, as_plain
from lightmeter.image.tiff import DamagedError

__all__ = ["DATES", "ENUMERATIONS", "GPS_NAMES", "INTEROP_NAMES", "KNOWN", "NAMES", "PERSONAL"]
__all__ += ["POINTERS", "SIGNS", "TAGS", "Tag", "value_of"]


class Tag(NamedTuple):
    """What is special of a tag.

    Attributes:
        convert: from its values to what is tracked.
        personal: whether it may name a person or tell where they were, identifies a device or a
            picture, or is free text. A profile keeps only those names of an ExifPolicy that are
            personal (profile.cpp), so a change changes the meaning of stored profiles.
        names: of its numbers, if it is an enumeration.
        is_pointer: whether it is an offset in the file: an address, not a fact about the image.
    """

    convert: Conversion = as_plain
    personal: bool = False
    names: dict[int, str] = {}  # noqa: RUF012
    is_pointer: bool = False


def _names(text: str, first: int = 0) -> dict[int, str]:
    return dict(enumerate(text.split("|"), first))


def _code(names: dict[int, str]) -> Tag:
    return Tag(values.as_code(names), names=names)


def _with(tag: Tag, names: str) -> dict[str, Tag]:
    return dict.fromkeys(names.split("|"), tag)


_PERSONAL, _POINTER, _TEXT = Tag(personal=True), Tag(is_pointer=True), Tag(values.as_text)
_COORDINATE, _WIDE_TEXT = values.as_coordinate, values.as_wide_text
_DATE = Tag(values.as_date)
_LIGHTS = _names("unknown|daylight|fluorescent|tungsten|flash") | {255: "other"}
_LIGHTS |= _names(
    "fine weather|cloudy|shade|daylight fluorescent|day white fluorescent|cool white fluorescent|"
    "white fluorescent|warm white fluorescent|standard light A|standard light B|standard light C|"
    "D55|D65|D75|D50|ISO studio tungsten",
    first=9,
)

# The names of numbers are those of Exif 2.32 and TIFF 6.0. Of any other tag the values are plain.
TAGS = {
    "ColorSpace": _code(_names("sRGB|Adobe RGB", 1) | {0xFFFF: "uncalibrated"}),
    "ComponentsConfiguration": Tag(values.as_components),
    "CompositeImage": _code(_names("unknown|no|general|captured when shooting")),
    "Compression": _code(
        _names("none|CCITT RLE|CCITT T.4|CCITT T.6|LZW|JPEG (old)|JPEG|deflate", 1)
        | {32773: "PackBits", 32946: "deflate (old)", 34712: "JPEG 2000", 34892: "lossy JPEG"}
        | {34925: "LZMA", 50000: "Zstandard", 50001: "WebP"}
    ),
    "Contrast": _code(_names("normal|soft|hard")),
    "CustomRendered": _code(_names("normal|custom")),
    "DateTime": _DATE,
    "DateTimeDigitized": _DATE,
    "DateTimeOriginal": _DATE,
    "ExifVersion": _TEXT,
    "ExposureMode": _code(_names("auto|manual|auto bracket")),
    "ExposureProgram": _code(
        _names(
            "not defined|manual|program|aperture priority|shutter priority|creative|action|"
            "portrait|landscape"
        )
    ),
    "ExtraSamples": _code(_names("unspecified|associated alpha|unassociated alpha")),
    "FileSource": _code(_names("others|transparent scanner|reflex scanner|digital camera")),
    "FillOrder": _code(_names("high bit first|low bit first", 1)),
    "Flash": Tag(values.as_flash),
    "FlashPixVersion": _TEXT,
    "FocalPlaneResolutionUnit": _code(_names("none|inch|cm|mm|um", 1)),
    "GPSAltitudeRef": _code(_names("above sea level|below sea level"))._replace(personal=True),
    "GPSAreaInformation": Tag(values.as_coded_text, personal=True),
    "GPSDateStamp": _DATE,
    "GPSDestLatitude": Tag(_COORDINATE, personal=True),
    "GPSDestLongitude": Tag(_COORDINATE, personal=True),
    "GPSDifferential": _code(_names("none|corrected")),
    "GPSLatitude": Tag(_COORDINATE, personal=True),
    "GPSLongitude": Tag(_COORDINATE, personal=True),
    "GPSProcessingMethod": Tag(values.as_coded_text),
    "GPSTimeStamp": Tag(_COORDINATE),  # hours, minutes and seconds as hours
    "GainControl": _code(_names("none|low gain up|high gain up|low gain down|high gain down")),
    "ISOSpeedRatings": Tag(values.as_first),  # further values are of other scales
    "InteropVersion": _TEXT,
    "LightSource": _code(_LIGHTS),
    "MeteringMode": _code(
        _names("unknown|average|center-weighted|spot|multi-spot|multi-segment|partial")
        | {255: "other"}
    ),
    # Where the first row and the first column are seen, and what brings the picture upright.
    "Orientation": _code(
        _names(
            "upright|mirrored|rotate 180|mirrored, rotate 180|mirrored, rotate 270 CW|"
            "rotate 90 CW|mirrored, rotate 90 CW|rotate 270 CW",
            1,
        )
    ),
    "PhotometricInterpretation": _code(
        _names("white is zero|black is zero|RGB|palette|transparency mask|CMYK|YCbCr")
        | {8: "CIELAB", 9: "ICCLAB", 32803: "color filter array", 34892: "linear raw"}
    ),
    "PlanarConfiguration": _code(_names("chunky|planar", 1)),
    "Predictor": _code(_names("none|horizontal|floating point", 1)),
    "ResolutionUnit": _code(_names("none|inch|cm", 1)),
    "SampleFormat": _code(_names("unsigned|signed|float|undefined", 1)),
    "Saturation": _code(_names("normal|low|high")),
    "SceneCaptureType": _code(_names("standard|landscape|portrait|night")),
    "SceneType": _code(_names("directly photographed", 1)),
    "SensingMethod": _code(
        _names("not defined|one-chip color area|two-chip color area|three-chip color area", 1)
        | {5: "color sequential area", 7: "trilinear", 8: "color sequential linear"}
    ),
    "SensitivityType": _code(
        _names(
            "unknown|SOS|REI|ISO speed|SOS and REI|SOS and ISO speed|REI and ISO speed|"
            "SOS, REI and ISO speed"
        )
    ),
    "Sharpness": _code(_names("normal|soft|hard")),
    "SubjectDistanceRange": _code(_names("unknown|macro|close|distant")),
    "UserComment": Tag(values.as_coded_text, personal=True),
    "WhiteBalance": _code(_names("auto|manual")),
    "XPAuthor": Tag(_WIDE_TEXT, personal=True),
    "XPComment": Tag(_WIDE_TEXT, personal=True),
    "XPKeywords": Tag(_WIDE_TEXT, personal=True),
    "XPSubject": Tag(_WIDE_TEXT, personal=True),
    "XPTitle": Tag(_WIDE_TEXT, personal=True),
    "YCbCrPositioning": _code(_names("centered|co-sited", 1)),
}
TAGS |= _with(
    _PERSONAL,
    "Artist|BodySerialNumber|CameraOwnerName|CameraSerialNumber|Copyright|DocumentName|"
    "GPSAltitude|GPSDestBearing|GPSDestBearingRef|GPSDestDistance|GPSDestDistanceRef|GPSDestLatitudeRef|"
    "GPSDestLongitudeRef|GPSLatitudeRef|GPSLongitudeRef|HostComputer|ImageDescription|ImageEditor|"
    "ImageHistory|ImageID|ImageTitle|ImageUniqueID|LensSerialNumber|OriginalRawFileDigest|"
    "OriginalRawFileName|PageName|Photographer|ProfileCopyright|RawDataUniqueID|RawImageDigest|"
    "SecurityClassification",
)
TAGS |= _with(
    _POINTER,
    "ExifInteroperabilityOffset|ExifOffset|FreeByteCounts|FreeOffsets|GPSInfo|JpegACTables|"
    "JpegDCTables|JpegIFByteCount|JpegIFOffset|JpegQTables|StripByteCounts|StripOffsets|SubIFDs|"
    "TileByteCounts|TileOffsets",
)
_PLAIN = Tag()

# Coordinate -> the code of the tag of GPS that says its sign, and what it says of negative ones.
SIGNS = {
    "GPSLatitude": (1, b"S"),
    "GPSLongitude": (3, b"W"),
    "GPSAltitude": (5, b"\1"),
    "GPSDestLatitude": (19, b"S"),
    "GPSDestLongitude": (21, b"W"),
}

DATES = frozenset(name for name, tag in TAGS.items() if tag is _DATE)
ENUMERATIONS = {name: tag.names for name, tag in TAGS.items() if tag.names}
PERSONAL = frozenset(name for name, tag in TAGS.items() if tag.personal)
POINTERS = frozenset(name for name, tag in TAGS.items() if tag.is_pointer)

# Exif 3.0 tags that Pillow has no name for.
_NEWER = _names(
    "ImageTitle|Photographer|ImageEditor|CameraFirmware|RAWDevelopingSoftware|"
    "ImageEditingSoftware|MetadataEditingSoftware",
    first=0xA436,
)


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
    length. The arguments are those of `Held`. One outside of the file says nothing either.
    """
    try:
        return TAGS.get(name, _PLAIN).convert(Held(order, kind, length, start))
    except DamagedError:
        return None
