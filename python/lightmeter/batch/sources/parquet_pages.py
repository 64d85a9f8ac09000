"""Parquet files whose pages are checked before pyarrow decodes them.

A page is decoded whole, and says itself how large it is then: the footer may say something else. So
the headers of pages are read here, as pyarrow reads on.
"""

import io
import os
from typing import IO, Any

from lightmeter.batch.sources.decoded_sizes import check_decoded, column_leaves, damage_of
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["PageChecked"]

_FIRST_LOOK, _MOST_HEADER = 1 << 12, 1 << 24  # bytes; pyarrow takes no longer header either
_MOST_FIELDS = 256  # of a header; there are about ten
_MOST_DEPTH = 8
_ENCODING = {5: 2, 8: 4}  # the field of the encoding in those of data
# A page of these says itself how many lengths it has, and pyarrow makes room for as many.
_DELTA = (6, 7)
_CELLS = (5, 7, 8)  # fields of a header: of a data page, a dictionary, a data page of version 2


class _Chunk:
    """The pages of one column in a row group."""

    def __init__(self, column: Any) -> None:
        start, dictionary = column.data_page_offset, column.dictionary_page_offset or 0
        self.next = dictionary if 0 < dictionary < start else start  # as pyarrow has it
        self.end = self.next + column.total_compressed_size
        self.decoded = column.total_uncompressed_size


class _OpenedError(Exception):
    """Ends the first read of a row group, whose columns pyarrow has opened by then."""


class PageChecked(io.RawIOBase):
    """The file as pyarrow reads it. A page that would take too much memory ends a read."""

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        """Take the file, which stays open."""
        self._file, self._limits = file, limits
        self._chunks: list[_Chunk] = []
        self._opening = False

    def expect(self, opened: Any, group: int, columns: list[str]) -> int:
        """Set which columns of a row group are read next; return the most bytes a cell may have.

        The metadata of a damaged or encrypted column end the process where Python asks for them,
        as pyarrow catches no error there. Where pyarrow itself opens the columns, it raises it.

        Args:
            opened: pyarrow's file.
            group: the number of the row group.
            columns: the names of the columns, or of fields in structs such as ``image.bytes``.

        Raises:
            ArrowException, OSError: the metadata are damaged, or the column is encrypted.
        """
        self._opening = True
        try:
            next(opened.iter_batches(1, [group], columns, use_threads=False), None)
        except _OpenedError:
            pass
        finally:
            self._opening = False
        of_group = opened.metadata.row_group(group)
        leaves = column_leaves(opened.metadata, columns)
        self._chunks = [_Chunk(of_group.column(leaf)) for leaf in leaves]
        return max((chunk.decoded for chunk in self._chunks), default=0)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, from which the next read is."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """The bytes at the place, all of whose pages may be decoded.

        Raises:
            ImageError: one may not, or is damaged.
        """
        if self._opening:
            raise _OpenedError
        start = self._file.tell()
        for chunk in self._chunks:
            while start + size > chunk.next >= start and chunk.next < chunk.end:
                self._check_page(chunk)
        self._file.seek(start)
        return self._file.read(size)

    def _check_page(self, chunk: _Chunk) -> None:
        header, length = self._header(chunk.next)
        decoded, stored = header.get(2, -1), header.get(3, -1)
        if not 0 <= stored <= chunk.end - chunk.next or not 0 <= decoded <= chunk.decoded:
            raise ImageError("corrupt", f"a page of {stored} bytes, {decoded} when decoded")
        pages = {kind: header[kind] for kind in _CELLS if isinstance(header.get(kind), dict)}
        if any(page.get(_ENCODING.get(kind)) in _DELTA for kind, page in pages.items()):
            raise ImageError(
                "unsupported",
                "a page of DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY, which may take any memory; "
                "write the column as PLAIN or with a dictionary",
            )
        cells = sum(page.get(1, 0) for page in pages.values())
        check_decoded("a page", stored, decoded, cells, self._limits)
        chunk.next += length + stored

    def _header(self, at: int) -> tuple[dict[int, Any], int]:
        """The header at a place, and its length."""
        size = _FIRST_LOOK
        while True:
            self._file.seek(at)
            data = self._file.read(size)
            try:
                with damage_of("the header of a page"):
                    return _fields(data, 0)
            except ImageError:
                if len(data) < size or size >= _MOST_HEADER:
                    raise
            size <<= 4


def _fields(data: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """The numbers of 32 bits and the structs in a struct of Thrift's compact protocol, by field.

    Of a field that comes twice the last one holds, as for Thrift's own reader.

    Returns:
        They, and where the struct ends.
    """
    found: dict[int, Any] = {}
    field = 0
    for _ in range(_MOST_FIELDS):
        head, at = data[at], at + 1
        if head == 0:
            return found, at
        step, kind = head >> 4, head & 15
        if step:
            field += step
        else:
            field, at = _number(data, at)
        if kind == 5:
            found[field], at = _number(data, at)
        elif kind == 12 and depth < _MOST_DEPTH:
            inner, at = _fields(data, at, depth + 1)
            found[field] = found.get(field, {}) | inner
        else:
            at = _passed(data, at, kind)
    raise ValueError("too many fields")


def _passed(data: bytes, at: int, kind: int) -> int:
    """Where a value of another kind ends; there are no lists in the headers of pages."""
    match kind:
        case 1 | 2:  # true and false
            return at
        case 3:
            return at + 1
        case 4 | 6:
            return _varint(data, at)[1]
        case 7:
            return at + 8
        case 8:
            length, at = _varint(data, at)
            return at + length
    raise ValueError(f"a field of kind {kind}")


def _number(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    value &= 0xFFFFFFFF
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = data[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError("a number of too many bytes")
