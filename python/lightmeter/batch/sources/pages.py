"""Checking pages of Parquet before pyarrow decodes them.

A page is decoded whole. Its header states the decoded size, which may contradict the footer. The
headers of pages, which are in Thrift's compact protocol, are therefore parsed here while pyarrow
reads.
"""

import io
from dataclasses import dataclass
from typing import IO, Any

from lightmeter.batch.sources.item import most_bytes
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

_MOST_GROWTH = 2  # images are compressed already, so that a page of them hardly grows
_MOST_HEADER = 1 << 16  # bytes; those of common writers have a hundred, or some kB of statistics
# Fields of a header: bytes of a page when decoded and in the file; and the numbers of cells and
# encodings of a data page, a dictionary and a data page of version 2.
_DECODED, _STORED = (2,), (3,)
_CELLS = ((5, 1), (7, 1), (8, 1))
_ENCODINGS = ((5, 2), (7, 2), (8, 4))
# A page with these encodings states its number of lengths, for which pyarrow allocates memory.
_DELTA = (6, 7)
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of a value: true, false, a byte, a double


@dataclass
class Chunk:
    """Track the pages of a column in a row group: next offset, end, and total decoded bytes."""

    next: int
    end: int
    decoded: int


def chunk_of(column: Any) -> Chunk:
    """Return the positions of the pages of a column from its metadata."""
    start, dictionary = column.data_page_offset, column.dictionary_page_offset or 0
    start = dictionary if 0 < dictionary < start else start  # as pyarrow has it
    return Chunk(start, start + column.total_compressed_size, column.total_uncompressed_size)


class OpenedError(Exception):
    """End a read of columns after pyarrow has opened them."""


class CheckedPages:
    """Wrap a file for pyarrow; a page that would take too much memory ends a read.

    Attributes
    ----------
    chunks
        Columns that are read; None forbids reading.
    most
        Maximum bytes of an image.
    """

    mode, closed = "rb", False  # which pyarrow asks for

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        self._file, self._limits, self.most = file, limits, most_bytes(limits)
        self.chunks: list[Chunk] | None = []
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        """Read from the file, unless a page that begins there is too large."""
        if self.chunks is None:
            raise OpenedError
        start = self._file.tell()
        for chunk in self.chunks:
            while start + size > chunk.next >= start and chunk.next < chunk.end:
                self._check_page(chunk)
        self._file.seek(start)
        return self._file.read(size)

    def _check_page(self, chunk: Chunk) -> None:
        """Check the memory that a page will take before it is decoded.

        Beyond `Limits.bytes_in_memory`, a page is decoded only if it is about as large in the file,
        like pages of common writers, which hold up to 1024 images.
        """
        self._file.seek(chunk.next)
        data = io.BytesIO(self._file.read(_MOST_HEADER))
        try:
            header = read_numbers(data)
        except (IndexError, ValueError) as error:
            raise ImageError("corrupt", f"the header of a page: {error}") from None
        decoded, stored = header.get(_DECODED, 0), header.get(_STORED, 0)
        if not 0 <= stored <= chunk.end - chunk.next or not 0 <= decoded <= chunk.decoded:
            raise ImageError("corrupt", f"a page of {stored} bytes, {decoded} when decoded")
        chunk.next += data.tell() + stored
        if any(header.get(field) in _DELTA for field in _ENCODINGS):
            raise ImageError(
                "unsupported",
                "a page of DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY, which may take any memory; "
                "write the column as PLAIN or with a dictionary",
            )
        cells = max(1, sum(header.get(field, 0) for field in _CELLS))
        most = self._limits.bytes_in_memory
        if most is not None and decoded > max(most, min(_MOST_GROWTH * stored, cells * self.most)):
            raise ImageError(
                "too_large",
                f"a page takes {decoded} bytes in memory ({stored} in the file); expected at most "
                f"{most} (Limits.bytes_in_memory); write smaller row groups, or raise the limit",
            )


def read_numbers(file: io.BytesIO, depth: int = 8) -> dict[tuple[int, ...], int]:
    """Return 32-bit numbers by the path of field numbers that leads to them.

    If a field is repeated, the last one counts, as in Thrift's own reader. Lists are not read,
    because page headers have none.

    Raises
    ------
    ValueError
        The data is damaged, or structs are nested deeper than `depth`.
    IndexError
        The data ends early.
    """
    found: dict[tuple[int, ...], int] = {}
    field = 0
    while head := file.read(1)[0]:
        step, kind = divmod(head, 16)
        field = (field + step if step else _int32(file)) & 0xFFFF  # Thrift has 16 bits for it
        if kind == 5:
            found[field,] = _int32(file)
        elif kind == 12 and depth:
            inner = read_numbers(file, depth - 1)
            found |= {(field, *path): number for path, number in inner.items()}
        elif kind in (4, 6):
            _varint(file)
        elif kind == 8 or kind in _FIXED:
            file.seek(_varint(file) if kind == 8 else _FIXED[kind], io.SEEK_CUR)
        else:
            raise ValueError(f"a field of kind {kind}")
    return found


def _int32(file: io.BytesIO) -> int:
    value = _varint(file) & 0xFFFFFFFF
    return (value >> 1) ^ -(value & 1)


def _varint(file: io.BytesIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise ValueError("a number of too many bytes")
