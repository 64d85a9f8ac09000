"""Arrow files and streams whose record batches are checked before pyarrow decodes them.

Compressed buffers begin with their length when decoded. A stream is a run of messages; a file has
a footer that says where each of them is.
"""

import io
import os
from collections.abc import Iterator
from struct import unpack_from
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.decoded_sizes import check_decoded, damage_of
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["CheckedBlocks", "MessageChecked", "Refused", "batches_of_stream", "is_arrow_file"]

_MARK = b"ARROW1"
_MOST_METADATA = 1 << 26  # bytes of one message, or of a footer
_MOST_SCHEMA = 1 << 20  # bytes; sub-tables may be shared, so that few bytes make many fields
_MOST_BUFFERS = 1 << 16
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3  # kinds of messages


class Refused(NamedTuple):
    """A record batch that is left out, since it would take too much memory."""

    rows: int
    error: ImageError


def is_arrow_file(file: IO[bytes]) -> bool:
    """Whether it begins as a file and not as a stream; the next read is from the start."""
    file.seek(0)
    mark = file.read(len(_MARK))
    file.seek(0)
    return mark == _MARK


class CheckedBlocks:
    """The dictionaries and record batches of a file, by its footer."""

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        """Read the footer of a seekable file, which stays open.

        Raises:
            ImageError: it is damaged, or a dictionary is too large.
        """
        self._file, self._limits = file, limits
        size = file.seek(0, os.SEEK_END)
        tail = 4 + len(_MARK)
        file.seek(max(0, size - tail))
        length = int.from_bytes(file.read(4), "little")
        if file.read(len(_MARK)) != _MARK or not 0 < length <= min(_MOST_METADATA, size - tail):
            raise ImageError("corrupt", "the table cannot be read: it has no footer of Arrow")
        file.seek(size - tail - length)
        with damage_of("the table cannot be read"):
            footer = _root(file.read(length))
            if length - 24 * len(footer.blocks(3)) - 24 * len(footer.blocks(2)) > _MOST_SCHEMA:
                raise ValueError("a schema of too many bytes")
            self._blocks = footer.blocks(3)
            for block in footer.blocks(2):
                refused = self._refused(block)
                if refused is not None:
                    raise refused.error
        file.seek(0)

    def batches(self, opened: Any) -> Iterator[Any]:
        """The batches of pyarrow's file, or what is `Refused` of them."""
        for number in range(opened.num_record_batches):
            with damage_of("a message of Arrow"):
                refused = self._refused(self._blocks[number])
            yield opened.get_batch(number) if refused is None else refused

    def _refused(self, block: tuple[int, int]) -> Refused | None:
        at, length = block
        if not 8 <= length <= _MOST_METADATA:
            raise ValueError(f"a message of {length} bytes")
        self._file.seek(at)
        metadata = self._file.read(length)
        start = 8 if metadata[:4] == b"\xff" * 4 else 4
        message = _root(metadata[start:])
        return _refused_of(message, message.number("q", 3), self._file, self._limits)


def batches_of_stream(opened: Any, messages: "MessageChecked") -> Iterator[Any]:
    """The batches of pyarrow's stream, and what is `Refused` between them."""
    for batch in opened:
        yield from messages.refused
        messages.refused.clear()
        yield batch
    yield from messages.refused


