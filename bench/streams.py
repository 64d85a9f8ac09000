"""The numbers that go into sketches, and how to judge what comes out."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

QS = np.linspace(0, 1, 101)


def stream(case: str, data: Path) -> NDArray[np.float32] | NDArray[np.unsignedinteger]:
    """`float32`: ten million random numbers; `uint8` and `uint16`: a picture of 12 megapixels."""
    if case == "float32":
        return np.random.default_rng(1).random(10_000_000, dtype=np.float32)
    gray = np.array(Image.open(data / "large.jpg").convert("L"))
    if case == "uint8":
        return gray
    noise = np.random.default_rng(1).integers(0, 256, gray.shape, dtype=np.uint16)
    return gray.astype(np.uint16) * np.uint16(256) + noise


def normal(seed: int, n: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(n, dtype=np.float32)


def ranks(quantiles: NDArray[np.float64], numbers: NDArray[np.generic]) -> dict[str, float]:
    """The quartiles' true places among `numbers`: where ties spread, the place nearest to q."""
    ordered = np.sort(numbers, axis=None)
    ranks = {}
    for q, value in zip((0.25, 0.5, 0.75), np.asarray(quantiles)[[25, 50, 75]], strict=True):
        low, high = (np.searchsorted(ordered, value, side) for side in ("left", "right"))
        ranks[f"rank of quantile {q}"] = float(np.clip(q, low / ordered.size, high / ordered.size))
    return ranks
