"""The grid, vignetting and the hashes of a picture, against NumPy."""

from typing import Any

import numpy as np
import pytest
from counts import numbers_of
from numpy.typing import NDArray
from scipy import ndimage
from test_image_metrics import luma_of, noise

Samples = NDArray[Any]
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


MASK = (1 << 64) - 1
PRIME = (1 << 61) - 1


def scramble(x: int) -> int:
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & MASK
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return x ^ x >> 33


def expected_pixel_hash(array: Samples) -> str:
    """Pixel by pixel in integers of any size."""
    deep, gray = array.dtype == np.uint16, array.ndim == 2
    height, width = array.shape[:2]
    total = 0
    for y in range(height):
        for x in range(width):
            row = scramble(y + 0x9E3779B97F4A7C15 & MASK)
            block = scramble(row + x // 256 & MASK) >> 3
            red, green, blue = [int(array[y, x])] * 3 if gray else map(int, array[y, x])
            if deep:
                colour = (1 << 24) + red + ((green & 255) << 16)
                more = (green >> 8) + (blue << 8)
            else:
                colour, more = (1 << 24) + red + (green << 8) + (blue << 16), 0
            first, second = scramble(1 + x % 256) >> 3, scramble(257 + x % 256) >> 3
            total += block * (colour * first + more * second)
    value = scramble(total % PRIME)
    for fact in (width, height, (16 if deep else 8) + (1 if gray else 3)):
        value = scramble(value ^ fact)
    return f"{value:016x}"


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (517, 4)])
@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_pixel_hash_is_the_sum_that_its_file_says(
    size: tuple[int, int], gray: bool, dtype: type
) -> None:
    array = picture(*size, gray).astype(dtype) * (251 if dtype is np.uint16 else 1)
    assert numbers_of(array, metrics="camera")["PixelHash"] == expected_pixel_hash(array)
