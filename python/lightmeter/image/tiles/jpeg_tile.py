"""JPEG tiles decoded in the core, as JPEG files are."""

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.image.decode.trusted import is_trusted

__all__ = ["common_segments", "write_jpeg_tile"]

_START, _END = b"\xff\xd8", b"\xff\xd9"
_QUANTISATION, _HUFFMAN = b"\xff\xdb", b"\xff\xc4"


def common_segments(tables: bytes | None) -> bytes | None:
    """Return what all tiles of a page have in common, to be put behind the start of each.

    None if the core may not decode the tiles. Of other segments than tables, libjpeg forgets some
    before it reads a tile, so the joined stream would say something else.

    Args:
        tables: a JPEG stream without a picture, as TIFF has it; None is no tables.
    """
    if not is_trusted("JPEG"):
        return None
    if tables is None:
        return b""
    place = len(_START)
    if tables[:place] != _START:
        return None
    while tables[place : place + 2] != _END:
        if tables[place : place + 2] not in (_QUANTISATION, _HUFFMAN):
            return None
        place += 2 + max(2, int.from_bytes(tables[place + 2 : place + 4], "big"))
    return tables[len(_START) : place]


def write_jpeg_tile(
    data: bytes, common: bytes, most: tuple[int, int], into: NDArray[np.uint8]
) -> bool:
    """Decode a tile, as far as there is room. Returns False if another decoder has to look.

    Args:
        data: a JPEG stream.
        common: as `common_segments` gives it.
        most: width and height of a tile.
        into: HxWxC in planes: in a row, samples of a channel lie one behind the other.
    """
    decoder = _core.open_jpeg(data[:2] + common + data[2:])
    if decoder is None:
        return False
    bands, height, width = decoder.shape
    rows, columns, channels = into.shape
    fits = columns <= width <= most[0] and rows <= height <= most[1]
    return fits and bands == channels and decoder.write(into.transpose(2, 0, 1))
