"""Images as grids of tiles, of which a few are in memory at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Channels

# Maximum bytes of a decoded tile; 4096 x 4096 pixels of 8-bit RGB have fewer.
MOST_DECODED = 1 << 26

# Maximum bytes of an image that is held whole.
MOST_WHOLE = 1 << 27

# Pixels that are measured at once. With fewer, the tables of the measurement cost more than
# counting.
_BLOCK_PIXELS = 1 << 21

# Maximum length of a side in pixels. Some metrics keep a number for each row and column.
_LONGEST = 1 << 20


class Block(NamedTuple):
    """Describe a rectangle of whole tiles, clipped to the image, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Raster(ABC):
    """Describe an image as a grid of tiles, which several threads may read at once.

    Attributes
    ----------
    width, height
        Size of the image in pixels.
    tile_width, tile_height
        Size of a tile in pixels.
    chunk_bytes
        Bytes of a chunk of an array, which may span many planes.
    channels
        Samples per pixel.
    dtype
        dtype of the samples, in native byte order.
    mode
        Pillow's mode of such an image.
    order
        Channel order of a colour array; None for any other image, whose colours are RGB.
    takes_fourth
        Whether a fourth channel is assumed to be alpha.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    channels: int
    dtype: np.dtype[Any]
    mode: str
    order: Channels | None = None
    chunk_bytes: int = 0
    takes_fourth: bool = False

    @abstractmethod
    def read(self, block: Block) -> NDArray[Any]:
        """Return the samples of a block, HxWxC: gray, RGB or bands.

        Raises
        ------
        ImageError
            It is damaged.
        Exception
            Decoders and files may raise any exception.
        """

    def check_sides(self, tile: str) -> None:
        """Check the sizes of the image and of its tiles, which errors describe as `tile`.

        Raises
        ------
        ImageError
            A size is zero or too large.
        """
        if min(self.width, self.height, self.tile_width, self.tile_height) <= 0:
            raise ImageError("corrupt", f"a picture of {self.width}x{self.height} pixels")
        if max(self.width, self.height) > _LONGEST:
            raise ImageError("too_large", f"a picture of {self.width}x{self.height} pixels")
        if max(self.chunk_bytes, self._bytes_of(self.tile_width * self.tile_height)) > MOST_DECODED:
            advice = "which is decoded whole; write the picture in smaller tiles"
            raise ImageError("too_large", f"{tile}, {advice}")

    @property
    def decoded_bytes(self) -> int:
        """Return the bytes of all samples."""
        return self._bytes_of(self.width * self.height)

    @property
    def bytes_at_once(self) -> int:
        """Return the bytes of the largest block, and of the data decoded for it at a time."""
        tile = self.tile_width * self.tile_height
        return self._bytes_of(max(_BLOCK_PIXELS, tile) + tile) + 2 * self.chunk_bytes

    def _bytes_of(self, pixels: int) -> int:
        return pixels * self.channels * self.dtype.itemsize

    def blocks(self) -> Iterator[Block]:
        """Yield rectangles that cover the image, row by row of tiles."""
        across = max(1, _BLOCK_PIXELS // (self.tile_width * self.tile_height)) * self.tile_width
        down = self.tile_height
        if across > self.width:
            down *= max(1, _BLOCK_PIXELS // (max(self.width, self.tile_width) * down))
        for y in range(0, self.height, down):
            for x in range(0, self.width, across):
                yield Block(x, y, min(across, self.width - x), min(down, self.height - y))
