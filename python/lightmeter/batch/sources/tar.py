"""Members of tar files, also of damaged, truncated and compressed ones, one header at a time.

`tarfile` keeps every member it has seen, reads names of any length into memory, and ends at the
first bad header.
"""

import contextlib
import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.item import most_bytes, reading_error
from lightmeter.batch.sources.members import Damage, Member
from lightmeter.errors import ImageError
from lightmeter.files import open_regular
from lightmeter.image.limits import Limits

__all__ = ["FilePart", "tar_members"]

_BLOCK = 512
_MAGIC = 257  # where a header has "ustar"
_HOLES, _MORE_HOLES = 482, 504  # whether a block of holes follows a header, and another one it
_PIECE = 1 << 20
_MOST_NAME = 1 << 16  # bytes of a long name, or of all records of an extended header
_MOST_ZEROS = 1 << 20  # bytes between archives that were joined; an end is padded to 10 240
_DAMAGE: tuple[type[Exception], ...] = (EOFError, zlib.error, gzip.BadGzipFile)

_OPENERS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),
    ".tgz": lambda file: gzip.GzipFile(fileobj=file),
}
with contextlib.suppress(ImportError):  # not every Python was built with it, nor with the next one
    import bz2

    _OPENERS[".bz2"] = bz2.BZ2File
with contextlib.suppress(ImportError):
    import lzma

    _OPENERS[".xz"] = lzma.LZMAFile
    _DAMAGE += (lzma.LZMAError,)


@dataclass(frozen=True, slots=True)
class FilePart:
    """A run of bytes in a file."""

    file: str
    offset: int
    size: int

    def read(self, limits: Limits) -> bytes:
        """The bytes; raises as `Part.read` does."""
        check_bytes(self.size, limits)
        with open_regular(self.file) as file:
            data = os.pread(file.fileno(), self.size, self.offset)
            while len(data) < self.size:
                piece = os.pread(file.fileno(), self.size - len(data), self.offset + len(data))
                if not piece:
                    raise ImageError("truncated", f"got {len(data)} of {self.size} bytes")
                data += piece
        return data


def check_bytes(size: int, limits: Limits) -> None:
    """Refuse what is too large to be held whole.

    Raises:
        ImageError: it is.
    """
    if size > most_bytes(limits):
        raise ImageError("too_large", f"{size} bytes, more than {most_bytes(limits)}")


class _Header(NamedTuple):
    """The 512 bytes before a member: name at 0, size at 124, sum at 148, type at 156, "ustar" at
    257, prefix of the name at 345.
    """

    name: bytes
    size: int
    kind: bytes
    more: bool  # of a sparse member of GNU tar: a block of holes follows

    @property
    def has_data(self) -> bool:
        """Links, devices and folders have none, whatever size they say."""
        return self.kind not in (b"1", b"2", b"3", b"4", b"5", b"6")


def _header_of(block: bytes, *, strict: bool = False) -> _Header | None:
    """None for what is no header; `strict` also wants the magic, which old files do not have."""
    try:
        told = _number(block[148:156])
        size = _number(block[124:136])
    except ValueError:
        return None
    total = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if told != total and told != total - 256 * sum(byte > 127 for byte in block):  # signed, of old
        return None
    if strict and block[_MAGIC : _MAGIC + 5] != b"ustar":
        return None
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    kind = block[156:157]
    more = kind == b"S" and block[_HOLES] != 0
    return _Header(prefix + b"/" + name if prefix else name, size, kind, more)


