"""The line of a message as a picture."""

import io
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from alerting import HOSTILE
from lightmeter.draw.lines import Mark
from lightmeter.draw.png import trend_png
from PIL import Image

FIRST = datetime(2022, 9, 1, tzinfo=UTC)
VALUE, EDGE, BAND = (0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2), (0xD9, 0xEA, 0xF4)


def line(values: list[float | None], **more: Any) -> list[Mark]:
    limits = {"lower": None, "upper": 4.0} | more
    return [
        Mark(FIRST + timedelta(days=day), value, bad=(value or 0) > 4, **limits)
        for day, value in enumerate(values)
    ]


def drawn(marks: list[Mark], title: str = "image.Hue.mean by drift") -> Any:
    data = trend_png(title, marks)
    assert len(data) < 60_000
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("PNG", (920, 476))
        return np.asarray(picture.convert("RGB")).astype(int)


def share(pixels: Any, colour: tuple[int, int, int]) -> Any:
    """Where the picture has about this colour."""
    return np.abs(pixels - colour).max(axis=-1) < 6


def test_it_has_the_values_the_limit_and_a_dot_at_each_anomaly() -> None:
    marks = line([1.0] * 8 + [8.0, 1.0])
    assert trend_png("x", marks) == trend_png("x", marks)
    pixels = drawn(marks)[100:]  # below the legend
    rows, columns = np.nonzero(share(pixels, VALUE))
    high = columns[rows < 40]  # the dot: the value is the largest
    assert 12 <= np.ptp(high) <= 18
    assert abs(np.mean(high) - (92 + (884 - 92) * 8 / 9)) < 3
    assert share(pixels, BAND).mean() > 0.3
    edge = np.nonzero(share(pixels, EDGE))[0]
    assert np.ptp(edge) < 6
    band = np.nonzero(share(pixels, BAND))[0]
    assert band.min() >= edge.min()


@pytest.mark.parametrize("seed", range(5))
def test_limits_that_move_have_an_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    marks = [
        Mark(FIRST + timedelta(days=day), value, None, limit)
        for day, (value, limit) in enumerate(rng.uniform(0.2, 0.9, (30, 2)))
    ]
    assert share(drawn(marks), EDGE).any()


def test_without_limits_or_anomalies_there_are_none() -> None:
    pixels = drawn(line([1.0, 2.0, 3.0], upper=None))
    assert not share(pixels, BAND).any()
    assert not share(pixels, EDGE).any()


@pytest.mark.parametrize("title", [*HOSTILE, "", "\u4e2d\u6587", "\u202e", "\u0301" * 50])
def test_any_title_fits(title: str) -> None:
    pixels = drawn(line([1.0, 2.0]), title)
    assert (pixels[:, -8:] == 255).all()


@pytest.mark.parametrize(
    "values",
    [
        [1.0],
        [None],
        [None, 3.0, None, 4.0],
        [0.0, 0.0],
        [math.inf, -math.inf, math.nan],
        [1e308, -1e308, 5e-324],
        [1e9 + step for step in range(5)],
        [-123456.75, 123456.75],
        [float(day % 7) for day in range(200)],
    ],
)
def test_any_values_can_be_drawn(values: list[float | None]) -> None:
    for more in ({"upper": math.inf}, {"lower": 5.0}):
        pixels = drawn(line(values, **more))
        assert (pixels[:, :2] == 255).all()  # labels end before the edge
