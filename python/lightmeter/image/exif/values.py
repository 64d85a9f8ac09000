"""From the bytes of one Exif tag to a number or a string worth tracking."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeGuard

from lightmeter.image.exif.names import ENUMERATIONS, flash
from lightmeter.image.header.tiff import ASCII, BYTE_TYPES, Entry, HeldTiff, Number, Tiff
from lightmeter.times import DAY, EPOCH

__all__ = ["DATES", "Value", "days_of", "value_of"]

Value = int | float | str

# Only the start of a longer text is read.
_MAX_BYTES = 512
_MAX_CHARACTERS = 128

# More values than this are a table, of which only the length is kept. The same holds for more than
# four bytes, which may mean anything.
_MAX_VALUES = 16
_MAX_BYTE_VALUES = 4

_DATE = re.compile(r"(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)(?:[ T]+(\d\d?):(\d\d?)(?::(\d\d?))?)?")
_COMPONENTS = {1: "Y", 2: "Cb", 3: "Cr", 4: "R", 5: "G", 6: "B"}
# A coded text begins with the name of its character set, padded to eight bytes.
_CHARSETS = {b"": "utf-8", b"ASCII": "utf-8", b"UNICODE": "utf-16", b"JIS": "iso2022_jp"}

DATES = frozenset(
    {"DateTime", "DateTimeDigitized", "DateTimeOriginal", "GPSDateStamp", "PreviewDateTime"}
)
_COORDINATES = frozenset({"GPSDestLatitude", "GPSDestLongitude", "GPSLatitude", "GPSLongitude"})
_UNDEFINED_TEXTS = frozenset({"ExifVersion", "FlashPixVersion", "InteropVersion"})
_CODED_TEXTS = frozenset({"GPSAreaInformation", "GPSProcessingMethod", "UserComment"})
_WIDE_TEXTS = frozenset({"XPAuthor", "XPComment", "XPKeywords", "XPSubject", "XPTitle"})


# Cameras say the same again and again. The values remembered take some megabytes at most.
@lru_cache(maxsize=4096)
def value_of(name: str, order: str, kind: int, length: int, start: bytes) -> Value | None:
    """The value of the tag `name`; None if it says nothing.

    Whole numbers are int and rationals float, both finite. Several equal values count as one, and
    unequal ones make a text. Dates are days since 1970 by the camera's clock, whatever its zone.
    For tables, and for bytes without a known meaning, the value is their length.

    Args:
        name: that of the tag.
        order: of the bytes, ``"<"`` or ``">"``.
        kind: the type of the values, by TIFF's number.
        length: how many values there are.
        start: the first 512 bytes of them, or as many as the file has.

    Raises:
        DamagedError: the value lies outside of the file.
    """
    tiff, entry = HeldTiff(order), Entry(kind, length, start)
    convert = _CONVERSIONS.get(name)
    if convert is not None:
        return convert(tiff, entry)
    if entry.kind == ASCII:
        return _text(tiff.raw(entry, _MAX_BYTES))
    if entry.kind in BYTE_TYPES and (entry.kind == 7 or entry.length > _MAX_BYTE_VALUES):
        return _plain([entry.length])
    if entry.length > _MAX_VALUES:
        return _plain([entry.length])
    return _plain(tiff.numbers(entry, _MAX_VALUES))


def _degrees(values: Sequence[Number]) -> float | None:
    """Degrees, minutes and seconds as degrees. Missing minutes and seconds are zero."""
    if not values or values[0] is None:
        return None
    total = sum((value or 0.0) / 60**place for place, value in enumerate(values[:3]))
    return total if math.isfinite(total) else None


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
    """False of n/0 and of what is no number."""
    return value is not None and math.isfinite(value)


def _text(data: bytes, encoding: str = "utf-8") -> str | None:
    """The text up to the first NUL, without the spaces around it."""
    if encoding == "utf-8":
        cut = len(data) == _MAX_BYTES
        data = data.split(b"\0", 1)[0]
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            cut = cut and error.reason == "unexpected end of data"
            text = data[: error.start].decode() if cut else data.decode("latin-1")
    else:
        text = data.decode(encoding, "replace").split("\0", 1)[0]
    return text.strip()[:_MAX_CHARACTERS].strip() or None


def _undefined_text(tiff: Tiff, entry: Entry) -> Value | None:
    return _text(tiff.raw(entry, _MAX_BYTES))


def _coded_text(tiff: Tiff, entry: Entry) -> Value | None:
    """A text after the name of its character set, which some writers leave out."""
    data = tiff.raw(entry, _MAX_BYTES)
    encoding = _CHARSETS.get(data[:8].rstrip(b"\0 ").upper())
    if entry.kind == ASCII or encoding is None:
        return _text(data)
    if encoding == "utf-16" and data[8:10] not in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16-le" if tiff.order == "<" else "utf-16-be"
    return _text(data[8:], encoding)


def _wide_text(tiff: Tiff, entry: Entry) -> Value | None:
    return _text(tiff.raw(entry, _MAX_BYTES), "utf-16-le")


@lru_cache(maxsize=64)  # a picture has several dates, which are mostly the same
def days_of(text: str) -> float | None:
    """A date as days since 1970; None for what is none."""
    match = _DATE.match(text.strip())
    if match is None:
        return None
    try:
        numbers = [int(part or 0) for part in match.groups()]
        return (datetime(*numbers, tzinfo=UTC) - EPOCH) / DAY  # type: ignore[misc, arg-type]
    except ValueError:  # no such day or time
        return None


def _date(tiff: Tiff, entry: Entry) -> Value | None:
    return days_of(_text(tiff.raw(entry, _MAX_BYTES)) or "")


def _enumeration(names: dict[int, str]) -> Callable[[Tiff, Entry], Value | None]:
    def convert(tiff: Tiff, entry: Entry) -> Value | None:
        if entry.kind == ASCII:
            return _text(tiff.raw(entry, _MAX_BYTES))
        numbers = tiff.numbers(entry, _MAX_BYTE_VALUES)
        values = dict.fromkeys(number for number in numbers if _is_finite(number))
        return ", ".join(names.get(value, f"{value}") for value in values) or None  # type: ignore[arg-type]

    return convert


def _flash(tiff: Tiff, entry: Entry) -> Value | None:
    values = tiff.numbers(entry, 1)
    bits = values[0] if values and entry.kind != ASCII else None
    return flash(int(bits)) if _is_finite(bits) else None


def _components(tiff: Tiff, entry: Entry) -> Value | None:
    return "".join(_COMPONENTS.get(code, "") for code in tiff.raw(entry, 4)) or None


def _version(tiff: Tiff, entry: Entry) -> Value | None:
    return ".".join(map(str, tiff.raw(entry, 4))) or None


def _lens(tiff: Tiff, entry: Entry) -> Value | None:
    """Focal lengths, and the lowest F-number at either end, as "18-55mm f/3.5-5.6"."""
    values = tiff.numbers(entry, 4)
    focal, aperture = (
        "-".join(dict.fromkeys(f"{value:g}" for value in part if value and _is_finite(value)))
        for part in (values[:2], values[2:])
    )
    return " ".join([f"{focal}mm"] * bool(focal) + [f"f/{aperture}"] * bool(aperture)) or None


def _coordinate(tiff: Tiff, entry: Entry) -> Value | None:
    return _degrees(tiff.numbers(entry, 3))


def _first(tiff: Tiff, entry: Entry) -> Value | None:
    return _plain(tiff.numbers(entry, 1))


_CONVERSIONS: dict[str, Callable[[Tiff, Entry], Value | None]] = {
    **{name: _enumeration(names) for name, names in ENUMERATIONS.items()},
    **dict.fromkeys(DATES, _date),
    **dict.fromkeys(_COORDINATES, _coordinate),
    **dict.fromkeys(_UNDEFINED_TEXTS, _undefined_text),
    **dict.fromkeys(_CODED_TEXTS, _coded_text),
    **dict.fromkeys(_WIDE_TEXTS, _wide_text),
    "ComponentsConfiguration": _components,
    "Flash": _flash,
    "GPSTimeStamp": _coordinate,  # hours, minutes and seconds as hours
    "GPSVersionID": _version,
    "ISOSpeedRatings": _first,  # further values are of other scales
    "LensSpecification": _lens,
}
