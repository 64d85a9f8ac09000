"""The chunks of a PNG file that Pillow reads without an error, by rules at least as strict."""

import re
import struct
import zlib
from typing import NamedTuple

from PIL import PngImagePlugin

__all__ = ["PngChunks", "png_chunks"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">I4s")  # size and name
_FORM = struct.Struct(">IIBBBBB")  # of IHDR
_MOST_CHUNKS = 1 << 16
_is_name = re.compile(b"[A-Za-z]{4}").fullmatch

_TABLES = frozenset({b"IHDR", b"PLTE", b"tRNS"})

# Bytes of what Pillow takes apart. Some versions of it refuse more.
_SIZES = {b"cHRM": 32, b"gAMA": 4, b"pHYs": 9, b"sRGB": 1}
_TRANSPARENT = {0: 2, 2: 6}  # those of tRNS, by the type of colour


class PngChunks(NamedTuple):
    """What says and holds the pixels. `data` are the bodies of the IDAT chunks."""

    width: int
    height: int
    depth: int
    colour: int
    palette: bytes
    data: list[memoryview]


class _Doubt(Exception):  # noqa: N818  # no error: Pillow decides
    pass


def _require(holds: bool) -> None:
    if not holds:
        raise _Doubt


def png_chunks(file: bytes) -> PngChunks | None:
    """Take a file apart. None if Pillow has to look.

    Pillow does not look at the checksums of IDAT chunks, and neither is it done here.
    """
    data: list[memoryview] = []
    tables: dict[bytes, memoryview] = {}
    whole, start, last, text = memoryview(file), len(_SIGNATURE), b"", 0
    try:
        _require(whole[:start] == _SIGNATURE)
        for _ in range(_MOST_CHUNKS):
            size, name = _HEAD.unpack_from(whole, start)
            end = start + 8 + size
            body, crc = whole[start + 8 : end], int.from_bytes(whole[end : end + 4], "big")
            _require(len(whole) >= end + 4 and (name == b"IHDR") == (last == b""))
            if name == b"IEND":
                return _result(tables, data)
            if name == b"IDAT":
                _require(last == b"IDAT" or not data)
                data.append(body)
            else:
                _require(zlib.crc32(whole[start + 4 : end]) == crc)
                if name in _TABLES:
                    _require(name not in tables and not data)
                    tables[name] = body
                else:
                    text += _text_of(name, body)
                    _require(text <= PngImagePlugin.MAX_TEXT_MEMORY)
            start, last = end + 4, name
    except (struct.error, _Doubt, zlib.error):
        pass
    return None


def _text_of(name: bytes, body: memoryview) -> int:
    """Check a chunk beside the pixels; return how many bytes of text it has, as Pillow counts."""
    if name in (b"iCCP", b"zTXt"):  # Pillow inflates what follows the keyword
        _, _, rest = bytes(body).partition(b"\0")
        inflater = zlib.decompressobj()
        size = len(inflater.decompress(rest[1:], PngImagePlugin.MAX_TEXT_CHUNK))
        _require(rest[:1] == b"\0" and not inflater.unconsumed_tail)
        return size
    if name == b"iTXt":
        _, end, rest = bytes(body).partition(b"\0")
        _require(bool(end) and rest[:1] == b"\0")  # not deflated
    elif name in _SIZES:
        _require(len(body) == _SIZES[name])
    elif name not in (b"tEXt", b"eXIf"):
        # What Pillow has no word for it steps over.
        _require(_is_name(name) is not None and name != b"DDAT")  # that is IDAT to Pillow
        _require(not hasattr(PngImagePlugin.PngStream, f"chunk_{name.decode()}"))
    return len(body) if name in (b"iTXt", b"tEXt", b"eXIf") else 0


def _result(tables: dict[bytes, memoryview], data: list[memoryview]) -> PngChunks:
    form = tables[b"IHDR"]
    _require(len(form) == _FORM.size and bool(data))
    width, height, depth, colour, *others = _FORM.unpack(form)
    _require(width > 0 and height > 0 and others == [0, 0, 0])  # compression, filters, interlace
    palette = bytes(tables.get(b"PLTE", b"")) if colour == 3 else b""
    transparent = tables.get(b"tRNS")
    if transparent is not None and colour == 3:
        _require(1 <= len(transparent) <= len(palette) // 3)
    elif transparent is not None:
        _require(len(transparent) == _TRANSPARENT.get(colour))
    return PngChunks(width, height, depth, colour, palette, data)
