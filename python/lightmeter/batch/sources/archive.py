"""Archives as sources: tar files, also compressed ones, and zip files, a member at a time.

What is damaged ends an archive: what was read before counts, and the rest is one failure of it.
"""

import gzip
import os
import stat
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.item import (
    Item,
    SeenValues,
    Wanted,
    check_bytes,
    plain,
    reading_error,
)
from lightmeter.batch.sources.names import is_image_name, no_zarr
from lightmeter.batch.sources.remote import item_of
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.image.tiles.zarr_folder import ZARR_FILES
from lightmeter.nesting import parse_json

__all__ = ["archive_items"]

_MOST_HEADER = 1 << 20  # bytes of headers, names and zeros of a tar before a member
_MOST_DIRECTORY = 1 << 26  # bytes of that of a zip, which zipfile holds ten times as large
_TAIL = 1 << 17  # bytes at the end of a zip, where a directory is looked for
_PIECE = 1 << 12  # of compressed bytes: of some methods that is unpacked as a whole
_LOCAL = 30  # least bytes of the header of a zip's member

# A side file may be no larger; so many pictures, of so many bytes, wait for that of their name.
_SIDE_BYTES = 1 << 20
_MOST_WAITING = 64
_MOST_WAITING_BYTES = 64 << 20
_CORRUPT: tuple[type[Exception], ...] = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error),
    *(ValueError, OverflowError, LookupError),
)


class _Member(NamedTuple):
    name: str
    size: int
    read: Callable[[], bytes]


def archive_items(name: str, file: IO[bytes], size: int | None, wanted: Wanted) -> Iterator[Item]:
    """The pictures of an archive, in its order, with what their side files say.

    As WebDataset has it, files whose paths are equal up to the first dot of their last part and
    that follow each other belong together: ``a/7.jpg``, ``a/7.json`` and ``a/7.cls``.

    Args:
        name: what the archive is called, whose suffix says what it is.
        file: its bytes.
        size: how many; None if it cannot seek.
        wanted: its column is what follows the first dot of the pictures' names, such as ``jpg`` or
            ``mask.png``; None takes all pictures. Without values to take, side files are not read.

    Raises:
        ValueError: no side file has one of the values.
    """
    waiting: list[Item] = []
    values: dict[str, Any] = {}
    key = None
    has_zarr = False
    seen = SeenValues(wanted.values, f"the side files of {name}")
    members = _members(name, file, size)
    while True:
        damage = None
        try:
            member = next(members, None)
        except Exception as error:  # whatever somebody's bytes make of a library
            damage, member = _damage(error), None
        of = None if member is None else _key(member.name)
        weight = sum(item.weight for item in waiting)
        if of != key or len(waiting) >= _MOST_WAITING or weight > _MOST_WAITING_BYTES:
            if waiting:
                seen.add(values)
            named = {name: plain(values.get(name)) for name in wanted.values}
            yield from (replace(item, values=named) for item in waiting)
            waiting = []
        if of != key:
            key, values = of, {}
        if damage is not None:
            yield item_of(damage, name)
        if member is None:
            break
        if member.name.rpartition("/")[2] in ZARR_FILES and not has_zarr:
            has_zarr = True
            yield item_of(no_zarr(), name)
        if _is_picture(member.name, wanted.column):
            data = _data(member, wanted.limits)
            waiting.append(item_of(data, f"{name}:{member.name.removeprefix('./')}"))
        elif wanted.values and member.size <= _SIDE_BYTES:
            values.update(_side_values(member))
    seen.check()


def _is_picture(name: str, column: str | None) -> bool:
    last = name.rpartition("/")[2]
    return is_image_name(name) and column in (None, last.partition(".")[2])