class MessageChecked(io.RawIOBase):
    """The stream as pyarrow reads it, without the record batches that would take too much memory.

    Attributes:
        refused: the batches that were left out since the last read batch.
    """

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        """Take a seekable file, which stays open."""
        self._file, self._limits = file, limits
        self.refused: list[Refused] = []
        self._head, self._body = b"", 0
        self._end = file.seek(0, os.SEEK_END)
        file.seek(0)

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, of one message, as pyarrow asks for them.

        Raises:
            ImageError: what follows cannot be read without too much memory.
        """
        while not self._head and not self._body and self._begin():
            pass
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        piece = self._file.read(min(size, self._body))
        self._body -= len(piece)
        return piece

    def _begin(self) -> bool:
        """Read what comes before the body of the next message; false at the end."""
        at = self._file.tell()
        prefix = self._file.read(4) if at < self._end else b""
        if prefix == b"\xff" * 4:
            prefix += self._file.read(4)
        length = int.from_bytes(prefix[-4:], "little")
        if length == 0:
            self._end = at
            return False
        if length > min(_MOST_METADATA, self._end - at):
            raise ImageError("corrupt", f"a message of {length} bytes")
        metadata = self._file.read(length)
        with damage_of("a message of Arrow"):
            message = _root(metadata)
            body = message.number("q", 3)
            if message.number("B", 1) == _SCHEMA and length > _MOST_SCHEMA:
                raise ValueError(f"a schema of {length} bytes")
            refused = _refused_of(message, body, self._file, self._limits)
            if refused is not None and message.number("B", 1) == _DICTIONARY:
                raise refused.error
        if refused is None:
            self._head, self._body = prefix + metadata, body
        else:
            self.refused.append(refused)
            self._file.seek(body, os.SEEK_CUR)
        return True


def _refused_of(message: "_Table", body: int, file: IO[bytes], limits: Limits) -> Refused | None:
    """What is refused of a message whose body the file is at; None of what is small enough."""
    if body < 0:
        raise ValueError(f"a body of {body} bytes")
    kind = message.number("B", 1)
    if kind not in (_DICTIONARY, _BATCH):
        return None
    batch = message.table(2)
    if kind == _DICTIONARY:
        batch = batch.table(1)
    rows = batch.number("q", 0)
    decoded = _decoded(batch, file) if batch.has(3) else body
    try:
        check_decoded("a record batch", body, decoded, rows, limits)
    except ImageError as error:
        return Refused(rows, error)
    return None


def _decoded(batch: "_Table", file: IO[bytes]) -> int:
    """Bytes of a batch of compressed buffers, each of which says its own."""
    start, total = file.tell(), 0
    for offset, length in batch.pairs(2):
        file.seek(start + offset)
        (decoded,) = unpack_from("<q", file.read(8)) if length else (0,)
        total += max(0, length - 8) if decoded == -1 else max(0, decoded)
    file.seek(start)
    return total


class _Table:
    """A table of FlatBuffers, by the numbers of its fields."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - unpack_from("<i", data, at)[0]

    def has(self, field: int) -> bool:
        """Whether it has a field."""
        return self._place(field) != 0

    def number(self, form: str, field: int) -> int:
        """A number; 0 if it is left out."""
        place = self._place(field)
        return int(unpack_from(f"<{form}", self._data, place)[0]) if place else 0

    def table(self, field: int) -> "_Table":
        """A table inside."""
        return _Table(self._data, self._followed(field))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """A vector of pairs of 64-bit numbers."""
        if not self.has(field):
            return []
        at = self._followed(field)
        count = unpack_from("<I", self._data, at)[0]
        if count > _MOST_BUFFERS:
            raise ValueError(f"{count} buffers")
        numbers = unpack_from(f"<{2 * count}q", self._data, at + 4)
        if min(numbers, default=0) < 0:
            raise ValueError("a buffer before its start")
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def blocks(self, field: int) -> list[tuple[int, int]]:
        """A vector of places in a file: the offset of each, and the bytes of its metadata."""
        if not self.has(field):
            return []
        at = self._followed(field)
        count = unpack_from("<I", self._data, at)[0]
        if count * 24 > len(self._data):
            raise ValueError(f"{count} blocks")
        return [unpack_from("<qi", self._data, at + 4 + 24 * place) for place in range(count)]

    def _followed(self, field: int) -> int:
        place = self._place(field)
        return place + int(unpack_from("<I", self._data, place)[0])

    def _place(self, field: int) -> int:
        """Where a field is; 0 if it is left out."""
        size, entry = unpack_from("<H", self._data, self._fields)[0], 4 + 2 * field
        if entry + 2 > size:
            return 0
        offset = int(unpack_from("<H", self._data, self._fields + entry)[0])
        return self._at + offset if offset else 0


def _root(data: bytes) -> _Table:
    return _Table(data, unpack_from("<I", data)[0])
