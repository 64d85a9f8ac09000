"""Images as grids of tiles, measured in threads, with a few tiles in memory at a time."""

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Array, Channels, DType, Pair, range_of, samples_of
from lightmeter.image.limits import check_size
from lightmeter.image.meter import ImageMeter, LoadedImage, Mark, available_cpus
from lightmeter.image.reading import Reading

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
    dtype: DType
    mode: str
    order: Channels | None = None
    chunk_bytes: int = 0
    takes_fourth: bool = False

    @abstractmethod
    def read(self, block: Block) -> Array:
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
            raise ImageError("corrupt", f"an image of {self.width}x{self.height} pixels")
        if max(self.width, self.height) > _LONGEST:
            raise ImageError("too_large", f"an image of {self.width}x{self.height} pixels")
        if max(self.chunk_bytes, self._bytes_of(self.tile_width * self.tile_height)) > MOST_DECODED:
            advice = "which is decoded whole; write the image in smaller tiles"
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


# Called before each read; it raises an exception if the result is no longer needed.
Watch = Callable[[], None]

_MAX_THREADS = 4
_MOST_MASKED = 1 << 31  # pixels, of a bit each

# Bytes of tiles that all threads hold together, if one thread fits.
_MOST_AT_ONCE = 96 << 20

# Pixels that a thread measures before it merges its counts with those of other threads. Each merge
# reads the tables; counts that wait for pixels of other threads take memory.
_PIXELS_APART = 1 << 23


def measure_rasters(
    rasters: Sequence[Raster],
    reading: Reading,
    threads: int | None = None,
    watch: Watch | None = None,
    wants_pixels: bool = False,
    mark: Mark | None = None,
) -> tuple[list[ImageMeter], LoadedImage | None]:
    """Measure an image in tiles, with the result of a whole array.

    Parameters
    ----------
    rasters
        The image, or each of its bands.
    reading
        How to measure it.
    threads
        Number of threads; None means up to 4.
    watch
        See `measure_images`.
    wants_pixels
        Whether to return the image too, which is then read whole.
    mark
        Called with each block and the masks of the meters that measure it.

    Returns
    -------
    tuple[list[ImageMeter], Image.Image | Array | None]
        The meter of the image, or of each band; and the image: a PIL image if it has 8 bits,
        otherwise an array HxWxC. It is None if not requested, or if too large.

    Raises
    ------
    ImageError
        The image is too large, damaged, or cannot be measured with this reading.
    Exception
        What decoders and files raise.
    """
    for raster in rasters:
        _check(raster, reading)
    threads = threads or min(_MAX_THREADS, available_cpus())
    seconds = reading.limits.seconds or math.inf
    end = monotonic() + seconds

    def check() -> None:
        if watch is not None:
            watch()
        if monotonic() > end:  # a hostile file may take any time
            raise ImageError("too_large", f"not measured within {seconds:g} seconds")

    meters, parts = list[ImageMeter](), list[Array]()
    for raster in rasters:
        added = [_meter(raster, reading) for _ in range(raster.channels if reading.bands else 1)]
        if wants_pixels and raster.decoded_bytes <= MOST_WHOLE:
            parts.append(raster.read(Block(0, 0, raster.width, raster.height)))
            _update(added, parts[-1], (0, 0), mark)
        else:
            _count(raster, added, threads, check, mark)
        meters += added
    return meters, _image_of(np.concatenate(parts, axis=2), rasters[0], reading) if parts else None


def _image_of(samples: Array, raster: Raster, reading: Reading) -> LoadedImage:
    if reading.bands is not None or samples.dtype != np.uint8:
        return samples
    if samples.shape[2] < 3:
        return Image.fromarray(samples[..., 0])
    colours = samples[..., 2::-1] if raster.order == "BGR" else samples[..., :3]
    return Image.fromarray(np.ascontiguousarray(colours))


def _check(raster: Raster, reading: Reading) -> None:
    width, height = raster.width, raster.height
    check_size(width, height, reading.limits)
    if reading.functions and raster.decoded_bytes > MOST_WHOLE:
        what = "functions of yours need whole images"
    elif reading.ignore is not None and width * height > _MOST_MASKED:
        what = f"ignored pixels take a mask, of at most {_MOST_MASKED} pixels"
    else:
        return
    detail = f"{what}, but this one of {width}x{height} pixels is read in tiles"
    raise ImageError("unsupported", f"{detail}; measure a smaller level (pyramid_level=)")


def _meter(raster: Raster, reading: Reading) -> ImageMeter:
    white = reading.value_range or range_of(raster.dtype)
    counting = replace(reading.counting, channels=raster.order or "RGB", value_range=white)
    known = {"mode": raster.mode, "_samples": samples_of(raster.dtype), "_order": raster.order}
    return counting.meter((raster.width, raster.height), 1, **known)


def _update(meters: Sequence[ImageMeter], samples: Array, at: Pair, mark: Mark | None) -> None:
    colours = 3 if samples.shape[2] > 2 else 1  # before alpha
    for channel, meter in enumerate(meters):
        own = samples if len(meters) == 1 else samples[..., channel, None]
        if mark is not None:
            mark(meter._mask, own, at)
        meter.update(own[..., :colours], at=at)


def _count(raster: Raster, meters: list[ImageMeter], threads: int, check: Watch, mark: Any) -> None:
    """Measure a raster with one meter, or one for each channel, in as many threads as fit."""
    blocks, lock, ended = raster.blocks(), threading.Lock(), threading.Event()

    def work() -> None:
        block: Block | None = Block(0, 0, 0, 0)
        while block is not None:
            parts, pixels = [meter._with(meter._core.empty()) for meter in meters], 0
            while pixels < _PIXELS_APART:
                with lock:
                    block = None if ended.is_set() else next(blocks, None)
                if block is None:
                    break
                check()
                _update(parts, raster.read(block), (block.x, block.y), mark)
                pixels += block.width * block.height
            with lock:
                for meter, part in zip(meters, parts, strict=True):
                    meter._core.add(part._core)

    threads = max(1, min(threads, _MOST_AT_ONCE // raster.bytes_at_once))
    with ThreadPoolExecutor(threads, "lightmeter-tiles") as pool:
        futures = [pool.submit(work) for _ in range(threads)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also by Ctrl-C
            ended.set()
    for future in futures:
        future.result()
