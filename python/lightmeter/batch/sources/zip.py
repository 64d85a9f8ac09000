"""Members of zip files, also of damaged and truncated ones, a few entries in memory at a time.

`zipfile` holds an object for each member, and opens nothing of a file that lost its end.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.item import most_bytes
from lightmeter.batch.sources.members import Damage, Member
from lightmeter.batch.sources.tar import check_bytes
from lightmeter.errors import ImageError
from lightmeter.files import open_regular
from lightmeter.image.limits import Limits

__all__ = ["ZipPart", "zip_members"]

# All integers are little-endian. A member: signature, version, flags, method, time, date, CRC, two
# sizes, lengths of name and extra. Its entry in the directory has more of them.
_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_MOST_END = _END.size + 0xFFFF
_BUFFER = 1 << 18
_MOST_OFFSET = 1 << 62  # that a file can seek to
_MOST_CLAIMED = 4  # times the size of the archive
_ABSENT = 0xFFFFFFFF  # the number is in the extra field of Zip64

_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 1, 8, 2048
_SYMLINK = 0o120000
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12

_UNPACKERS: dict[int, Callable[[], Any]] = {_DEFLATED: lambda: zlib.decompressobj(-zlib.MAX_WBITS)}
with contextlib.suppress(ImportError):  # not every Python was built with it
    import bz2

    _UNPACKERS[_BZIP2] = bz2.BZ2Decompressor


class _Entry(NamedTuple):
    """What the archive says of a member. The sizes are None where it does not."""

    name: str
    flags: int
    method: int
    crc: int | None
    packed: int
    size: int | None
    offset: int  # of its header
    link: bool = False


@dataclass(frozen=True, slots=True)
class ZipPart:
    """A member of a zip file, from its header on."""

    file: str
    entry: _Entry

    @property
    def size(self) -> int | None:
        """Its bytes, if the directory says."""
        return self.entry.size

    def read(self, limits: Limits) -> bytes:
        """The bytes; raises as `Part.read` does."""
        with open_regular(self.file) as file:
            return _read(file, self.entry, limits)


def zip_members(
    path: str, file: IO[bytes], *, size: int, local: bool, limits: Limits
) -> Iterator[Member | Damage]:
    """The files in a zip, in the order of its directory. Links and folders are passed over.

    Args:
        path: of the file.
        file: what it holds; it can seek.
        size: its bytes.
        local: whether `path` can be opened again, so that members can be read there later.
        limits: members that are larger fail, and are not read.
    """
    for entry in _entries(file, size):
        if isinstance(entry, Damage):
            yield entry
        elif not entry.link and not entry.name.endswith("/"):
            yield _member(entry, path if local else None, file, limits)


def _member(entry: _Entry, path: str | None, file: IO[bytes], limits: Limits) -> Member:
    def data() -> Any:
        if path is not None:
            return ZipPart(path, entry)
        try:
            return _read(file, entry, limits)
        except ImageError as error:
            return error

    def read(most: int) -> bytes:
        return _read(file, entry, Limits(bytes=most))

    return Member(entry.name, entry.size or 0, data, read)


def _read(file: IO[bytes], entry: _Entry, limits: Limits) -> bytes:
    if entry.flags & _ENCRYPTED:
        raise ImageError("unsupported", "an encrypted member")
    check_bytes(max(entry.packed, entry.size or 0), limits)
    header = b""
    if entry.offset < _MOST_OFFSET:
        file.seek(entry.offset)
        header = _read_all(file, _LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
        raise ImageError("corrupt", f"no member begins at byte {entry.offset}")
    *_, name, extra = _LOCAL.unpack(header)
    file.seek(entry.offset + _LOCAL.size + name + extra)
    packed = _read_all(file, entry.packed)
    most = most_bytes(limits) if entry.size is None else entry.size
    data, ended = _unpacked(packed, entry.method, most + 1)
    if len(data) > most_bytes(limits):
        raise ImageError("too_large", f"more than {most_bytes(limits)} bytes")
    if entry.size is not None and len(data) > entry.size:
        raise ImageError("corrupt", f"more than the {entry.size} bytes that the archive says")
    if not ended or (entry.size is not None and len(data) < entry.size):
        expected = "more" if entry.size is None else entry.size
        raise ImageError("truncated", f"got {len(data)} bytes; expected {expected}")
    if entry.crc is not None and zlib.crc32(data) != entry.crc:
        raise ImageError("corrupt", "its checksum is not the one that the archive says")
    return data


def _read_all(file: IO[bytes], count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := file.read(count - len(data))):
        data = data + piece if data else piece
    return data


def _unpacked(packed: bytes, method: int, most: int) -> tuple[bytes, bool]:
    """At most so many bytes, and whether there are no more to come."""
    if method == _STORED:
        return packed[:most], True
    if method not in _UNPACKERS:
        raise ImageError("unsupported", f"compressed by method {method}; expected deflate or none")
    try:
        unpacker = _UNPACKERS[method]()
        return unpacker.decompress(packed, most), unpacker.eof
    except (zlib.error, OSError) as error:
        raise ImageError("corrupt", str(error)) from None


def _entries(file: IO[bytes], size: int) -> Iterator[_Entry | Damage]:
    """The members by the directory at the end; where that is lost or damaged, by their headers."""
    directory = _directory(file, size)
    if directory is None:
        yield Damage(ImageError("truncated", "the directory at the end of the archive is missing"))
        yield from _walk(file, 0, size)
        return
    at, end, shift, count = directory
    buffer, last, entries, claimed = b"", 0, 0, 0
    while at < end:
        if len(buffer) < _ENTRY.size + 3 * 0xFFFF:
            file.seek(at)
            buffer = _read_all(file, min(_BUFFER, end - at))
        entry, length = _entry_of(buffer, shift)
        if entry is None or length > end - at:
            yield Damage(ImageError("corrupt", f"the directory is damaged at byte {at}"))
            yield from _walk(file, last, size)
            return
        claimed += entry.packed if entry.offset + entry.packed <= size else 0
        if claimed > _MOST_CLAIMED * size:  # of bytes that unpack to a million times as many
            yield Damage(ImageError("corrupt", "its members hold the same bytes again and again"))
            return
        yield entry
        last = max(last, min(entry.offset + _LOCAL.size + entry.packed, size))
        entries += 1
        at, buffer = at + length, buffer[length:]
    if entries % 0x10000 != count % 0x10000:  # as writers count that do not have Zip64
        detail = f"the directory has {entries} members; its end says {count}"
        yield Damage(ImageError("corrupt", detail))


def _directory(file: IO[bytes], size: int) -> tuple[int, int, int, int] | None:
    """Where it begins and ends, how much is in front of the archive, such as a program, and the
    count of its entries.
    """
    file.seek(max(0, size - _MOST_END))
    tail = _read_all(file, min(size, _MOST_END))
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        return None
    *_, count, length, start, _ = _END.unpack_from(tail, at)
    end = size - len(tail) + at
    locator = tail[at - _LOCATOR.size : at] if at >= _LOCATOR.size else b""
    if locator[:4] == b"PK\6\7":
        file.seek(min(_LOCATOR.unpack(locator)[2], size))
        end64 = _read_all(file, _END64.size)
        if len(end64) < _END64.size or end64[:4] != b"PK\6\6":
            return None
        *_, count, length, start = _END64.unpack(end64)
        end = start + length
    if length > end or end > size:
        return None
    begin, shift = end - length, end - length - start
    if shift != 0 and length:
        file.seek(begin)
        entry, _ = _entry_of(_read_all(file, _ENTRY.size + 2 * 0xFFFF), 0)
        if entry is not None and not _begins(file, entry.offset + shift):
            shift = 0  # the end is damaged, and not the archive moved
    return begin, end, shift, count


def _begins(file: IO[bytes], at: int) -> bool:
    if not 0 <= at < _MOST_OFFSET:
        return False
    file.seek(at)
    return _read_all(file, 4) == b"PK\3\4"


def _entry_of(buffer: bytes, shift: int) -> tuple[_Entry | None, int]:
    """The entry that a buffer begins with, and its length; None if it is none."""
    if len(buffer) < _ENTRY.size or buffer[:4] != b"PK\1\2":
        return None, 0
    fields = _ENTRY.unpack_from(buffer)
    flags, method = fields[3:5]
    crc, packed, size, name_length, extra_length, comment_length = fields[7:13]
    outside, offset = fields[15:17]
    name_end = _ENTRY.size + name_length
    extra = buffer[name_end : name_end + extra_length]
    numbers = [size, packed, offset]
    if _ABSENT in numbers:
        numbers = _with_zip64(numbers, extra)
    size, packed, offset = numbers
    link = (outside >> 16) & 0o170000 == _SYMLINK
    name = _name(buffer[_ENTRY.size : name_end], flags)
    entry = _Entry(name, flags, method, crc, packed, size, max(0, offset + shift), link)
    return entry, name_end + extra_length + comment_length


def _with_zip64(numbers: list[int], extra: bytes) -> list[int]:
    """Those that are absent come from the field 1 of the extra, in their order, in 8 bytes each."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == 1:
            filled = []
            for number in numbers:
                if number == _ABSENT and len(field) >= 8:
                    number, field = int.from_bytes(field[:8], "little"), field[8:]
                filled.append(number)
            return filled
    return numbers


