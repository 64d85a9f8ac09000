"""Random access to encoded bytes that somebody else wrote: every read is checked and bounded."""

import io
from typing import IO

from lightmeter.image.encoded import size_of

__all__ = ["DamagedError", "Source"]

# Reads a header may take. The longest walks (GIF blocks, PNG chunks) have lower limits of their
# own; this one bounds whatever hostile bytes make of all of them together.
_MAX_READS = 200_000

# Bytes of one read: no length in a file makes a larger allocation than this.
_MAX_READ = 4 << 20


class DamagedError(ValueError):
    """Bytes that are not what they should be. It never leaves the readers of headers and Exif."""


class Source:
    """The bytes of a seekable binary file, or those in memory.

    Attributes:
        file: the file.
        data: the bytes in memory, or None.
        size: how many bytes there are.
    """

    def __init__(self, file: IO[bytes] | bytes) -> None:
        """Read `file` by position; the position it is at is not kept."""
        self.data = file if isinstance(file, bytes) else None
        self.file = io.BytesIO(file) if isinstance(file, bytes) else file
        self.size = len(file) if isinstance(file, bytes) else size_of(file)
        self._left = _MAX_READS

    def read(self, offset: int, count: int) -> bytes:
        """Return exactly `count` bytes from `offset` on.

        Raises:
            DamagedError: they are not all there, or too many.
            OSError: the file cannot be read.
        """
        if offset < 0 or count < 0 or count > _MAX_READ or offset + count > self.size:
            raise DamagedError(f"no {count} bytes at {offset} of {self.size}")
        self._left -= 1
        if self._left < 0:
            raise DamagedError("too many reads")
        if self.data is not None:
            return self.data[offset : offset + count]
        self.file.seek(offset)
        data = self.file.read(count)
        if len(data) != count:  # the file shrank
            raise DamagedError(f"got {len(data)} of {count} bytes at {offset}")
        return data

    def read_up_to(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` on, or as many as there are (at most 4 MiB)."""
        return self.read(offset, max(0, min(count, self.size - offset, _MAX_READ)))
