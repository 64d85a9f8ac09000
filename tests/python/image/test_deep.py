"""Images of more than 8 bits against NumPy, hand-computed numbers and their 8-bit twins."""

import numpy as np
import pytest
from counts import LAYOUTS, measured
from lightmeter import ImageMeter, log_image
from lightmeter.errors import ImageError
from numpy.typing import NDArray
from PIL import Image

WHITE = 65535


def counts_of(plane: NDArray[np.integer], weights: NDArray[np.integer] | None = None) -> object:
    values, where = np.unique(plane.ravel(), return_inverse=True)
    counts = np.zeros(WHITE + 1, np.uint64)
    ones = np.ones(plane.size, np.uint64) if weights is None else weights.ravel().astype(np.uint64)
    np.add.at(counts, values[where], ones)
    return counts


def hsv_of(rgb: NDArray[np.uint16]) -> tuple[NDArray[np.int64], ...]:
    """The textbook hexcone in exact integers, cut off at 16 bits; also the chroma."""
    r, g, b = np.moveaxis(rgb.astype(np.int64), -1, 0)
    value = np.maximum(np.maximum(r, g), b)
    chroma = value - np.minimum(np.minimum(r, g), b)
    sixths = np.where(
        value == r,
        (g - b) % np.maximum(6 * chroma, 1),
        np.where(value == g, 2 * chroma + b - r, 4 * chroma + r - g),
    )
    hue = np.where(chroma == 0, 0, WHITE * sixths // np.maximum(6 * chroma, 1))
    return hue, WHITE * chroma // np.maximum(value, 1), value, chroma


def assert_counts_are_exact(meter: ImageMeter, rgb: NDArray[np.uint16]) -> None:
    hue, saturation, value, chroma = hsv_of(rgb)
    planes = {"hue": hue, "saturation": saturation, "value": value}
    planes |= dict(zip(("red", "green", "blue"), np.moveaxis(rgb, -1, 0), strict=True))
    for name, plane in planes.items():
        np.testing.assert_array_equal(meter._core.histograms[name], counts_of(plane), name)
    np.testing.assert_array_equal(meter._core.histograms["hue_chroma"], counts_of(hue, chroma))


def test_statistics_against_their_definitions() -> None:
    rgb = np.random.default_rng(3).integers(0, WHITE + 1, (61, 47, 3), dtype=np.uint16)
    hue, saturation, value, chroma = hsv_of(rgb)
    numbers = measured(rgb).measurement()
    for name, plane in (("Hue", hue), ("Saturation", saturation), ("Brightness", value)):
        assert numbers[f"{name}.mean"] == pytest.approx((plane / 257).mean(), rel=1e-12)
        assert numbers[f"{name}.stddev"] == pytest.approx((plane / 257).std(), rel=1e-9)
    vector = (chroma * np.exp(2j * np.pi * (hue + 0.5) / WHITE)).sum() / chroma.sum()
    circular = ((np.angle(vector) * WHITE / (2 * np.pi) - 0.5) % WHITE) / 257
    assert numbers["Hue.circular_mean"] == pytest.approx(circular, rel=1e-9)
    assert numbers["Hue.concentration"] == pytest.approx(abs(vector), rel=1e-9)
    upper = np.concatenate(
        [np.bincount((rgb[..., c] >> 8).ravel(), minlength=256) for c in (0, 1, 2)]
    )
    shares = upper[upper > 0] / upper.sum()
    assert numbers["entropy"] == pytest.approx(-(shares * np.log2(shares)).sum(), rel=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1), (3, 171), (97, 131)])
def test_counts_in_every_layout(layout: str, size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(sum(size)).integers(0, WHITE + 1, (*size, 3), dtype=np.uint16)
    laid_out = LAYOUTS[layout](rgb)
    laid_out.flags.writeable = False
    assert_counts_are_exact(measured(laid_out), rgb)
    floats = LAYOUTS[layout](rgb / WHITE)
    assert_counts_are_exact(measured(floats), rgb)
    assert_counts_are_exact(measured(np.ascontiguousarray(rgb[..., ::-1]), channels="BGR"), rgb)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_bad_sample_in_the_last_of_several_blocks_changes_nothing(threads: int) -> None:
    good = np.full((2200, 2000), 0.5, np.float32)  # more than Pillow keeps in one block
    bad = good.copy()
    bad[-1, -1] = 3.0
    meter = ImageMeter(threads=threads)
    meter.update(Image.fromarray(good))
    before = meter.measurement()
    with pytest.raises(ImageError, match="sample of 3"):
        meter.update(Image.fromarray(bad))
    assert meter.measurement() == before


@pytest.mark.parametrize("value_range", [(1, 0), (0, 0), (0, np.inf), (np.nan, 1), (-1e308, 1e308)])
def test_a_value_range_is_checked(value_range: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="value_range is"):
        ImageMeter(value_range=value_range)


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        ("int64", "expected bool, uint8"),
        ("complex64", "expected bool, uint8"),
        *((dtype, "say what is black and white") for dtype in ("int8", "int16", "int32", "uint32")),
    ],
)
def test_other_dtypes_say_what_to_do(dtype: str, words: str) -> None:
    with pytest.raises(ImageError, match=f"got an array of {dtype}; {words}") as caught:
        log_image(np.zeros((3, 3), dtype))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "float16"])
def test_other_dtypes_are_measured_on_a_range(dtype: str) -> None:
    samples = np.arange(60).reshape(4, 5, 3).astype(dtype)
    for options in ({"value_range": (0, 100)}, {"value_range": (0, 100), "channels": "BGR"}):
        whole = log_image(samples.astype("float64"), **options).view()
        assert log_image(samples, **options).view()["image.Hue.mean"].mean == (
            whole["image.Hue.mean"].mean
        )
