"""The wire format of protocol buffers, as far as whylogs' files use it."""

import struct
from collections.abc import Iterator

from lightmeter.errors import DecodeError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_VALUES = 200_000  # of a message, each of which costs more memory than its two bytes

Raw = int | memoryview


class Message:
    """The fields of a message by their numbers. A field that is not there has its zero value.

    Of a field that comes twice the last counts, unless it is asked for by `all`. Nothing is copied,
    and nothing is nested here: a message in a field is read when it is asked for.
    """

    def __init__(self, data: memoryview) -> None:
        """Step through the fields.

        Raises:
            DecodeError: they do not fill the bytes exactly, or are too many.
        """
        self._fields: dict[int, list[Raw]] = {}
        for place, (number, value) in enumerate(_fields(data)):
            if place == _MOST_VALUES:
                raise DecodeError(f"a message of more than {_MOST_VALUES} fields")
            self._fields.setdefault(number, []).append(value)

    def all(self, number: int) -> Iterator[memoryview]:
        """Every value of a field that holds bytes."""
        for value in self._fields.get(number, ()):
            if not isinstance(value, memoryview):
                raise DecodeError(f"field {number} of a message is a number; expected bytes")
            yield value

    def bytes(self, number: int) -> memoryview:
        """The bytes of a field."""
        return [memoryview(b""), *self.all(number)][-1]

    def message(self, number: int) -> "Message":
        """The message in a field."""
        return Message(self.bytes(number))

    def text(self, number: int) -> str:
        """The text in a field."""
        return text_of(self.bytes(number))

    def unsigned(self, number: int, bits: int = 64) -> int:
        """A number from 0."""
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise DecodeError(f"field {number} of a message holds bytes; expected a number")
        if value >> bits:
            raise DecodeError(f"field {number} of a message is {value}; expected {bits} bits")
        return value

    def signed(self, number: int) -> int:
        """A number of 64 bits in two's complement."""
        value = self.unsigned(number)
        return value - 2**64 if value >> 63 else value

    def double(self, number: int) -> float:
        """A float of 64 bits, which may be any."""
        return float(struct.unpack("<1d", struct.pack("<1Q", self.unsigned(number)))[0])

    def numbers(self, number: int) -> list[int]:
        """A repeated field of numbers, in either of its two forms."""
        values: list[int] = []
        for value in self._fields.get(number, ()):
            if isinstance(value, int):
                values.append(value)
                continue
            at = 0
            while at < len(value):
                if len(values) >= _MOST_VALUES:
                    raise DecodeError(f"a list of more than {_MOST_VALUES} numbers")
                element, at = _varint(value, at)
                values.append(element)
        return values


def text_of(data: memoryview) -> str:
    """UTF-8.

    Raises:
        DecodeError: it is not.
    """
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"a text that is not UTF-8: {error.reason}") from None


def delimited(data: memoryview, at: int) -> tuple[Message, int]:
    """The message at an offset, behind its length, and where it ends."""
    size, at = _varint(data, at)
    return Message(_part(data, at, size)), at + size


def _fields(data: memoryview) -> Iterator[tuple[int, Raw]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise DecodeError(f"field {number} of a message is of kind {kind}, which none is")
        part = _part(data, at, size)
        yield number, part if kind == _BYTES else int.from_bytes(part, "little")
        at += size


def _part(data: memoryview, at: int, size: int) -> memoryview:
    if size > len(data) - at:
        raise DecodeError(f"{size} bytes are said to follow where only {len(data) - at} do")
    return data[at : at + size]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of at most 64 bits at an offset, and where it ends."""
    value = 0
    for place in range(10):
        if not 0 <= at < len(data):
            raise DecodeError("the bytes end within a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if value >> 64:
                break
            return value, at
    raise DecodeError("a number of more than 64 bits")
