"""Whole JPEG files: our decoder gives the samples of Pillow on every tier.

Of each width from 1 to 257 as many files, with heights from 1 to 257, qualities from 1 to 100,
every subsampling, tables and restarts at random; and then every colour that Y, Cb and Cr can name.
"""

import io
import multiprocessing
import os
from collections import Counter

import numpy as np
from damaged_jpegs import end_of, row_of
from harness import Row
from jpeg_files import SUBSAMPLINGS, by_us, encoded, picture
from PIL import Image, ImageFile

NAME = "whole JPEG files"
REPEATS = 200  # files of each width
WIDTHS = range(1, 258)
LUMAS_A_FILE = 4

ImageFile.MAXBLOCK = 1 << 20  # to write noise with tables of its own


def of_width(width: int, count: int) -> Counter[str]:
    numbers = np.random.default_rng(width)
    ends: Counter[str] = Counter()
    for _ in range(count):
        height, quality, seed = map(int, numbers.integers(1, (258, 101, 1 << 16)))
        restarts = int(numbers.choice([0, 0, 1, 2, 7]))
        file = encoded(
            picture(width, height, seed),
            str(numbers.choice(SUBSAMPLINGS)),
            quality=quality,
            optimize=bool(numbers.integers(2)),
            restart_marker_blocks=restarts,
        )
        ends[end_of(file, by_us)] += 1
    return ends


def of_lumas(first: int) -> Counter[str]:
    """A file of blocks of one colour each: all chromas of some lumas."""
    y, cb, cr = np.meshgrid(
        np.arange(first, first + LUMAS_A_FILE), np.arange(256), np.arange(256), indexing="ij"
    )
    colours = np.stack([y, cb, cr], -1).astype(np.uint8).reshape(256 * LUMAS_A_FILE, 256, 3)
    blocks = Image.fromarray(np.repeat(np.repeat(colours, 8, 0), 8, 1), "YCbCr")
    file = io.BytesIO()
    blocks.save(file, "JPEG", quality=100, subsampling="4:4:4")
    return Counter([end_of(file.getvalue(), by_us)])


def run(repeats: int) -> Row:
    """`repeats` files of each width, and all colours, shared among the processors."""
    with multiprocessing.Pool(os.cpu_count()) as pool:
        sizes = pool.starmap(of_width, [(width, repeats) for width in WIDTHS], chunksize=1)
        colours = pool.map(of_lumas, range(0, 256, LUMAS_A_FILE), chunksize=1)
    # Chroma of two columns or less is left to Pillow, and so are blocks of extreme coefficients.
    of_colours = sum(colours, Counter[str]())
    tally = sum(sizes, of_colours.copy())
    return row_of(NAME, tally, f"files of all colours: {dict(of_colours)}")
