"""Damaged JPEG files: our decoder gives the samples of Pillow on every tier, or it refuses.

With a `_core` that was built with `-DLIGHTMETER_SANITIZE=address,undefined`, and with
`LD_PRELOAD=$(gcc -print-file-name=libasan.so)` and `ASAN_OPTIONS=detect_leaks=0`, it also shows
that no byte is read or written outside of its buffer.
"""

import itertools
import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Callable

import numpy as np
from harness import Row
from jpeg_files import Samples, by_pillow, by_us, mutated, of_every_kind
from lightmeter import _core

NAME = "damaged JPEG files"
REPEATS = 1_000_000
CHUNK = 5_000  # files of one seed


def by_us_if_small(file: bytes, tier: str) -> Samples | None:
    return by_us(file, tier, 1 << 16)


def end_of(file: bytes, decode: Callable[[bytes, str], Samples | None] = by_us_if_small) -> str:
    """How the decoder ends: refused, equal, or what is wrong."""
    ours = [decode(file, tier) for tier in _core.kernel_tiers()]
    if all(samples is None for samples in ours):
        return "refused"
    if any(samples is None for samples in ours):
        return "not on every tier"
    try:
        expected = by_pillow(file)
    except Exception as error:
        return f"Pillow refuses it: {type(error).__name__}"
    equal = all(np.array_equal(samples, expected) for samples in ours if samples is not None)
    return "equal" if equal else "other samples"


def row_of(name: str, tally: Counter[str], *more: str) -> Row:
    asked, good = tally.total(), tally["refused"] + tally["equal"]
    ends = ", ".join(f"{count} {end}" for end, count in tally.most_common())
    return Row(name, asked, good, asked - good, "; ".join([ends, *more]))


def ends(seed: int, count: int) -> Counter[str]:
    files = mutated(random.Random(seed), of_every_kind())
    return Counter(map(end_of, itertools.islice(files, count)))


def run(repeats: int) -> Row:
    """`repeats` damaged files, shared among the processors."""
    chunks = [(seed, min(CHUNK, repeats - seed * CHUNK)) for seed in range(-(-repeats // CHUNK))]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        tally = sum(pool.starmap(ends, chunks, chunksize=1), Counter[str]())
    return row_of(NAME, tally)
