"""An explicit `value_range` is honoured or refused, of every kind of file."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import lightmeter as lm
import numpy as np
import pytest
import tifffile
from bad_files import outcome
from conftest import encoded
from lightmeter import ExifPolicy, ImageMeter, Reading, log_image
from lightmeter.errors import ImageError
from lightmeter.image.measure import measure_image, measure_images
from numpy.typing import NDArray
from PIL import Image, features
from tensors import Tensor, Unviewable
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
NO_MEANING = "value_range has no meaning; give it as an array"
REFUSED = {
    "RGB PPM": netpbm("P6", RGB, WHITE),
    "PGM of 12 bits": netpbm("P5", GRAY, WHITE),
    "RGB JPEG 2000": jpeg2000(RGB),
    "JPEG XL": imagecodecs.jpegxl_encode(RGB, lossless=True),
    "AVIF of 12 bits": imagecodecs.avif_encode(RGB, bitspersample=12, level=100),
}


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
    largest = samples if samples.ndim == 2 else samples.max(axis=2)
    expected = pytest.approx(largest.astype(np.float64).mean() * 255 / WHITE, abs=0.01)
    for source in (bytes(data), path):
        assert measure_image(source, reading).meter.measurement()["Brightness.mean"] == expected
    assert lm.profile_images([path], reading=reading)["image.Brightness.mean"].mean == expected


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str) -> None:
    if name.startswith("AVIF") and not features.check("avif"):
        pytest.skip("this Pillow does not read AVIF")
    data = bytes(REFUSED[name])
    assert lm.log_image(data).view().images == 1
    assert outcome(data, words=NO_MEANING, value_range=(0, WHITE)) == "unsupported"


def test_images_of_pillow_and_functions_of_yours(tmp_path: Path) -> None:
    """They have the upper 8 bits of PNG files."""
    path = tmp_path / "p.png"
    path.write_bytes(imagecodecs.png_encode(RGB))
    reading = Reading(value_range=(0, WHITE))
    with Image.open(path) as image:
        for _ in range(2):  # the first time it is loaded
            assert outcome(image, reading, NO_MEANING) == "unsupported"
    assert outcome(path, replace(reading, metrics=[np.mean]), NO_MEANING) == "unsupported"


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


# What cannot be measured, and what no reading can be: each says why, and what to do.


SMALL = np.zeros((4, 4), np.uint8)
NAN = float("nan")


def with_pixel(mode: str, value: float) -> Image.Image:
    image = Image.new(mode, (3, 2), 0)
    image.putpixel((1, 1), value)
    return image


def of_shape(*shape: int, layout: str | None = None) -> tuple[Any, dict[str, Any], str, str]:
    words = rf"shape {re.escape(str(shape))}"
    if 0 in shape:
        return np.zeros(shape, np.uint8), {"layout": layout}, "empty", f"without pixels, of {words}"
    words += r".*; expected HxW or HxWxC .* layout='CHW'"
    return np.zeros(shape, np.uint8), {"layout": layout}, "unsupported", words


PAGES = encoded("TIFF", Image.new("L", (4, 4)), frames=[Image.new("L", (5, 4))])
TWO, THREE, FOUR = ({"bands": list("abcd"[:count])} for count in (2, 3, 4))
PICTURES: list[tuple[Any, dict[str, Any], str, str]] = [
    of_shape(4, 4, 2),
    of_shape(2, 4, 4, 3),
    of_shape(),
    of_shape(4, 4, 3, layout="HW"),
    of_shape(8, 9, 3, layout="CHW"),
    of_shape(2, 3, 8, 9, layout="NHWC"),
    of_shape(0, 4, 4, 3, layout="NHWC"),
    of_shape(4, 0),
    *((Tensor(SMALL, device), {}, "unsupported", "copy it by") for device in (2, 8, 99)),
    (Unviewable(SMALL), {}, "unsupported", "NumPy cannot view: no such dtype"),
    (SMALL.astype(complex), {}, "unsupported", "an array of complex128; expected bool, uint8"),
    *(
        (SMALL.astype(kind), {}, "unsupported", f"an array of {kind}; say what is black and white")
        for kind in ("int8", "int16", "int32", "uint32", "int64")
    ),
    (np.full((3, 3), -1, np.float16), {}, "out_of_range", "give value_range="),
    (np.full((3, 3), 200.0), {}, "out_of_range", "give value_range="),
    (np.ma.array(SMALL, mask=np.eye(4)), {}, "unsupported", "fill it first"),
    *((with_pixel("I", bad), {}, "out_of_range", "expected 0 to") for bad in (-1, 65536)),
    *((with_pixel("F", bad), {}, "out_of_range", "expected 0 to") for bad in (1.5, -0.01, NAN)),
    (SMALL, {"pyramid_level": 1}, "unsupported", "got the level 1"),
    (encoded("PNG"), {"pyramid_level": 1}, "unsupported", "got the level 1"),
    (np.zeros((4, 4, 3), np.uint8), TWO, "unsupported", "of 3 channels; expected 2 bands"),
    (SMALL, TWO, "unsupported", "of 1 channels; expected 2 bands"),
    (Image.new("RGB", (4, 4)), FOUR, "unsupported", "mode RGB; expected 4 bands"),
    (Image.new("P", (4, 4)), THREE, "unsupported", "mode P; expected 3 bands; pass other"),
    (PAGES, TWO, "unsupported", "a gray image of 1 pages; expected 2 bands"),
    (SMALL, {"ignore": np.eye(4, 3)}, "unsupported", "got 4x4 pixels, and a mask of 3x4"),
    (SMALL, {"ignore": (0, 0, 4, 4)}, "empty", "all pixels are ignored"),
]


@pytest.mark.parametrize(("image", "options", "reason", "words"), PICTURES)
def test_what_cannot_be_measured_says_why(
    image: Any, options: dict[str, Any], reason: str, words: str
) -> None:
    """Where one is given it is raised, where several are it is counted."""
    with pytest.raises(ImageError, match=words) as caught:
        log_image(image, **options)
    assert caught.value.reason == reason
    (failure,) = log_image([image], **options).view().failures
    assert (failure.reason, failure.detail) == (reason, caught.value.detail)


def metric(name: str) -> Any:
    def own(image: Any) -> int:
        return 1

    own.__name__ = name
    return own


SETS = "expected 'whylogs', 'default', 'camera', 'all', a"
READINGS: list[tuple[dict[str, Any], str]] = [
    *(({"bands": bands}, "expected a list of names") for bands in ("DAPI", 5, {"a", "b"}, [1, 2])),
    ({"bands": ["a"]}, "has 1 names; expected 2 to 32"),
    ({"bands": ["a", "a"]}, "the name a of bands or functions twice"),
    ({"bands": ["a", ""]}, "has the name ''"),
    ({"bands": ["a", "b.c"]}, "without a dot"),
    ({"bands": ["a", "\udcff"]}, "has the name"),
    ({"bands": ["a", "Hue"]}, "'Hue', the name of a built-in feature"),
    ({"bands": ["a", "b"], "channels": "BGR"}, "both bands and channels='BGR'"),
    ({"bands": ["a", "own"], "metrics": metric("own")}, "the name own of bands or functions"),
    ({"metrics": "most"}, f"has 'most'; {SETS}"),
    ({"metrics": 3}, f"metrics is a int; {SETS}"),
    ({"metrics": [3]}, "metrics has a int"),
    ({"metrics": lambda image: 1}, "which has no name; define it with def"),
    ({"metrics": partial(metric("a"))}, "which has no name"),
    ({"metrics": metric("a.b")}, "which has no name"),
    ({"metrics": [metric("glare"), metric("glare")]}, "the name glare of bands or functions twice"),
    ({"metrics": ["camera", "default"]}, "has two sets; name the larger one alone"),
    ({"metrics": metric("Hue")}, "metrics has Hue, the name of a built-in feature; rename it"),
    ({"ignore": (0, 0, 10)}, "expected x and y from 0"),
    ({"ignore": (0, 0, 0, 10)}, "width and height above 0"),
    ({"ignore": (-1, 0, 5, 10)}, "expected x and y from 0"),
    ({"ignore": (0.5, 0, 0.6, 0.1)}, "as fractions of the sides"),
    ({"ignore": (0, 0, NAN, 1)}, "above 0"),
    ({"ignore": np.zeros((2, 2, 2))}, "a mask of shape"),
    ({"ignore": {"x": 1}}, "ignore has a dict"),
    ({"ignore": [None]}, "ignore has a NoneType"),
    ({"ignore": True}, "ignore has a bool"),
    ({"ignore": "gone.png"}, "no 'gone.png' to ignore; expected a mask, a folder of masks"),
    ({"ignore": "alhpa"}, "there is no 'alhpa' to ignore; did you mean alpha"),
    ({"ignore": 10**400}, "a number beyond floats; expected a rectangle"),
    ({"ignore": (0, 0, 10**400, 5)}, "expected x and y from 0"),
    ({"ignore": ["column:a", "column:b"]}, "ignore has 2 sources of one mask"),
    *(
        ({"value_range": value_range}, "value_range is")
        for value_range in ((1, 0), (0, 0), (0, np.inf), (NAN, 1), (-1e308, 1e308))
    ),
    ({"layout": "CWH"}, "layout is 'CWH'"),
    ({"frames": "last"}, "frames is 'last'; expected 'first' or 'all'"),
    ({"pyramid_level": -1}, "pyramid_level is -1; expected 0, 1"),
    ({"every": "often"}, "got the duration 'often'"),
    ({"every": "5s", "frames": "all"}, "got both every and frames='all'"),
]


@pytest.mark.parametrize(("options", "words"), READINGS)
def test_an_option_of_reading_that_cannot_be_meant_is_refused(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises((TypeError, ValueError, ImageError), match=words):
        Reading(**options)


def test_a_meter_of_no_pixel_is_not_logged() -> None:
    with pytest.raises(ImageError, match="has measured no pixel"):
        log_image(ImageMeter(), bands=["a", "b"])


def test_a_policy_of_exif_knows_the_tags() -> None:
    assert ExifPolicy(allow={"Make", "Artist"}) == ExifPolicy(allow=["Artist"])
    with pytest.raises(ValueError, match="'GPSLattitude', which is no Exif tag; did you mean GPSL"):
        ExifPolicy(deny={"GPSLattitude"})
    with pytest.raises(TypeError, match="expected a collection"):
        ExifPolicy(allow="Artist")
