"""Finding image files from paths, folders and glob patterns."""

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from glob import has_magic
from itertools import chain

from lightmeter.batch.sources.names import image_suffixes
from lightmeter.files import AnyPath, open_regular
from lightmeter.image.encoded import START_BYTES, format_of, is_zarr


def find_images(path: AnyPath) -> list[str]:
    """Return the image files that a path stands for, each once, sorted by path.

    A folder stands for the files in it and its subfolders whose suffix names an image format, or
    that have no suffix and the signature of an image. Symbolic links to folders are not followed. A
    Zarr folder is one image. Hidden files and folders are skipped; a folder that cannot be listed
    stands for itself. A file, or a path that does not exist, stands for itself. A pattern with
    ``*``, ``?`` or ``[`` stands for its matches; see `matches`. A file that it reaches through
    several links counts once, under the shortest path.
    """
    path = os.fsdecode(path)
    if not has_magic(path) or os.path.lexists(path):
        return sorted(_images(path))
    real_folder = cache(os.path.realpath)
    kept: dict[tuple[str, str], str] = {}
    files = chain.from_iterable(map(_images, matches(path)))
    for file in sorted(files, key=lambda file: (file.count(os.sep), file)):
        folder, name = os.path.split(file)
        kept.setdefault((real_folder(folder), name), file)
    return sorted(kept.values())


def _images(path: str) -> Iterable[str]:
    is_folder = os.path.isdir(path) and not is_zarr(path)
    return _found(path, ("**", "*"), _is_image) if is_folder else [path]


def matches(pattern: str) -> set[str]:
    """Return the paths that a pattern matches, and folders that cannot be listed.

    Patterns work as in `glob`: only a part that begins with a dot matches hidden names. But ``**``
    does not enter Zarr folders or symbolic links to folders, so that no link makes a loop, and
    folders may be nested to any depth.
    """
    parts = tuple(pattern.lstrip("/").split("/"))
    return _found("/" if pattern.startswith("/") else "", parts, os.path.lexists)


def _found(start: str, below: tuple[str, ...], is_taken: Callable[[str], bool]) -> set[str]:
    found: set[str] = set()
    waiting = [(start, below)]
    while waiting:
        folder, parts = waiting.pop()
        if not parts:
            found.update([folder] if is_taken(folder) else [])
            continue
        part, rest = parts[0], parts[1:]
        if part and not has_magic(part):
            waiting.append((os.path.join(folder, part), rest))
        elif os.path.isdir(folder or "."):
            if part in ("", "**"):
                waiting.append((folder, rest))
            try:
                for path, more in _below(folder, part, rest) if part else ():
                    if more:
                        waiting.append((path, more))
                    elif is_taken(path):
                        found.add(path)
            except OSError:
                found.add(folder)
    return found


def _below(folder: str, part: str, rest: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a part with ``*``, ``?``, ``[`` or ``**`` matches in a folder, and the rest."""
    with os.scandir(folder or ".") as entries:
        for entry in entries:
            path = entry.path if folder else entry.name
            if entry.name.startswith(".") and not part.startswith("."):
                continue
            if part == "**":
                if entry.is_dir(follow_symlinks=False) and not is_zarr(path):
                    yield path, (part, *rest)
            elif fnmatchcase(entry.name, part) and (not rest or entry.is_dir()):
                yield path, rest


def _is_image(path: str) -> bool:
    if os.path.isdir(path):
        return is_zarr(path) and not os.path.islink(path)
    suffix = os.path.splitext(path)[1].lower()
    if len(suffix) > 1:
        return suffix in image_suffixes()
    try:
        with open_regular(path) as file:
            return format_of(file.read(START_BYTES) or b"") is not None
    except OSError:
        return os.path.isfile(path)  # to be counted as unreadable
