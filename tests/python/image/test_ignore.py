"""Pixels that are ignored: rectangles and masks, at every kind of picture."""

import pickle
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture
from lightmeter import ProfileView, Reading
from lightmeter.errors import ImageError
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 40, 20
BLIND: NDArray[np.bool_] = np.zeros((HEIGHT, WIDTH), bool)
BLIND[:5, :10] = True


def numbers(view: ProfileView) -> dict[str, Any]:
    return {name: column.to_summary_dict() for name, column in view.get_columns().items()}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "P", "RGB", "RGBA"])
def test_masks_of_any_mode(tmp_path: Path, mode: str) -> None:
    mask = Image.fromarray(BLIND.astype(np.uint8) * 7)
    if mode == "RGBA":
        mask = Image.merge("RGB", [mask, mask, Image.new("L", mask.size)]).convert("RGBA")
    elif mode == "LA":
        mask = Image.merge("LA", [mask, Image.new("L", mask.size, 255)])
    elif mode == "I;16":
        mask = Image.fromarray(BLIND.astype(np.uint16) * 256)
    elif mode != "L":
        mask = mask.point(lambda sample: 255 * bool(sample)).convert(mode)
    file = tmp_path / "mask.png"
    mask.save(file)
    with Image.open(file) as image:
        assert image.mode == mode
    for given in (file, str(file)):
        assert Reading(ignore=given) == Reading(ignore=BLIND)


@pytest.mark.parametrize(
    "ignore",
    [
        (0, 0, 10, 5),
        [0, 0, 10, 5],
        [(0, 0, 10, 3), (0, 2, 10, 3)],
        (0.0, 0, 0.25, 0.25),
        BLIND,
        BLIND.astype(np.uint8) * 255,
        [(0, 0, 1, 1), BLIND],
    ],
)
def test_ignored_pixels_enter_no_number(ignore: Any) -> None:
    """Nothing changes whatever they are; and the rest has the numbers that it has alone."""
    image = picture(WIDTH, HEIGHT)
    painted = image.copy()
    painted.paste((255, 0, 0), (0, 0, 10, 5))
    views = [lm.log_image(each, ignore=ignore).view() for each in (image, painted)]
    assert numbers(views[0]) == numbers(views[1])
    assert numbers(views[0]) != numbers(lm.log_image(image).view())
    samples = np.asarray(image)
    assert views[0]["image.Brightness.mean"].mean == samples.max(axis=2)[~BLIND].mean()
    assert views[0]["image.ImagePixelWidth"].mean == WIDTH
    reverse = lm.log_image(samples[..., ::-1], ignore=ignore, channels="BGR").view()
    assert numbers(reverse) == numbers(views[0])


def test_a_rectangle_is_cut_at_the_border_and_rounded() -> None:
    for rectangle, box in (
        ((30, 15, 100, 100), np.s_[15:, 30:]),
        ((0.26, 0.5, 0.25, 0.5), np.s_[10:, 10:20]),
        ((0, 0.9, 1.0, 0.1), np.s_[18:, :]),
    ):
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[box] = True
        views = [
            lm.log_image(picture(WIDTH, HEIGHT), ignore=each).view() for each in (rectangle, mask)
        ]
        assert numbers(views[0]) == numbers(views[1])


def test_every_frame_and_every_large_image(tmp_path: Path) -> None:
    frames = [picture(WIDTH, HEIGHT, seed=seed) for seed in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    batch = np.stack([np.asarray(frame) for frame in frames])
    by_file = lm.log_image(tmp_path / "a.tif", frames="all", ignore=BLIND).view()
    by_array = lm.log_image(batch, layout="NHWC", ignore=BLIND).view()
    assert by_file["image.Sharpness"].mean == by_array["image.Sharpness"].mean
    large = picture(230, 200).resize(
        (2300, 2000)
    )  # more than Pillow exports in one piece, and in several threads
    views = [
        lm.log_image(each, ignore=[(0.1, 0.1, 0.5, 0.5)]).view()
        for each in (large, np.asarray(large))
    ]
    assert numbers(views[0]) == numbers(views[1])


def test_what_cannot_be_ignored(tmp_path: Path) -> None:
    """Of a picture it is an error of the picture; else it is one of the reading."""
    image = picture(WIDTH, HEIGHT)
    for ignore, reason, message in (
        (BLIND.T, "unsupported", "got 40x20 pixels, and a mask of 20x40"),
        ((0, 0, 40, 20), "empty", "all pixels are ignored"),
    ):
        with pytest.raises(ImageError, match=message) as raised:
            lm.log_image(image, ignore=ignore)
        assert raised.value.reason == reason
    (tmp_path / "junk.png").write_bytes(b"junk")
    for wrong, error, message in (
        ((0, 0, 10), ValueError, "ignore has .* expected a rectangle"),
        ((0, 0, 0, 10), ValueError, "a width and a height above 0"),
        ((-1, 0, 5, 10), ValueError, "expected x and y from 0"),
        ((0.5, 0, 0.6, 0.1), ValueError, "reaches beyond 1; for pixels give whole numbers"),
        ((0, 0, float("nan"), 1), ValueError, "above 0"),
        (np.zeros((2, 2, 2)), ValueError, "a mask of shape"),
        ({"x": 1}, TypeError, "ignore has a dict"),
        ([None], TypeError, "ignore has a NoneType"),
        (tmp_path / "junk.png", ImageError, "junk.png"),
        ("gone.png", ImageError, "gone.png"),
    ):
        with pytest.raises(error, match=message):
            Reading(ignore=wrong)


def test_a_reading_with_masks_is_a_value() -> None:
    reading = Reading(ignore=[(0, 0, 5, 5), BLIND])
    assert pickle.loads(pickle.dumps(reading)) == reading == Reading(ignore=reading.ignore)
    assert len({reading, Reading(ignore=[BLIND, (0, 0, 5, 5)])}) == 1
    assert Reading(ignore=[]).ignore is None
    assert "mask of 40x20" in repr(reading)