def _name(name: bytes, flags: int) -> str:
    return os.fsdecode(name) if flags & _UTF8 else name.decode("cp437")


def _walk(file: IO[bytes], start: int, size: int) -> Iterator[_Entry]:
    """Members by the headers before them, from a place on."""
    at = _find(file, start, size)
    while at is not None:
        file.seek(at)
        header = _read_all(file, _LOCAL.size)
        if len(header) < _LOCAL.size:
            return
        _, _, flags, method, _, _, crc, packed, unpacked, name, extra = _LOCAL.unpack(header)
        sizes = _with_zip64([unpacked, packed], file.read(name + extra)[name:])
        data_at = at + _LOCAL.size + name + extra
        told = not flags & _SIZES_FOLLOW and _ABSENT not in sizes
        after = _find(file, data_at + (sizes[1] if told else 0), size)
        file.seek(at + _LOCAL.size)
        text = _name(_read_all(file, name), flags)
        if told:
            yield _Entry(text, flags, method, crc, sizes[1], sizes[0], at)
        else:  # the compressed data says itself where it ends
            end = size if after is None else after
            yield _Entry(text, flags, method, None, max(0, end - data_at), None, at)
        at = after


def _find(file: IO[bytes], at: int, size: int) -> int | None:
    """The next header of a member from a place on."""
    while at < size:
        file.seek(at)
        piece = _read_all(file, _BUFFER)
        found = piece.find(b"PK\3\4")
        if found >= 0:
            return at + found
        if len(piece) < _BUFFER:
            return None
        at += len(piece) - 3
    return None
