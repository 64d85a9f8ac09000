"""Measuring pictures tile by tile, in threads, with a few tiles in memory."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import range_of
from lightmeter.image.bands import BandMeter
from lightmeter.image.limits import check_size
from lightmeter.image.meter import ImageMeter, available_cpus
from lightmeter.image.metrics import Returned, run
from lightmeter.image.reading import Reading
from lightmeter.image.thumbnail import Thumbnail, make_thumbnail
from lightmeter.image.tiles.raster import LargePicture, Raster
from lightmeter.image.tiles.tiff import MOST_WHOLE

__all__ = ["Watch", "measure_large", "measure_raster"]

# Called with the pixels measured so far of a picture, and all of them.
Watch = Callable[[int, int], None]

_MAX_THREADS = 4
_MOST_MASKED = 1 << 26  # pixels
_SHOWN_SIDE = 320  # pixels, of which a small picture is made

# Bytes that all threads together hold of tiles, as far as one thread has room.
_MOST_AT_ONCE = 96 << 20

# Pixels that a thread measures by itself before it adds them to those of the others. Each time
# the tables are read out, and what waits for pixels of other threads takes memory.
_PIXELS_APART = 1 << 23


def measure_large(
    large: LargePicture,
    reading: Reading,
    threads: int | None = None,
    watch: Watch | None = None,
    shown_path: str | None = None,
) -> Iterator[tuple[ImageMeter | BandMeter, Thumbnail | None, Returned]]:
    """Measure the pictures of a file, each as a whole array would be.

    Args:
        large: what to measure.
        reading: how.
        threads: how many; None takes up to 4.
        watch: as `measure_images` takes it.
        shown_path: what small pictures say; None makes none.

    Raises:
        ImageError: one is too large, damaged, or not to be measured so.
        Exception: what decoders and files raise.
    """
    threads = threads or min(_MAX_THREADS, available_cpus())
    bands, functions = reading.bands, reading.functions
    is_shown = shown_path is not None and bands is None
    for rasters in large.pictures:
        first, meters, kept = rasters[0], list[ImageMeter](), list[NDArray[Any]]()
        for raster in rasters:
            _check(raster, reading)
        step = 1 if functions else max(1, -(-max(first.size) // _SHOWN_SIDE))
        count = _counter(rasters, watch, reading.limits.seconds)
        for raster in rasters:
            added = [_meter(raster, reading) for _ in range(raster.channels if bands else 1)]
            sampled = _Sampled(raster, step) if functions or is_shown else None
            measure_raster(raster, added, threads, count, sampled)
            meters += added
            kept += [] if sampled is None else [sampled.samples]
        returned: Returned = ()
        if functions:
            channels = None if bands else first.order or "RGB"
            white = reading.value_range or range_of(first.dtype)
            whole = np.concatenate(kept, axis=2)
            returned = run(functions, whole, channels=channels, value_range=white)
        thumbnail = _shown(kept[0], first, shown_path or "") if is_shown else None
        meter = BandMeter(dict(zip(bands, meters, strict=True))) if bands else meters[0]
        yield meter, thumbnail, returned


class _Sampled:
    """Some pixels of a picture: every so many of every so many rows."""

    def __init__(self, raster: Raster, step: int) -> None:
        self._step, self._size = step, raster.size
        self.samples: NDArray[Any] = np.zeros((0, 0, 0), np.uint8)

    def add(self, samples: NDArray[Any], at: tuple[int, int]) -> None:
        """Take those that are in a block."""
        step, (x, y), (width, height) = self._step, at, self._size
        if self.samples.size == 0:
            shape = -(-height // step), -(-width // step), samples.shape[2]
            self.samples = np.zeros(shape, samples.dtype)
        part = samples[-y % step :: step, -x % step :: step]
        left, top = -(-x // step), -(-y // step)
        self.samples[top : top + part.shape[0], left : left + part.shape[1]] = part


def _check(raster: Raster, reading: Reading) -> None:
    width, height = raster.size
    check_size(width, height, reading.limits)
    what = ""
    if reading.functions and raster.decoded_bytes > MOST_WHOLE:
        what = "functions of yours take whole pictures"
    elif reading.ignored is not None and width * height > _MOST_MASKED:
        what = "ignored pixels take a mask in memory"
    if what:
        detail = f"{what}, but this one of {width}x{height} pixels is read in tiles"
        raise ImageError("unsupported", f"{detail}; measure a smaller level (pyramid_level=)")


def _meter(raster: Raster, reading: Reading) -> ImageMeter:
    white = reading.value_range or range_of(raster.dtype)
    counting = replace(reading.counting, channels=raster.order or "RGB", value_range=white)
    return counting.meter(raster.size, 1, raster.mode, raster.dtype, raster.order)


def _counter(
    rasters: Sequence[Raster], watch: Watch | None, seconds: float | None
) -> Callable[[int], None]:
    """Return what counts measured pixels, and ends what takes too long, as a hostile file may."""
    total = sum(raster.width * raster.height for raster in rasters)
    end = math.inf if seconds is None else monotonic() + seconds
    done = 0

    def count(pixels: int) -> None:
        nonlocal done
        done += pixels
        if watch is not None:
            watch(done, total)
        if done < total and monotonic() > end:
            raise ImageError("too_large", f"not measured within {seconds:g} seconds")

    return count


def _shown(samples: NDArray[Any], raster: Raster, path: str) -> Thumbnail | None:
    if samples.dtype != np.uint8:
        return None
    shown = samples[..., 0] if samples.shape[2] < 3 else np.ascontiguousarray(samples[..., :3])
    thumbnail = make_thumbnail(Image.fromarray(shown), path)
    return None if thumbnail is None else thumbnail._replace(size=raster.size)


def measure_raster(
    raster: Raster,
    meters: Sequence[ImageMeter],
    threads: int,
    count: Callable[[int], None],
    sampled: _Sampled | None = None,
) -> None:
    """Measure all of a raster.

    Args:
        raster: the picture.
        meters: one of the whole picture, or one of each channel.
        threads: how many threads read and measure; fewer do if its tiles are large.
        count: called with how many pixels were measured, by one thread at a time.
        sampled: what to fill besides.

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
        samples, at = raster.read(block)
        for channel, part in enumerate(parts):
            part.update(samples if len(parts) == 1 else samples[..., channel], at=at)
        pixels = block.width * block.height
        with lock:
            if sampled is not None:
                sampled.add(samples, at)
            count(pixels)
        return pixels

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
