"""A remote file that can seek, of which pieces are fetched before they are asked for."""

import io
import os
from collections import OrderedDict
from concurrent.futures import Future
from typing import Any

from lightmeter.batch.sources.fetching import ByteRange, Fetcher, NoRangesError
from lightmeter.batch.sources.urls import shown_url, without_secrets

__all__ = ["RemoteFile", "open_remote_file"]

_PIECE = 4 << 20
_AHEAD = 3  # pieces that are fetched before they are asked for
_KEPT = 8
_MOST_WHOLE = 256 << 20  # bytes of a file that a server sends only whole
_SECONDS = 300.0  # that a piece may take


def open_remote_file(system: Any, path: str) -> "RemoteFile | None":
    """A file of a file system of fsspec; None if nobody tells its size.

    Its first piece is fetched while the answer to that is under way.

    Raises:
        Exception: what the file system raises, such as an OSError.
    """
    fetcher = Fetcher(_AHEAD + 1, _SECONDS)
    try:
        (first,) = fetcher.begin([ByteRange(system, path, 0, _PIECE)])
        size = system.info(path).get("size")
    except BaseException:
        fetcher.close()
        raise
    if isinstance(size, int):
        return RemoteFile(system, path, size, fetcher, first)
    fetcher.close()
    return None


class RemoteFile(io.RawIOBase):
    """A remote file that is fetched in pieces, the next ones before they are asked for."""

    def __init__(
        self, system: Any, path: str, size: int, fetcher: Fetcher, first: "Future[bytes]"
    ) -> None:
        """Made by `open_remote_file`."""
        self._system, self._path, self.size = system, path, size
        self._at = 0
        self._fetcher = fetcher
        self._pieces: OrderedDict[int, Future[bytes]] = OrderedDict({0: first})
        self._last = -2
        self._whole: bytes | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, from which the next read is."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """The bytes at the place, as many as the piece has that it is in."""
        count = min(len(buffer), self.size - self._at)  # the file may have grown
        if count <= 0:
            return 0
        data, start = self._whole, self._at
        if data is None:
            number, start = divmod(self._at, _PIECE)
            try:
                data = self._piece(number).result()
            except NoRangesError:
                data, start = self._read_whole(), self._at
            except OSError:
                raise
            except Exception as error:  # any that a file system of somebody else raises
                raise OSError(without_secrets(f"{type(error).__name__}: {error}")) from error
        part = memoryview(data)[start : start + count]
        if not part:
            raise OSError(f"{shown_url(self._path)} ends at byte {self._at} of {self.size}")
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _piece(self, number: int) -> "Future[bytes]":
        ahead = _AHEAD if number in (self._last, self._last + 1) else 0  # it is read in order
        self._last = number
        last = min(number + ahead, (self.size - 1) // _PIECE)
        wanted = [piece for piece in range(number, last + 1) if piece not in self._pieces]
        futures = self._fetcher.begin(list(map(self._range, wanted)))
        self._pieces.update(zip(wanted, futures, strict=True))
        self._pieces.move_to_end(number)
        while len(self._pieces) > _KEPT:
            self._pieces.popitem(last=False)
        return self._pieces[number]

    def _read_whole(self) -> bytes:
        if self.size > _MOST_WHOLE:
            raise OSError(
                f"the server sends no parts of files, and {self.size} bytes are too many to hold; "
                "expected one that serves ranges"
            )
        whole = ByteRange(self._system, self._path, 0, self.size, begins=True)
        self._whole = self._fetcher.begin([whole])[0].result()
        self._pieces.clear()
        return self._whole

    def _range(self, number: int) -> ByteRange:
        start = number * _PIECE
        return ByteRange(self._system, self._path, start, min(start + _PIECE, self.size))

    def close(self) -> None:
        """Fetch no more."""
        if not self.closed:
            self._fetcher.close()
            self._pieces.clear()
        super().close()
