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
    deviations = means[15:-15] - np.convolve(means, np.full(31, 1 / 31), "valid")
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


def checks(*shape: int, dtype: type = np.uint8) -> Samples:
    """Black and white by turns, where every difference is as large as there is."""
    return ((np.indices(shape[:2]).sum(0) % 2) * np.iinfo(dtype).max).astype(dtype)


PICTURES = {
    "cells": cells(),
    "gray cells": np.asarray(Image.fromarray(cells()).convert("L")),
    "gradient": np.add.outer(np.arange(100), np.arange(120)).astype(np.uint8),
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


# The grid, vignetting and the hashes of a picture, against NumPy.


SIZES = [(1, 1), (3, 2), (5, 7), (9, 8), (64, 48), (300, 30), (517, 41), (8, 9)]


def picture(width: int, height: int, gray: bool, seed: int = 3) -> Samples:
    return noise(*((height, width) if gray else (height, width, 3)), seed=seed)


def boxes(values: Samples, columns: int, rows: int) -> list[Samples]:
    height, width = values.shape
    x = np.arange(width) * columns // width
    y = np.arange(height) * rows // height
    return [
        values[np.ix_(y == row, x == column)] for row in range(rows) for column in range(columns)
    ]


def expected_grid(array: Samples) -> dict[str, float]:
    step = 257 if array.dtype == np.uint16 else 1
    luma = luma_of(array)
    cells = boxes(luma, 4, 4)
    sharp = boxes(ndimage.laplace(luma, mode="mirror"), 4, 4)
    numbers = {}
    for at in range(16):
        name = f"Grid.r{at // 4}c{at % 4}"
        if cells[at].size:
            numbers[name] = cells[at].mean() / step
            numbers[f"{name}.sharpness"] = sharp[at].var() / step**2
    corners = np.concatenate([cells[at].ravel() for at in (0, 3, 12, 15)])
    centre = np.concatenate([cells[at].ravel() for at in (5, 6, 9, 10)])
    if centre.size and centre.any() and corners.size:
        numbers["Vignetting"] = corners.mean() / centre.mean()
    return numbers


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["colour", "gray", "deep"])
def test_grid_and_vignetting(size: tuple[int, int], kind: str) -> None:
    array = picture(*size, kind != "colour")
    if kind == "deep":
        array = array.astype(np.uint16) * 201
    got = {
        name: value
        for name, value in numbers_of(array, metrics="camera").items()
        if name.startswith("Grid.") or name == "Vignetting"
    }
    assert got == pytest.approx(expected_grid(array), rel=1e-12, abs=1e-12)


def expected_look(array: Samples) -> str | None:
    cells = boxes(luma_of(array), 9, 8)
    if min(array.shape[0] - 7, array.shape[1] - 8) < 1:
        return None
    means = np.array([cell.mean() for cell in cells]).reshape(8, 9)
    if (means[:, 1:] == means[:, :-1]).all():
        return None
    bits = (means[:, 1:] > means[:, :-1]).ravel()
    return np.packbits(bits).tobytes().hex()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_the_perceptual_hash_is_the_difference_hash(size: tuple[int, int], seed: int) -> None:
    array = picture(*size, seed == 3, seed)
    assert numbers_of(array, metrics="camera").get("PerceptualHash") == expected_look(array)


@pytest.mark.parametrize("level", [0, 255])
def test_a_picture_without_structure_has_no_look(level: int) -> None:
    flat = np.full((30, 40, 3), level, np.uint8)
    assert "PerceptualHash" not in numbers_of(flat, metrics="camera")
    rows = np.repeat(np.arange(30, dtype=np.uint8), 40).reshape(30, 40)
    assert "PerceptualHash" not in numbers_of(rows, metrics="camera")
    falling = np.repeat(np.arange(40, 0, -1, dtype=np.uint8)[None], 30, axis=0)
    assert numbers_of(falling, metrics="camera")["PerceptualHash"] == "0" * 16


@pytest.mark.parametrize(
    ("gray", "dtype", "known"),
    [
        (False, np.uint8, "bec87cfc755d8e93"),
        (True, np.uint8, "cee266ab9b535725"),
        (False, np.uint16, "988a960244caf3f0"),
        (True, np.uint16, "2d2658d344e8d7c5"),
    ],
)
def test_the_pixel_hash_is_the_same_for_ever(gray: bool, dtype: type, known: str) -> None:
    """The sum of its file, computed pixel by pixel in integers of any size."""
    samples = np.arange(4 * 517 * 3) ** 2 // 7 % (np.iinfo(dtype).max + 1)
    array = samples.astype(dtype).reshape(4, 517, 3)[..., 0 if gray else slice(None)]
    assert numbers_of(array, metrics="camera")["PixelHash"] == known
