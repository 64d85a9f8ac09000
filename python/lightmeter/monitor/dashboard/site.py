"""The folder of a site: pages are replaced whole, and only where they have changed."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from lightmeter.files import write_atomically

__all__ = ["Site", "Written"]

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
            FileExistsError: it holds files of something else.
        """
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        manifest = self._folder / _MANIFEST
        if not manifest.exists() and any(self._folder.iterdir()):
            raise FileExistsError(
                f"{self._folder} holds files, but no dashboard; choose an empty folder"
            )
        self._before = _read(manifest)
        self._now: dict[str, str] = {}
        self._written = 0
        if not manifest.exists():  # from now on the folder is known to be a dashboard's
            write_atomically(manifest, _encode({}))

    def is_fresh(self, path: str, inputs: str) -> bool:
        """Whether the page was made of the same `inputs`; it then stays as it is."""
        if self._before.get(path) != inputs or not (self._folder / path).is_file():
            return False
        self._now[path] = inputs
        return True

    def write(self, path: str, page: str, inputs: str | None = None) -> None:
        """Write a page, made of `inputs`; None takes the page itself for them."""
        data = page.encode()
        inputs = hashlib.sha256(data).hexdigest() if inputs is None else inputs
        if self.is_fresh(path, inputs):
            return
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, data)
        self._now[path] = inputs
        self._written += 1

    def finish(self) -> Written:
        """Note what there is, and delete pages of earlier runs that are no longer part of it."""
        gone = sorted(self._before.keys() - self._now.keys())
        write_atomically(self._folder / _MANIFEST, _encode(self._now))
        for path in gone:
            file = self._folder / path
            file.unlink(missing_ok=True)
            if file.parent != self._folder and not any(file.parent.iterdir()):
                file.parent.rmdir()
        return Written(len(self._now), self._written, len(gone))


def _encode(pages: dict[str, str]) -> bytes:
    return json.dumps({"version": 1, "pages": pages}, sort_keys=True, indent=0).encode()


def _read(manifest: Path) -> dict[str, str]:
    """What an earlier run noted; nothing where that cannot be read."""
    try:
        pages = json.loads(manifest.read_bytes())["pages"]
        return {
            path: inputs
            for path, inputs in pages.items()
            if _OURS.fullmatch(path) and ".." not in path.split("/") and isinstance(inputs, str)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
