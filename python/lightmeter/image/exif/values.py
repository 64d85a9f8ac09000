"""Converting the bytes of an Exif tag to a number or a string."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, TypeGuard

from lightmeter.image.exif.tags import DATES, ENUMERATIONS
from lightmeter.image.tiff import ASCII, BYTE_TYPES, SIZES, DamagedError, Number, unpacked
from lightmeter.times import DAY, EPOCH

Value = int | float | str

# Only the start of a longer text is read.
_MAX_BYTES = 512
_MAX_CHARACTERS = 128

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


class _Held(NamedTuple):
    """Hold the values of a tag.

    Attributes
    ----------
    order
        Byte order, ``"<"`` or ``">"``.
    kind
        The type of the values, by TIFF's number.
    length
        Number of values.
    start
        Their first 512 bytes, or fewer if the file ends.
    """

    order: str
    kind: int
    length: int
    start: bytes

    def raw(self, limit: int) -> bytes:
        """Return at most `limit` bytes. Raises DamagedError if they lie outside the file."""
        size = min(SIZES[self.kind] * self.length, limit)
        if size > len(self.start):
            raise DamagedError(f"got {len(self.start)} of {size} bytes")
        return self.start[:size]

    def numbers(self, limit: int) -> tuple[Number, ...]:
        """Return at most `limit` values."""
        count = min(self.length, limit)
        return unpacked(self.order, self.kind, count, self.raw(count * SIZES[self.kind]))


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
    held = _Held(order, kind, length, start)
    try:
        if name in _CONVERSIONS:
            return _CONVERSIONS[name](held)
        if kind == ASCII:
            return _as_text(held)
        return _as_plain(held) if name not in ENUMERATIONS else _as_names(held, ENUMERATIONS[name])
    except DamagedError:
        return None


def _as_plain(held: _Held) -> Value | None:
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


def _as_names(held: _Held, names: dict[int, str]) -> str | None:
    values = dict.fromkeys(filter(_is_finite, held.numbers(_MAX_BYTE_VALUES)))
    return ", ".join(names.get(value, f"{value}") for value in values) or None  # type: ignore[arg-type]


def _as_text(held: _Held) -> str | None:
    return _text(held.raw(_MAX_BYTES))


def _as_coded_text(held: _Held) -> str | None:
    data = held.raw(_MAX_BYTES)
    return _text(data[8:] if data[:8].rstrip(b"\0 ").upper() in _CHARSETS else data)


def _text(data: bytes) -> str | None:
    is_cut = len(data) == _MAX_BYTES
    data = data.split(b"\0", 1)[0]
    try:
        return _cut(data.decode())
    except UnicodeDecodeError as error:
        is_cut = is_cut and error.reason == "unexpected end of data"
        return _cut(data[: error.start].decode() if is_cut else data.decode("latin-1"))


def _cut(text: str) -> str | None:
    """Return a text up to the first NUL, without the spaces around it."""
    return text.split("\0", 1)[0].strip()[:_MAX_CHARACTERS].strip() or None


@lru_cache(maxsize=64)  # an image has several dates, which are mostly the same
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


def _as_flash(held: _Held) -> str | None:
    """Return the state of the flash as a text, such as whether it fired and its mode."""
    values = held.numbers(1)
    number = values[0] if values and held.kind != ASCII else None
    if not _is_finite(number):
        return None
    bits = int(number)
    parts = [
        "fired" if bits & 1 else "not fired",
        _FLASH_MODE.get(bits >> 3 & 3),
        "no flash function" if bits & 0x20 else None,
        _FLASH_RETURN.get(bits >> 1 & 3),
        "red-eye reduction" if bits & 0x40 else None,
    ]
    return ", ".join(filter(None, parts))


def _as_coordinate(held: _Held) -> float | None:
    """Return degrees, minutes and seconds as degrees; missing parts are zero."""
    values = held.numbers(3)
    if not values or values[0] is None:
        return None
    total = sum((value or 0.0) / 60**place for place, value in enumerate(values))
    return total if math.isfinite(total) else None


_CONVERSIONS: dict[str, Callable[[_Held], Value | None]] = {
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
