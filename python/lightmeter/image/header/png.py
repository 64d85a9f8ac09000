"""PNG: what its chunks say, without inflating any pixel."""

import zlib
from collections.abc import Callable

from lightmeter import _core
from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.source import DamagedError, Source
from lightmeter.image.parts import Facts, PngHeader

__all__ = ["png_facts", "png_header"]

_MAX_TEXT = 4 << 20


def png_header(source: Source) -> tuple[Facts, bytes]:
    """Return facts of a PNG file, and its Exif block or no bytes.

    The Exif may follow the pixels, so all chunks are stepped over, up to 65 536.

    Raises:
        DamagedError: it has no header.
    """
    header = _core.png_header(source.file, source.size)
    if header is None:
        raise DamagedError("no header of a PNG file")
    return png_facts(header, source.read)


def png_facts(header: PngHeader, read: Callable[[int, int], bytes]) -> tuple[Facts, bytes]:
    """Return the same of the chunks that the core found; `read` takes an offset and a size."""
    facts, part, icc, texts = header
    if icc is not None:
        facts["ColorProfile"] = profile_description(_inflate(read(*icc), 1 << 16))
    exif = b"" if part is None else read(*part)
    for text, deflated in texts:
        exif = exif or _profile_text(read(*text), deflated)
    return facts, exif


def _profile_text(block: bytes, deflated: bool) -> bytes:
    """Return Exif from hexadecimal digits in a text, which ImageMagick wrote before eXIf."""
    text = _inflate(block, _MAX_TEXT) if deflated else block.split(b"\0", 1)[1]
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
