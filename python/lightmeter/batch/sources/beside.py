"""Where a path leads that a manifest or a table names."""

import os
import posixpath
from typing import Any

from lightmeter.batch.sources.remote import RemotePart
from lightmeter.batch.sources.urls import is_url
from lightmeter.errors import ImageError

__all__ = ["beside"]

_OF_THIS_MACHINE = ("file:", "local:")


def beside(path: str, file: str) -> Any:
    """A path, an address as a `RemotePart`, or an error.

    A path is absolute, or relative to the folder of the file, or else to the current one. A file
    elsewhere is somebody else's: it names nothing of this machine.
    """
    folder = os.path.dirname(file)
    if is_url(file):
        address = path if is_url(path) else _below(folder, path)
        if address is None or address.startswith(_OF_THIS_MACHINE) or "::" in path:
            detail = "a file elsewhere names one of this machine; expected an address"
            return ImageError("unreadable", detail)
        return RemotePart(address)
    if is_url(path):
        return RemotePart(path)
    if os.path.isabs(path) or not folder:
        return path
    joined = os.path.join(folder, path)
    return path if not os.path.lexists(joined) and os.path.lexists(path) else joined


def _below(folder: str, path: str) -> str | None:
    """A path relative to a folder elsewhere; None if it leads out of its host or bucket."""
    scheme, _, place = folder.partition("://")
    root = place.partition("/")[0]
    joined = posixpath.normpath(f"{place}/{path}")
    inside = not path.startswith("/") and joined.startswith(f"{root}/")
    return f"{scheme}://{joined}" if inside else None
