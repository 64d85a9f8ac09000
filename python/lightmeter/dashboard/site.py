"""The folder of a site: pages are replaced whole, and only where they have changed."""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from lightmeter.files import write_atomically
from lightmeter.nesting import parse_json

_MANIFEST = "lightmeter-dashboard.json"
# What this program names its pages; nothing else is ever deleted.
_OURS = re.compile(r"(?:[a-z0-9.-]+/){0,2}[a-zA-Z0-9.-]+\.html")


class Written(NamedTuple):
    """How many pages the site has, and what was done to it."""

    pages: int
    written: int
    deleted: int


class Site:
    """A folder of pages that was perhaps written before."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Make the folder if there is none.

        Raises:
            OSError: it cannot be made or read.
            FileExistsError: it holds files of something else, or its manifest is a link.
        """
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        manifest = self._within(_MANIFEST)
        if any(self._folder.iterdir()) and not manifest.exists():
            raise FileExistsError(
                f"{self._folder} holds files, but no dashboard; choose an empty folder"
            )
        self._before = _read(manifest)
        self._now: dict[str, str] = {}
        self._written = 0
        if not manifest.exists():  # from now on the folder is known to be a dashboard's
            write_atomically(manifest, _encode({}))

    def write(self, path: str, page: str) -> None:
        """Write a page, where another one was written before.

        Raises:
            OSError: it cannot be written; `FileExistsError` where a link would lead elsewhere.
        """
        data, file = page.encode(), self._within(path)
        self._now[path] = hashlib.sha256(data).hexdigest()
        if self._before.get(path) != self._now[path] or not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, data)
            self._written += 1

    def finish(self) -> Written:
        """Note what there is, and delete pages of earlier runs that are no longer part of it."""
        gone = sorted(self._before.keys() - self._now.keys())
        write_atomically(self._within(_MANIFEST), _encode(self._now))
        for path in gone:
            file = self._within(path)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                file.unlink()
            if file.parent != self._folder:
                with contextlib.suppress(OSError):  # holds something, or somebody removed it
                    file.parent.rmdir()
        return Written(len(self._now), self._written, len(gone))

    def _within(self, path: str) -> Path:
        """Return the file of a page, which no link may move out of the folder."""
        file = self._folder / path
        is_within = file.resolve().is_relative_to(self._folder.resolve())
        if not is_within or (file.exists() and not file.is_file()):
            raise FileExistsError(f"{file} is a link, pipe or device, not a page; remove it")
        return file


def _encode(pages: dict[str, str]) -> bytes:
    return json.dumps({"version": 1, "pages": pages}, sort_keys=True, indent=0).encode()


def _read(manifest: Path) -> dict[str, str]:
    """Return what an earlier run noted; nothing where that cannot be read."""
    try:
        pages = parse_json(manifest.read_bytes())["pages"]
        return {
            path: inputs
            for path, inputs in pages.items()
            if _OURS.fullmatch(path) and ".." not in path.split("/") and isinstance(inputs, str)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
