"""How large a JPEG is, before a decoder makes room for it."""

import struct

from lightmeter.errors import ImageError

__all__ = ["jpeg_size"]

_MOST_SEGMENTS = 1000
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height that the frame header says.

    Raises:
        ImageError: there is none before the first scan.
    """
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if data[at : at + 1] != b"\xff" or at + 9 > len(data):
            break
        marker = data[at + 1]
        if marker == 0xFF:  # a byte to fill
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == _SCAN:
            break
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ImageError("corrupt", "a JPEG without a frame header as a tile")
