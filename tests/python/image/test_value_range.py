"""An explicit `value_range` is honoured or refused, of every kind of file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import lightmeter as lm
import numpy as np
import pytest
import tifffile
from bad_files import outcome
from conftest import encoded
from lightmeter.image.measure import measure_image, measure_images
from numpy.typing import NDArray
from PIL import Image, features
from tiffs import of_array as tiff

WHITE = 4095
_NUMBERS = np.random.default_rng(1)
RGBA = _NUMBERS.integers(0, WHITE + 1, (40, 50, 4), dtype=np.uint16)
RGB, GRAY = np.ascontiguousarray(RGBA[..., :3]), np.ascontiguousarray(RGBA[..., 0])
FLOAT = _NUMBERS.random((40, 50)).astype(np.float32) * WHITE


def netpbm(kind: str, samples: NDArray[Any], most: int) -> bytes:
    return f"{kind} 50 40 {most}\n".encode() + samples.astype(">u2").tobytes()


def jpeg2000(samples: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(samples, reversible=True, level=0))


HONOURED = {
    "RGB TIFF": (tiff(RGB, photometric="rgb"), RGB),
    "RGB TIFF, big-endian": (tiff(RGB, photometric="rgb", byteorder=">"), RGB),
    "RGB TIFF in planes": (tiff(RGB, photometric="rgb", planarconfig="separate"), RGB),
    "RGBA TIFF": (tiff(RGBA, photometric="rgb", extrasamples=["unassalpha"]), RGB),
    "gray TIFF": (tiff(GRAY), GRAY),
    "signed TIFF": (tiff(GRAY.astype(np.int16)), GRAY),
    "32-bit TIFF": (tiff(GRAY.astype(np.uint32)), GRAY),
    "float TIFF": (tiff(FLOAT), FLOAT),
    **{  # of which Pillow swaps the bytes once more
        f"big-endian {kind} TIFF, LZW": (
            tiff(GRAY.astype(kind), byteorder=">", compression="lzw"),
            GRAY,
        )
        for kind in ("i2", "i4", "f4")
    },
    "RGB PNG": (imagecodecs.png_encode(RGB), RGB),
    "gray PNG": (imagecodecs.png_encode(GRAY), GRAY),
    "RGBA PNG": (imagecodecs.png_encode(RGBA), RGB),
    "gray PNG with alpha": (imagecodecs.png_encode(RGBA[..., :2].copy()), GRAY),
    "gray JPEG 2000": (jpeg2000(GRAY), GRAY),
}
REFUSED = {
    "RGB PPM": netpbm("P6", RGB, WHITE),
    "PGM of 12 bits": netpbm("P5", GRAY, WHITE),
    "RGB JPEG 2000": jpeg2000(RGB),
    "JPEG XL": imagecodecs.jpegxl_encode(RGB, lossless=True),
    "AVIF of 12 bits": imagecodecs.avif_encode(RGB, bitspersample=12, level=100),
}


def brightness(samples: NDArray[Any]) -> float:
    """Of gray the mean, of RGB that of the largest channel."""
    largest = samples if samples.ndim == 2 else samples.max(axis=2)
    return float(largest.astype(np.float64).mean() * 255 / WHITE)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (name, options)
        for name in HONOURED
        for options in ({}, {"pyramid_level": 0})
        if "TIFF" in name or "pyramid_level" not in options
    ],
)
def test_it_is_honoured(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    data, samples = HONOURED[name]
    reading = lm.Reading(value_range=(0, WHITE), **options)
    path = tmp_path / "picture"
    path.write_bytes(data)
    expected = pytest.approx(brightness(samples), abs=0.01)
    for source in (bytes(data), path):
        assert measure_image(source, reading).meter.measurement()["Brightness.mean"] == expected
    view = lm.profile_images([path], reading=reading)
    assert view["image.Brightness.mean"].mean == expected


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str) -> None:
    if name.startswith("AVIF") and not features.check("avif"):
        pytest.skip("this Pillow does not read AVIF")
    data = bytes(REFUSED[name])
    assert lm.log_image(data).view().images == 1
    with pytest.raises(
        lm.errors.ImageError, match="value_range has no meaning; give it as an array"
    ):
        lm.log_image(data, value_range=(0, WHITE))


def test_images_of_pillow_and_functions_of_yours(tmp_path: Path) -> None:
    """They have the upper 8 bits of PNG files."""
    path = tmp_path / "p.png"
    path.write_bytes(imagecodecs.png_encode(RGB))

    refused = pytest.raises(lm.errors.ImageError, match="value_range has no meaning")
    with Image.open(path) as image:
        for _ in range(2):  # the first time it is loaded
            with refused:
                lm.log_image(image, value_range=(0, WHITE))
    with refused:
        lm.log_image(path, value_range=(0, WHITE), metrics=[np.mean])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_eight_bits_are_measured_as_they_are(kind: str) -> None:
    """A `value_range` is that of deeper samples."""
    data = encoded(kind, Image.fromarray((RGB >> 4).astype(np.uint8)))
    assert lm.log_image(data, value_range=(0, 100)).view() == lm.log_image(data).view()


Samples = NDArray[np.uint16]
DEEP = lm.Reading(metrics="camera", value_range=(0, 65535))  # with a hash of all pixels


def noise(height: int, width: int, channels: int, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).integers(0, 1 << 16, (height, width, channels), np.uint16)


def numbers(image: Any, reading: lm.Reading) -> dict[str, Any]:
    return measure_image(image, reading).meter.measurement()


def test_a_small_picture_has_the_upper_bits() -> None:
    samples = noise(20, 30, 3)
    (measured,) = measure_images(imagecodecs.png_encode(samples), DEEP, thumbnail=True)
    assert measured.meter.measurement() == numbers(samples, DEEP)
    assert measured.decoder is not None
    assert measured.decoder[1].startswith("lightmeter")
    assert measured.thumbnail is not None


def test_a_failure_has_its_own_reason() -> None:
    planes = tiff(noise(4, 5, 6), photometric="separated", planarconfig="separate")
    assert outcome(planes, DEEP) == "unsupported"  # Pillow calls each a plane of 8 bits
    samples = noise(20, 30, 3)
    file = imagecodecs.png_encode(samples)
    assert outcome(file[: len(file) // 2], DEEP) == "truncated"
    assert outcome(file, replace(DEEP, value_range=(0, 4095))) == "out_of_range"
    for ignore in (np.zeros((2, 2), bool), (0, 0, 30, 20)):
        reading = replace(DEEP, ignore=ignore)
        assert outcome(file, reading) == outcome(samples, reading)
    cut = encoded("JPEG", Image.fromarray(samples.astype(np.uint8)))[:-200]
    assert outcome(cut, replace(DEEP, ignore=np.zeros((2, 2), bool))) == "truncated"


def test_a_tiff_with_all_frames_has_every_page_or_fails(tmp_path: Path) -> None:
    deep, other, gray = noise(9, 8, 3), noise(9, 8, 3, 1), noise(9, 8, 1)[..., 0]
    reading = replace(DEEP, frames="all")
    path = tmp_path / "a.tif"

    def write(*pages: NDArray[Any]) -> None:
        with tifffile.TiffWriter(path) as file:
            for page in pages:
                file.write(page, photometric="rgb" if page.ndim == 3 else "minisblack")

    write(deep, other)
    found = [measured.meter.measurement() for measured in measure_images(path, reading)]
    assert found == [numbers(deep, DEEP), numbers(other, DEEP)]
    for unlike in (noise(5, 4, 3), deep.astype(np.uint8), gray, gray.astype(np.uint8)):
        for pages in ((deep, unlike), (unlike, deep)):
            write(*pages)
            assert outcome(path, reading) == "unsupported"
    write(gray, deep.astype(np.uint8))
    assert len(list(measure_images(path, reading))) == 2
