"""TIFF files: structures made by hand, of any tag, type and byte order; and arrays."""

import io
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

ASCII, BYTE, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, DOUBLE = 2, 1, 3, 4, 5, 7, 10, 12
CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q"}
EXIF, GPS, INTEROP = 34665, 34853, 40965

# Tag -> (type, values); a mapping is a directory of its own that the tag points to.
Tags = Mapping[int, "tuple[int, bytes | Sequence[float]] | Tags"]


def tiff(tags: Tags, order: str = "<", big: bool = False, base: int = 0) -> bytes:
    """A TIFF structure whose first directory has these tags."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    return head + _directory(tags, order, big, base + len(head))


def of_array(samples: Any, **options: Any) -> bytes:
    """The file that tifffile writes of an array HxW or HxWxC, by default of gray samples."""
    import tifffile

    file = io.BytesIO()
    if options.get("planarconfig") == "separate":
        samples = np.ascontiguousarray(np.moveaxis(samples, 2, 0))
    usual = {"photometric": "minisblack", "planarconfig": "contig" if samples.ndim > 2 else None}
    tifffile.imwrite(file, samples, **usual | options)
    return file.getvalue()


def with_pixels(tags: Tags, pixels: bytes, place: int = 273) -> bytes:
    """A file whose pixels lie behind the directory; the tag `place` says where."""
    start = len(tiff({**tags, place: (LONG, [0])}))
    return tiff({**tags, place: (LONG, [start])}) + pixels


def _directory(tags: Tags, order: str, big: bool, start: int) -> bytes:
    inline, pointer, counter, row = (8, "Q", "Q", 20) if big else (4, "I", "H", 12)
    at = start + struct.calcsize("=" + counter) + row * len(tags) + inline
    rows, rest = b"", b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, Mapping):
            kind, count = LONG, 1
            data = struct.pack(order + "I", at + len(rest))
            rest += _directory(value, order, big, at + len(rest))
        else:
            kind, values = value
            data, count = _encode(kind, values, order)
        if len(data) > inline:
            place = struct.pack(order + pointer, at + len(rest))
            rest += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(inline, b"\0")
        rows += struct.pack(order + "HH" + pointer, tag, kind, count) + place
    return struct.pack(order + counter, len(tags)) + rows + b"\0" * inline + rest


def _encode(kind: int, values: bytes | Sequence[float], order: str) -> tuple[bytes, int]:
    if isinstance(values, bytes):
        return values, len(values)
    if kind in (RATIONAL, SRATIONAL):
        code = "I" if kind == RATIONAL else "i"
        return struct.pack(f"{order}{len(values)}{code}", *values), len(values) // 2
    return struct.pack(f"{order}{len(values)}{CODES[kind]}", *values), len(values)
