"""The numbers of an image depend on its pixels alone: neither on tiles nor on their order."""

from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import ImageMeter
from lightmeter.errors import ImageError, IncompatibleError
from lightmeter.image.numbers import SETS
from numpy.typing import NDArray
from PIL import Image


def samples(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Runs and noise."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3)).astype(np.uint8)
    rgb = small.repeat(3, 0).repeat(3, 1)[:height, :width]
    return rgb + rng.integers(0, 4, rgb.shape).astype(np.uint8)


def test_pictures_in_several_blocks_are_tiles_too() -> None:
    """Pillow exports no picture over 16 MB in one piece."""
    image = samples(2050, 2100, 2)
    expected = ImageMeter(metrics="all", size=(2100, 2050))
    expected.update(image)
    for threads in (1, 3):
        meter = ImageMeter(metrics="all", size=(2100, 2050), threads=threads)
        picture = Image.fromarray(image)
        meter.update(picture.crop((0, 0, 2100, 2000)))
        meter.update(picture.crop((0, 2000, 1000, 2050)), at=(0, 2000))
        meter.update(picture.crop((1000, 2000, 2100, 2050)), at=(1000, 2000))
        assert meter.measurement() == expected.measurement()


def test_places_and_sizes_are_checked() -> None:
    tile, meter = np.zeros((4, 4), np.uint8), ImageMeter(size=(8, 6))
    wrong: Any
    for wrong in ((1,), "ab", (0.5, 1), (1 << 60, 1), (1 << 64, 1)):
        with pytest.raises((TypeError, ValueError)):
            meter.update(tile, at=wrong)
        with pytest.raises((TypeError, ValueError)):
            ImageMeter(size=wrong)


def test_a_part_of_an_image_has_no_hash() -> None:
    image = samples(30, 40, 6)
    for mask in None, np.eye(30, 40, dtype=np.bool_):
        meter = ImageMeter(metrics="all", size=(40, 30), mask=mask)
        assert "PixelHash" not in meter.measurement()
        meter.update(image[:29])
        assert not {"PixelHash", "PerceptualHash"} & meter.measurement().keys()
        meter.update(image[29:])
        assert {"PixelHash", "PerceptualHash"} <= meter.measurement().keys()


def test_masks_are_checked() -> None:
    mask = np.zeros((6, 8), np.bool_)
    for wrong in (mask[0], mask.astype(float), [[0, 1]]):
        with pytest.raises(ValueError, match="expected HxW of one byte"):
            ImageMeter(mask=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected the same size"):
        ImageMeter(mask=mask, size=(6, 8))
    with pytest.raises(IncompatibleError, match="within the image of 8 x 6"):
        ImageMeter(mask=mask).update(np.zeros((8, 6), np.uint8))
    meter = ImageMeter(metrics="all", mask=np.ones((6, 8), np.uint8))
    meter.update(np.zeros((6, 8), np.uint8))
    assert meter.measurement().keys() == {"ImagePixelWidth", "ImagePixelHeight"}
    with pytest.raises(ImageError, match="no pixel") as caught:
        lm.log_image(meter)
    assert caught.value.reason == "empty"


def test_what_needs_the_size_says_so() -> None:
    for metrics in SETS:
        if metrics in ("camera", "all"):
            with pytest.raises(ValueError, match=r"give size=\(width, height\)"):
                ImageMeter(metrics=metrics)
        else:
            ImageMeter(metrics=metrics)
