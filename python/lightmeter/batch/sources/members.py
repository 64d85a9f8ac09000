"""Members of archives: their unpacked bytes, or the reason for a failure."""

from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple

from lightmeter.batch.sources.checks import check_bytes
from lightmeter.errors import ImageError
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits


class Member(NamedTuple):
    """Describe a file in an archive: name, unpacked size in bytes, and a function to unpack it."""

    name: str
    size: int
    read: Callable[[], bytes]

    def data(self, limits: Limits) -> bytes | ImageError:
        """Return the unpacked bytes, or an error."""
        try:
            check_bytes(self.size, limits)
            return self.read()
        except Exception as error:
            return image_error(error)


class Bounded:
    """Limit the bytes that a library may read from a file, until the limit is raised."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self.left = file, most
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable = file.seekable
        self.block = b""  # that was read last

    def read(self, count: int = 1 << 17) -> bytes:
        """Read from the file, or raise an error beyond the limit."""
        self.left -= count
        if self.left < 0:
            raise ImageError("corrupt", "a header or directory of too many bytes")
        self.block = self._file.read(count)
        return self.block


def with_damage(members: Iterable[Member]) -> Iterator[Member | ImageError]:
    """Yield the members and, if damage ended them, an error last."""
    try:
        yield from members
    except Exception as error:  # libraries may raise any for hostile bytes
        yield image_error(error)
