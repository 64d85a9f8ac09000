"""Members of archives: their bytes when unpacked, or why they cannot be had."""

from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple

from lightmeter.batch.sources.checks import check_bytes
from lightmeter.errors import ImageError
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits


class Member(NamedTuple):
    """A file in an archive: its name, its bytes when unpacked, and what unpacks it."""

    name: str
    size: int
    read: Callable[[], bytes]

    def data(self, limits: Limits) -> bytes | ImageError:
        """Return its bytes, or why they cannot be had."""
        try:
            check_bytes(self.size, limits)
            return self.read()
        except Exception as error:
            return image_error(error)


class Bounded:
    """A file of which a library may read so many bytes until it is asked for less."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self.left = file, most
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable = file.seekable
        self.block = b""  # that was read last

    def read(self, count: int = 1 << 17) -> bytes:
        """Read as the file does, or refuse it; without a count as much as the end of a zip has."""
        self.left -= count
        if self.left < 0:
            raise ImageError("corrupt", "a header or directory of too many bytes")
        self.block = self._file.read(count)
        return self.block


def with_damage(members: Iterable[Member]) -> Iterator[Member | ImageError]:
    """Yield the same, and last the damage that ended them, if any."""
    try:
        yield from members
    except Exception as error:  # whatever somebody's bytes make of a library
        yield image_error(error)
