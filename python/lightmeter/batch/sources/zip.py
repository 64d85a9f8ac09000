"""Zip files as sources, read one member at a time."""

import stat
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import IO

from lightmeter.batch.sources.archive import Bounded, Member, archive_items
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.errors import ImageError

_MOST_DIRECTORY = 1 << 26  # bytes, which zipfile holds ten times as large
_PIECE = 1 << 12  # of compressed bytes: of some methods that is unpacked as a whole
_LOCAL = 30  # least bytes of the header of a member


def zip_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """Yield the images of a zip file; see `archive_items`."""
    return archive_items(name, _members(file), wanted)


def _members(file: IO[bytes]) -> Iterator[Member]:
    """Yield members in the order of the directory; links and folders are skipped."""
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
            yield Member(member.filename, size, partial(_data, archive, member))


def _data(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        data = b"".join(iter(lambda: file.read(_PIECE), b""))
    if len(data) < member.file_size:
        raise ImageError("truncated", f"got {len(data)} of {member.file_size} bytes")
    return data
