"""The wire format of protocol buffers, as far as whylogs' files use it."""

import struct

from lightmeter.errors import DecodeError

_VARINT, _BYTES, _FIXED = 0, 2, {1: 8, 5: 4}  # kinds of fields, and the sizes of two
_MOST_VALUES = 200_000  # of a message, each of which costs more memory than its two bytes


def require(holds: bool, wrong: str) -> None:
    """Refuse bytes of which something does not hold.

    Raises
    ------
    DecodeError
        It does not.
    """
    if not holds:
        raise DecodeError(wrong)


class Message:
    """The fields of a message by their numbers. A field that is not there has its zero value.

    Of a field that comes twice the last counts, unless it is asked for by `all`. Nothing is copied,
    and nothing is nested here: a message in a field is read when it is asked for.
    """

    def __init__(self, data: memoryview) -> None:
        """Step through the fields.

        Raises
        ------
        DecodeError
            They do not fill the bytes exactly, or are too many.
        """
        self._fields: dict[int, list[int | memoryview]] = {}
        at = count = 0
        while at < len(data):
            key, at = _varint(data, at)
            number, kind = key >> 3, key & 7
            value: int | memoryview
            if kind == _VARINT:
                value, at = _varint(data, at)
            else:
                require(kind == _BYTES or kind in _FIXED, f"a field of kind {kind}, which none is")
                size, at = _varint(data, at) if kind == _BYTES else (_FIXED[kind], at)
                part = _part(data, at, size)
                value, at = part if kind == _BYTES else int.from_bytes(part, "little"), at + size
            self._fields.setdefault(number, []).append(value)
            count += 1
            require(count <= _MOST_VALUES, f"a message of more than {_MOST_VALUES} fields")

    def all(self, number: int) -> list[memoryview]:
        """Return every value of a field that holds bytes."""
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
        """Return a number from 0."""
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise DecodeError(f"field {number} of a message holds bytes; expected a number")
        return value

    def signed(self, number: int) -> int:
        """Return a number of 64 bits in two's complement."""
        value = self.unsigned(number)
        return value - 2**64 if value >> 63 else value

    def double(self, number: int) -> float:
        """Return a float of 64 bits, which may be any."""
        return float(struct.unpack("<1d", struct.pack("<1Q", self.unsigned(number)))[0])

    def numbers(self, number: int) -> list[int]:
        """Return a repeated field of numbers, in either of its two forms."""
        values: list[int] = []
        for value in self._fields.get(number, ()):
            at = 0
            while isinstance(value, memoryview) and at < len(value):
                element, at = _varint(value, at)
                values.append(element)
                require(len(values) <= _MOST_VALUES, f"more than {_MOST_VALUES} numbers")
            if isinstance(value, int):
                values.append(value)
        return values


def text_of(data: memoryview) -> str:
    """Return UTF-8 as text.

    Raises
    ------
    DecodeError
        It is none.
    """
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"a text that is not UTF-8: {error.reason}") from None


def delimited(data: memoryview, at: int) -> tuple[Message, int]:
    """Return the message at an offset, behind its length, and where it ends."""
    size, at = _varint(data, at)
    return Message(_part(data, at, size)), at + size


def _part(data: memoryview, at: int, size: int) -> memoryview:
    left = len(data) - at
    require(size <= left, f"{size} bytes are said to follow where only {left} do")
    return data[at : at + size]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return a number of at most 64 bits at an offset, and where it ends."""
    value = 0
    for place in range(10):
        require(0 <= at < len(data), "the bytes end within a number")
        value |= (data[at] & 0x7F) << (7 * place)
        at += 1
        if data[at - 1] < 0x80 and not value >> 64:
            return value, at
    raise DecodeError("a number of more than 64 bits")
