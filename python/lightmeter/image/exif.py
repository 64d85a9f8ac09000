"""Reading the Exif of an image as numbers and strings: the known tags and their values."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import TypeGuard

from PIL import ExifTags as Pillow

from lightmeter import _core
from lightmeter.image.encoded import Opened
from lightmeter.image.tiff import ASCII, BYTE_TYPES, DamagedError, Number, Values
from lightmeter.text import near
from lightmeter.times import DAY, EPOCH

# --- the tags ---


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


# --- values ---

Value = int | float | str

# Only the start of a longer text is read.
_MAX_BYTES = 512
_MAX_CHARACTERS = 128
_WRONG = "\ufffd"  # in place of bytes that are not UTF-8

# More values than this are a table, of which only the length is kept. Of more than four bytes,
# whose meaning is unknown, only the length is kept too.
_MAX_VALUES = 16
_MAX_BYTE_VALUES = 4

_DATE = re.compile(r"(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)(?:[ T]+(\d\d?):(\d\d?)(?::(\d\d?))?)?")
# A coded text begins with the name of its character set, padded to eight bytes. Other character
# sets than these are not decoded.
_CHARSETS = (b"", b"ASCII")
_FLASH_RETURN = {2: "return not detected", 3: "return detected"}
_FLASH_MODE = {1: "on", 2: "off", 3: "auto"}


# Cameras repeat the same values. The cached ones take a few megabytes at most.
@lru_cache(maxsize=4096)
def value_of(name: str, order: str, kind: int, length: int, start: bytes) -> Value | None:
    """Return the value of the tag `name`; None if it has no usable value.

    Integers are int and rationals float, both finite. Several equal values count as one; unequal
    values make a text. For tables, and for bytes of unknown meaning, the value is their length. A
    value outside the file is None.

    Parameters
    ----------
    name
        Pillow's name of the tag.
    order
        Byte order, ``"<"`` or ``">"``.
    kind
        The type of the values, by TIFF's number.
    length
        Number of values.
    start
        Their first 512 bytes, or fewer if the file ends.
    """
    held = Values(order, kind, length, start)
    try:
        if name in _CONVERSIONS:
            return _CONVERSIONS[name](held)
        if kind == ASCII:
            return _as_text(held)
        return _as_plain(held) if name not in ENUMERATIONS else _as_names(held, ENUMERATIONS[name])
    except DamagedError:
        return None


def _as_plain(held: Values) -> Value | None:
    is_table = held.length > _MAX_VALUES or (
        held.kind in BYTE_TYPES and (held.kind == 7 or held.length > _MAX_BYTE_VALUES)
    )
    return _plain([held.length] if is_table else held.numbers(_MAX_VALUES))


def _plain(values: Sequence[Number]) -> Value | None:
    if len(set(values)) == 1:
        value = values[0]
        if value is None or not math.isfinite(value):
            return None
        return value if -(2**63) <= value < 2**63 else float(value)
    if not any(map(_is_finite, values)):
        return None
    return " ".join(f"{value:.6g}" if _is_finite(value) else "-" for value in values)


def _is_finite(value: Number) -> TypeGuard[int | float]:
    """Return whether the value is a finite number, and not n/0."""
    return value is not None and math.isfinite(value)


def _as_names(held: Values, names: dict[int, str]) -> str | None:
    values = dict.fromkeys(filter(_is_finite, held.numbers(_MAX_BYTE_VALUES)))
    return ", ".join(names.get(value, f"{value}") for value in values) or None  # type: ignore[arg-type]


def _as_text(held: Values) -> str | None:
    return _text(held.raw(_MAX_BYTES))


def _as_coded_text(held: Values) -> str | None:
    data = held.raw(_MAX_BYTES)
    return _text(data[8:] if data[:8].rstrip(b"\0 ").upper() in _CHARSETS else data)


def _text(data: bytes) -> str | None:
    text = _cut(data.decode(errors="replace"))
    return _cut(data.decode("latin-1")) if text and _WRONG in text else text


def _cut(text: str) -> str | None:
    """Return a text up to the first NUL, without the spaces around it."""
    return text.split("\0", 1)[0].strip()[:_MAX_CHARACTERS].strip() or None


def days_of(text: str) -> float | None:
    """Return a date as days since 1970, by the camera's clock; None if the text is not a date."""
    match = _DATE.match(text.strip())
    if match is None:
        return None
    try:
        numbers = [int(part or 0) for part in match.groups()]
        return (datetime(*numbers, tzinfo=UTC) - EPOCH) / DAY  # type: ignore[misc, arg-type]
    except ValueError:  # no such day or time
        return None


def _as_flash(held: Values) -> str | None:
    """Return the state of the flash as a text, such as whether it fired and its mode."""
    values = held.numbers(1)
    number = values[0] if values and held.kind != ASCII else None
    if not _is_finite(number):
        return None
    bits = int(number)
    parts = [
        "fired" if bits & 1 else "not fired",
        _FLASH_MODE.get(bits >> 3 & 3, "" if bits & 0x20 else "mode unknown"),
        "no flash function" if bits & 0x20 else None,
        _FLASH_RETURN.get(bits >> 1 & 3),
        "red-eye reduction" if bits & 0x40 else None,
    ]
    return ", ".join(filter(None, parts))


