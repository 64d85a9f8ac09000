"""One kind of file for all encoded images: regular files, bytes, and anything with `read`."""

import contextlib
import io
import os
import select
from collections.abc import Callable, Sequence
from time import monotonic
from typing import IO, Any, NamedTuple

from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.files import open_regular
from lightmeter.image.limits import Limits
from lightmeter.image.magic import START_BYTES, format_of
from lightmeter.image.numbers import MetricSet
from lightmeter.image.parts import MeasuredJpeg, Picture

__all__ = ["BYTES_AT_ONCE", "BYTES_TOGETHER", "NOTHING", "Deadline", "Encoded", "EncodedBytes"]
__all__ += ["EncodedFile", "Wanted", "open_encoded", "open_to_decode", "read_files", "size_of"]

Encoded = str | os.PathLike[str] | bytes | bytearray | IO[bytes]

_BUFFER = 65536
_PIECE = 1 << 20
_MOST_PIPED = 1 << 31  # bytes of what cannot be read twice, and so is kept

# A JPEG or PNG file up to this size is read at once: a JPEG of 100 megapixels, whose pixels take
# five times as much.
BYTES_AT_ONCE = 64 << 20

# A small file, which is read together with others.
BYTES_TOGETHER = 1 << 14


class Wanted(NamedTuple):
    """What the core measures of a JPEG file.

    Attributes:
        metrics: the set; None measures nothing.
        pixels: as many as a picture may have.
        mask_of: gives the mask of what is ignored, by width and height.
    """

    metrics: MetricSet | None = None
    pixels: int = 0
    mask_of: Callable[[int, int], NDArray[Any]] | None = None


NOTHING = Wanted()


class EncodedFile(io.BufferedReader):
    """A binary file to decode from, which enforces `Limits` and notices reads past its end.

    Attributes:
        size: bytes in all.
    """

    raw: "_Checked"

    def __init__(self, raw: "_Checked", size: int) -> None:
        """Made by `open_encoded`."""
        super().__init__(raw, _BUFFER)
        self.size = size
        self._held = raw

    def close(self) -> None:
        """Do nothing: a plugin of Pillow may close the file that others go on with."""

    def release(self) -> None:
        """Close it, also if a plugin detached what is below."""
        with contextlib.suppress(ValueError, OSError):  # it may have closed the descriptor too
            super().close()
        with contextlib.suppress(OSError):
            self._held.close()

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.release()

    @property
    def ended(self) -> bool:
        """Whether more bytes were asked for than there are."""
        return self.raw.ended

    @property
    def error(self) -> Exception | None:
        """What a read raised. A decoder may have taken it for damage and gone on."""
        return self.raw.error

    def check_time(self) -> None:
        """What a read does first: look whether the time is over.

        Raises:
            ImageError: it is.
        """
        self.raw.check_time()

    def rewind(self) -> None:
        """Go to the start, as if nothing had been read."""
        self.seek(0)
        self.raw.ended = False

    def start(self, size: int) -> bytes:
        """The first bytes, without moving and without counting as a read past the end."""
        at = self.tell()
        self.seek(0)
        start = self.read(min(size, self.size))
        self.seek(at)
        return start


class EncodedBytes(io.BytesIO):
    """A JPEG or PNG file in memory, which Pillow reads without a call of Python.

    Attributes:
        picture: format, header and bytes, as the core read them.
        data: the bytes.
        size: how many.
    """

    def __init__(self, picture: Picture) -> None:
        """Take what the core read."""
        self.picture = picture
        self.data = picture[2]
        self.size = len(self.data)
        super().__init__(self.data)

    def checked(self, limits: Limits) -> EncodedFile:
        """The same bytes as a file that notices reads past its end, from its start."""
        inner = io.BytesIO(self.data)
        return EncodedFile(_Checked(inner, Deadline(limits.seconds), owned=False), self.size)


class Deadline:
    """When the reading of a file has to end, `seconds` from now; None never ends it."""

    def __init__(self, seconds: float | None) -> None:
        """Start."""
        self._seconds = seconds
        self._end = None if seconds is None else monotonic() + seconds

    def await_bytes(self, stream: IO[bytes]) -> None:
        """Wait until a pipe has bytes or has ended, or the time is over."""
        raw = getattr(stream, "raw", stream)
        if self._end is not None and isinstance(raw, io.FileIO):
            poll = select.poll()
            poll.register(raw, select.POLLIN)
            poll.poll(max(0.0, self._end - monotonic()) * 1000)

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self._end is not None and monotonic() > self._end

    def check(self) -> None:
        """Raise the `ImageError` of a file that takes too long, if it does."""
        if self.is_over:
            raise ImageError("too_large", f"not read within {self._seconds:g} seconds")


