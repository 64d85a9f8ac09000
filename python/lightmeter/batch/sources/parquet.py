"""Parquet files whose pages are checked before pyarrow decodes them.

A page is decoded whole, and says itself how large it is then: the footer may say something else. So
the headers of pages are read here, as pyarrow reads on.
"""

import io
import os
from collections.abc import Iterator
from typing import IO, Any

from lightmeter.batch.sources.item import most_bytes
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.profile.table_files import parquet
from lightmeter.text import shorten

__all__ = ["ParquetTable"]

_MOST_PARTS = 1 << 16  # row groups of a file, and columns of a row group
_MOST_GROWTH = 2  # pictures are compressed already, so that a page of them hardly grows
_FIRST_LOOK, _MOST_HEADER = 1 << 12, 1 << 24  # bytes; pyarrow takes no longer header either
_MOST_FIELDS = 256  # of a header; there are about ten
_MOST_DEPTH = 8
_ENCODING = {5: 2, 8: 4}  # the field of the encoding in those of data
# A page of these says itself how many lengths it has, and pyarrow makes room for as many.
_DELTA = (6, 7)
_CELLS = (5, 7, 8)  # fields of a header: of a data page, a dictionary, a data page of version 2


class ParquetTable:
    """A Parquet file of a stranger, read a few rows at a time.

    Attributes:
        schema: that of Arrow.
        rows: how many each row group has, as the footer says.
    """

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        """Read the footer.

        Raises:
            ImageError: it is damaged.
        """
        pyarrow = parquet()
        self._pages, self._limits = _CheckedPages(file, limits), limits
        try:
            # Without pre_buffer a column is read page by page, and not a whole row group at once.
            self._opened = pyarrow.parquet.ParquetFile(
                self._pages,
                pre_buffer=False,
                buffer_size=1 << 20,
                thrift_container_size_limit=_MOST_PARTS,
            )
            self.schema: Any = self._opened.schema_arrow
            structs = filter(pyarrow.types.is_struct, self.schema.types)
            _ = self.schema.names, [field.name for kind in structs for field in kind]  # are texts
            groups = map(self._opened.metadata.row_group, range(self._opened.num_row_groups))
            self.rows: list[int] = [group.num_rows for group in groups]
        except Exception as error:  # whatever somebody's bytes make of a library
            detail = f"the table cannot be read: {shorten(str(error), 150)}"
            raise ImageError("corrupt", detail) from None

    def batches(self, group: int, columns: list[str], most: int) -> Iterator[Any]:
        """Yield the rows of a row group, at most so many at once.

        Args:
            group: the number of the row group.
            columns: the names of the columns, or of fields in structs such as ``image.bytes``.
            most: rows of a batch; fewer where cells are large.

        Raises:
            ImageError: a page would take too much memory.
            Exception: any of pyarrow's, as the row group is damaged or encrypted.
        """
        largest = self._pages.expect(self._opened, group, columns)
        size = max(1, min(most, most_bytes(self._limits) // max(1, largest)))
        # A thread of pyarrow's that still held an error as Python ends would end it by a signal.
        yield from self._opened.iter_batches(size, [group], columns, use_threads=False)


class _Chunk:
    """The pages of one column in a row group."""

    def __init__(self, column: Any) -> None:
        start, dictionary = column.data_page_offset, column.dictionary_page_offset or 0
        self.next = dictionary if 0 < dictionary < start else start  # as pyarrow has it
        self.end = self.next + column.total_compressed_size
        self.decoded = column.total_uncompressed_size


class _OpenedError(Exception):
    """Ends the first read of a row group, whose columns pyarrow has opened by then."""


class _CheckedPages(io.RawIOBase):
    """The file as pyarrow reads it. A page that would take too much memory ends a read."""

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        self._file, self._limits = file, limits
        self._chunks: list[_Chunk] = []
        self._opening = False

    def expect(self, opened: Any, group: int, columns: list[str]) -> int:
        """Set which columns of a row group are read next; return the most bytes a cell may have.

        The metadata of a damaged or encrypted column end the process where Python asks for them,
        as pyarrow catches no error there. Where pyarrow itself opens the columns, it raises it.
        """
        self._opening = True
        try:
            next(opened.iter_batches(1, [group], columns, use_threads=False), None)
        except _OpenedError:
            pass
        finally:
            self._opening = False
        of_group = opened.metadata.row_group(group)
        leaves = map(of_group.column, range(opened.metadata.num_columns))
        names = tuple(f"{name}." for name in columns)
        self._chunks = [
            _Chunk(leaf) for leaf in leaves if f"{leaf.path_in_schema}.".startswith(names)
        ]
        return max((chunk.decoded for chunk in self._chunks), default=0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
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
        _check_decoded(stored, decoded, cells, self._limits)
        chunk.next += length + stored

    def _header(self, at: int) -> tuple[dict[int, Any], int]:
        """Return the header at a place, and its length."""
        size = _FIRST_LOOK
        while True:
            self._file.seek(at)
            data = self._file.read(size)
            try:
                return _fields(data, 0)
            except (IndexError, ValueError) as error:
                if len(data) < size or size >= _MOST_HEADER:
                    raise ImageError("corrupt", f"the header of a page: {error}") from None
            size <<= 4


def _check_decoded(stored: int, decoded: int, cells: int, limits: Limits) -> None:
    """Refuse a page that would take more memory than the limits allow, before it is decoded.

    Beyond `Limits.bytes_in_memory` it is decoded only if the file itself is about as large, as the
    pages of common writers are, which hold up to 1024 pictures.
    """
    most = limits.bytes_in_memory
    if most is None or decoded <= most:
        return
    if decoded <= _MOST_GROWTH * stored and decoded <= max(1, cells) * most_bytes(limits):
        return
    raise ImageError(
        "too_large",
        f"a page takes {decoded} bytes in memory ({stored} in the file, {cells} cells); expected "
        f"at most {most} (Limits.bytes_in_memory); write smaller row groups, or raise the limit",
    )


def _fields(data: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Return the numbers of 32 bits and the structs in a struct of Thrift's compact protocol.

    They are by field; of a field that comes twice the last one holds, as for Thrift's own reader.
    With them goes where the struct ends.
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
    """Return where a value of another kind ends; there are no lists in the headers of pages."""
    fixed = {1: 0, 2: 0, 3: 1, 7: 8}  # true, false, a byte, a double
    if kind in fixed:
        return at + fixed[kind]
    if kind not in (4, 6, 8):
        raise ValueError(f"a field of kind {kind}")
    value, at = _varint(data, at)
    return at + value if kind == 8 else at


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
