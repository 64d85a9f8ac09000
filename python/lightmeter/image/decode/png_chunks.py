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
_CRC = struct.Struct(">I")
_MOST_CHUNKS = 1 << 16
_is_name = re.compile(b"[A-Za-z]{4}").fullmatch

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


def png_chunks(file: bytes) -> PngChunks | None:
    """Take a file apart. None if Pillow has to look.

    Pillow does not look at the checksums of IDAT chunks, and neither is it done here.
    """
    try:
        return _Chunks(file).read()
    except (struct.error, _Doubt, zlib.error):
        return None


class _Doubt(Exception):  # noqa: N818  # no error: Pillow decides
    pass


def _require(holds: bool) -> None:
    if not holds:
        raise _Doubt


class _Chunks:
    def __init__(self, file: bytes) -> None:
        self._file = memoryview(file)
        self._form: tuple[int, ...] = ()
        self._once: dict[bytes, memoryview] = {}
        self._data: list[memoryview] = []
        self._text = 0  # bytes

    def read(self) -> PngChunks:
        _require(self._file[:8] == _SIGNATURE)
        at, last = len(_SIGNATURE), b""
        for _ in range(_MOST_CHUNKS):
            size, name = _HEAD.unpack_from(self._file, at)
            body = self._file[at + 8 : at + 8 + size]
            (crc,) = _CRC.unpack_from(self._file, at + 8 + size)
            if name == b"IDAT":
                _require(bool(self._form))
                _require(last == b"IDAT" or not self._data)
                self._data.append(body)
            elif name == b"IEND":
                return self._result()
            else:
                _require(zlib.crc32(self._file[at + 4 : at + 8 + size]) == crc)
                self._take(name, body)
            at += 12 + size
            last = name
        raise _Doubt

    def _take(self, name: bytes, body: memoryview) -> None:
        if not self._form:
            _require(name == b"IHDR" and len(body) == 13)
            self._form = _FORM.unpack(body)
            _require(self._form[4:] == (0, 0, 0))  # compression, filters, interlace
        elif name in (b"PLTE", b"tRNS"):
            _require(name not in self._once and not self._data)
            self._once[name] = body
        elif name in (b"iCCP", b"zTXt"):
            self._inflate(body)
        elif name == b"iTXt":
            _, end, rest = bytes(body).partition(b"\0")
            _require(bool(end) and rest[:1] == b"\0")  # not deflated
            self._count_text(len(body))
        elif name in _SIZES:
            _require(len(body) == _SIZES[name])
        elif name in (b"tEXt", b"eXIf"):
            self._count_text(len(body))
        else:
            # What Pillow has no word for it steps over.
            _require(_is_name(name) is not None and name != b"DDAT")  # that is IDAT to Pillow
            _require(not hasattr(PngImagePlugin.PngStream, f"chunk_{name.decode()}"))

    def _inflate(self, body: memoryview) -> None:
        """Pillow inflates what follows the keyword, and refuses what is too long."""
        _, _, rest = bytes(body).partition(b"\0")
        _require(rest[:1] == b"\0")
        inflater = zlib.decompressobj()
        self._count_text(len(inflater.decompress(rest[1:], PngImagePlugin.MAX_TEXT_CHUNK)))
        _require(not inflater.unconsumed_tail)

    def _count_text(self, size: int) -> None:
        self._text += size
        _require(self._text <= PngImagePlugin.MAX_TEXT_MEMORY)

    def _result(self) -> PngChunks:
        _require(bool(self._form))
        width, height, depth, colour = self._form[:4]
        _require(width > 0 and height > 0 and bool(self._data))
        palette = bytes(self._once.get(b"PLTE", b"")) if colour == 3 else b""
        transparent = self._once.get(b"tRNS")
        if transparent is not None and colour == 3:
            _require(1 <= len(transparent) <= len(palette) // 3)
        elif transparent is not None:
            _require(len(transparent) == _TRANSPARENT.get(colour))
        return PngChunks(width, height, depth, colour, palette, self._data)
