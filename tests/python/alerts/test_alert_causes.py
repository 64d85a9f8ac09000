"""The message of what happened to pictures begins with it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.demo import draw_cells
from PIL import Image, ImageFilter
from september import DRIFT, STDOUT

BLUR = ImageFilter.GaussianBlur(2)
FIRST, DAYS, IMAGES = datetime(2022, 9, 1, tzinfo=UTC), 15, 15


def _covered(image: Image.Image) -> Image.Image:
    image.paste((20, 18, 16), (0, 0, image.width // 2, image.height // 2))
    return image


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "": lambda image: image,
    "the images look out of focus: sharpness fell": lambda image: image.filter(BLUR),
    "the images are darker: brightness fell": lambda image: image.point(lambda value: value * 0.7),
    "the images are partly covered: brightness fell": _covered,
}


@cache
def _day(day: int, words: str) -> lm.ProfileView:
    light = np.random.default_rng(day).normal(0.9, 0.02)
    images = [draw_cells(np.random.default_rng([day, at])) for at in range(IMAGES)]
    lit = (image.point(lambda value: value * light) for image in images)
    return lm.log_image([CHANGES[words](image) for image in lit]).view()


@pytest.mark.parametrize("words", CHANGES)
def test_the_cause_leads(words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(DRIFT + STDOUT)
    with lm.Store(tmp_path / "drift.db") as store:
        for day in range(DAYS):
            view = _day(day, words if day == DAYS - 1 else "")
            store.put("cells", view, at=FIRST + timedelta(day), writer="a")
    watched = lm.watch(tmp_path / "drift.db", config)
    told = capfd.readouterr().out
    assert told.startswith(words)
    assert bool(told) == bool(words)
    causes = {result.cause for result in watched.newest} - {""}
    assert causes <= {"out of focus", "darker", "covered"}
    assert bool(causes) == bool(words)
