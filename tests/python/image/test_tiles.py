"""The numbers of an image depend on its pixels alone: neither on tiles nor on their order."""

from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import ImageError, ImageMeter, IncompatibleError, _core
from lightmeter.image.numbers import IMAGE_NUMBERS, SETS
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]
SIDES = st.sampled_from([1, 2, 3, 8, 9, 30])


def samples(height: int, width: int, kind: str, seed: int) -> NDArray[Any]:
    """Runs and noise, in some layout."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3)).astype(np.uint8)
    rgb = small.repeat(3, 0).repeat(3, 1)[:height, :width]
    rgb = rgb + rng.integers(0, 4, rgb.shape).astype(np.uint8)
    made: dict[str, NDArray[Any]] = {
        "gray": rgb[..., 0],
        "RGB": np.ascontiguousarray(rgb),
        "BGR": np.ascontiguousarray(rgb[..., ::-1])[..., ::-1],
        "planar": np.ascontiguousarray(rgb.transpose(2, 0, 1)).transpose(1, 2, 0),
        "padded": np.dstack([rgb, rgb[..., 0]])[..., :3],
        "uint16": rgb.astype(np.uint16) * 257,
        "float": (rgb[..., 0] / 255).astype(np.float32),
    }
    return made[kind]


@st.composite
def boxes(draw: st.DrawFn, box: Box) -> list[Box]:
    """A random tiling of a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    across = draw(st.booleans())
    low, high = (left, right) if across else (top, bottom)
    if high - low < 2 or draw(st.integers(0, 3)) == 0:
        return [box]
    at = draw(st.integers(low + 1, high - 1))
    first = (left, top, at, bottom) if across else (left, top, right, at)
    second = (at, top, right, bottom) if across else (left, at, right, bottom)
    return draw(boxes(first)) + draw(boxes(second))


@settings(max_examples=60)
@given(
    data=st.data(),
    height=SIDES,
    width=SIDES,
    kind=st.sampled_from(["gray", "RGB", "BGR", "planar", "padded", "uint16", "float"]),
    masked=st.booleans(),
)
def test_tiles_and_their_order_change_nothing(
    data: st.DataObject, height: int, width: int, kind: str, masked: bool
) -> None:
    image = samples(height, width, kind, data.draw(st.integers(0, 99)))
    mask = None
    if masked:
        mask = np.random.default_rng(data.draw(st.integers(0, 99))).random((height, width)) < 0.05
    options: dict[str, Any] = {"metrics": "all", "size": (width, height), "mask": mask}
    whole = ImageMeter(**options)
    whole.update(image)
    meters = [ImageMeter(**options) for _ in range(data.draw(st.integers(1, 3)))]
    for left, top, right, bottom in data.draw(
        boxes((0, 0, width, height)).flatmap(st.permutations)
    ):
        meter = data.draw(st.sampled_from(meters))
        meter.update(image[top:bottom, left:right], at=(left, top))
    first, *others = data.draw(st.permutations(meters))
    for other in others:
        first._core.add(other._core)
    assert first.measurement() == whole.measurement()
    ignored = 0 if mask is None else int(mask.sum())
    assert first.pixels == whole.pixels == height * width - ignored


@pytest.mark.parametrize("kind", ["gray", "RGB", "uint16"])
@pytest.mark.parametrize("size", [None, (40, 61)])
def test_strips_change_nothing(kind: str, size: tuple[int, int] | None) -> None:
    image = samples(61, 40, kind, 1)
    whole, strips = (ImageMeter(metrics="default", size=size) for _ in range(2))
    whole.update(image)
    for top in range(0, 61, 7):
        strips.update(image[top : top + 7])
    assert strips.measurement() == whole.measurement()


