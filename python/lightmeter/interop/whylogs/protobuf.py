"""The wire format of protocol buffers, as far as files of whylogs use it."""

import struct

from lightmeter.errors import DecodeError

_VARINT, _BYTES, _FIXED = 0, 2, {1: 8, 5: 4}  # kinds of fields, two of them with their sizes
_MOST_VALUES = 200_000  # of a message, because two bytes may become a large Python object


def require(holds: bool, wrong: str) -> None:
    """Check a condition on the bytes.

    Raises
    ------
    DecodeError
        The condition does not hold.
    """
    if not holds:
        raise DecodeError(wrong)


class Message:
    """The fields of a message by their numbers. A missing field has its zero value.

    The last value of a repeated field counts; `all` returns every value. Nothing is copied, and a
    nested message is read when it is requested.
    """

    def __init__(self, data: memoryview) -> None:
        """Read the fields.

        Raises
        ------
        DecodeError
            The fields do not fill the bytes exactly, or there are too many.
        """
        self._fields: dict[int, list[int | memoryview]] = {}
        at = count = 0
        while at < len(data):
            key, at = varint(data, at)
            number, kind = key >> 3, key & 7
            require(kind in (_VARINT, _BYTES, *_FIXED), f"a field of the unknown kind {kind}")
            size, at = (_FIXED[kind], at) if kind in _FIXED else varint(data, at)
            value: int | memoryview = size
            if kind != _VARINT:
                value, at = _part(data, at, size), at + size
            self._fields.setdefault(number, []).append(value)
            count += 1
            require(count <= _MOST_VALUES, f"a message of more than {_MOST_VALUES} fields")

    def all(self, number: int) -> list[memoryview]:
        """Return every value of a field of bytes."""
        values = [each for each in self._fields.get(number, ()) if isinstance(each, memoryview)]
        are_all = len(values) == len(self._fields.get(number, ()))
        require(are_all, f"field {number} of a message is a number; expected bytes")
        return values

    def bytes(self, number: int) -> memoryview:
        """Return the bytes of a field."""
        return [memoryview(b""), *self.all(number)][-1]

    def message(self, number: int) -> "Message":
        """Return the message in a field."""
        return Message(self.bytes(number))

    def messages(self, number: int) -> "list[Message]":
        """Return all messages of a field."""
        return list(map(Message, self.all(number)))

    def text(self, number: int) -> str:
        """Return the text in a field."""
        return text_of(self.bytes(number))

    def unsigned(self, number: int) -> int:
        """Return an unsigned number."""
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise DecodeError(f"field {number} of a message has bytes; expected a number")
        return value

    def signed(self, number: int) -> int:
        """Return a 64-bit number in two's complement."""
        value = self.unsigned(number)
        return value - 2**64 if value >> 63 else value

    def double(self, number: int) -> float:
        """Return a 64-bit float, which may be infinite or NaN."""
        data = self.bytes(number) or bytes(8)
        require(len(data) == 8, f"field {number} of a message has {len(data)} bytes; expected 8")
        return float(struct.unpack("<1d", data)[0])


def text_of(data: memoryview) -> str:
    """Return UTF-8 bytes as text.

    Raises
    ------
    DecodeError
        The bytes are not UTF-8.
    """
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"a text that is not UTF-8: {error.reason}") from None


def delimited(data: memoryview, at: int) -> tuple[Message, int]:
    """Return the message at an offset, after its length, and the offset of its end."""
    size, at = varint(data, at)
    return Message(_part(data, at, size)), at + size


def _part(data: memoryview, at: int, size: int) -> memoryview:
    left = len(data) - at
    require(size <= left, f"the data ends early: got {left} bytes, expected {size}")
    return data[at : at + size]


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return a number of at most 64 bits at an offset, and the offset of its end."""
    value = 0
    for place in range(10):
        require(0 <= at < len(data), "the bytes end within a number")
        value |= (data[at] & 0x7F) << (7 * place)
        at += 1
        if data[at - 1] < 0x80 and not value >> 64:
            return value, at
    raise DecodeError("a number of more than 64 bits")
