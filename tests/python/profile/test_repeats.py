"""Repeats: a frozen camera, copies of files, and what cannot be proven."""

from datetime import date
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import Store, compare, log_image, profile_images
from PIL import Image

PIXELS, LOOKS = "image.PixelHash", "image.PerceptualHash"


def frame(seed: int) -> np.ndarray:
    """A picture in which every pixel of 18 x 16 boxes is random."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 9), dtype=np.uint8)
    return coarse.repeat(2, axis=0).repeat(2, axis=1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 photos in three blocks: the camera is frozen in 38."""
    root = tmp_path_factory.mktemp("photos")
    for at in range(150):
        pixels = frame(0 if at % 4 == 1 else at + 1)
        Image.fromarray(pixels).save(root / f"{at:03}.png")
    return root


def test_repeats_are_found_across_blocks(photos: Path) -> None:
    view = profile_images(photos, metrics="camera")
    frozen = [f"{at:03}" for at in range(150) if at % 4 == 1]
    pixels, looks = view.repeats(PIXELS), view.repeats(LOOKS)
    assert pixels.at_least == len(frozen) - 1
    assert [(item.times, Path(item.path).stem) for item in pixels.hashes] == [(len(frozen), "001")]
    assert [item.times for item in looks.hashes] == [len(frozen)]
    assert pixels.hashes[0].path == str(photos / "001.png")
    assert (view[PIXELS].kind, view[PIXELS].distinct) == ("hash", 150 - pixels.at_least)
    assert "frequent_items/frequent_strings" not in view[PIXELS].to_summary_dict()
    assert profile_images(photos, metrics="camera", workers=3) == view


def test_without_hashes_there_are_none() -> None:
    view = log_image([frame(1), frame(1)]).view()
    assert view.repeats(PIXELS) == (0, [])
    assert view.repeats("image.entropy") == (0, [])
    flat = log_image([np.zeros((20, 20), np.uint8)] * 3, metrics="camera").view()
    assert flat.repeats(PIXELS).at_least == 2
    assert flat.repeats(LOOKS) == (0, [])
    assert flat[LOOKS].missing == 3


def test_no_distance_and_no_verdict_of_hashes() -> None:
    sides = (log_image(list(map(frame, range(at, at + 30))), metrics="camera") for at in (0, 50))
    report = compare(target=next(sides), reference=next(sides))
    assert any("Grid" in line.feature for line in report.features)
    assert all("Hash" not in line.feature for line in report.features)


def test_every_way_of_logging_knows_the_path(photos: Path, store: Store) -> None:
    path = str(photos / "001.png")
    with lm.logger(store, "logged", metrics="camera") as logger:
        for image in (frame(0), photos / "001.png", path, Image.open(path)):
            logger.track(image)
    lm.log_folder(store, photos, "folder", at=date(2022, 9, 7), metrics="camera")
    views = [store.read("logged"), store.read("folder")]
    views.append(log_image([frame(0), Image.open(path)], metrics="camera").view())
    views.append(lm.log(columns={"image": [Image.open(path)] * 2}, metrics="camera").view())
    for view in views:
        assert view.repeats(PIXELS).hashes[0].path == path
