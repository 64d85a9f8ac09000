"""Tar files as sources, also compressed, read one member at a time."""

import os
import tarfile
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import IO

from lightmeter.batch.sources.archive import Bounded, Member, archive_items
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.errors import ImageError

_MOST_HEADER = 1 << 20  # bytes of headers, names and zeros before a member
_COMPRESSED = {".gz": "gzip", ".tgz": "gzip", ".bz2": "bz2", ".xz": "lzma"}


def tar_items(name: str, file: IO[bytes], wanted: Wanted) -> Iterator[Item]:
    """Yield the images of a tar file; see `archive_items`."""
    return archive_items(name, _members(name, file), wanted)


def _members(name: str, file: IO[bytes]) -> Iterator[Member]:
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".tar":
        size = file.seek(0, os.SEEK_END) if file.seekable() else None
        file.seek(0)
        yield from _tar_members(file, size)
    elif suffix in _COMPRESSED:  # by modules with which not every Python was built
        with import_module(_COMPRESSED[suffix]).open(file) as stream:
            yield from _tar_members(stream, None)
    else:
        raise ImageError("unsupported", "compressed in a way that is not read here")


def _tar_members(file: IO[bytes], size: int | None) -> Iterator[Member]:
    """Yield members that are files; links, devices and folders are skipped.

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
            yield Member(member.name, member.size, partial(_data, file, member))
            if size is not None and member.offset_data + member.size > size:
                return  # it was cut off, and counted


def _data(file: IO[bytes], member: tarfile.TarInfo) -> bytes:
    if member.issparse():
        raise ImageError("unsupported", "a sparse member")
    file.seek(member.offset_data)
    data = file.read(member.size)
    if len(data) < member.size:
        raise ImageError("truncated", f"the archive has {len(data)} of {member.size} bytes")
    return data
