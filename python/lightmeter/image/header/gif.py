"""GIF: its blocks, without unpacking any pixel."""

import contextlib

from lightmeter.image.header.source import DamagedError, Source

__all__ = ["gif_facts"]

_MAX_BLOCKS = 100_000
_IMAGE, _EXTENSION, _CONTROL = 0x2C, 0x21, 0xF9


def gif_facts(source: Source) -> dict[str, int | str | None]:
    """Facts of a GIF file.

    The bit depth is that of the palette of the screen, or else of the first frame. Frames are
    counted up to the trailer, or to the end of a file without one. The count is missing where a
    file has too many blocks.
    """
    flags = source.read(10, 1)[0]
    depth = (flags & 7) + 1 if flags & 0x80 else None
    alpha = 0
    frames = 0
    offset = 13 + _palette_size(flags)
    blocks = 0
    ended = False
    with contextlib.suppress(DamagedError):
        while True:
            kind = source.read(offset, 1)[0]
            if kind == _EXTENSION:
                label, _, control = source.read(offset + 1, 3)
                alpha |= control & 1 if label == _CONTROL else 0
                offset += 2
            elif kind == _IMAGE:
                flags = source.read(offset + 9, 1)[0]
                frames += 1
                if depth is None and flags & 0x80:
                    depth = (flags & 7) + 1
                offset += 11 + _palette_size(flags)
            else:
                ended = True
                break
            while size := source.read(offset, 1)[0]:
                offset += 1 + size
                blocks += 1
                if blocks == _MAX_BLOCKS:
                    raise DamagedError("too many blocks")
            offset += 1
    return {
        "BitDepth": depth,
        "Channels": 1,
        "HasAlpha": alpha,
        "FrameCount": frames or None if ended or offset >= source.size else None,
    }


def _palette_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
