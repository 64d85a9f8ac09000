"""The table of Exif tags: their names, which are personal, and names of enumerated values."""

import re

from PIL import ExifTags as Pillow


def _names(text: str, first: int = 0) -> dict[int, str]:
    return dict(enumerate(text.split("|"), first))


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


# Names of enumerated values, from Exif 2.32 and TIFF 6.0.
ENUMERATIONS = {
    "ColorSpace": _names("sRGB|Adobe RGB", 1) | {0xFFFF: "uncalibrated"},
    "Compression": _names("none|CCITT RLE|CCITT T.4|CCITT T.6|LZW|JPEG (old)|JPEG|deflate", 1)
    | {32773: "PackBits", 32946: "deflate (old)", 34712: "JPEG 2000", 34892: "lossy JPEG"}
    | {34925: "LZMA", 50000: "Zstandard", 50001: "WebP"},
    "Contrast": _names("normal|soft|hard"),
    "ExposureMode": _names("auto|manual|auto bracket"),
    "ExposureProgram": _names(
        "not defined|manual|program|aperture priority|shutter priority|creative|action|portrait|"
        "landscape"
    ),
    "FileSource": _names("others|transparent scanner|reflex scanner|digital camera"),
    "GPSAltitudeRef": _names("above sea level|below sea level"),
    # Such as "Day White Fluorescent".
    "LightSource": {
        int(light): re.sub(r"(?<=[a-z])(?=[A-Z])", " ", light.name) for light in Pillow.LightSource
    },
    "MeteringMode": _names("unknown|average|center-weighted|spot|multi-spot|multi-segment|partial")
    | {255: "other"},
    # Position of the first row and first column, and the rotation that turns the image upright.
    "Orientation": _names(
        "upright|mirrored|rotate 180|mirrored, rotate 180|mirrored, rotate 270 CW|"
        "rotate 90 CW|mirrored, rotate 90 CW|rotate 270 CW",
        1,
    ),
    "PhotometricInterpretation": _names(
        "white is zero|black is zero|RGB|palette|transparency mask|CMYK|YCbCr"
    )
    | {8: "CIELAB", 9: "ICCLAB", 32803: "color filter array", 34892: "linear raw"},
    "ResolutionUnit": _names("none|inch|cm", 1),
    "Saturation": _names("normal|low|high"),
    "SceneCaptureType": _names("standard|landscape|portrait|night"),
    "ExifSharpness": _names("normal|soft|hard"),
    "WhiteBalance": _names("auto|manual"),
}
# Tags whose numbers are kept, as categories.
_CODES = _set(
    "CompositeImage|CustomRendered|ExtraSamples|FillOrder|FocalPlaneResolutionUnit|GPSDifferential|"
    "GainControl|PlanarConfiguration|Predictor|SampleFormat|SceneType|SensingMethod|"
    "SensitivityType|SubjectDistanceRange|YCbCrPositioning"
)
ENUMERATIONS |= {name: {} for name in _CODES}

DATES = _set("DateTime|DateTimeDigitized|DateTimeOriginal|GPSDateStamp")

# Tags that may name or locate a person, identify a device or an image, or hold free text. A profile
# stores only the personal names of an ExifPolicy (profile.cpp), so a change of this list changes
# the meaning of stored profiles.
PERSONAL = _set(
    "Artist|BodySerialNumber|CameraOwnerName|CameraSerialNumber|Copyright|DocumentName|"
    "GPSAltitude|GPSAltitudeRef|GPSAreaInformation|GPSDestBearing|GPSDestBearingRef|"
    "GPSDestDistance|GPSDestDistanceRef|GPSDestLatitude|GPSDestLatitudeRef|GPSDestLongitude|"
    "GPSDestLongitudeRef|GPSLatitude|GPSLatitudeRef|GPSLongitude|GPSLongitudeRef|HostComputer|"
    "ImageDescription|ImageEditor|ImageHistory|ImageID|ImageTitle|ImageUniqueID|"
    "LensSerialNumber|OriginalRawFileDigest|OriginalRawFileName|PageName|Photographer|"
    "ProfileCopyright|RawDataUniqueID|RawImageDigest|SecurityClassification|UserComment|"
    "XPAuthor|XPComment|XPKeywords|XPSubject|XPTitle"
)

# Offsets in the file, which say nothing about the image.
POINTERS = _set(
    "ExifInteroperabilityOffset|ExifOffset|FreeByteCounts|FreeOffsets|GPSInfo|JpegACTables|"
    "JpegDCTables|JpegIFByteCount|JpegIFOffset|JpegQTables|StripByteCounts|StripOffsets|"
    "SubIFDs|TileByteCounts|TileOffsets"
)

# Coordinate -> the GPS tag of its sign, and the value of that tag for negative coordinates.
SIGNS = {"GPSLatitude": (1, b"S"), "GPSLongitude": (3, b"W"), "GPSAltitude": (5, b"\1")}

# Exif 3.0 tags for which Pillow has no name.
_NEWER = _names(
    "ImageTitle|Photographer|ImageEditor|CameraFirmware|RAWDevelopingSoftware|"
    "ImageEditingSoftware|MetadataEditingSoftware",
    first=0xA436,
)


# Tags that share their names with numbers of pixels.
_RENAMED = {"Noise": "ExifNoise", "Sharpness": "ExifSharpness"}


def _tracked(names: dict[int, str]) -> dict[int, str]:
    return {code: _RENAMED.get(name, name) for code, name in names.items() if name not in POINTERS}


NAMES = _tracked({**Pillow.TAGS, **_NEWER})
GPS_NAMES = dict(Pillow.GPSTAGS)
INTEROP_NAMES = _tracked({int(tag): tag.name for tag in Pillow.Interop} | NAMES)
KNOWN = frozenset({*NAMES.values(), *GPS_NAMES.values(), *INTEROP_NAMES.values(), *PERSONAL})
KNOWN |= {"has_gps"}
