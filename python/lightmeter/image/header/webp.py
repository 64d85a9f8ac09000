"""WebP: its RIFF chunks."""

import contextlib
import struct

from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.source import DamagedError, Source

__all__ = ["webp_header"]

_MAX_CHUNKS = 20_000
_ALPHA, _ANIMATED = 0x10, 0x02


def webp_header(source: Source) -> tuple[dict[str, int | str | None], bytes]:
    """Facts of a WebP file, and its Exif block or no bytes.

    The count of frames is missing where a file has more chunks than are read.
    """
    facts: dict[str, int | str | None] = {"BitDepth": 8, "ColorProfile": None}
    exif = b""
    alpha = animated = False
    frames = 0
    offset = 12
    with contextlib.suppress(DamagedError):
        for _ in range(_MAX_CHUNKS):
            name, size = struct.unpack("<4sI", source.read(offset, 8))
            body = offset + 8
            if name == b"VP8X":
                flags = source.read(body, 1)[0]
                alpha, animated = bool(flags & _ALPHA), bool(flags & _ANIMATED)
            elif name == b"VP8L" and not animated:
                # Signature, 14 bits width, 14 bits height, then whether alpha is used.
                alpha = alpha or bool(source.read(body, 5)[4] & 0x10)
            elif name == b"ANMF":
                frames += 1
            elif name == b"ICCP":
                facts["ColorProfile"] = profile_description(
                    source.read_up_to(body, min(size, 1 << 16))
                )
            elif name == b"EXIF":
                exif = source.read_up_to(body, size)
            offset = body + size + size % 2
    facts["HasAlpha"] = int(alpha)
    facts["Channels"] = 4 if alpha else 3
    ended = offset >= source.size
    facts["FrameCount"] = 1 if not animated else frames if ended else None
    return facts, exif
