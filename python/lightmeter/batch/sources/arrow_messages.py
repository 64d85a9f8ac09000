"""Arrow files and streams whose record batches are checked before pyarrow decodes them.

Compressed buffers begin with their length when decoded. A file holds the same messages as a stream,
between a mark and a footer.
"""

import io
import os
from struct import unpack_from
from typing import IO

from lightmeter.batch.sources.decoded_sizes import DAMAGE, check_decoded
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["MessageChecked"]

_MARK, _MARK_BYTES = b"ARROW1", 8
_MOST_METADATA = 1 << 26  # bytes of one message
_MOST_BUFFERS = 1 << 16
_DICTIONARY, _BATCH = 2, 3  # kinds of messages


class MessageChecked(io.RawIOBase):
    """The stream as pyarrow reads it, without the record batches that would take too much memory.

    Attributes:
        refused: how many rows each batch has that was left out since the last read batch, and why.
    """

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        """Take a seekable file, which stays open."""
        self._file, self._limits = file, limits
        self.refused: list[tuple[int, ImageError]] = []
        self._head, self._body = b"", 0
        self._end = file.seek(0, os.SEEK_END)
        file.seek(0)
        if file.read(len(_MARK)) == _MARK:
            file.seek(self._end - 10)
            self._end -= 10 + int.from_bytes(file.read(4), "little")
            file.seek(_MARK_BYTES)
        else:
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
        try:
            message = _root(metadata)
            body = message.number("q", 3)
            if body < 0:
                raise ValueError(f"a body of {body} bytes")
            rows = self._refused_rows(message, body)
        except DAMAGE as error:
            if isinstance(error, ImageError):
                raise
            raise ImageError("corrupt", f"a message of Arrow: {error}") from None
        if rows is None:
            self._head, self._body = prefix + metadata, body
        else:
            self._file.seek(body, os.SEEK_CUR)
        return True

    def _refused_rows(self, message: "_Table", body: int) -> int | None:
        """How many rows a batch has that is too large; None for any other message.

        Raises:
            ImageError: a dictionary is too large, without which nothing can be read.
        """
        kind = message.number("B", 1)
        if kind not in (_DICTIONARY, _BATCH):
            return None
        batch = message.table(2)
        if kind == _DICTIONARY:
            batch = batch.table(1)
        rows = batch.number("q", 0)
        decoded = self._decoded(batch) if batch.has(3) else body
        try:
            check_decoded("a record batch", body, decoded, rows, self._limits)
        except ImageError as error:
            if kind == _DICTIONARY:
                raise
            self.refused.append((rows, error))
            return rows
        return None

    def _decoded(self, batch: "_Table") -> int:
        """Bytes of a batch of compressed buffers, each of which says its own."""
        start, total = self._file.tell(), 0
        for offset, length in batch.pairs(2):
            self._file.seek(start + offset)
            (decoded,) = unpack_from("<q", self._file.read(8)) if length else (0,)
            total += max(0, length - 8) if decoded == -1 else max(0, decoded)
        self._file.seek(start)
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
