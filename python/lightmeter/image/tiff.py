"""Reading TIFF directories, the form of TIFF files and of Exif."""

import struct
from typing import NamedTuple

from lightmeter.image.encoded import Opened

Number = int | float | None

ASCII = 2
NODATA = 42_113  # GDAL's tag of the missing sample value
BYTE_TYPES = frozenset({1, 6, 7})
# The standard requires LONG; some writers use signed types.
_INTEGERS = frozenset({3, 4, 9, 13, 16, 17, 18}) | BYTE_TYPES

# Type -> struct code of one value; rationals are two integers.
_CODES = dict(enumerate(("B", "B", "H", "I", "II", "b", "B", "h", "i", "ii", "f", "d", "I"), 1))
_CODES |= {16: "Q", 17: "q", 18: "Q"}
SIZES = {kind: struct.calcsize("=" + code) for kind, code in _CODES.items()}

_MOST_ENTRIES = 2048
_MOST_DIRECTORIES = 10_000


class DamagedError(ValueError):
    """Signal damaged bytes. This error never leaves the readers of headers and Exif."""


class Entry(NamedTuple):
    """Hold a tag of a directory. `data` is its values, or their offset in the file."""

    kind: int
    length: int
    data: bytes


Directory = dict[int, Entry]
_ABSENT = Entry(1, 0, b"")


class Values(NamedTuple):
    """Hold the values of a tag.

    Attributes
    ----------
    order
        Byte order, ``"<"`` or ``">"``.
    kind
        The type of the values, by TIFF's number.
    length
        How many values there are.
    start
        Their first bytes.
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
        """Return at most `limit` values. A rational over zero is None."""
        count, code = min(self.length, limit), _CODES[self.kind]
        data = self.raw(count * SIZES[self.kind])
        values = struct.unpack_from(f"{self.order}{count * len(code)}{code[0]}", data)
        if len(code) == 1:
            return values
        pairs = zip(values[::2], values[1::2], strict=True)
        return tuple(top / bottom if bottom else None for top, bottom in pairs)


class Tiff:
    """Read the directories of a TIFF structure by offset (classic and BigTIFF, both byte orders).

    Raises
    ------
    DamagedError
        It does not start like TIFF. Every method raises this error for missing bytes.
    OSError
        The file cannot be read; so does every method.
    """

    def __init__(self, file: Opened) -> None:
        """Read the head of a file. This moves the position of the file."""
        self._file = file
        head = self._read(0, 8)
        if head[:2] not in (b"II", b"MM"):
            raise DamagedError(f"starts with {head[:2]!r}, not with a byte order")
        order = "<" if head[:2] == b"II" else ">"
        # 43 is BigTIFF. Any other number is read as classic TIFF, because raw formats use their
        # own.
        big = struct.unpack_from(order + "H", head, 2)[0] == 43
        self._count = struct.Struct(order + ("Q" if big else "H"))
        self._offset = struct.Struct(order + ("Q" if big else "I"))
        self._row = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
        self._order = order
        (self.first,) = self._offset.unpack(self._read(8, 8) if big else head[4:])

    def directory(self, offset: int) -> Directory:
        """Return the entries of the directory at `offset` by tag, without those of unknown types.

        If the file ends early, these are the entries before its end.
        """
        count, start = self._entry_count(offset)
        size = min(count, _MOST_ENTRIES) * self._row.size
        rows = self._read(start, max(0, min(size, self._file.size - start)))
        entries: Directory = {}
        for tag, *entry in self._row.iter_unpack(rows[: len(rows) - len(rows) % self._row.size]):
            if entry[0] in _CODES and tag not in entries:
                entries[tag] = Entry(*entry)
        return entries

    def directories(self, most: int = _MOST_DIRECTORIES) -> list[int] | None:
        """Return the offsets of all directories; None if more than `most`, or a circular chain."""
        seen: dict[int, None] = {}  # in order
        offset = self.first
        while offset:
            if offset in seen or len(seen) == most:
                return None
            seen[offset] = None
            count, start = self._entry_count(offset)
            end = start + count * self._row.size
            (offset,) = self._offset.unpack(self._read(end, self._offset.size))
        return list(seen)

    def values(self, directory: Directory, tag: int, limit: int) -> Values:
        """Return the values of a tag, at most `limit` bytes of them; none if the tag is absent."""
        kind, length, data = directory.get(tag, _ABSENT)
        size = SIZES[kind] * length
        if size > len(data):
            data = self._read(self._offset.unpack(data)[0], min(size, limit))
        return Values(self._order, kind, length, data)

    def integer(self, directory: Directory, tag: int, default: int) -> int:
        """Return the first value of a tag of integers; `default` if there is none."""
        values = self.values(directory, tag, 8)
        numbers = values.numbers(1) if values.kind in _INTEGERS else ()
        return int(numbers[0] or 0) if numbers else default

    def _entry_count(self, offset: int) -> tuple[int, int]:
        (count,) = self._count.unpack(self._read(offset, self._count.size))
        return count, offset + self._count.size

    def _read(self, offset: int, count: int) -> bytes:
        if offset + count > self._file.size:
            raise DamagedError(f"no {count} bytes at {offset} of {self._file.size}")
        self._file.seek(offset)
        data = self._file.read(count)
        if len(data) != count:  # the file shrank
            raise DamagedError(f"got {len(data)} of {count} bytes at {offset}")
        return data


def parse_nodata(text: object) -> float | None:
    """Return the number in GDAL's tag 42113; None if it is damaged or missing."""
    try:
        return float(str(text).strip(" \0"))
    except ValueError:
        return None