class _Checked(io.RawIOBase):
    """Passes on the reads of another file; the buffer above asks for large pieces only."""

    def __init__(self, inner: Any, deadline: Deadline, *, owned: bool) -> None:
        self._inner = inner
        self._owned = owned
        self._deadline = deadline
        self.ended = False
        self.error: Exception | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            self.check_time()
            count = self._inner.readinto(buffer)
        except Exception as error:
            self.error = error
            raise
        self.ended = self.ended or count == 0
        return int(count)

    def check_time(self) -> None:
        self._deadline.check()

    def readall(self) -> bytes:
        # That of the base class asks for 8 KiB at a time.
        pieces = []
        while piece := self.read(_PIECE):
            pieces.append(piece)
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._inner.seek(offset, whence))

    def tell(self) -> int:
        return int(self._inner.tell())

    def fileno(self) -> int:
        # A caller's file may read something else than its descriptor holds, as gzip files do.
        return int(self._inner.fileno()) if self._owned else super().fileno()

    def close(self) -> None:
        if self._owned and not self.closed:
            self._inner.close()
        super().close()


def size_of(file: IO[bytes]) -> int:
    """Bytes of a seekable file, which may be left at another position."""
    if isinstance(file, EncodedFile):
        return file.size  # looking for its end would empty its buffer
    return file.seek(0, os.SEEK_END)


def open_to_decode(
    image: Encoded, limits: Limits, wanted: Wanted = NOTHING
) -> EncodedFile | EncodedBytes | MeasuredJpeg:
    """Open encoded bytes from their start; a moderate JPEG or PNG file is read at once.

    Args:
        image: what holds the bytes.
        limits: what it may cost.
        wanted: what to measure of a JPEG file, if the core decodes it.

    Raises:
        ImageError: as `open_encoded` does, and where reading took too long.
        OSError: it cannot be opened or read.
    """
    if isinstance(image, EncodedBytes):
        return image
    if isinstance(image, bytearray):
        image = bytes(image)
    if isinstance(image, bytes | str | os.PathLike):
        deadline = Deadline(limits.seconds)
        most = len(image) if isinstance(image, bytes) else BYTES_AT_ONCE
        (read,) = read_files([image], limits, wanted, most)
        if read is None:
            deadline.check()
        return open_encoded(image, limits) if read is None else read
    file = open_encoded(image, limits)
    if file.size > BYTES_AT_ONCE or format_of(file.start(START_BYTES)) not in ("JPEG", "PNG"):
        return file
    data = _read_all(file, file.size, Deadline(None))  # the file looks at its own
    if len(data) == file.size:  # it may have changed
        (read,) = read_files([data], limits, wanted, len(data))
        if read is not None:
            return read
    file.rewind()
    return file


def read_files(
    images: Sequence[object], limits: Limits, wanted: Wanted, most: int
) -> list[EncodedBytes | MeasuredJpeg | None]:
    """Read JPEG and PNG files, and measure those of JPEG that the core decodes, in one call.

    Args:
        images: paths, or encoded bytes.
        limits: what each may cost.
        wanted: what to measure.
        most: bytes that a file may have.

    Returns:
        Of each, None for all else, for what cannot be read, and for what costs too much.
    """
    files = _core.measure_files(
        images,
        wanted.metrics,
        most if limits.bytes is None else int(min(most, limits.bytes)),
        wanted.pixels,
        limits.seconds,
        wanted.mask_of,
    )
    return [measured if picture is None else EncodedBytes(picture) for picture, measured in files]


def open_encoded(image: Encoded, limits: Limits) -> EncodedFile:
    """Open encoded bytes for decoding, from their start. A file that the caller opened stays open.

    Raises:
        ImageError: there are no bytes or too many, or the path is of no regular file.
        OSError: it cannot be opened.
    """
    inner: Any
    deadline = Deadline(limits.seconds)
    owned = isinstance(image, str | os.PathLike)
    if isinstance(image, str | os.PathLike):
        inner = _open_regular(image)
        size = os.fstat(inner.fileno()).st_size
    elif isinstance(image, bytes | bytearray):
        inner, size = io.BytesIO(image), len(image)
    elif hasattr(image, "readinto") and image.seekable():
        inner, size = image, image.seek(0, os.SEEK_END)
        image.seek(0)
    else:
        most = _MOST_PIPED if limits.bytes is None else min(_MOST_PIPED, limits.bytes)
        data = _read_all(image, most, deadline)
        if len(data) > most:
            raise ImageError("too_large", f"more than {most} bytes")
        inner, size = io.BytesIO(data), len(data)
    file = EncodedFile(_Checked(inner, deadline, owned=owned), size)
    if size == 0 or (limits.bytes is not None and size > limits.bytes):
        file.release()
        if size == 0:
            raise ImageError("empty", "no bytes")
        raise ImageError("too_large", f"more than {limits.bytes} bytes")
    return file


def _read_all(stream: IO[bytes], most: int, deadline: Deadline) -> bytes:
    """All bytes, or one more than `most`, which shows that there are more."""
    # `read` of a buffered stream waits until it has all bytes, and would pass the deadline.
    read = getattr(stream, "read1", stream.read)
    data = bytearray()
    while len(data) <= most:
        deadline.await_bytes(stream)
        deadline.check()
        piece = read(min(_PIECE, most + 1 - len(data)))
        if not piece:
            break
        data += piece
    return bytes(data)


def _open_regular(path: str | os.PathLike[str]) -> io.FileIO:
    try:
        return open_regular(path)
    except IsADirectoryError:
        os.scandir(path).close()  # raises the reason if it cannot be listed
        raise ImageError(
            "unreadable", "a folder, not a file; profile_images takes folders"
        ) from None
