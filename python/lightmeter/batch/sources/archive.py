"""Zip and tar files as sources, read one member at a time: images, and side files with values.

Damage ends an archive: images before it count, and the rest is one failure.
"""

import os
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import groupby
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.item import Item, Wanted, check_bytes, seen
from lightmeter.batch.sources.names import is_image_name
from lightmeter.batch.sources.rows import row_items
from lightmeter.errors import ImageError
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits
from lightmeter.nesting import parse_json

_IMAGE = ""  # its column, which no side file has
_SIDE_BYTES = 1 << 20  # a side file may be no larger
_MOST_WAITING = 64 << 20  # bytes of images that wait for the side file of their name

_MOST_DIRECTORY = 1 << 26  # bytes, which zipfile holds ten times as large
_PIECE = 1 << 12  # of compressed bytes: of some methods that is unpacked as a whole
_LOCAL = 30  # least bytes of the header of a member of a zip file

_MOST_HEADER = 1 << 20  # bytes of headers, names and zeros before a member of a tar file
_COMPRESSED = {".gz": "gzip", ".tgz": "gzip", ".bz2": "bz2", ".xz": "lzma"}


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


def archive_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """Yield the images of a zip or tar file in order, with the values of their side files.

    As in WebDataset, consecutive files with equal paths up to the first dot of the file name belong
    together: ``a/7.jpg``, ``a/7.json`` and ``a/7.cls``.

    Parameters
    ----------
    name
        Name of the archive.
    file
        The archive; any error ends it. Only a tar file may be unable to seek.
    wanted
        Its column is the part of a name after the first dot, such as ``jpg`` or ``mask.png``; None
        takes all images. Side files are read only if it names values.

    Raises
    ------
    ImageError
        The archive is damaged.
    ValueError
        No side file has a value in `wanted`.
    """
    members = _zip_members(file) if name.lower().endswith(".zip") else _tar_members(name, file)
    rows = seen(_rows(members, wanted), wanted.values, f"the side files of {name}")
    return row_items(name, rows, replace(wanted, column=_IMAGE))


def _rows(members: Iterable[Member], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Yield a row for each image, with the values of its side files.

    Raises
    ------
    ImageError
        The archive is damaged.
    """
    damage = None

    def until_damage() -> Iterator[Member]:
        nonlocal damage
        try:
            yield from members
        except Exception as error:  # libraries may raise any for hostile bytes
            damage = image_error(error)

    for _, sample in groupby(until_damage(), _key):
        images: list[dict[str, Any]] = []
        values: dict[str, Any] = {}
        held = 0
        for member in sample:
            if _is_image(member.name, wanted.column):
                name = member.name.removeprefix("./")
                images.append({"bytes": member.data(wanted.limits), "path": name})
                held += member.size
            elif wanted.values and member.size <= _SIDE_BYTES:
                values.update(_side_values(member))
            if held > _MOST_WAITING:
                yield from ({**values, _IMAGE: image} for image in images)
                images, held = [], 0
        yield from ({**values, _IMAGE: image} for image in images)
    if damage is not None:
        raise damage


def _is_image(name: str, column: str | None) -> bool:
    last = name.rpartition("/")[2]
    return is_image_name(name) and column in (None, last.partition(".")[2])


def _key(member: Member) -> str:
    folder, slash, last = member.name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _side_values(member: Member) -> dict[str, Any]:
    """Return the values of a side file; those of a damaged file are missing."""
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


# --- zip ---


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    """Yield the members of a zip file in its order; links and folders are skipped."""
    bounded = Bounded(file, _MOST_DIRECTORY)
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


# --- tar ---


def _tar_members(name: str, file: IO[bytes]) -> Iterator[Member]:
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".tar":
        size = file.seek(0, os.SEEK_END) if file.seekable() else None
        file.seek(0)
        yield from _members_in(file, size)
    elif suffix in _COMPRESSED:  # by modules with which not every Python was built
        with import_module(_COMPRESSED[suffix]).open(file) as stream:
            yield from _members_in(stream, None)
    else:
        raise ImageError("unsupported", "compressed in a way that is not read here")


def _members_in(file: IO[bytes], size: int | None) -> Iterator[Member]:
    """Yield the members of a tar file that are files; links, devices and folders are skipped.

    Headers are read one by one, because tarfile itself skips a damaged one.
    """
    headers = Bounded(file, _MOST_HEADER)
    tar = tarfile.TarFile(fileobj=headers, mode="w")  # type: ignore[arg-type]  # looks for no first member
    is_in_zeros = False
    while True:
        headers.seek(tar.offset)
        try:
            member = tarfile.TarInfo.fromtarfile(tar)
        except tarfile.HeaderError:
            if headers.block.strip(b"\0"):
                raise
            if not (headers.block or is_in_zeros):
                raise ImageError("truncated", "the archive has no end") from None
            if not headers.block or headers.left < tarfile.BLOCKSIZE:
                return  # zeros without an end are as good as an end
            is_in_zeros, tar.offset = True, tar.offset + tarfile.BLOCKSIZE
            continue
        if member.size < 0:
            raise ImageError("corrupt", f"a member of {member.size} bytes")
        headers.left, is_in_zeros = _MOST_HEADER, False
        if member.isreg() and not member.name.endswith("/"):
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
