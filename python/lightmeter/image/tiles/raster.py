"""A picture as a grid of tiles, of which a few are in memory at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Channels
from lightmeter.image.decoders import Decoder
from lightmeter.image.exif import ExifTags
from lightmeter.image.header import Facts
from lightmeter.image.reading import Reading

__all__ = ["MOST_DECODED", "Block", "LargePicture", "Raster", "band_count", "check_tile"]

# Bytes of one tile as it is decoded: 4096 x 4096 pixels of 8-bit RGB have fewer.
MOST_DECODED = 1 << 26

# Pixels that are measured at once. With fewer the measurement's own tables cost more than counting.
_BLOCK_PIXELS = 1 << 21

# Of a side in pixels. Some metrics keep a number for each row and column.
_LONGEST = 1 << 20


class Block(NamedTuple):
    """A rectangle of whole tiles, cut at the borders of the picture."""

    x: int
    y: int
    width: int
    height: int


class Raster(ABC):
    """A picture as a grid of tiles, which threads read at once.

    Attributes:
        width, height: in pixels, as they are stored.
        tile_width, tile_height: of a tile.
        channels: samples of a pixel that `samples` gives.
        dtype: their type, in the byte order of this machine.
        mode: what Pillow calls such a picture.
        white: what a sample of white is unless `Reading.value_range` says it.
        orientation: how it is to be turned, by Exif's numbers.
        in_planes: whether blocks keep the samples of each channel together.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    channels: int
    dtype: np.dtype[Any]
    mode: str
    white: float
    orientation: int = 1
    in_planes: bool = False

    def read(self, x: int, y: int, into: NDArray[Any]) -> None:
        """Put what is at (x, y), where tiles begin, into HxWxC, if `block` is that of this class.

        Raises:
            ImageError: it is damaged.
            Exception: what decoders and files raise.
        """
        raise NotImplementedError

    @abstractmethod
    def colours(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return samples as they are measured, gray, RGB or bands, of those that are stored."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as it is measured."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)

    @property
    def decoded_bytes(self) -> int:
        """Bytes of all its samples."""
        return self.width * self.height * self.channels * self.dtype.itemsize

    @property
    def bytes_at_once(self) -> int:
        """Bytes of the samples of the largest block, and of a tile."""
        tile = self.tile_width * self.tile_height
        return (max(_BLOCK_PIXELS, tile) + tile) * self.channels * self.dtype.itemsize

    def blocks(self) -> Iterator[Block]:
        """Yield rectangles that cover it, in the order of its rows of tiles."""
        across = max(1, _BLOCK_PIXELS // (self.tile_width * self.tile_height)) * self.tile_width
        down = self.tile_height
        if across > self.width:
            down *= max(1, _BLOCK_PIXELS // (max(self.width, self.tile_width) * down))
        for y in range(0, self.height, down):
            for x in range(0, self.width, across):
                yield Block(x, y, min(across, self.width - x), min(down, self.height - y))

    def buffer(self) -> NDArray[Any]:
        """Return memory for any block. A thread keeps it: new memory costs half of decoding."""
        first = next(self.blocks())  # no other is larger
        return np.empty(first.width * first.height * self.channels, self.dtype)

    def block(self, block: Block, buffer: NDArray[Any]) -> NDArray[Any]:
        """Return what is in a block, HxWxC, as it is measured but for its orientation.

        It may be in `buffer`, which holds it until the next one.
        """
        size = block.width * block.height * self.channels
        if self.in_planes:
            planes = buffer[:size].reshape(self.channels, block.height, block.width)
            samples = planes.transpose(1, 2, 0)
        else:
            samples = buffer[:size].reshape(block.height, block.width, self.channels)
        for top in range(0, block.height, self.tile_height):
            rows = samples[top : top + self.tile_height]
            for left in range(0, block.width, self.tile_width):
                tile = rows[:, left : left + self.tile_width]
                self.read(block.x + left, block.y + top, tile)
        return self.colours(samples)

    def turned(self, samples: NDArray[Any], block: Block) -> tuple[NDArray[Any], tuple[int, int]]:
        """Return a block as the picture is to be turned, and where its first pixel is then."""
        right, below = self.width - block.x - block.width, self.height - block.y - block.height
        x, y = block.x, block.y
        if self.orientation in (2, 3, 7, 8):
            samples, x = samples[:, ::-1], right
        if self.orientation in (3, 4, 6, 7):
            samples, y = samples[::-1], below
        if self.orientation > 4:
            samples, x, y = samples.transpose(1, 0, 2), y, x
        return samples, (x, y)


class LargePicture(NamedTuple):
    """What is read in tiles.

    Attributes:
        pictures: what to measure, one after the other: a raster, or one for each band.
        facts: what is known of the file; None of an array.
        exif: its Exif, if it can have any.
        decoder: what decodes it, if its samples are not stored as they are.
        order: of its channels of colour, of an array; None of all else, which is RGB.
    """

    pictures: Iterator[Sequence[Raster]]
    facts: Facts | None = None
    exif: ExifTags | None = None
    decoder: Decoder | None = None
    order: Channels | None = None


def check_tile(raster: Raster, what: str) -> None:
    """Refuse a picture of no size, or whose tiles, called `what`, are too large to decode whole.

    Raises:
        ImageError: it is one.
    """
    sides = (raster.width, raster.height, raster.tile_width, raster.tile_height)
    if min(sides) <= 0:
        raise ImageError("corrupt", f"a picture of {raster.width}x{raster.height} pixels")
    if max(raster.width, raster.height) > _LONGEST:
        raise ImageError("too_large", f"a picture of {raster.width}x{raster.height} pixels")
    pixels = raster.tile_width * raster.tile_height
    if pixels * raster.channels * raster.dtype.itemsize > MOST_DECODED:
        raise ImageError(
            "too_large",
            f"a {what} of {raster.tile_width}x{raster.tile_height} pixels, which is decoded whole; "
            f"more than {MOST_DECODED} bytes; write the picture in smaller tiles",
        )


def band_count(reading: Reading) -> int | None:
    """Return how many channels are no colours; None where they are."""
    return None if reading.bands is None else len(reading.bands)
