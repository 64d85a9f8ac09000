"""Measuring a picture tile by tile, in threads, with a few tiles in memory."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.image.meter import ImageMeter
from lightmeter.image.tiles.raster import Block, Raster

__all__ = ["Sampled", "measure_blocks"]

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


def measure_blocks(  # noqa: C901
    raster: Raster,
    meters: list[ImageMeter],
    *,
    threads: int,
    blocks: Iterable[Block] | None = None,
    watch: Callable[[int], None] | None = None,
    sampled: Iterable[Sampled] = (),
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

    def taken() -> Iterator[Block]:
        while not failed.is_set():
            with lock:
                block = next(waiting, None)
            if block is None:
                return
            yield block

    def hand_over(parts: list[ImageMeter]) -> None:
        for meter, part in zip(meters, parts, strict=True):
            with lock:
                meter._add(part)

    def work() -> None:
        try:
            buffer = raster.buffer()
            parts, pixels = [meter._part() for meter in meters], 0
            for block in taken():
                samples, at = raster.turned(raster.block(block, buffer), block)
                for channel, part in enumerate(parts):
                    part.update(samples if len(parts) == 1 else samples[..., channel], at=at)
                pixels += block.width * block.height
                if pixels >= _PIXELS_APART:
                    hand_over(parts)
                    parts, pixels = [meter._part() for meter in meters], 0
                with lock:
                    for part_of_picture in sampled:
                        part_of_picture.add(samples, at)
                    if watch is not None:
                        watch(block.width * block.height)
            hand_over(parts)
        except BaseException:
            failed.set()
            raise

    count = max(1, min(threads, _MOST_AT_ONCE // raster.bytes_at_once))
    if count == 1:
        work()
        return
    with ThreadPoolExecutor(count, "lightmeter-tiles") as pool:
        try:
            for future in [pool.submit(work) for _ in range(count)]:
                future.result()
        except BaseException:  # Ctrl-C too
            failed.set()
            raise
