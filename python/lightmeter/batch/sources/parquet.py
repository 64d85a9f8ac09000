"""Parquet files whose pages are checked before pyarrow decodes them.

A page is decoded whole, and says itself how large it is then: the footer may say something else. So
the headers of pages are read here, as pyarrow reads on.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from lightmeter.batch.sources.item import most_bytes
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.profile.table_files import parquet
from lightmeter.text import shorten

_MOST_PARTS = 1 << 16  # row groups of a file, and columns of a row group
_MOST_GROWTH = 2  # pictures are compressed already, so that a page of them hardly grows
_FIRST_LOOK, _MOST_HEADER = 1 << 12, 1 << 24  # bytes; pyarrow takes no longer header either
_MOST_FIELDS = 256  # of a header; there are about ten
_MOST_DEPTH = 8
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of a value of Thrift: true, false, a byte, a double
# In a header: the field of what is said of a data page, a dictionary and a data page of version 2;
# and the field in that of the encoding.
_ENCODING = {5: 2, 7: 2, 8: 4}
# A page of these says itself how many lengths it has, and pyarrow makes room for as many.
_DELTA = (6, 7)


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
        # The metadata of a damaged or encrypted column end the process where Python asks for them,
        # as pyarrow catches no error there. Where pyarrow itself opens the columns, it raises it.
        self._pages.is_opening = True
        try:
            next(self._opened.iter_batches(1, [group], columns, use_threads=False), None)
        except _OpenedError:
            pass
        finally:
            self._pages.is_opening = False
        metadata = self._opened.metadata
        leaves = map(metadata.row_group(group).column, range(metadata.num_columns))
        names = tuple(f"{name}." for name in columns)
        chunks = [_chunk(leaf) for leaf in leaves if f"{leaf.path_in_schema}.".startswith(names)]
        self._pages.chunks = chunks
        largest = max((chunk.decoded for chunk in chunks), default=0)
        size = max(1, min(most, most_bytes(self._limits) // max(1, largest)))
        # A thread of pyarrow's that still held an error as Python ends would end it by a signal.
        yield from self._opened.iter_batches(size, [group], columns, use_threads=False)


@dataclass
class _Chunk:
    """The pages of one column in a row group: where the next and the end are, and all decoded."""

    next: int
    end: int
    decoded: int


def _chunk(column: Any) -> _Chunk:
    start, dictionary = column.data_page_offset, column.dictionary_page_offset or 0
    start = dictionary if 0 < dictionary < start else start  # as pyarrow has it
    return _Chunk(start, start + column.total_compressed_size, column.total_uncompressed_size)


class _OpenedError(Exception):
    """Ends the first read of a row group, whose columns pyarrow has opened by then."""


class _CheckedPages(io.RawIOBase):
    """The file as pyarrow reads it. A page that would take too much memory ends a read.

    Attributes:
        chunks: the columns that are read.
        is_opening: end the next read.
    """

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        self._file, self._limits = file, limits
        self.chunks: list[_Chunk] = []
        self.is_opening = False
        self.seek, self.tell = file.seek, file.tell  # type: ignore[method-assign]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self.is_opening:
            raise _OpenedError
        start = self._file.tell()
        for chunk in self.chunks:
            while start + size > chunk.next >= start and chunk.next < chunk.end:
                self._check_page(chunk)
        self._file.seek(start)
        return self._file.read(size)

    def _check_page(self, chunk: _Chunk) -> None:
        """Refuse a page that would take more memory than the limits allow, before it is decoded.

        Beyond `Limits.bytes_in_memory` it is decoded only if the file itself is about as large, as
        the pages of common writers are, which hold up to 1024 pictures.
        """
        header, length = self._header(chunk.next)
        decoded, stored = _int32(header.get(2, 1)), _int32(header.get(3, 1))
        if not 0 <= stored <= chunk.end - chunk.next or not 0 <= decoded <= chunk.decoded:
            raise ImageError("corrupt", f"a page of {stored} bytes, {decoded} when decoded")
        chunk.next += length + stored
        pages = {field: header[field] for field in _ENCODING if isinstance(header.get(field), dict)}
        if any(_int32(page.get(_ENCODING[field], 0)) in _DELTA for field, page in pages.items()):
            raise ImageError(
                "unsupported",
                "a page of DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY, which may take any memory; "
                "write the column as PLAIN or with a dictionary",
            )
        most = self._limits.bytes_in_memory
        cells = sum(_int32(page.get(1, 0)) for page in pages.values())
        if most is None or decoded <= most:
            return
        if decoded > _MOST_GROWTH * stored or decoded > max(1, cells) * most_bytes(self._limits):
            raise ImageError(
                "too_large",
                f"a page takes {decoded} bytes in memory ({stored} in the file, {cells} cells); "
                f"expected at most {most} (Limits.bytes_in_memory); write smaller row groups, or "
                "raise the limit",
            )

    def _header(self, place: int) -> tuple[dict[int, Any], int]:
        """Return the header at a place, and its length."""
        size = _FIRST_LOOK
        while True:
            self._file.seek(place)
            data = self._file.read(size)
            try:
                return _fields(data, 0)
            except (IndexError, ValueError) as error:
                if len(data) < size or size >= _MOST_HEADER:
                    raise ImageError("corrupt", f"the header of a page: {error}") from None
            size <<= 4


def _fields(data: bytes, place: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Return the numbers and structs in a struct of Thrift's compact protocol, and where it ends.

    They are by field; of a field that comes twice the last one holds, as for Thrift's own reader.
    There are no lists in the headers of pages.
    """
    found: dict[int, Any] = {}
    field = 0
    for _ in range(_MOST_FIELDS):
        head, place = data[place], place + 1
        if head == 0:
            return found, place
        step, kind = head >> 4, head & 15
        field += step
        if not step:
            number, place = _varint(data, place)
            field = _int32(number)
        if kind in _FIXED:
            place += _FIXED[kind]
        elif kind == 12 and depth < _MOST_DEPTH:
            inner, place = _fields(data, place, depth + 1)
            found[field] = found.get(field, {}) | inner
        elif kind in (4, 5, 6, 8):
            value, place = _varint(data, place)
            if kind == 5:
                found[field] = value
            elif kind == 8:
                place += value
        else:
            raise ValueError(f"a field of kind {kind}")
    raise ValueError("too many fields")


def _int32(value: int) -> int:
    value &= 0xFFFFFFFF
    return (value >> 1) ^ -(value & 1)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number in range(10):
        byte = data[place + number]
        value |= (byte & 127) << 7 * number
        if byte < 128:
            return value, place + number + 1
    raise ValueError("a number of too many bytes")
