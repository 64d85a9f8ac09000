"""From the bytes of one Exif tag to a number or a string worth tracking."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, TypeGuard

from lightmeter.image.tiff import ASCII, BYTE_TYPES, SIZES, DamagedError, Number, unpacked
from lightmeter.times import DAY, EPOCH

__all__ = ["Conversion", "Held", "Value", "as_code", "as_coded_text", "as_components"]
__all__ += [
    "as_coordinate",
    "as_date",
    "as_first",
    "as_flash",
    "as_plain",
    "as_text",
    "as_wide_text",
    "days_of",
]

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
_FLASH_RETURN = {2: "return not detected", 3: "return detected"}
_FLASH_MODE = {1: "on", 2: "off", 3: "auto"}


class Held(NamedTuple):
    """The values of a tag, wherever they were.

    Attributes:
        order: of the bytes, ``"<"`` or ``">"``.
        kind: the type of the values, by TIFF's number.
        length: how many values there are.
        start: the first 512 bytes of them, or as many as the file has.
    """

    order: str
    kind: int
    length: int
    start: bytes

    def raw(self, limit: int) -> bytes:
        """Return at most so many bytes. Raises DamagedError if they are outside of the file."""
        size = min(SIZES[self.kind] * self.length, limit)
        if size > len(self.start):
            raise DamagedError(f"got {len(self.start)} of {size} bytes")
        return self.start[:size]

    def numbers(self, limit: int) -> tuple[Number, ...]:
        """Return at most so many values."""
        count = min(self.length, limit)
        return unpacked(self.order, self.kind, count, self.raw(count * SIZES[self.kind]))


Conversion = Callable[[Held], Value | None]


def as_plain(held: Held) -> Value | None:
    """Return a number, or a text of several unequal ones; of a table the length."""
    if held.kind == ASCII:
        return as_text(held)
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
    """False of n/0 and of what is no number."""
    return value is not None and math.isfinite(value)


def as_first(held: Held) -> Value | None:
    """Return the first value."""
    return _plain(held.numbers(1))


def as_text(held: Held) -> Value | None:
    """Return the bytes as a text."""
    return _text(held.raw(_MAX_BYTES))


def as_coded_text(held: Held) -> Value | None:
    """Return a text after the name of its character set, which some writers leave out."""
    data = held.raw(_MAX_BYTES)
    encoding = _CHARSETS.get(data[:8].rstrip(b"\0 ").upper())
    if held.kind == ASCII or encoding is None:
        return _text(data)
    if encoding == "utf-16" and data[8:10] not in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16-le" if held.order == "<" else "utf-16-be"
    return _text(data[8:], encoding)


def as_wide_text(held: Held) -> Value | None:
    """Return a text of 16-bit characters."""
    return _text(held.raw(_MAX_BYTES), "utf-16-le")


def _text(data: bytes, encoding: str = "utf-8") -> str | None:
    """Return the text up to the first NUL, without the spaces around it."""
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


@lru_cache(maxsize=64)  # a picture has several dates, which are mostly the same
def days_of(text: str) -> float | None:
    """Return a date as days since 1970; None for what is none."""
    match = _DATE.match(text.strip())
    if match is None:
        return None
    try:
        numbers = [int(part or 0) for part in match.groups()]
        return (datetime(*numbers, tzinfo=UTC) - EPOCH) / DAY  # type: ignore[misc, arg-type]
    except ValueError:  # no such day or time
        return None


def as_date(held: Held) -> Value | None:
    """Return days since 1970 by the camera's clock, whatever its zone."""
    return days_of(_text(held.raw(_MAX_BYTES)) or "")


def as_code(names: dict[int, str]) -> Conversion:
    """Return what gives the names of numbers."""

    def convert(held: Held) -> Value | None:
        if held.kind == ASCII:
            return as_text(held)
        values = dict.fromkeys(filter(_is_finite, held.numbers(_MAX_BYTE_VALUES)))
        return ", ".join(names.get(value, f"{value}") for value in values) or None  # type: ignore[arg-type]

    return convert


def as_flash(held: Held) -> Value | None:
    """Return whether it fired, its mode, function, return light and red-eye reduction."""
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


def as_components(held: Held) -> Value | None:
    """Return the names of channels."""
    return "".join(_COMPONENTS.get(code, "") for code in held.raw(4)) or None


def as_coordinate(held: Held) -> Value | None:
    """Return degrees, minutes and seconds as degrees; those that are missing are zero."""
    values = held.numbers(3)
    if not values or values[0] is None:
        return None
    total = sum((value or 0.0) / 60**place for place, value in enumerate(values))
    return total if math.isfinite(total) else None
