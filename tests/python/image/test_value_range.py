"""An explicit `value_range` is honoured or refused, of every kind of file."""

import io
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.image.measure import measure_image
from numpy.typing import NDArray
from PIL import Image, features

tifffile = pytest.importorskip("tifffile")
imagecodecs = pytest.importorskip("imagecodecs")

WHITE = 4095
_NUMBERS = np.random.default_rng(1)
RGBA = _NUMBERS.integers(0, WHITE + 1, (40, 50, 4), dtype=np.uint16)
RGB, GRAY = np.ascontiguousarray(RGBA[..., :3]), np.ascontiguousarray(RGBA[..., 0])
LA = np.ascontiguousarray(RGBA[..., :2])
FLOAT = _NUMBERS.random((40, 50)).astype(np.float32) * WHITE


def tiff(samples: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def netpbm(kind: str, samples: NDArray[Any], most: int) -> bytes:
    return f"{kind} 50 40 {most}\n".encode() + samples.astype(">u2").tobytes()


def jpeg2000(samples: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(samples, reversible=True, level=0))


HONOURED = {
    "RGB TIFF": (tiff(RGB, photometric="rgb"), RGB),
    "RGB TIFF in tiles": (tiff(RGB, photometric="rgb", tile=(16, 16)), RGB),
    "RGB TIFF, LZW": (tiff(RGB, photometric="rgb", compression="lzw"), RGB),
    "RGB TIFF, big-endian": (tiff(RGB, photometric="rgb", byteorder=">"), RGB),
    "RGB TIFF in planes": (
        tiff(np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate"),
        RGB,
    ),
    "RGBA TIFF": (tiff(RGBA, photometric="rgb", extrasamples=["unassalpha"]), RGB),
    "gray TIFF": (tiff(GRAY), GRAY),
    "gray TIFF in tiles": (tiff(GRAY, tile=(16, 16)), GRAY),
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
    "RGBA PNG": (imagecodecs.png_encode(RGBA), RGB),
    "LA PNG": (imagecodecs.png_encode(LA), GRAY),
    "gray PNG": (imagecodecs.png_encode(GRAY), GRAY),
    "gray PGM": (netpbm("P5", GRAY, 65535), GRAY),
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

    def mean(picture: NDArray[np.uint8]) -> float:
        return float(picture.mean())

    refused = pytest.raises(lm.errors.ImageError, match="value_range has no meaning")
    with Image.open(path) as image, refused:
        lm.log_image(image, value_range=(0, WHITE))
    with refused:
        lm.log_image(path, value_range=(0, WHITE), metrics=[mean])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_eight_bits_are_measured_as_they_are(kind: str) -> None:
    """A `value_range` is that of deeper samples."""
    picture = Image.fromarray((RGB >> 4).astype(np.uint8))
    file = io.BytesIO()
    picture.save(file, kind)
    plain = lm.log_image(file.getvalue()).view()
    assert lm.log_image(file.getvalue(), value_range=(0, 100)).view() == plain
