"""Layouts of arrays, batches, and tensors that are not NumPy's."""

import numpy as np
import pytest
from counts import numbers_of
from hypothesis import given, settings
from lightmeter import ImageMeter, Profile, log_image
from lightmeter.errors import ImageError
from lightmeter.testing import images
from numpy.typing import NDArray
from tensors import Bfloat16, Tensor


def random(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@settings(max_examples=40, derandomize=True)
@given(images(12))
def test_every_layout_of_an_image_is_the_image(image: NDArray[np.uint8]) -> None:
    expected = numbers_of(image)
    if image.ndim == 2:
        assert numbers_of(image, layout="HW") == expected
        image = image[..., None]
    assert numbers_of(image, layout="HWC") == expected
    planar = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    assert numbers_of(planar, layout="CHW") == expected
    assert numbers_of(planar[2::-1], layout="CHW", channels="BGR") == expected


@pytest.mark.parametrize(
    ("layout", "axes"), [("NHWC", (0, 1, 2, 3)), ("NCHW", (0, 3, 1, 2)), ("NHW", None)]
)
def test_a_batch_counts_as_its_images(layout: str, axes: tuple[int, ...] | None) -> None:
    batch = random(5, 7, 9, 3) if axes else random(5, 7, 9)
    laid_out = batch if axes is None else np.ascontiguousarray(batch.transpose(axes))
    expected = log_image(list(batch)).view()
    assert expected.images == 5
    assert log_image(laid_out, layout=layout).view() == expected
    profile = Profile(layout=layout)
    profile.track_many([laid_out[:2], laid_out[2:]])
    assert profile.view() == expected


def test_a_batch_counts_whole_or_not_at_all() -> None:
    batch = np.full((3, 4, 4, 3), 0.5, np.float32)
    batch[1, 2, 2, 0] = np.nan
    profile = Profile(layout="NHWC")
    before = profile.view()
    with pytest.raises(ImageError, match="sample of nan"):
        profile.track(batch)
    assert profile.view() == before
    profile.track_many([batch])
    assert profile.view().images == 0
    failure = profile.view().get_column("image.Failure").to_summary_dict()
    assert failure["types/string"] == 1


def test_nothing_is_copied() -> None:
    """A view onto one pixel, of more pixels than memory could hold copies of."""
    huge = np.broadcast_to(np.uint16([[[257, 514, 771]]]), (4000, 3000, 3))
    assert huge.strides == (0, 0, 2)
    assert numbers_of(huge)["Brightness.mean"] == 3.0


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((4, 4, 2), None),
        ((3, 8, 9), None),
        ((2, 4, 4, 3), None),
        ((4,), None),
        ((), None),
        ((4, 4, 3), "HW"),
        ((4, 4), "HWC"),
        ((8, 9, 3), "CHW"),
        ((2, 3, 8, 9), "NHWC"),
    ],
)
def test_other_shapes_say_what_to_do(shape: tuple[int, ...], layout: str | None) -> None:
    with pytest.raises(ImageError, match=r"expected HxW or HxWxC .* layout='CHW'") as caught:
        log_image(np.zeros(shape, np.uint8), layout=layout)
    assert caught.value.reason == "unsupported"
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((0, 4, 4, 3), "NHWC"), ((2, 0, 4, 3), "NHWC"), ((0, 4, 3), None), ((4, 0), None)],
)
def test_no_pixels(shape: tuple[int, ...], layout: str | None) -> None:
    with pytest.raises(ImageError, match="without pixels") as caught:
        log_image(np.zeros(shape, np.uint8), layout=layout)
    assert caught.value.reason == "empty"


def test_layouts_are_checked() -> None:
    with pytest.raises(ValueError, match="layout is 'CWH'"):
        log_image(random(2, 2), layout="CWH")
    with pytest.raises(ValueError, match="measures one image, not a batch"):
        ImageMeter(layout="NHWC")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_tensors_are_arrays(dtype: type[np.generic]) -> None:
    samples = random(5, 9, 3)
    array = samples.astype(dtype) if np.issubdtype(dtype, np.integer) else samples / 255
    array = array.astype(dtype)
    expected = log_image(array).view()
    assert log_image(Tensor(array)).view() == expected
    assert log_image(Tensor(array), layout="HWC").view() == expected
    assert log_image([Tensor(array)]).view() == expected
    batch = Tensor(np.ascontiguousarray(np.stack([array, array]).transpose(0, 3, 1, 2)))
    assert log_image(batch, layout="NCHW").view() == log_image([array, array]).view()
    assert numbers_of(Tensor(array[::-1, ::2])) == numbers_of(array[::-1, ::2])


@pytest.mark.parametrize("device", [2, 8, 99])
def test_a_tensor_on_another_device_says_what_to_do(device: int) -> None:
    with pytest.raises(ImageError, match="on another device; copy it to the CPU") as caught:
        log_image(Tensor(random(2, 2), device))
    assert caught.value.reason == "unsupported"


def test_a_tensor_that_numpy_cannot_view() -> None:
    with pytest.raises(ImageError, match="NumPy cannot view: no such dtype") as caught:
        log_image(Bfloat16(random(2, 2)))
    assert caught.value.reason == "unsupported"
    assert log_image([Bfloat16(random(2, 2)), random(2, 2)]).view().images == 1
