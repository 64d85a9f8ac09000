"""Numbers whose ranks are known without sorting."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

TRIALS = 200
N = 1_000_000  # whole numbers up to here are exact in float32
PARTS = 4096
GRID = np.arange(0, N, 50, dtype=np.float64)


def numbers(trial: int) -> NDArray[np.float32]:
    return np.random.default_rng(trial).permutation(N).astype(np.float32)


def answer(sizes: Iterable[int], errors: Iterable[float]) -> dict[str, float]:
    """The largest size, and the p99 of the errors (fractions of n)."""
    return {
        "n": N,
        "bytes": max(sizes),
        "p99 rank error %": 100 * float(np.quantile(list(errors), 0.99)),
    }
