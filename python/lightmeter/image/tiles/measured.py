"""Measuring pictures tile by tile, in threads, with a few tiles in memory."""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import range_of
from lightmeter.image.frame import Frame
from lightmeter.image.ignore import Ignored
from lightmeter.image.limits import check_size
from lightmeter.image.meter import ImageMeter, available_cpus
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.raster import MOST_WHOLE, Block, Raster

# Called before more is read; it raises where nobody wants it any more.
Watch = Callable[[], None]

_MAX_THREADS = 4
_MOST_MASKED = 1 << 31  # pixels, of a bit each

# Bytes that all threads together hold of tiles, as far as one thread has room.
_MOST_AT_ONCE = 96 << 20

# Pixels that a thread measures by itself before it adds them to those of the others. Each time
# the tables are read out, and what waits for pixels of other threads takes memory.
_PIXELS_APART = 1 << 23


def measure_rasters(
    frame: Frame,
    reading: Reading,
    threads: int | None = None,
    watch: Watch | None = None,
    wants_pixels: bool = False,
) -> tuple[list[ImageMeter], Image.Image | NDArray[Any] | None]:
    """Measure a picture as a whole array would be.

    Args:
        frame: its picture are rasters: one, or one for each band.
        reading: how to measure it.
        threads: how many; None takes up to 4.
        watch: as `measure_images` takes it.
        wants_pixels: whether somebody wants the picture too, which is read whole then.

    Returns:
        The meter of the picture, or of each band; and the picture: an image if it has 8 bits, else
        an array HxWxC. None where nobody wants it, and of one that is too large.

    Raises:
        ImageError: it is too large, damaged, or not to be measured so.
        Exception: what decoders and files raise.
    """
    rasters: list[Raster] = frame.picture
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

    meters, parts = list[ImageMeter](), list[NDArray[Any]]()
    for raster in rasters:
        read, count = raster.read, raster.channels if reading.bands else 1
        masks: list[Any] = [None] * count
        if reading.ignored is not None:
            masks = [_core.Mask(raster.width, raster.height) for _ in range(count)]
            read = partial(_read, raster, masks, reading.ignored, frame.nodata)
        added = [_meter(raster, reading, mask) for mask in masks]
        if wants_pixels and raster.decoded_bytes <= MOST_WHOLE:
            parts.append(read(Block(0, 0, raster.width, raster.height)))
            _update(added, parts[-1], (0, 0))
        else:
            measure_raster(raster, added, threads, check, read)
        meters += added
    return meters, _picture(np.concatenate(parts, axis=2), rasters[0], reading) if parts else None


def _read(
    raster: Raster, masks: list[_core.Mask], ignored: Ignored, nodata: float | None, block: Block
) -> NDArray[Any]:
    """Return the samples of a block, of which the ignored ones are in the masks then."""
    samples = raster.read(block)
    ignored.mark(masks, (raster.width, raster.height), block, samples, nodata)
    return samples


def _picture(samples: NDArray[Any], raster: Raster, reading: Reading) -> Image.Image | NDArray[Any]:
    if reading.bands is not None or samples.dtype != np.uint8:
        return samples
    if samples.shape[2] < 3:
        return Image.fromarray(samples[..., 0])
    colours = samples[..., 2::-1] if raster.order == "BGR" else samples[..., :3]
    return Image.fromarray(np.ascontiguousarray(colours))


def _check(raster: Raster, reading: Reading) -> None:
    width, height = raster.width, raster.height
    check_size(width, height, reading.limits)
    what = ""
    if reading.functions and raster.decoded_bytes > MOST_WHOLE:
        what = "functions of yours take whole pictures"
    elif reading.ignored is not None and width * height > _MOST_MASKED:
        what = f"ignored pixels take a mask, of at most {_MOST_MASKED} pixels"
    if what:
        detail = f"{what}, but this one of {width}x{height} pixels is read in tiles"
        raise ImageError("unsupported", f"{detail}; measure a smaller level (pyramid_level=)")


def _meter(raster: Raster, reading: Reading, mask: _core.Mask | None) -> ImageMeter:
    white = reading.value_range or range_of(raster.dtype)
    counting = replace(reading.counting, channels=raster.order or "RGB", value_range=white)
    size = raster.width, raster.height
    return counting.meter(size, 1, raster.mode, raster.dtype, raster.order, mask)


def _update(meters: Sequence[ImageMeter], samples: NDArray[Any], at: tuple[int, int]) -> None:
    if len(meters) == 1:  # without alpha
        meters[0].update(samples[..., : 3 if samples.shape[2] > 2 else 1], at=at)
        return
    for channel, meter in enumerate(meters):
        meter.update(samples[..., channel], at=at)


def measure_raster(
    raster: Raster,
    meters: Sequence[ImageMeter],
    threads: int,
    check: Watch,
    read: Callable[[Block], NDArray[Any]] | None = None,
) -> None:
    """Measure all of a raster.

    Args:
        raster: the picture.
        meters: one of the whole picture, or one of each channel.
        threads: how many threads read and measure; fewer do if its tiles are large.
        check: called before each block is read.
        read: reads a block; None reads it of the raster.

    Raises:
        ImageError: a tile is damaged, or has samples outside of their range.
        Exception: what decoders and files raise.
    """
    blocks, lock, ended = raster.blocks(), threading.Lock(), threading.Event()

    def measure_next(parts: Sequence[ImageMeter]) -> int:
        """Measure the next block, and return its pixels; 0 behind the last one."""
        with lock:
            block = None if ended.is_set() else next(blocks, None)
        if block is None:
            return 0
        check()
        _update(parts, (read or raster.read)(block), (block.x, block.y))
        return block.width * block.height

    def work() -> None:
        pixels = 1
        while pixels > 0:
            parts, pixels = [meter._part() for meter in meters], 0
            while pixels < _PIXELS_APART and (measured := measure_next(parts)) > 0:
                pixels += measured
            with lock:
                for meter, part in zip(meters, parts, strict=True):
                    meter._add(part)

    threads = max(1, min(threads, _MOST_AT_ONCE // raster.bytes_at_once))
    with ThreadPoolExecutor(threads, "lightmeter-tiles") as pool:
        futures = [pool.submit(work) for _ in range(threads)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also by Ctrl-C
            ended.set()
    for future in futures:
        future.result()
