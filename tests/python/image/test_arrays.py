"""Layouts of arrays, batches, and tensors that are not NumPy's."""

import io
from typing import Any

import numpy as np
import pytest
from conftest import encoded
from counts import numbers_of
from hypothesis import given, settings
from lightmeter import ImageMeter, Reading, log_image
from lightmeter.errors import ImageError
from lightmeter.image.measure import measure_image
from lightmeter.testing import images
from numpy.typing import NDArray
from PIL import Image
from tensors import Tensor


def random(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@settings(max_examples=40, derandomize=True)
@given(images(12))
def test_every_layout_of_an_image_is_the_image(image: NDArray[np.uint8]) -> None:
    expected = numbers_of(image)
    if image.ndim == 2:
        assert measure_image(image, Reading(layout="HW")).meter.measurement() == expected
        image = image[..., None]
    assert measure_image(image, Reading(layout="HWC")).meter.measurement() == expected
    planar = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    for array, channels in ((planar, "RGB"), (planar[2::-1], "BGR")):
        reading = Reading(layout="CHW", channels=channels)  # type: ignore[arg-type]
        assert measure_image(array, reading).meter.measurement() == expected


@pytest.mark.parametrize(
    ("layout", "axes"), [("NHWC", (0, 1, 2, 3)), ("NCHW", (0, 3, 1, 2)), ("NHW", None)]
)
def test_a_batch_counts_as_its_images(layout: str, axes: tuple[int, ...] | None) -> None:
    batch = random(5, 7, 9, 3) if axes else random(5, 7, 9)
    laid_out = batch if axes is None else np.ascontiguousarray(batch.transpose(axes))
    expected = log_image(list(batch)).view()
    assert expected.images == 5
    assert log_image([laid_out[:2], laid_out[2:]], layout=layout).view() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_tensors_are_arrays(dtype: type[np.generic]) -> None:
    samples = random(5, 9, 3)
    array = samples.astype(dtype) if np.issubdtype(dtype, np.integer) else samples / 255
    array = array.astype(dtype)
    assert log_image(Tensor(array)).view() == log_image(array).view()
    batch = Tensor(np.ascontiguousarray(np.stack([array, array]).transpose(0, 3, 1, 2)))
    assert log_image(batch, layout="NCHW").view() == log_image([array, array]).view()
    assert numbers_of(Tensor(array[::-1, ::2])) == numbers_of(array[::-1, ::2])


WHITE = 65535


LAYOUTS = {
    "upside down": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "channels reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "padded": lambda a: np.concatenate([a, np.full_like(a[..., :1], 99)], axis=-1)[..., :3],
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, a.size, 1).reshape(a.shape),
    "with alpha": lambda a: np.concatenate([a, a[..., :1]], axis=-1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1), (97, 131)])
def test_counts_in_every_layout(layout: str, size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(sum(size)).integers(0, WHITE + 1, (*size, 3), dtype=np.uint16)
    expected, laid_out = numbers_of(rgb), LAYOUTS[layout](rgb)
    laid_out.flags.writeable = False
    assert numbers_of(laid_out) == expected
    assert numbers_of(LAYOUTS[layout](rgb / WHITE)) == expected
    assert numbers_of(np.ascontiguousarray(rgb[..., ::-1]), channels="BGR") == expected


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


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "int64", "float16"])
def test_other_dtypes_are_measured_on_a_range(dtype: str) -> None:
    samples = np.arange(60).reshape(4, 5, 3).astype(dtype)
    for options in ({"value_range": (0, 100)}, {"value_range": (0, 100), "channels": "BGR"}):
        whole = numbers_of(samples.astype("float64"), **options)
        assert numbers_of(samples, **options)["Hue.mean"] == whole["Hue.mean"]


class Torch(Tensor):
    """A tensor of PyTorch, which no test imports."""

    def __init__(self, array: NDArray[np.float32], dtype: str, requires_grad: bool) -> None:
        super().__init__(array)
        self.dtype, self.requires_grad = f"torch.{dtype}", requires_grad

    def detach(self) -> "Torch":
        return Torch(self.array, self.dtype.removeprefix("torch."), False)

    def float(self) -> "Torch":
        return Torch(self.array, "float32", self.requires_grad)

    def __dlpack__(self, **options: object) -> object:
        if self.requires_grad or self.dtype == "torch.bfloat16":
            raise BufferError("cannot be exported")
        return super().__dlpack__(**options)


def test_tensors_with_a_gradient_or_of_bfloat16() -> None:
    array = np.random.default_rng(2).random((20, 30, 3), np.float32)
    hue = log_image(array).view()["image.Hue.mean"].mean
    for tensor in (Torch(array, "float32", True), Torch(array, "bfloat16", True)):
        assert log_image(tensor).view()["image.Hue.mean"].mean == hue
    with pytest.raises(ImageError, match="give value_range="):
        log_image(Torch(array - 3, "bfloat16", False))


def test_arrays_of_ml_dtypes() -> None:
    types = pytest.importorskip("ml_dtypes")
    array = np.random.default_rng(2).random((20, 30, 3)).astype(types.bfloat16)
    views = [log_image(each).view() for each in (array, array.astype(np.float32))]
    assert views[0]["image.Red.mean"].mean == views[1]["image.Red.mean"].mean


# Every mode that Pillow has, and every kind of array, against numbers worked out by hand.


