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
