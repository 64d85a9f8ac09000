"""Pixels that are ignored: rectangles and masks, at every kind of picture."""

import pickle
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture, summaries
from lightmeter import Reading
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 40, 20
BLIND: NDArray[np.bool_] = np.zeros((HEIGHT, WIDTH), bool)
BLIND[:5, :10] = True


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
        [(0, 0, 10, 3), (0, 2, 10, 3)],
        (0.0, 0, 0.25, 0.25),
        BLIND,
        BLIND.astype(np.uint8) * 255,
        [(0, 0, 1, 1), BLIND],
    ],
)
def test_ignored_pixels_enter_no_number_however_they_are_given(ignore: Any) -> None:
    image = picture(WIDTH, HEIGHT)
    view = lm.log_image(image, ignore=ignore).view()
    image.paste((255, 0, 0), (0, 0, 10, 5))
    assert summaries(view) == summaries(lm.log_image(image, ignore=ignore).view())
    samples = np.asarray(image)
    assert view["image.Brightness.mean"].mean == samples.max(axis=2)[~BLIND].mean()
    assert view["image.ImagePixelWidth"].mean == WIDTH
    reverse = lm.log_image(samples[..., ::-1], ignore=ignore, channels="BGR").view()
    assert summaries(reverse) == summaries(view)


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
        assert summaries(views[0]) == summaries(views[1])


def test_every_frame_and_every_large_image(tmp_path: Path) -> None:
    frames = [picture(WIDTH, HEIGHT, seed=seed) for seed in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    batch = np.stack([np.asarray(frame) for frame in frames])
    by_file = lm.log_image(tmp_path / "a.tif", frames="all", ignore=BLIND).view()
    by_array = lm.log_image(batch, layout="NHWC", ignore=BLIND).view()
    assert by_file["image.Sharpness"].mean == by_array["image.Sharpness"].mean
    # More than Pillow exports in one piece, and in several threads.
    large = picture(230, 200).resize((2300, 2000))
    views = [
        lm.log_image(each, ignore=[(0.1, 0.1, 0.5, 0.5)]).view()
        for each in (large, np.asarray(large))
    ]
    assert summaries(views[0]) == summaries(views[1])


def test_a_reading_with_masks_is_a_value() -> None:
    reading = Reading(ignore=[(0, 0, 5, 5), BLIND])
    assert pickle.loads(pickle.dumps(reading)) == reading == Reading(ignore=reading.ignore)
    assert len({reading, Reading(ignore=[BLIND, (0, 0, 5, 5)])}) == 1
    assert Reading(ignore=[]).ignore is None
    assert "description=('40x20 " in repr(reading)
