"""Formats that Pillow reads by a plugin, which is loaded when one is met, or only seems to read."""

import threading
from importlib import import_module
from typing import Any

from PIL import Image

from lightmeter.errors import ImageError

__all__ = ["START_BYTES", "is_raw", "load_plugin", "plugin_format"]

# How many first bytes are looked at: the brands of a file type box.
START_BYTES = 64

_JXL_CODESTREAM = b"\xff\x0a"
_JXL_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_HEIF_BRANDS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split())
_AVIF_BRANDS = frozenset(b"avif avis".split())

_HOW_TO_READ = {
    "HEIF": "pip install 'lightmeter[formats]' (pillow-heif)",
    "JXL": "pip install 'lightmeter[formats]' (pillow-jxl-plugin)",
    "AVIF": "pip install 'pillow>=11.3'",
}

# Tags of TIFF.
_SUBFILE_TYPE = 254
_DNG_VERSION = 50_706

_lock = threading.Lock()


def plugin_format(start: bytes) -> str | None:
    """``"HEIF"``, ``"AVIF"`` or ``"JXL"`` (JPEG XL) if the file starts as one, else None."""
    if start.startswith((_JXL_CODESTREAM, _JXL_CONTAINER)):
        return "JXL"
    if start[4:8] != b"ftyp":
        return None
    # Size and type of the box, the major brand and its version, then the compatible brands. "mif1"
    # may hold any coding, which the compatible brands name.
    size = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12]} | {start[at : at + 4] for at in range(16, size - 3, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def is_raw(tiff: Any, start: bytes) -> bool:
    """Whether a TIFF, opened by Pillow, is a camera's raw file, whose first directory is a preview.

    So DNG, CR2, NEF, ARW, PEF and others, which are marked as such or call it a reduced image.
    """
    tags = tiff.tag_v2
    subfile = tags.get(_SUBFILE_TYPE)
    reduced = isinstance(subfile, int) and bool(subfile & 1)
    return start[8:10] == b"CR" or _DNG_VERSION in tags or reduced


def load_plugin(start: bytes) -> bool:
    """Let Pillow read files that start so. Returns whether that is new.

    Raises:
        ImageError: ``unsupported``: the plugin is not installed; the message says how to.
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
