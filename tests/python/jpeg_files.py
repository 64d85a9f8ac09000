"""JPEG files, whole and damaged, for the decoder of our own, and what Pillow says of them."""

import io
import math
import random
from collections.abc import Iterator

import conftest
import numpy as np
from lightmeter import _core
from numpy.typing import NDArray
from PIL import Image, ImageFile

ImageFile.MAXBLOCK = 1 << 20  # to write noise with tables of its own
Samples = NDArray[np.uint8]
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "gray")


def encoded(samples: Samples, subsampling: str = "4:2:0", **options: object) -> bytes:
    if subsampling == "gray":
        samples = samples[..., 0]
    elif not options.get("progressive"):
        options["subsampling"] = subsampling
    return conftest.encoded("JPEG", Image.fromarray(samples), **options)


def by_pillow(file: bytes) -> Samples:
    with Image.open(io.BytesIO(file)) as image:
        samples = np.asarray(image)
    return samples[None] if samples.ndim == 2 else samples.transpose(2, 0, 1)


def by_us(file: bytes, tier: str | None = None, most: int = 1 << 32) -> Samples | None:
    """Decode; None too of more than `most` pixels, as a damaged header may say."""
    decoder = _core.open_jpeg(file, tier)
    if decoder is None or math.prod(decoder.shape[1:]) > most:
        return None
    samples = np.empty(decoder.shape, np.uint8)
    return samples if decoder.write(samples) else None


def picture(width: int, height: int, seed: int) -> Samples:
    """Noise, black and white, or smooth colours with some grain."""
    numbers = np.random.default_rng(seed)
    if seed % 3 == 0:
        return numbers.integers(0, 256, (height, width, 3), np.uint8)
    if seed % 3 == 1:
        return np.uint8(255) * numbers.integers(0, 2, (height, width, 3), np.uint8)
    cells = numbers.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), np.uint8)
    smooth = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(smooth) + numbers.normal(0, 3, (height, width, 3)), 0, 255).astype(
        np.uint8
    )


def of_every_kind() -> list[bytes]:
    """Small files of every subsampling, with and without restarts and tables of their own."""
    return [
        encoded(picture(9 + 7 * i, 31 - 5 * i, i), subsampling, quality=15 + 20 * i, **options)
        for i in range(4)
        for subsampling in SUBSAMPLINGS
        for options in ({}, {"restart_marker_blocks": 1}, {"optimize": True})
    ]


def mutated(numbers: random.Random, files: list[bytes]) -> Iterator[bytes]:
    """Small files with a few wrong bits, bytes too few, and markers too many. It never ends."""
    while True:
        file = bytearray(numbers.choice(files))
        scan = file.index(b"\xff\xda")
        for _ in range(numbers.choice((1, 1, 2, 4))):
            in_header = numbers.random() < 0.5
            at = numbers.randrange(scan) if in_header else numbers.randrange(scan, len(file) - 4)
            match numbers.randrange(5):
                case 0 | 1:
                    file[at] ^= 1 << numbers.randrange(8)
                case 2:
                    file[at] = numbers.choice((0, 1, 16, 17, 33, 34, 192, 196, 208, 217, 255))
                case 3:
                    del file[at : at + numbers.choice((1, 2))]
                case _:
                    file[at:at] = numbers.choice((b"\xff\xd9", b"\xff\0", b"\xff\xd0", b"\xff"))
            scan = min(scan, len(file) - 5)
        yield bytes(file)
