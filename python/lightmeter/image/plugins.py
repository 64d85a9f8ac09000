"""Plugins for HEIF, AVIF and JPEG XL, loaded at need; raw files, which Pillow misreads."""

import threading
from collections.abc import Container
from importlib import import_module

from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.magic import format_of

__all__ = ["SUBFILE_TYPE", "is_raw", "libheif_version", "load_plugin", "plugin_format"]

_HOW_TO_READ = {
    "HEIF": "pip install 'lightmeter[formats]' (pillow-heif)",
    "JXL": "pip install 'lightmeter[formats]' (pillow-jxl-plugin)",
    "AVIF": "pip install 'pillow>=11.3'",
}

# Tags of TIFF.
SUBFILE_TYPE = 254
_DNG_VERSION = 50_706

_lock = threading.Lock()


def plugin_format(start: bytes) -> str | None:
    """``"HEIF"``, ``"AVIF"`` or ``"JXL"`` (JPEG XL) if the file starts as one, else None."""
    name = format_of(start)
    return name if name in _HOW_TO_READ else None


def is_raw(start: bytes, tags: Container[int], subfile: object) -> bool:
    """Whether a TIFF is a camera's raw file, such as DNG, CR2, NEF, ARW or PEF.

    Its first directory is a preview. Raw files have a mark of their own, or call that directory a
    reduced image.

    Args:
        start: the first bytes of the file.
        tags: those of its first directory.
        subfile: the value of `SUBFILE_TYPE` among them, if there is one.
    """
    reduced = isinstance(subfile, int) and bool(subfile & 1)
    return start[8:10] == b"CR" or _DNG_VERSION in tags or reduced


def libheif_version() -> str:
    """The version of the library that decodes HEIF, whose plugin is installed."""
    version: str = import_module("pillow_heif").libheif_version()
    return version


def load_plugin(start: bytes) -> bool:
    """Load the plugin that reads files with this start.

    Returns:
        Whether Pillow can read more now. False if no plugin is needed, or it was loaded before.

    Raises:
        ImageError: ``unsupported``: the plugin is not installed. The message says how to get it.
    """
    name = plugin_format(start)
    if name is None:
        return False
    with _lock:
        if name in Image.OPEN:
            return False
        try:
            if name == "HEIF":
                import_module("pillow_heif").register_heif_opener()
            elif name == "JXL":
                import_module("pillow_jxl")  # registers itself
        except ImportError:
            pass
        if name not in Image.OPEN:
            raise ImageError("unsupported", f"{name} needs a plugin: {_HOW_TO_READ[name]}")
    return True