# Mode, a colour in it, and the brightness V, saturation 255 (V - min) / V and hue of that colour.
COLOURS = [
    ("1", 1, 255, 0, 0),
    ("L", 97, 97, 0, 0),
    ("LA", (97, 0), 97, 0, 0),
    ("La", (50, 128), 99, 0, 0),  # 255 * 50 / 128 = 99.6
    ("RGB", (51, 102, 204), 204, 191, 155),  # 255 * 153 / 204 = 191.25, 255 (4 - 102 / 153) / 6
    ("RGBA", (51, 102, 204, 7), 204, 191, 155),
    ("RGBX", (51, 102, 204, 7), 204, 191, 155),
    ("RGBa", (10, 40, 20, 51), 200, 191, 99),  # opaque: 50, 200, 100; 255 (2 + 50 / 150) / 6
    ("CMYK", (0, 128, 255, 51), 204, 255, 21),  # 204, 102, 0; 255 * 0.5 / 6 = 21.25
    ("YCbCr", (128, 128, 128), 128, 0, 0),
    ("HSV", (170, 255, 200), 200, 255, 170),  # pure blue
    ("LAB", (128, 128, 128), 119, 0, 0),  # L* = 100 * 128 / 255: sRGB 119
    ("I", 180 * 257, 180, 0, 0),
    ("I;16", 180 * 257, 180, 0, 0),
    ("I;16L", 180 * 257, 180, 0, 0),
    ("I;16B", 180 * 257, 180, 0, 0),
    ("I;16N", 180 * 257, 180, 0, 0),
    ("F", 0.6, 153, 0, 0),
]


@pytest.mark.parametrize(("mode", "colour", "brightness", "saturation", "hue"), COLOURS)
def test_every_mode(mode: str, colour: Any, brightness: int, saturation: int, hue: int) -> None:
    image = Image.new(mode, (5, 3), colour)
    numbers = numbers_of(image)
    assert numbers["Brightness.mean"] == brightness
    assert numbers["Saturation.mean"] == saturation
    assert numbers["Hue.mean"] == hue
    assert numbers["Brightness.stddev"] == 0
    assert (numbers["ImagePixelWidth"], numbers["ImagePixelHeight"]) == (5, 3)
    assert log_image(image).view()["image.Colorspace"].frequent == [(mode, 1, 1, 1)]
    assert ("Hue.circular_mean" in numbers) == (saturation > 0)
    # One bin of one channel, or one of each of three.
    gray = mode in {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"}
    assert numbers["entropy"] == pytest.approx(0 if gray else np.log2(3))


PALETTE = [10, 20, 30, 200, 100, 50]


@pytest.mark.parametrize("transparency", [None, 0, b"\x00\x80"])
def test_a_palette_is_expanded_and_its_transparency_left_out(transparency: Any) -> None:
    image, with_alpha = Image.new("P", (2, 1)), Image.new("P", (2, 1))
    image.putpalette(PALETTE)
    with_alpha.putpalette([*PALETTE[:3], 0, *PALETTE[3:], 9], "RGBA")
    for each in (image, with_alpha):
        each.putdata([0, 1])
    both = Image.new("PA", (2, 1))
    both.putpalette(PALETTE)
    both.putdata([(0, 3), (1, 77)])
    numbers = numbers_of(image)
    assert numbers["Brightness.mean"] == (30 + 200) / 2
    assert numbers["Saturation.mean"] == (170 + 191) / 2  # 255 * 20 / 30, 255 * 150 / 200
    options = {} if transparency is None else {"transparency": transparency}
    with Image.open(io.BytesIO(encoded("PNG", image, **options))) as read:
        assert read.mode == "P"
        for other in (read, with_alpha, both):
            assert numbers_of(other) == numbers


def test_every_mode_of_pillow_is_here() -> None:
    assert set(Image.MODES) <= {mode for mode, *_ in COLOURS} | {"P", "PA"}


def test_a_range_for_deep_modes() -> None:
    kelvin = Image.new("F", (2, 1), 250.0)
    kelvin.putpixel((1, 0), 300.0)
    numbers = numbers_of(kelvin, value_range=(200, 300))
    # Half of the range is 32767.5 on the grid, which rounds to the even 32768.
    assert numbers["Brightness.mean"] == pytest.approx((32768 / 257 + 255) / 2)
    signed = Image.new("I", (2, 1), -1000)
    assert numbers_of(signed, value_range=(-1000, 1000))["Brightness.mean"] == 0
    twelve_bits = Image.fromarray(np.array([[0, 4095]], np.uint16))
    assert numbers_of(twelve_bits, value_range=(0, 4095))["Brightness.mean"] == 127.5
    assert numbers_of(Image.new("L", (1, 1), 9), value_range=(0, 4095))["Brightness.mean"] == 9


@pytest.mark.parametrize(
    ("mode", "width"),
    [("L", 1), ("P", 1), ("RGBA", 4), ("RGBX", 4), ("CMYK", 4), ("I;16", 2), ("I;16B", 2)],
)
def test_images_in_the_memory_of_others(mode: str, width: int) -> None:
    memory = bytes(index % 256 for index in range(70 * width))
    mapped = Image.frombuffer(mode, (7, 10), memory, "raw", mode, 0, 1)
    assert mapped.readonly
    assert numbers_of(mapped) == numbers_of(mapped.copy())
