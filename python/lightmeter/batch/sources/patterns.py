"""Glob patterns, as `glob` has them, of which no link makes a circle and no error is lost."""

import errno
import glob
import os
import re
from collections.abc import Iterator
from fnmatch import translate

__all__ = ["has_magic", "matches"]

has_magic = glob.has_magic

_NO_SUCH_PATH = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


def matches(pattern: str) -> set[str]:
    """The paths that `pattern` matches, and the folders that could not be searched for them.

    ``**`` stands for any number of folders. It does not go into symbolic links to folders; every
    other part of a pattern does. Hidden names match only where the pattern has the dot.
    """
    parts = [part for part in pattern.split("/") if part]
    paths = {"/" if pattern.startswith("/") else ""}
    search = _Search()
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        paths = {path for folder in paths for path in search.expand(folder, part, last)}
    if pattern.endswith("/"):
        paths = {path for path in paths if os.path.isdir(path)}
    return (paths | search.closed) - {""}


class _Search:
    def __init__(self) -> None:
        self.closed: set[str] = set()

    def expand(self, folder: str, part: str, last: bool) -> Iterator[str]:
        """The paths below `folder` that one part of a pattern matches."""
        if part == "**":
            yield from self._below(folder, with_files=last)
        elif has_magic(part):
            match = re.compile(translate(part)).match
            for entry in self._entries(folder):
                if match(entry.name) and (part[0] == "." or entry.name[0] != "."):
                    yield os.path.join(folder, entry.name)
        elif self._exists(folder, part):
            yield os.path.join(folder, part)

    def _below(self, folder: str, with_files: bool) -> Iterator[str]:
        folders = [folder]
        while folders:
            parent = folders.pop()
            yield parent
            for entry in self._entries(parent):
                path = os.path.join(parent, entry.name)
                if entry.name[0] == ".":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif with_files and not (entry.is_symlink() and os.path.isdir(path)):
                    yield path

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder or os.curdir) as entries:
                return list(entries)
        except OSError as error:
            self._note(error, folder)
        except ValueError:  # a NUL
            pass
        return []

    def _exists(self, folder: str, name: str) -> bool:
        try:
            os.lstat(os.path.join(folder, name))
        except OSError as error:
            self._note(error, folder)
        except ValueError:
            pass
        else:
            return True
        return False

    def _note(self, error: OSError, folder: str) -> None:
        if error.errno not in _NO_SUCH_PATH:
            self.closed.add(folder or os.curdir)