def _key(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _data(member: _Member, limits: Limits) -> bytes | ImageError:
    try:
        check_bytes(member.size, limits)
        return member.read()
    except Exception as error:
        return _damage(error)


def _side_values(member: _Member) -> dict[str, Any]:
    """Return what a side file says; a damaged one says nothing, and the values are missing."""
    suffix = member.name.rpartition(".")[2].lower()
    if suffix not in ("json", "cls", "txt"):
        return {}
    try:
        text = member.read().decode("utf-8-sig")
        if suffix != "json":
            return {suffix: int(text) if suffix == "cls" else text.strip()}
        values = parse_json(text)
    except Exception:
        return {}
    return values if isinstance(values, dict) else {}


def _damage(error: Exception) -> ImageError:
    if isinstance(error, ImageError):
        return error
    detail = str(error)[:200] or type(error).__name__
    if isinstance(error, EOFError | tarfile.ReadError):
        return ImageError("truncated", detail)
    if isinstance(error, RuntimeError | ImportError):  # a method of packing, a password
        return ImageError("unsupported", detail)
    if isinstance(error, _CORRUPT) or (type(error) is OSError and error.errno is None):  # bz2's
        return ImageError("corrupt", detail)
    if type(error).__name__ == "LZMAError":
        return ImageError("corrupt", detail)
    return reading_error(error)


def _members(name: str, file: IO[bytes], size: int | None) -> Iterator[_Member]:
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".zip":
        yield from _zip_members(file)
    elif suffix == ".tar":
        yield from _tar_members(file, size)
    else:
        with _unpacked(file, suffix) as stream:
            yield from _tar_members(stream, None)


def _unpacked(file: IO[bytes], suffix: str) -> Any:
    if suffix in (".gz", ".tgz"):
        return gzip.GzipFile(fileobj=file)
    if suffix == ".bz2":
        import bz2  # not every Python was built with it, nor with the next one

        return bz2.BZ2File(file)
    if suffix == ".xz":
        import lzma

        return lzma.LZMAFile(file)
    raise ImageError("unsupported", "compressed in a way that is not read here")


class _ZerosError(Exception):
    """There are only zeros, which is as good as an end."""


class _Bounded:
    """A file of which a library may read so many bytes until it is asked for less."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self.left = file, most
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable = file.seekable
        self.in_zeros = False  # the blocks of a tar that were read last

    def read(self, count: int = -1) -> bytes:
        if count < 0:
            data = self._file.read(min(self.left, _TAIL))
            self.left -= len(data)
            return data
        self.left -= count
        if self.left < 0:
            if self.in_zeros:
                raise _ZerosError
            raise ImageError("corrupt", "a header or directory of too many bytes")
        return self._file.read(count)


def _tar_members(file: IO[bytes], size: int | None) -> Iterator[_Member]:
    """Members that are files. Links, devices and folders are passed over."""
    headers = _Bounded(file, _MOST_HEADER)

    class Header(tarfile.TarInfo):
        """Of which tarfile itself passes over a damaged one."""

        @classmethod
        def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> Any:
            is_zero = not buf.strip(b"\0")
            if is_zero and not buf and not headers.in_zeros:
                raise ImageError("truncated", "it ends without the zeros of an end")
            headers.in_zeros = is_zero
            try:
                header = super().frombuf(buf, encoding, errors)
            except tarfile.HeaderError as error:
                if is_zero:
                    raise
                detail = f"no member begins where one should: {error}"
                whole = len(buf) == tarfile.BLOCKSIZE
                raise ImageError("corrupt" if whole else "truncated", detail) from None
            if header.size < 0:
                raise ImageError("corrupt", f"a member of {header.size} bytes")
            return header

    try:
        tar = tarfile.TarFile(fileobj=headers, tarinfo=Header, ignore_zeros=True)  # type: ignore[arg-type]
        while (member := tar.next()) is not None:
            if member.size < 0:  # by a record of an extended header
                raise ImageError("corrupt", f"a member of {member.size} bytes")
            headers.left = _MOST_HEADER
            tar.members = []  # type: ignore[attr-defined]  # it keeps all
            if not member.isreg() or member.name.endswith("/"):
                continue
            yield _Member(member.name, member.size, lambda member=member: _tar_data(file, member))  # type: ignore[misc]
            if size is not None and member.offset_data + member.size > size:
                return  # it was cut off, and counted
    except _ZerosError:
        return


def _tar_data(file: IO[bytes], member: tarfile.TarInfo) -> bytes:
    if member.issparse():
        raise ImageError("unsupported", "a sparse member")
    file.seek(member.offset_data)
    data = file.read(member.size)
    if len(data) < member.size:
        raise ImageError("truncated", f"the archive has {len(data)} of {member.size} bytes")
    return data


def _zip_members(file: IO[bytes]) -> Iterator[_Member]:
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
            yield _Member(member.filename, size, lambda member=member: _zip_data(archive, member))  # type: ignore[misc]


def _zip_data(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            data = b"".join(iter(lambda: file.read(_PIECE), b""))
    except (zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise ImageError("corrupt", str(error)[:200]) from None
    if len(data) < member.file_size:
        raise ImageError("truncated", f"got {len(data)} of {member.file_size} bytes")
    return data
