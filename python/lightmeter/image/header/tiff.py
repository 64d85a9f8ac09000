"""TIFF directories: the form of Exif, and of TIFF files themselves."""

import struct
from typing import NamedTuple

from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.source import DamagedError, Source

__all__ = ["ASCII", "BYTE_TYPES", "SIZES", "Entry", "Number", "Tiff", "tiff_facts", "unpacked"]

Number = int | float | None

ASCII = 2
BYTE_TYPES = frozenset({1, 6, 7})
# The standard wants LONG; some writers take signed ones.
_POINTER_TYPES = frozenset({3, 4, 9, 13, 16, 17, 18})

# Type -> struct code of one value; rationals are two integers.
_CODES = dict(enumerate(("B", "B", "H", "I", "II", "b", "B", "h", "i", "ii", "f", "d", "I"), 1))
_CODES |= {16: "Q", 17: "q", 18: "Q"}
SIZES = {kind: struct.calcsize("=" + code) for kind, code in _CODES.items()}
_RATIONALS = frozenset({5, 10})

_MAX_ENTRIES = 2048
_MAX_FRAMES = 10_000


class Entry(NamedTuple):
    """One tag of a directory. `data` holds its values, or their offset in the file."""

    kind: int
    length: int
    data: bytes


class Tiff:
    """Directories of a TIFF structure by offset (classic and BigTIFF, both byte orders).

    Raises:
        DamagedError: it does not start as TIFF does. Every method raises it for missing bytes.
    """

    def __init__(self, source: Source) -> None:
        """Read the head of `source`."""
        head = source.read(0, 8)
        if head[:2] not in (b"II", b"MM"):
            raise DamagedError(f"starts with {head[:2]!r}, not with a byte order")
        self._source = source
        self.order = order = "<" if head[:2] == b"II" else ">"
        # 43 is BigTIFF. Any other number is read as classic TIFF: raw formats have their own.
        self.big = struct.unpack_from(order + "H", head, 2)[0] == 43
        if self.big:
            self._inline, self._row = 8, struct.Struct(order + "HHQ8s")
            (self.first,) = struct.unpack(order + "Q", source.read(8, 8))
        else:
            self._inline, self._row = 4, struct.Struct(order + "HHI4s")
            (self.first,) = struct.unpack_from(order + "I", head, 4)

    def directory(self, offset: int) -> dict[int, Entry]:
        """Return the entries of the directory at `offset`, by tag, but those of unknown types.

        If the file ends early, these are the entries before its end.
        """
        count, start = self._entry_count(offset)
        rows = self._source.read_up_to(start, min(count, _MAX_ENTRIES) * self._row.size)
        whole = len(rows) - len(rows) % self._row.size
        entries: dict[int, Entry] = {}
        for tag, kind, values, data in self._row.iter_unpack(rows[:whole]):
            if kind in _CODES and tag not in entries:
                entries[tag] = Entry(kind, values, data)
        return entries

    def count_directories(self) -> int | None:
        """Return how many directories the chain has; None for too many, or a chain in a circle."""
        places = self.directories(_MAX_FRAMES)
        return None if places is None else len(places)

    def directories(self, most: int) -> list[int] | None:
        """Return where the directories of the chain are; None for more, or a chain in a circle."""
        seen: dict[int, None] = {}  # in order
        offset = self.first
        code = self.order + ("Q" if self.big else "I")
        while offset:
            if offset in seen or len(seen) == most:
                return None
            seen[offset] = None
            count, start = self._entry_count(offset)
            end = start + count * self._row.size
            (offset,) = struct.unpack(code, self._source.read(end, self._inline))
        return list(seen)

    def raw(self, entry: Entry, limit: int) -> bytes:
        """Return the bytes of the values of `entry`, at most `limit` of them."""
        size = SIZES[entry.kind] * entry.length
        if size <= self._inline:
            return entry.data[: size if size < limit else limit]
        return self._source.read(self.pointer(entry), min(size, limit))

    def pointer(self, entry: Entry) -> int:
        """Return where the values of `entry` are, if they are too large to be in it."""
        code = self.order + ("Q" if self.big else "I")
        return int(struct.unpack(code, entry.data)[0])

    def numbers(self, entry: Entry, limit: int) -> tuple[Number, ...]:
        """Return the values of `entry`, at most `limit` of them. A rational over zero is None."""
        count = min(entry.length, limit)
        data = self.raw(entry, count * SIZES[entry.kind])
        return unpacked(self.order, entry.kind, count, data)

    def integer(self, directory: dict[int, Entry], tag: int, default: int) -> int:
        """Return the first value of a tag of whole numbers; `default` where there is none."""
        entry = directory.get(tag)
        if entry is None or entry.kind not in _POINTER_TYPES | BYTE_TYPES:
            return default
        values = self.numbers(entry, 1)
        return int(values[0] or 0) if values else default

    def _entry_count(self, offset: int) -> tuple[int, int]:
        size = 8 if self.big else 2
        data = self._source.read(offset, size)
        (count,) = struct.unpack(self.order + ("Q" if self.big else "H"), data)
        return count, offset + size


def unpacked(order: str, kind: int, count: int, data: bytes) -> tuple[Number, ...]:
    """Return the values of a type in bytes. A rational over zero is None."""
    code = _CODES[kind]
    values = struct.unpack_from(f"{order}{count * len(code)}{code[0]}", data)
    if kind not in _RATIONALS:
        return values
    pairs = zip(values[::2], values[1::2], strict=True)
    return tuple(top / bottom if bottom else None for top, bottom in pairs)


def tiff_facts(source: Source) -> dict[str, int | str | None]:
    """Return facts of a TIFF file's first frame, and how many frames it has."""
    tiff = Tiff(source)
    first = tiff.directory(tiff.first)
    facts: dict[str, int | str | None] = {
        "BitDepth": tiff.integer(first, 258, 1),
        "Channels": tiff.integer(first, 277, 1),
    }
    try:
        extra = tiff.numbers(first[338], 8) if 338 in first else ()
        facts["HasAlpha"] = int(1 in extra or 2 in extra)  # associated, unassociated
        icc = tiff.raw(first[34675], 1 << 16) if 34675 in first else b""
        facts["ColorProfile"] = profile_description(icc)
        facts["FrameCount"] = tiff.count_directories()
    except DamagedError:
        pass
    return facts
