"""Images of more than 8 bits against NumPy, hand-computed numbers and their 8-bit twins."""

import numpy as np
import pytest
from conftest import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from lightmeter import ImageError, ImageMeter, IncompatibleError, Profile, log_image
from lightmeter.testing import images
from numpy.typing import NDArray
from PIL import Image

WHITE = 65535


def measured(array: NDArray[np.generic], **options: object) -> ImageMeter:
    meter = ImageMeter(**options)  # type: ignore[arg-type]
    meter.update(array)
    return meter


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
        np.testing.assert_array_equal(meter._core.histogram(name), counts_of(plane), name)
    np.testing.assert_array_equal(meter._core.histogram("hue_chroma"), counts_of(hue, chroma))


def deep_rgb(max_side: int = 24) -> st.SearchStrategy[NDArray[np.uint16]]:
    shapes = array_shapes(min_dims=2, max_dims=2, max_side=max_side).map(lambda s: (*s, 3))
    few = st.sampled_from([0, 1, 255, 256, 257, 32767, 65534, 65535])
    return shapes.flatmap(lambda s: arrays(np.uint16, s, elements=few | st.integers(0, WHITE)))


@settings(max_examples=40, derandomize=True)
@given(deep_rgb())
def test_counts_of_any_array(rgb: NDArray[np.uint16]) -> None:
    assert_counts_are_exact(measured(rgb), rgb)


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


def test_the_frame_that_others_call_white() -> None:
    """Mean 180 at 16 bits; whylogs and others let Pillow clip it and report 255."""
    frame = np.full((40, 60), 180 * 257, np.uint16)
    frame[:20] -= 10 * 257
    frame[20:] += 10 * 257
    for image in (frame, Image.fromarray(frame)):
        numbers = measured(image).measurement()  # type: ignore[arg-type]
        assert numbers["Brightness.mean"] == 180.0
        assert numbers["Brightness.stddev"] == 10.0
        assert numbers["Saturation.mean"] == 0.0
        assert numbers["entropy"] == 1.0


def test_one_orange_pixel_by_hand() -> None:
    """V = 60000, C = 50000, hue (0 + 20000 / 50000) / 6 of the circle."""
    numbers = measured(np.array([[[60000, 30000, 10000]]], np.uint16)).measurement()
    assert numbers["Brightness.mean"] == 60000 / 257
    assert numbers["Saturation.mean"] == (65535 * 50000 // 60000) / 257
    assert numbers["Hue.mean"] == 4369 / 257 == 17.0
    assert numbers["Hue.circular_mean"] == pytest.approx(17.0, abs=1e-9)
    assert numbers["Hue.concentration"] == pytest.approx(1.0)
    assert numbers["entropy"] == pytest.approx(np.log2(3))


@settings(max_examples=60, derandomize=True)
@given(images(20))
def test_an_8_bit_image_times_257_has_its_statistics(image: NDArray[np.uint8]) -> None:
    shallow = measured(image).measurement()
    deep = measured(image.astype(np.uint16) * np.uint16(257)).measurement()
    for name in ("Brightness.mean", "Brightness.stddev", "entropy"):
        assert deep[name] == shallow[name], name
    # Pillow cuts saturation and hue off at 8 bits.
    for name in ("Saturation.mean", "Hue.mean"):
        assert shallow[name] - 1e-9 <= deep[name] <= shallow[name] + 1 + 1e-9


@settings(max_examples=40, derandomize=True)
@given(deep_rgb(), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_floats_on_the_grid_are_the_grid(
    rgb: NDArray[np.uint16], dtype: type[np.floating], swapped: bool
) -> None:
    floats = (rgb / WHITE).astype(np.dtype(dtype).newbyteorder(">" if swapped else "="))
    assert_counts_are_exact(measured(floats), rgb)
    symmetric = (rgb / WHITE * 2 - 1).astype(dtype)
    assert_counts_are_exact(measured(symmetric, value_range=(-1, 1)), rgb)


@settings(max_examples=60, derandomize=True)
@given(
    arrays(np.float64, (7, 9), elements=st.floats(-3, 11)),
    st.sampled_from([(-3.0, 11.0), (-4.5, 1000.0), (-3.1, 11.3)]),
)
def test_any_float_is_rounded_to_the_grid(
    samples: NDArray[np.float64], value_range: tuple[float, float]
) -> None:
    low, high = value_range
    grid = np.rint((samples - low) * (WHITE / (high - low)))
    meter = measured(samples, value_range=value_range)
    np.testing.assert_array_equal(meter._core.histogram("gray"), counts_of(grid.astype(int)))


def test_twelve_bits_in_sixteen() -> None:
    frame = np.array([[0, 4095, 819, 1]], np.uint16)
    numbers = measured(frame, value_range=(0, 4095)).measurement()
    assert numbers["Brightness.mean"] == (0 + 65535 + 13107 + 16) / 257 / 4


LAYOUTS = {
    "upside down": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "mirrored": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "channels reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "planar": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "column major": np.asfortranarray,
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, a.size, 1).reshape(a.shape),
    "with alpha": lambda a: np.concatenate([a, a[..., :1]], axis=-1),
}


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


@pytest.mark.parametrize("channels", [1, 3])
def test_strips_and_threads_do_not_change_the_counts(channels: int) -> None:
    shape = (800, 700, channels)
    image = np.random.default_rng(9).integers(0, WHITE + 1, shape, dtype=np.uint16)
    image[::3] //= 100
    whole, threaded, strips = measured(image, threads=1), measured(image, threads=4), ImageMeter()
    for top in range(0, shape[0], 113):
        strips.update(image[top : top + 113])
    expected = whole.measurement()
    for meter in (threaded, strips):
        assert meter.measurement() == expected
        for name in ("red", "hue", "saturation", "value", "hue_chroma"):
            np.testing.assert_array_equal(
                meter._core.histogram(name), whole._core.histogram(name), name
            )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1e-9, 1 + 1e-9, 255.0])