def _number(field: bytes) -> int:
    """Octal digits; or, where the first bit is set, big-endian bytes."""
    if field[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(field, "big", signed=True) & ((1 << 8 * len(field) - 8) - 1)
    digits = field.partition(b"\0")[0].strip()
    if digits.strip(b"01234567"):  # int() takes signs and underscores, and so sizes below 0
        raise ValueError(f"got {digits!r}; expected octal digits")
    return int(digits or b"0", 8)


class _Input:
    """Bytes from the start on, of a file that can seek or of a stream that cannot."""

    def __init__(self, file: IO[bytes], size: int | None) -> None:
        self._file, self.size = file, size
        self._ahead = b""  # what a stream was read beyond `at`
        self.at = 0

    def read(self, count: int) -> bytes:
        if self.size is not None:
            self._file.seek(self.at)
        pieces = []
        while count > 0 and (piece := self._piece(min(count, _PIECE))):
            pieces.append(piece)
            count -= len(piece)
            self.at += len(piece)
        return b"".join(pieces)

    def _piece(self, count: int) -> bytes:
        if self._ahead:
            piece, self._ahead = self._ahead[:count], self._ahead[count:]
            return piece
        return self._file.read(count)

    def unread(self, data: bytes) -> None:
        """Give back what was read last."""
        self.at -= len(data)
        if self.size is None:
            self._ahead = data + self._ahead

    def go_to(self, place: int) -> None:
        if self.size is not None:
            self.at = min(place, self.size)
        while self.at < place and (piece := self._piece(min(place - self.at, _PIECE))):
            self.at += len(piece)


def tar_members(
    path: str, file: IO[bytes], *, size: int | None, local: bool, limits: Limits
) -> Iterator[Member | Damage]:
    """The files in a tar. Links, devices and folders are passed over.

    What is damaged is lost alone: after a bad header the search goes on for the next one.

    Args:
        path: of the file, whose suffix says how it is compressed.
        file: what it holds.
        size: how many bytes, if it can seek; None for a stream.
        local: whether `path` can be opened again, so that members can be read there later.
        limits: members that are larger fail, and are not read.
    """
    opener = _OPENERS.get(os.path.splitext(path)[1].lower())
    if opener is not None:
        with opener(file) as stream:
            yield from _guarded(_walk(_Input(stream, None), None, limits))
    elif path.lower().endswith((".bz2", ".xz", ".zst", ".lz4", ".z", ".lz")):
        yield Damage(ImageError("unsupported", "compressed in a way that is not read here"))
    else:
        yield from _guarded(_walk(_Input(file, size), path if local else None, limits))


def _guarded(members: Iterator[Member | Damage]) -> Iterator[Member | Damage]:
    """Whatever ends a stream early is a damage of the file."""
    try:
        yield from members
    except EOFError as error:
        yield Damage(ImageError("truncated", str(error)[:200] or "the file ends early"))
    except _DAMAGE as error:
        yield Damage(ImageError("corrupt", str(error)[:200]))
    except OSError as error:
        if error.errno is None:  # what bz2 raises of damaged data
            yield Damage(ImageError("corrupt", str(error)[:200]))
        else:
            yield Damage(reading_error(error))


def _walk(source: _Input, path: str | None, limits: Limits) -> Iterator[Member | Damage]:  # noqa: C901, PLR0912
    long_name: bytes | None = None
    long_size: int | None = None
    sparse = False
    zeros = 0
    while zeros < _MOST_ZEROS:
        if not (block := source.read(_BLOCK)):
            if not zeros:
                detail = f"it ends at byte {source.at}, without the zeros of an end"
                yield Damage(ImageError("truncated", detail))
            return
        start = source.at - len(block)
        if not block.strip(b"\0"):  # the end; or padding before what was appended
            zeros += _BLOCK
            continue
        zeros = 0
        header = _header_of(block) if len(block) == _BLOCK else None
        if header is None:
            source.unread(block)
            found = _resync(source)
            long_name = long_size = None
            if found is None:
                yield Damage(
                    ImageError(
                        "truncated" if len(block) < _BLOCK else "corrupt",
                        f"no member begins at byte {start}, nor after it",
                    )
                )
                return
            lost = source.at - _BLOCK - start
            yield Damage(ImageError("corrupt", f"no member begins at byte {start}; {lost} lost"))
            header = found
        more = header.more
        while more and len(holes := source.read(_BLOCK)) == _BLOCK:
            more = holes[_MORE_HOLES] != 0
        data_at = source.at
        size = header.size if long_size is None or header.kind in b"LKxg" else long_size
        end = data_at + (-(-size // _BLOCK) * _BLOCK if header.has_data else 0)
        if header.kind in (b"L", b"K", b"x", b"g", b"X"):
            if size > _MOST_NAME:
                yield Damage(ImageError("corrupt", f"a name of {size} bytes at byte {start}"))
            elif header.kind == b"L":
                long_name = source.read(size).partition(b"\0")[0]
            elif header.kind in (b"x", b"X"):
                long_name, long_size, sparse = _extended(source.read(size), long_name)
        elif header.kind in (b"0", b"\0", b"7", b"S") and size >= 0:
            name = os.fsdecode(header.name if long_name is None else long_name)
            sparse = sparse or header.kind == b"S"
            if not name.endswith("/"):
                yield _member(name, size, sparse, source, path, limits)
            if source.size is not None and data_at + size > source.size:
                end = data_at  # a size that lies: others may follow
                if (found := _resync(source, end)) is None:
                    return  # that member is cut off
                end = source.at - _BLOCK
        if header.kind not in (b"L", b"K", b"x", b"X", b"g"):
            long_name, long_size, sparse = None, None, False
        source.go_to(end)


def _member(
    name: str, size: int, sparse: bool, source: _Input, path: str | None, limits: Limits
) -> Member:
    offset = source.at

    def read(most: int) -> bytes:
        if size > most:
            raise ImageError("too_large", f"{size} bytes, more than {most}")
        if source.size is not None:
            source.go_to(offset)
        try:
            data = source.read(size)
        except _DAMAGE:
            data = b""
        if len(data) < size:
            raise ImageError("truncated", f"the archive ends {size - len(data)} bytes before it")
        return data

    def data() -> Any:
        if sparse:
            return ImageError("unsupported", "a sparse member")
        if source.size is not None and offset + size > source.size:
            return ImageError(
                "truncated", f"the archive has {source.size - offset} of {size} bytes"
            )
        if path is not None:
            return FilePart(path, offset, size)
        try:
            return read(most_bytes(limits))
        except ImageError as error:
            return error

    return Member(name, size, data, read)


def _resync(source: _Input, start: int | None = None) -> _Header | None:
    """Go behind the next header that has the magic; None if there is none.

    It may begin anywhere: bytes may be missing, or too many.
    """
    if start is not None:
        source.go_to(start)
    data = b""
    while piece := source.read(_PIECE):
        data += piece
        magic = data.find(b"ustar", _MAGIC)
        while magic >= 0 and magic - _MAGIC + _BLOCK <= len(data):
            block = data[magic - _MAGIC : magic - _MAGIC + _BLOCK]
            header = _header_of(block, strict=True)
            if header is not None:
                source.unread(data[magic - _MAGIC + _BLOCK :])
                return header
            magic = data.find(b"ustar", magic + 1)
        data = data[-_BLOCK - _MAGIC :]
    return None


def _extended(records: bytes, name: bytes | None) -> tuple[bytes | None, int | None, bool]:
    """Name, size and whether it is sparse, of records such as ``20 path=dir/a.jpg\\n``."""
    size, sparse = None, False
    while records:
        length, space, _ = records[:20].partition(b" ")
        if not space or not length.isdigit() or not len(length) + 3 < int(length) <= len(records):
            break
        key, _, value = records[len(length) + 1 : int(length) - 1].partition(b"=")
        if key == b"path":
            name = value
        elif key == b"size" and value.isdigit() and len(value) < 20:
            size = int(value)
        sparse = sparse or key.startswith(b"GNU.sparse.")
        records = records[int(length) :]
    return name, size, sparse
