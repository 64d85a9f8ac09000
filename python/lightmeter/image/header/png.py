"""PNG: its chunks, without inflating any pixel."""

import contextlib
import struct
import zlib

from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.source import DamagedError, Source

__all__ = ["png_header"]

_MAX_CHUNKS = 65_536
_MAX_TEXT = 4 << 20
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PROFILE_TEXTS = (b"Raw profile type exif\0", b"Raw profile type APP1\0")


def png_header(source: Source) -> tuple[dict[str, int | str | None], bytes]:
    """Facts of a PNG file, and its Exif block or no bytes.

    The Exif may follow the pixels, so all chunks are stepped over, up to 65 536.
    """
    depth, colour, interlace = struct.unpack(">BBxxB", source.read(24, 5))
    facts: dict[str, int | str | None] = {
        "BitDepth": depth,
        "Channels": _CHANNELS.get(colour),
        "HasAlpha": int(colour in (4, 6)),
        "Progressive": int(interlace != 0),
        "FrameCount": 1,
        "ColorProfile": None,
    }
    exif = b""
    offset = 8
    with contextlib.suppress(DamagedError):
        for _ in range(_MAX_CHUNKS):
            size, name = struct.unpack(">I4s", source.read(offset, 8))
            body = offset + 8
            if name == b"IEND":
                break
            if name == b"eXIf":
                exif = source.read_up_to(body, size)
            elif name == b"tRNS":
                facts["HasAlpha"] = 1
            elif name == b"acTL":
                facts["FrameCount"] = struct.unpack(">I", source.read(body, 4))[0]
            elif name == b"iCCP":
                block = source.read_up_to(body, min(size, _MAX_TEXT))
                facts["ColorProfile"] = profile_description(_inflate(block, 1 << 16))
            elif name in (b"tEXt", b"zTXt") and not exif:
                exif = _profile_text(source.read_up_to(body, min(size, _MAX_TEXT)), name)
            offset = body + size + 4
    return facts, exif


def _profile_text(block: bytes, name: bytes) -> bytes:
    """Exif as hexadecimal digits in a text, as ImageMagick wrote it before there was eXIf."""
    if not block.startswith(_PROFILE_TEXTS):
        return b""
    text = _inflate(block, _MAX_TEXT) if name == b"zTXt" else block.split(b"\0", 1)[1]
    lines = text.split(b"\n", 3)  # nothing, the name, the size, the digits
    try:
        return bytes.fromhex(lines[3].decode("ascii")) if len(lines) == 4 else b""
    except ValueError:
        return b""


def _inflate(block: bytes, limit: int) -> bytes:
    """Keyword, zero, method, zlib stream: the first `limit` bytes that the stream gives."""
    _, _, stream = block.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(stream[1:], limit)
    except zlib.error:
        return b""
