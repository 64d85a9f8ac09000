"""Counts and statistics of one image against NumPy and Pillow."""

from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture
from counts import numbers_of
from lightmeter import ImageMeter
from lightmeter.errors import ImageError
from numpy.typing import NDArray
from PIL import Image, ImageStat

RGB_NAMES = ("red", "green", "blue")
HSV_NAMES = ("hue", "saturation", "value")


def counts_of(plane: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.bincount(plane.ravel(), minlength=256)


def assert_counts_are_exact(meter: ImageMeter, rgb: NDArray[np.uint8]) -> None:
    hsv = np.asarray(Image.fromarray(np.ascontiguousarray(rgb), "RGB").convert("HSV"))
    for channel, name in enumerate(RGB_NAMES):
        np.testing.assert_array_equal(meter._core.histograms[name], counts_of(rgb[..., channel]))
    for channel, name in enumerate(HSV_NAMES):
        np.testing.assert_array_equal(meter._core.histograms[name], counts_of(hsv[..., channel]))
    chroma = rgb.max(axis=-1).astype(int) - rgb.min(axis=-1)
    expected = np.bincount(hsv[..., 0].ravel(), chroma.ravel(), minlength=256)
    np.testing.assert_array_equal(meter._core.histograms["hue_chroma"], expected)


def test_counts_of_all_colours_are_pillows() -> None:
    """C++ tests show that cells and every tier count them alike."""
    green, blue = np.mgrid[0:256, 0:256].astype(np.uint8)
    for red in range(256):
        rgb = np.stack([np.full_like(green, red), green, blue], axis=-1)
        meter = ImageMeter()
        meter.update(rgb)
        assert_counts_are_exact(meter, rgb)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("seed", range(4))
def test_statistics_are_pillows(mode: str, seed: int) -> None:
    image = picture(seed=seed).convert(mode)
    numbers = numbers_of(image)
    hsv = ImageStat.Stat(image.convert("RGB").convert("HSV"))
    for band, name in enumerate(("Hue", "Saturation", "Brightness")):
        assert numbers[f"{name}.mean"] == pytest.approx(hsv.mean[band], rel=1e-9, abs=1e-9)
        assert numbers[f"{name}.stddev"] == pytest.approx(hsv.stddev[band], rel=1e-9, abs=1e-9)
    assert numbers["entropy"] == pytest.approx(image.entropy(), rel=1e-9)
    assert (numbers["ImagePixelWidth"], numbers["ImagePixelHeight"]) == image.size


MASK = np.zeros((6, 8), np.bool_)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"channels": "GBR"}, "channels is 'GBR'"),
        ({"threads": 0}, "threads is 0"),
        *(({"size": size}, "") for size in ((1,), "ab", (0.5, 1), (1 << 60, 1), (1 << 64, 1))),
        *(({"mask": mask}, "expected HxW of") for mask in (MASK[0], MASK.astype(float), [[0, 1]])),
        ({"mask": MASK, "size": (6, 8)}, "expected the same size"),
        ({"metrics": "camera"}, r"give size=\(width, height\)"),
        ({"metrics": "all"}, r"give size=\(width, height\)"),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words or None):
        ImageMeter(**options)
    if "size" in options and "mask" not in options:
        with pytest.raises((TypeError, ValueError)):
            ImageMeter(size=(8, 6)).update(np.zeros((4, 4), np.uint8), at=options["size"])
    with pytest.raises(TypeError, match="cannot measure str"):
        ImageMeter().update("path.jpg")  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"size": (4, 6)}, {"mask": np.zeros((6, 4), bool)}])
def test_an_image_that_was_measured_in_part_is_not_logged(options: dict[str, Any]) -> None:
    meter = ImageMeter(**options)
    meter.update(np.zeros((3, 4), np.uint8))
    with pytest.raises(ImageError, match="has measured 12 of 24 pixels") as caught:
        lm.log_image(meter)
    assert caught.value.reason == "truncated"
    meter.update(np.zeros((3, 4), np.uint8))
    assert lm.log_image(meter).view().images == 1


def test_pictures_in_several_blocks_are_tiles_too() -> None:
    """Pillow exports no picture over 16 MB in one piece."""
    image = np.random.default_rng(2).integers(0, 256, (2050, 2100, 3), np.uint8)
    expected = numbers_of(image, metrics="all")
    for threads in (1, 3):
        meter = ImageMeter(metrics="all", size=(2100, 2050), threads=threads)
        picture = Image.fromarray(image)
        meter.update(picture.crop((0, 0, 2100, 2000)))
        meter.update(picture.crop((0, 2000, 1000, 2050)), at=(0, 2000))
        meter.update(picture.crop((1000, 2000, 2100, 2050)), at=(1000, 2000))
        assert meter.measurement() == expected


def test_a_part_of_an_image_has_no_hash() -> None:
    image = np.random.default_rng(6).integers(0, 256, (30, 40, 3), np.uint8)
    for mask in None, np.eye(30, 40, dtype=np.bool_):
        meter = ImageMeter(metrics="all", size=(40, 30), mask=mask)
        assert "PixelHash" not in meter.measurement()
        meter.update(image[:29])
        assert not {"PixelHash", "PerceptualHash"} & meter.measurement().keys()
        meter.update(image[29:])
        assert {"PixelHash", "PerceptualHash"} <= meter.measurement().keys()