def test_pictures_in_several_blocks_are_tiles_too() -> None:
    """Pillow exports no picture over 16 MB in one piece."""
    image = samples(2300, 3100, "RGB", 2)
    expected = ImageMeter(metrics="all", size=(3100, 2300))
    expected.update(image)
    for threads in (1, 3):
        meter = ImageMeter(metrics="all", size=(3100, 2300), threads=threads)
        picture = Image.fromarray(image)
        meter.update(picture.crop((0, 0, 3100, 2200)))
        meter.update(picture.crop((0, 2200, 1000, 2300)), at=(0, 2200))
        meter.update(picture.crop((1000, 2200, 3100, 2300)), at=(1000, 2200))
        assert meter.measurement() == expected.measurement()


def test_tiles_that_cannot_be_are_refused() -> None:
    tile = np.zeros((4, 4), np.uint8)
    meter = ImageMeter(size=(8, 6))
    meter.update(tile, at=(1, 1))
    before = meter.measurement()
    for at in ((5, 0), (0, 3), (-1, 0), (1, 1), (4, 2)):
        with pytest.raises(IncompatibleError, match="got a tile of 4 x 4 pixels at"):
            meter.update(tile, at=at)
    assert meter.measurement() == before
    with pytest.raises(ValueError, match="of unknown size; say its size"):
        ImageMeter().update(tile, at=(1, 0))
    for place in ((1,), "ab", (0.5, 1), (1 << 60, 1)):
        with pytest.raises(ValueError, match="at is"):
            meter.update(tile, at=place)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="size is"):
            ImageMeter(size=place)  # type: ignore[arg-type]


def test_a_part_of_an_image_has_no_hash() -> None:
    image = samples(30, 40, "RGB", 6)
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
        with pytest.raises(TypeError, match="expected HxW of bool or uint8"):
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


def test_a_mask_leaves_out_what_it_covers() -> None:
    image = samples(30, 40, "RGB", 3)
    mask = np.zeros((30, 40), np.bool_)
    mask[10:, 25:] = True
    meter = ImageMeter(mask=mask[:, ::-1])  # of any strides
    meter.update(image)
    kept = ImageMeter(metrics="whylogs")
    kept.update(image[~mask[:, ::-1]][None])
    numbers = kept.measurement()
    for name in numbers.keys() - {"ImagePixelWidth", "ImagePixelHeight"}:
        assert meter.measurement()[name] == numbers[name]
    assert meter.measurement()["ImagePixelWidth"] == 40


def test_sets_hold_the_smaller_ones() -> None:
    image = samples(48, 64, "RGB", 4)
    before: dict[str, float | str] = {}
    for metrics in SETS:
        meter = ImageMeter(metrics=metrics, size=(64, 48))
        meter.update(image)
        numbers = meter.measurement()
        assert before.items() <= numbers.items()
        names = [n.name for n in IMAGE_NUMBERS if SETS.index(n.set) <= SETS.index(metrics)]
        assert set(numbers) <= set(names)
        view = lm.log_image(image, metrics=metrics).view()
        assert {f"image.{name}" for name in names} <= set(view)
        assert ("image.Hue.pixels" in view) == (metrics != "whylogs")
        before = numbers
    with pytest.raises(ValueError, match="metrics is 'most'; expected one of 'whylogs', 'default'"):
        ImageMeter(metrics="most")  # type: ignore[arg-type]


def test_what_needs_the_size_says_so() -> None:
    for metrics in SETS:
        if _core.needs_size(metrics):
            with pytest.raises(ValueError, match=r"give size=\(width, height\)"):
                ImageMeter(metrics=metrics)
        else:
            ImageMeter(metrics=metrics)
    assert not _core.needs_size("default")


def test_luma_is_pillows() -> None:
    """Seen through a number of it: the Laplacian of an image is that of its gray one."""
    image = Image.fromarray(samples(50, 70, "RGB", 5))
    colour, gray = ImageMeter(), ImageMeter()
    colour.update(image)
    gray.update(image.convert("L"))
    assert colour.measurement()["Sharpness"] == gray.measurement()["Sharpness"]
