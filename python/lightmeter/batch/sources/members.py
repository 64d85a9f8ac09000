"""Members of archives, one at a time: tar files, also compressed ones, and zip files."""

import os
import stat
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.item import check_bytes, reading_error
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits

__all__ = ["Member", "members"]

_MOST_HEADER = 1 << 20  # bytes of headers, names and zeros of a tar before a member
_MOST_DIRECTORY = 1 << 26  # bytes of that of a zip, which zipfile holds ten times as large
_TAIL = 1 << 17  # bytes at the end of a zip, where a directory is looked for
_PIECE = 1 << 12  # of compressed bytes: of some methods that is unpacked as a whole
_LOCAL = 30  # least bytes of the header of a zip's member

_COMPRESSED = {".gz": "gzip", ".tgz": "gzip", ".bz2": "bz2", ".xz": "lzma"}
_CORRUPT = (tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error, ValueError)


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
            return _damage(error)


def members(name: str, file: IO[bytes], size: int | None) -> Iterator[Member | ImageError]:
    """Yield the files of an archive in its order, and last the damage that ended it, if any.

    Args:
        name: its suffix says what it is.
        file: its bytes.
        size: how many; None if it cannot seek.
    """
    suffix = os.path.splitext(name)[1].lower()
    try:
        if suffix == ".zip":
            yield from _zip_members(file)
        elif suffix == ".tar":
            yield from _tar_members(file, size)
        elif suffix in _COMPRESSED:  # by modules with which not every Python was built
            with import_module(_COMPRESSED[suffix]).open(file) as stream:
                yield from _tar_members(stream, None)
        else:
            raise ImageError("unsupported", "compressed in a way that is not read here")
    except Exception as error:  # whatever somebody's bytes make of a library
        yield _damage(error)


def _damage(error: Exception) -> ImageError:
    if isinstance(error, ImageError):
        return error
    detail = str(error)[:200] or type(error).__name__
    if isinstance(error, EOFError | tarfile.ReadError):
        return ImageError("truncated", detail)
    if isinstance(error, RuntimeError | ImportError):  # a method of packing, a password
        return ImageError("unsupported", detail)
    is_of_bytes = isinstance(error, OSError) and error.errno is None  # of gzip and bz2
    if is_of_bytes or isinstance(error, (*_CORRUPT, ArithmeticError, LookupError)):
        return ImageError("corrupt", detail)
    if type(error).__name__ == "LZMAError":
        return ImageError("corrupt", detail)
    return reading_error(error)


class _Bounded:
    """A file of which a library may read so many bytes until it is asked for less."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self.left = file, most
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable = file.seekable
        self.block = b""  # that was read last
        self.in_zeros = False  # whether the header of a tar that was read last was none

    def read(self, count: int = -1) -> bytes:
        count = _TAIL if count < 0 else count
        self.left -= count
        if self.left < 0 and not self.in_zeros:
            raise ImageError("corrupt", "a header or directory of too many bytes")
        # Zeros without an end are as good as an end.
        self.block = b"" if self.left < 0 else self._file.read(count)
        return self.block


def _tar_members(file: IO[bytes], size: int | None) -> Iterator[Member]:
    """Members that are files. Links, devices and folders are passed over."""
    headers = _Bounded(file, _MOST_HEADER)

    class Header(tarfile.TarInfo):
        """Of which tarfile itself passes over a damaged one."""

        @classmethod
        def fromtarfile(cls, archive: Any) -> Any:
            was_in_zeros = headers.in_zeros
            try:
                header = super().fromtarfile(archive)
            except tarfile.HeaderError as error:
                headers.in_zeros = not headers.block.strip(b"\0")
                if headers.in_zeros and (headers.block or was_in_zeros):
                    raise
                is_whole = len(headers.block) == tarfile.BLOCKSIZE
                detail = f"no member and no end where one should be: {error}"
                raise ImageError("corrupt" if is_whole else "truncated", detail) from None
            headers.in_zeros = False
            return header

    tar = tarfile.TarFile(fileobj=headers, tarinfo=Header, ignore_zeros=True)  # type: ignore[arg-type]
    while (member := tar.next()) is not None:
        if member.size < 0:
            raise ImageError("corrupt", f"a member of {member.size} bytes")
        headers.left = _MOST_HEADER
        tar.members = []  # type: ignore[attr-defined]  # it keeps all
        if not member.isreg() or member.name.endswith("/"):
            continue
        yield Member(member.name, member.size, partial(_tar_data, file, member))
        if size is not None and member.offset_data + member.size > size:
            return  # it was cut off, and counted


def _tar_data(file: IO[bytes], member: tarfile.TarInfo) -> bytes:
    if member.issparse():
        raise ImageError("unsupported", "a sparse member")
    file.seek(member.offset_data)
    data = file.read(member.size)
    if len(data) < member.size:
        raise ImageError("truncated", f"the archive has {len(data)} of {member.size} bytes")
    return data


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    """Members in the order of the directory. Links and folders are passed over."""
    bounded = _Bounded(file, _MOST_DIRECTORY)
    if not zipfile.is_zipfile(bounded):
        raise ImageError("truncated", "the directory at the end of the archive is missing")
    archive = zipfile.ZipFile(bounded)
    bounded.left = sys.maxsize
    end = 0
    for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise ImageError("corrupt", "members share their bytes")
        end = member.header_offset + _LOCAL + member.compress_size
    for member in archive.infolist():
        if not member.is_dir() and not stat.S_ISLNK(member.external_attr >> 16):
            size = max(member.file_size, member.compress_size)
            yield Member(member.filename, size, partial(_zip_data, archive, member))


def _zip_data(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        data = b"".join(iter(lambda: file.read(_PIECE), b""))
    if len(data) < member.file_size:
        raise ImageError("truncated", f"got {len(data)} of {member.file_size} bytes")
    return data