@pytest.mark.parametrize("shape", [(700, 500), (700, 500, 3)])
def test_samples_outside_the_range_are_an_error_that_changes_nothing(
    bad: float, shape: tuple[int, ...]
) -> None:
    good = np.random.default_rng(1).random(shape)
    meter = measured(good)
    expected = meter.measurement()
    for at in ((0, 0), (350, 250), (-1, -1)):
        damaged = good.copy()
        damaged[at] = bad
        for threads in (1, 2):
            with pytest.raises(ImageError, match="expected 0 to 1") as caught:
                measured(damaged, threads=threads)
            assert caught.value.reason == "out_of_range"
        with pytest.raises(ImageError):
            meter.update(damaged)
    assert meter.measurement() == expected
    meter.update(good)  # and nothing is left behind for the next image
    assert meter.measurement()["Brightness.mean"] == pytest.approx(expected["Brightness.mean"])


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


def test_out_of_range_is_counted_in_a_batch() -> None:
    frames = [np.zeros((2, 2), np.float32), np.full((2, 2), 7, np.float32)]
    view = log_image(frames).view()
    (item,) = view.get_column("image.Failure").to_summary_dict()["frequent_items/frequent_strings"]
    assert item == ("out_of_range", 1, 1, 1)
    assert view.images == 1
    assert log_image(frames, value_range=(0, 7)).view().images == 2


@pytest.mark.parametrize("value_range", [(1, 0), (0, 0), (0, np.inf), (np.nan, 1), (-1e308, 1e308)])
def test_a_value_range_is_checked(value_range: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="value_range is"):
        ImageMeter(value_range=value_range)


def test_strips_of_another_depth_are_refused() -> None:
    meter = measured(np.zeros((4, 4), np.uint8))
    with pytest.raises(IncompatibleError, match=r"of more than 8 bits after strips .* of 8 bits"):
        meter.update(np.zeros((4, 4), np.uint16))


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint32", "float16", "complex64"]
)
def test_other_dtypes_say_what_to_do(dtype: str) -> None:
    with pytest.raises(
        ImageError, match=f"got an array of {dtype}; expected bool, uint8"
    ) as caught:
        log_image(np.zeros((3, 3), dtype))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 3)])
def test_pixels_of_all_depths_merge(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    shallow, deep = Profile(), Profile()
    shallow.track(image)
    deep.track(image.astype(np.uint16) * np.uint16(257))
    columns = [p.view().get_column("image.Brightness.pixels") for p in (shallow, deep)]
    assert columns[0].to_summary_dict() == columns[1].to_summary_dict()
    merged = shallow.view().merge(deep.view())
    summary = merged.get_column("image.Brightness.pixels").to_summary_dict()
    values = image if image.ndim == 2 else image.max(axis=-1)
    assert summary["distribution/n"] == 2 * values.size
    assert summary["distribution/mean"] == pytest.approx(values.mean())
    assert summary["types/integral"] == 2 * values.size


def test_pixels_of_a_deep_image_are_its_distribution() -> None:
    image = np.random.default_rng(2).integers(0, WHITE + 1, (90, 110), dtype=np.uint16)
    summary = log_image(image).view().get_column("image.Brightness.pixels").to_summary_dict()
    values = image / 257
    assert summary["distribution/n"] == values.size
    assert summary["distribution/mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert summary["distribution/stddev"] == pytest.approx(values.std(ddof=1), rel=1e-9)
    assert (summary["distribution/min"], summary["distribution/max"]) == (
        values.min(),
        values.max(),
    )
    assert summary["distribution/median"] == pytest.approx(np.median(values), abs=2)
    distinct = np.unique(values).size
    assert summary["cardinality/est"] == pytest.approx(distinct, rel=0.05)


def test_pictures_of_both_depths_agree() -> None:
    shallow = np.asarray(picture(300, 200))
    deep = shallow.astype(np.uint16) * np.uint16(257)
    assert_counts_are_exact(measured(deep), deep)
    numbers, expected = measured(deep).measurement(), measured(shallow).measurement()
    for name in ("Hue.circular_mean", "Hue.concentration"):
        assert numbers[name] == pytest.approx(expected[name], rel=0.01)
