"""What the numbers of an image measure, against NumPy, SciPy, Pillow and OpenCV."""

import math
from typing import Any

import numpy as np
import pytest
from counts import numbers_of
from lightmeter.demo import draw_cells
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, signal

Samples = NDArray[Any]
Seen = NDArray[np.bool_]


def luma_of(pixels: Samples) -> NDArray[np.float64]:
    if pixels.ndim == 2:
        return pixels.astype(float)
    red, green, blue = np.moveaxis(pixels.astype(np.int64), 2, 0)
    luma: NDArray[np.float64] = ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16) * 1.0
    return luma


def banding(luma: NDArray[np.float64], seen: Seen) -> float:
    """Of rows."""
    counts = seen.sum(axis=1)
    sums = (luma * seen).sum(axis=1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), math.nan)
    if len(means) < 31:
        return math.nan
    around = np.convolve(means, np.full(31, 1 / 31), "valid")
    deviations = means[15:-15] - around
    deviations = deviations[~np.isnan(deviations)]
    return float(deviations.std()) if len(deviations) > 1 else math.nan


def expected(pixels: Samples, ignored: Seen | None = None) -> dict[str, float]:
    """The numbers by their definitions, in floats; NaN where one is not defined."""
    step = np.iinfo(pixels.dtype).max / 255
    luma = luma_of(pixels)
    height, width = luma.shape
    seen = np.ones(luma.shape, bool) if ignored is None else ~ignored
    around = ~ndimage.maximum_filter(~seen, 3, mode="nearest")
    rgb = np.stack([luma] * 3, 2) if pixels.ndim == 2 else pixels.astype(float)
    red, green, blue = rgb[seen].T
    numbers: dict[str, float] = {}

    numbers["Luma.mean"] = luma[seen].mean() / step
    numbers["Luma.stddev"] = luma[seen].std() / step
    total = rgb[seen].sum()
    for name, samples in ("Red", red), ("Green", green), ("Blue", blue):
        numbers[f"{name}.mean"] = samples.mean() / step
        numbers[f"{name}.stddev"] = samples.std() / step
        numbers[f"{name}.share"] = samples.sum() / total if total else math.nan
    numbers["dark_percent"] = 100 * (luma[seen] <= 5 * step).mean()
    numbers["bright_percent"] = 100 * (luma[seen] >= 250 * step).mean()
    numbers["glare_percent"] = 100 * (rgb[seen] >= 245 * step).mean()
    numbers["gray_percent"] = 100 * ((red == green) & (green == blue)).mean()

    rg, yb = red - green, (red + green) / 2 - blue
    numbers["Colorfulness"] = (
        math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean())
    ) / step

    laplacian = ndimage.laplace(luma, mode="mirror")
    numbers["Sharpness"] = laplacian[around].var() / step**2 if around.any() else math.nan

    inside = around.copy()
    inside[[0, -1]] = inside[:, [0, -1]] = False
    numbers["Noise"] = numbers["SpatialInformation"] = math.nan
    if inside.any():
        kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
        curve = np.zeros(luma.shape)
        curve[1:-1, 1:-1] = signal.convolve2d(luma, kernel, "valid")
        scale = math.sqrt(math.pi / 2) / (6 * inside.sum()) / step
        numbers["Noise"] = scale * np.abs(curve[inside]).sum()
        edges = np.hypot(ndimage.sobel(luma, 0), ndimage.sobel(luma, 1))
        numbers["SpatialInformation"] = edges[inside].std() / step

    beside = np.abs(np.diff(luma, axis=1)), np.abs(np.diff(luma, axis=0))
    border = np.broadcast_to(np.arange(1, width) % 8 == 0, beside[0].shape)
    below = np.broadcast_to(np.arange(1, height)[:, None] % 8 == 0, beside[1].shape)
    steps = np.concatenate([beside[0][around[:, 1:]], beside[1][around[1:]]])
    at_border = np.concatenate([border[around[:, 1:]], below[around[1:]]])
    inner = steps[~at_border].mean() if (~at_border).any() else 0
    defined = at_border.any() and inner > 0
    numbers["Blockiness"] = steps[at_border].mean() / inner if defined else math.nan

    numbers["Banding.rows"] = banding(luma, seen) / step
    numbers["Banding.columns"] = banding(luma.T, seen.T) / step
    return numbers


def cells(seed: int = 1) -> Samples:
    return np.asarray(draw_cells(np.random.default_rng(seed)))


def noise(*shape: int, dtype: type = np.uint8, seed: int = 3) -> Samples:
    highest = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, highest, shape, dtype, endpoint=True)


def gradient() -> Samples:
    return np.add.outer(np.arange(100), np.arange(120)).astype(np.uint8)


def checks(*shape: int, dtype: type = np.uint8) -> Samples:
    """Black and white by turns, where every difference is as large as there is."""
    return ((np.indices(shape[:2]).sum(0) % 2) * np.iinfo(dtype).max).astype(dtype)


PICTURES = {
    "cells": cells(),
    "gray cells": np.asarray(Image.fromarray(cells()).convert("L")),
    "gradient": gradient(),
    "noise": noise(67, 131, 3),
    "gray noise": noise(40, 2500),
    "bright": noise(50, 60, 3) // 16 + 240,
    "dark": noise(50, 60, 3) // 16,
    "flat": np.full((40, 50, 3), (10, 200, 77), np.uint8),
    "black": np.zeros((40, 50, 3), np.uint8),
    "white": np.full((33, 35), 255, np.uint8),
    "checks": checks(70, 4200),
    "deep": noise(64, 90, 3, dtype=np.uint16),
    "deep gray": noise(45, 70, dtype=np.uint16),
    "deep cells": cells().astype(np.uint16) * 257,
    "deep checks": checks(40, 1300, dtype=np.uint16),
    **{f"{w}x{h}": noise(h, w, 3) for w, h in ((1, 1), (1, 9), (9, 1), (2, 2), (3, 3), (8, 17))},
}


def check(numbers: dict[str, float], oracle: dict[str, float]) -> None:
    assert {n for n, value in oracle.items() if not math.isnan(value)} == numbers.keys() & oracle
    for name in numbers.keys() & oracle:
        # Magnitudes of the Sobel filter lie on a grid.
        within = 1 / 1500 if name == "SpatialInformation" else 1e-9
        assert numbers[name] == pytest.approx(oracle[name], rel=1e-9, abs=within), name


@pytest.mark.parametrize("pixels", PICTURES.values(), ids=PICTURES)
def test_numbers_are_those_of_their_definitions(pixels: Samples) -> None:
    check(numbers_of(pixels, metrics="all"), expected(pixels))


@pytest.mark.parametrize("name", ["cells", "gray noise", "deep"])
@pytest.mark.parametrize("band", [False, True])
def test_ignored_pixels_and_their_neighbourhoods_count_nowhere(name: str, band: bool) -> None:
    pixels = PICTURES[name]
    ignored = np.random.default_rng(5).random(pixels.shape[:2]) < 0.03
    ignored[10:14, 3:30] = True
    if band:
        ignored[5:7] = ignored[:, 40:43] = True
    check(numbers_of(pixels, metrics="all", mask=ignored), expected(pixels, ignored))
