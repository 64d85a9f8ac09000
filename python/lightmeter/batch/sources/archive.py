"""Archives as sources, a member at a time: tar files, also compressed ones, and zip files.

What is damaged ends an archive: what was read before counts, and the rest is one failure of it.
"""

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
from itertools import groupby
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.folder import is_image_name
from lightmeter.batch.sources.item import (
    Item,
    SeenValues,
    Wanted,
    check_bytes,
    item_of,
    reading_error,
)
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.nesting import parse_json

_SIDE_BYTES = 1 << 20  # a side file may be no larger
_MOST_WAITING = 64 << 20  # bytes of pictures that wait for the side file of their name

_MOST_HEADER = 1 << 20  # bytes of headers, names and zeros of a tar before a member
_MOST_DIRECTORY = 1 << 26  # bytes of that of a zip, which zipfile holds ten times as large
_TAIL = 1 << 17  # bytes at the end of a zip, where a directory is looked for
_PIECE = 1 << 12  # of compressed bytes: of some methods that is unpacked as a whole
_LOCAL = 30  # least bytes of the header of a zip's member

_COMPRESSED = {".gz": "gzip", ".tgz": "gzip", ".bz2": "bz2", ".xz": "lzma"}
_OF_FORMATS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error)
_CORRUPT = (*_OF_FORMATS, ValueError, ArithmeticError, LookupError)


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
    seen = SeenValues(wanted.values, f"the side files of {name}")

    def items() -> Iterator[Item]:
        if waiting:
            seen.add(values)
        wanted_values = {value: values.get(value) for value in wanted.values}
        for data, within in waiting:
            yield item_of(data, f"{name}:{within}", wanted_values, within)
        waiting.clear()

    for _, sample in groupby(_members(name, file, size), _key):
        waiting: list[tuple[bytes | ImageError, str]] = []
        values: dict[str, Any] = {}
        held = 0
        for member in sample:
            if isinstance(member, ImageError):
                yield item_of(member, name)
            elif _is_picture(member.name, wanted.column):
                waiting.append((member.data(wanted.limits), member.name.removeprefix("./")))
                held += member.size
            elif wanted.values and member.size <= _SIDE_BYTES:
                values.update(_side_values(member))
            if waiting and (not wanted.values or held > _MOST_WAITING):
                yield from items()
                held = 0
        yield from items()
    seen.check()


def _is_picture(name: str, column: str | None) -> bool:
    last = name.rpartition("/")[2]
    return is_image_name(name) and column in (None, last.partition(".")[2])


def _key(member: "Member | ImageError") -> str:
    folder, slash, last = getattr(member, "name", "").rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _side_values(member: Member) -> dict[str, Any]:
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


def _members(name: str, file: IO[bytes], size: int | None) -> Iterator[Member | ImageError]:
    """Yield the files of an archive in its order, and last the damage that ended it, if any."""
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
    if is_of_bytes or isinstance(error, _CORRUPT) or type(error).__name__ == "LZMAError":
        return ImageError("corrupt", detail)
    return reading_error(error)


class _Bounded:
    """A file of which a library may read so many bytes until it is asked for less."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self.left = file, most
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable = file.seekable
        self.block = b""  # that was read last

    def read(self, count: int = -1) -> bytes:
        count = _TAIL if count < 0 else count
        self.left -= count
        if self.left < 0:
            raise ImageError("corrupt", "a header or directory of too many bytes")
        self.block = self._file.read(count)
        return self.block


def _tar_members(file: IO[bytes], size: int | None) -> Iterator[Member]:
    """Members that are files. Links, devices and folders are passed over.

    Headers are asked for one by one, as tarfile itself passes over a damaged one.
    """
    headers = _Bounded(file, _MOST_HEADER)
    tar = tarfile.TarFile(fileobj=headers, mode="w")  # type: ignore[arg-type]  # looks for no first member
    is_in_zeros = False
    while True:
        headers.seek(tar.offset)
        try:
            member = tarfile.TarInfo.fromtarfile(tar)
        except tarfile.HeaderError as error:
            if headers.block.strip(b"\0") or not (headers.block or is_in_zeros):
                is_whole = len(headers.block) == tarfile.BLOCKSIZE
                detail = f"no member and no end where one should be: {error}"
                raise ImageError("corrupt" if is_whole else "truncated", detail) from None
            if not headers.block or headers.left < tarfile.BLOCKSIZE:
                return  # zeros without an end are as good as an end
            is_in_zeros, tar.offset = True, tar.offset + tarfile.BLOCKSIZE
            continue
        if member.size < 0:
            raise ImageError("corrupt", f"a member of {member.size} bytes")
        headers.left, is_in_zeros = _MOST_HEADER, False
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