def _as_coordinate(held: Values) -> float | None:
    """Return degrees, minutes and seconds as degrees; missing parts are zero."""
    values = held.numbers(3)
    if not values or values[0] is None:
        return None
    total = sum((value or 0.0) / 60**place for place, value in enumerate(values))
    return total if math.isfinite(total) else None


_CONVERSIONS: dict[str, Callable[[Values], Value | None]] = {
    "Flash": _as_flash,
    "ISOSpeedRatings": lambda held: _plain(held.numbers(1)),  # further values are of other scales
    **dict.fromkeys(DATES, lambda held: days_of(_as_text(held) or "")),
    **dict.fromkeys(("ExifVersion", "FlashPixVersion", "InteropVersion"), _as_text),
    **dict.fromkeys(("GPSAreaInformation", "GPSProcessingMethod", "UserComment"), _as_coded_text),
    # GPSTimeStamp is hours, minutes and seconds, as hours.
    **dict.fromkeys(("GPSLatitude", "GPSLongitude", "GPSTimeStamp"), _as_coordinate),
    **dict.fromkeys(
        ("XPAuthor", "XPComment", "XPKeywords", "XPSubject", "XPTitle"),
        lambda held: _cut(held.raw(_MAX_BYTES).decode("utf-16-le", "replace")),
    ),
}


# --- of an image ---

ExifTags = dict[str, Value]

_COORDINATES = {2, 4}  # tags of the latitude and longitude


@dataclass(frozen=True, init=False)
class ExifPolicy:
    """Select the Exif tags to track: all except personal tags, plus `allow`, minus `deny`.

    Personal tags are positions, serial numbers, unique identifiers, names of persons and computers,
    descriptions and comments; ``has_gps`` (1 or 0) is not personal. Tags have Pillow's names, such
    as ``GPSLatitude`` or ``Artist``, except ``ExifSharpness`` and ``ExifNoise``.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    allow
        Personal Exif tags to track. Names of other tags are dropped, because they are tracked
        already.
    deny
        Exif tags not to track; it takes precedence over `allow`.

    Raises
    ------
    ValueError
        A name is not the name of an Exif tag. A misspelt name would otherwise let a tag through.
    TypeError
        `allow` or `deny` is a string instead of a collection of strings.

    Examples
    --------
    >>> lm.log_image("photo.jpg", exif=lm.ExifPolicy(allow=["GPSLatitude"], deny=["Model"]))
    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def __init__(self, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        """Check the names."""
        vars(self).update(allow=_checked("allow", allow) & PERSONAL, deny=_checked("deny", deny))

    @cached_property
    def withheld(self) -> frozenset[str]:
        """Return the names of all tags that are not tracked."""
        return PERSONAL - self.allow | self.deny


def _checked(argument: str, names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(f"{argument} is a string; expected a collection, such as {{{names!r}}}")
    checked = frozenset(names)
    if checked <= KNOWN:
        return checked
    name = min(checked - KNOWN)
    hint = near(name, KNOWN, "expected one of PIL.ExifTags")
    raise ValueError(f"{argument} names {name!r}, which is no Exif tag; {hint}")


DEFAULT_POLICY = ExifPolicy()


def read_exif(
    block: bytes | Opened | None,
    policy: ExifPolicy = DEFAULT_POLICY,
    orientation: int | None = None,
) -> ExifTags:
    """Return the tags of IFD0 and of its Exif, GPS and Interop directories by Pillow's names.

    Values are integers, floats for rationals, strings without padding, names of enumerated values,
    dates in days since 1970, and coordinates in degrees. ``has_gps`` is 1 if there is a position,
    otherwise 0. Pointer tags, unknown tags and damaged values are left out.

    Parameters
    ----------
    block
        The TIFF structure, in memory or in a file; None if there is none.
    policy
        Which tags to read.
    orientation
        Orientation in a container such as HEIF, which replaces that of the Exif.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = len(block) if isinstance(block, bytes) else getattr(block, "size", 0)
    tags = tags_of(None if block is None else _core.exif_tags(block, size), policy)
    if orientation is not None and "Orientation" not in policy.withheld:
        tags["Orientation"] = ENUMERATIONS["Orientation"][orientation]
    return tags


def tags_of(parts: "_core.ExifParts | None", policy: ExifPolicy) -> ExifTags:
    """Return the tags of directories that the core parsed; see `read_exif`."""
    tags: ExifTags = {}
    order, main, exif, gps, interop = parts or ("<", [], [], [], [])
    places = {entry[0]: entry[1:] for entry in gps}
    every = (NAMES, main), (NAMES, exif), (GPS_NAMES, gps)
    for names, entries in (*every, (INTEROP_NAMES, interop)):
        for code, kind, length, start in entries:
            name = names.get(code)
            if name is None or name in tags or name in policy.withheld:
                continue
            value = value_of(name, order, kind, length, start)
            if name in SIGNS and SIGNS[name][0] in places and isinstance(value, float):
                _, count, sign = places[SIGNS[name][0]]
                is_damaged = count and not sign
                is_negative = sign[:1].upper() == SIGNS[name][1]
                value = None if is_damaged else -value if is_negative else value
            if value is not None:
                tags[name] = value
    if "has_gps" not in policy.withheld:
        known = places.keys() & _COORDINATES
        found = [value_of("GPSLatitude", order, *places[code]) for code in known]
        tags["has_gps"] = int(len(found) == len(_COORDINATES) and None not in found)
    return tags
