"""Measuring pictures tile by tile, in threads, with a few tiles in memory."""

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Channels
from lightmeter.image.bands import BandMeter
from lightmeter.image.limits import check_size
from lightmeter.image.meter import ImageMeter, available_cpus
from lightmeter.image.metrics import Returned, run
from lightmeter.image.reading import Reading
from lightmeter.image.thumbnail import Thumbnail, make_thumbnail
from lightmeter.image.tiles.open import MOST_WHOLE
from lightmeter.image.tiles.raster import Block, LargePicture, Raster

__all__ = ["Sampled", "Watch", "measure_blocks", "measure_large"]

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


class Sampled:
    """Some pixels of a picture: every so many of every so many rows."""

    def __init__(self, raster: Raster, step: int) -> None:
        """Make room for them."""
        self._step = step
        self._size = tuple(-(-side // step) for side in raster.size)
        self.samples: NDArray[Any] = np.zeros((0, 0, 0), np.uint8)

    def add(self, samples: NDArray[Any], at: tuple[int, int]) -> None:
        """Take those that are in a block."""
        x, y = at
        part = samples[-y % self._step :: self._step, -x % self._step :: self._step]
        if self.samples.size == 0:
            self.samples = np.zeros((*self._size[::-1], samples.shape[2]), samples.dtype)
        left, top = -(-x // self._step), -(-y // self._step)
        self.samples[top : top + part.shape[0], left : left + part.shape[1]] = part


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
        first, meters, parts = rasters[0], list[ImageMeter](), list[Sampled]()
        for raster in rasters:
            _check(raster, reading)
        count = len(bands) if bands is not None and len(rasters) == 1 else 1
        step = 1 if functions else max(1, -(-max(first.size) // _SHOWN_SIDE))
        counted = _counted(rasters, watch, reading.limits.seconds)
        for raster in rasters:
            own = [_meter(raster, reading, large.order) for _ in range(count)]
            part = Sampled(raster, step) if functions or is_shown else None
            measure_blocks(raster, own, threads=threads, watch=counted, sampled=part)
            meters += own
            parts += [] if part is None else [part]
        returned: Returned = ()
        if functions:
            whole = np.concatenate([part.samples for part in parts], axis=2)
            channels = None if bands is not None else large.order or "RGB"
            white = reading.value_range or (0.0, first.white)
            returned = run(functions, whole, channels=channels, value_range=white)
        thumbnail = _shown(parts[0].samples, first, shown_path or "") if is_shown else None
        yield meters[0] if bands is None else _band_meter(bands, meters), thumbnail, returned


def _band_meter(bands: Sequence[str], meters: list[ImageMeter]) -> BandMeter:
    return BandMeter(dict(zip(bands, meters, strict=True)))


def _check(raster: Raster, reading: Reading) -> None:
    width, height = raster.size
    check_size(width, height, reading.limits)
    advice = (
        f"this one of {width}x{height} pixels is read in tiles; measure a smaller level "
        "(pyramid_level=)"
    )
    if reading.functions and raster.decoded_bytes > MOST_WHOLE:
        raise ImageError("unsupported", f"functions of yours take whole pictures, but {advice}")
    if reading.ignored is not None and width * height > _MOST_MASKED:
        raise ImageError("unsupported", f"ignored pixels take a mask in memory, but {advice}")


def _meter(raster: Raster, reading: Reading, order: Channels | None) -> ImageMeter:
    white = reading.value_range or (0.0, raster.white)
    counting = replace(reading.counting, channels=order or "RGB", value_range=white)
    is_colour = raster.channels >= 3 and reading.bands is None
    return counting.meter(raster.size, 1, raster.mode, raster.dtype, order if is_colour else None)


def _counted(
    rasters: Sequence[Raster], watch: Watch | None, seconds: float | None
) -> Callable[[int], None]:
    """Return what counts measured pixels, and ends what takes too long, as a hostile file may."""
    total = sum(raster.width * raster.height for raster in rasters)
    done = 0
    end = math.inf if seconds is None else monotonic() + seconds

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


def measure_blocks(
    raster: Raster,
    meters: list[ImageMeter],
    *,
    threads: int,
    blocks: Iterable[Block] | None = None,
    watch: Callable[[int], None] | None = None,
    sampled: Sampled | None = None,
) -> None:
    """Measure all of a picture.

    Args:
        raster: the picture.
        meters: one of the whole picture, or one of each channel.
        threads: how many threads read and measure; fewer do if its tiles are large.
        blocks: the parts, in any order; None takes all of them.
        watch: called with how many pixels were measured, by one thread at a time.
        sampled: what to fill besides.

    Raises:
        ImageError: a tile is damaged, or has samples outside of their range.
        Exception: what decoders and files raise.
    """
    waiting = iter(raster.blocks() if blocks is None else blocks)
    lock = threading.Lock()
    failed = threading.Event()

    def hand_over(parts: list[ImageMeter]) -> None:
        with lock:
            for meter, part in zip(meters, parts, strict=True):
                meter._add(part)

    def measure(buffer: NDArray[Any]) -> bool:
        """Measure the next blocks; False behind the last one."""
        parts, pixels = [meter._part() for meter in meters], 0
        while pixels < _PIXELS_APART and not failed.is_set():
            with lock:
                block = next(waiting, None)
            if block is None:
                break
            samples, at = raster.turned(raster.block(block, buffer), block)
            for channel, part in enumerate(parts):
                part.update(samples if len(parts) == 1 else samples[..., channel], at=at)
            pixels += block.width * block.height
            with lock:
                if sampled is not None:
                    sampled.add(samples, at)
                if watch is not None:
                    watch(block.width * block.height)
        hand_over(parts)
        return pixels >= _PIXELS_APART

    def work() -> None:
        try:
            buffer = raster.buffer()
            while measure(buffer):
                pass
        except BaseException:
            failed.set()
            raise

    _run(work, max(1, min(threads, _MOST_AT_ONCE // raster.bytes_at_once)), failed)


def _run(work: Callable[[], None], threads: int, failed: threading.Event) -> None:
    if threads == 1:
        work()
        return
    with ThreadPoolExecutor(threads, "lightmeter-tiles") as pool:
        try:
            for future in [pool.submit(work) for _ in range(threads)]:
                future.result()
        except BaseException:  # Ctrl-C too
            failed.set()
            raise
