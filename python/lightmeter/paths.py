"""From what a user points at to the image files meant: files, folders and glob patterns."""

import glob
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from PIL import Image

from lightmeter.plugins import START_BYTES, plugin_format

__all__ = ["find_images"]

PathLike = str | os.PathLike[str]

# Formats that need a plug-in or are not read at all: named in a folder, they are meant as images
# and are counted as unsupported rather than passed over.
_OTHER_IMAGE_SUFFIXES = frozenset(
    {".arw", ".avif", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".hif", ".jxl", ".nef", ".orf"}
)


def find_images(paths: PathLike | Iterable[PathLike]) -> list[str]:
    """The image files below `paths`, each once, sorted by path.

    A folder stands for the files in it and its subfolders (symbolic links to folders are not
    followed) whose suffix names an image format, or that have no suffix and start as an image does;
    hidden files are passed over. A file, or a path that does not exist, stands for itself, and a
    pattern with ``*``, ``?`` or ``[`` for what it matches (``**`` for any depth).
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    found: set[str] = set()
    for path in [os.fspath(path) for path in paths]:
        if os.path.isdir(path):
            found.update(_walk(path))
        elif glob.has_magic(path) and not os.path.lexists(path):
            for match in glob.iglob(path, recursive=True):
                found.update(_walk(match) if os.path.isdir(match) else [match])
        else:
            found.add(path)
    return sorted(found, key=os.fsencode)


def _walk(folder: str) -> Iterable[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if not name.startswith(".") and _is_image(path):
                yield path


def _is_image(path: str) -> bool:
    suffix = Path(path).suffix.lower()
    return suffix in _image_suffixes() if suffix else _starts_like_an_image(path)


def _starts_like_an_image(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            start = file.read(START_BYTES)
    except OSError:
        return True  # to be counted as unreadable
    Image.init()
    if len(start) < 16:
        return False
    if plugin_format(start) is not None:
        return True
    return any(accept and accept(start[:16]) for _, accept in Image.OPEN.values())


@cache
def _image_suffixes() -> frozenset[str]:
    Image.init()
    # Pillow also registers suffixes of formats that are no pictures to a user.
    readable = {
        suffix
        for suffix, format_name in Image.registered_extensions().items()
        if format_name in Image.OPEN and format_name not in {"MPEG", "PDF", "HDF5", "GRIB", "BUFR"}
    }
    return frozenset(readable | _OTHER_IMAGE_SUFFIXES)
