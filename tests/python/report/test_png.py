"""The line of a message as a picture."""

import io
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alerting import HOSTILE
from lightmeter.draw.lines import Mark
from lightmeter.draw.png import trend_png
from PIL import Image

FIRST = datetime(2022, 9, 1, tzinfo=UTC)


def line(values: list[float | None], **more: Any) -> list[Mark]:
    limits = {"lower": None, "upper": 4.0} | more
    return [
        Mark(FIRST + timedelta(days=day), value, bad=(value or 0) > 4, **limits)
        for day, value in enumerate(values)
    ]


def check(marks: list[Mark], title: str = "image.Hue.mean by drift") -> None:
    data = trend_png(title, marks)
    assert len(data) < 60_000
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (920, 476))


@pytest.mark.parametrize("title", [*HOSTILE, "", "\u4e2d\u6587", "\u202e", "\u0301" * 50])
def test_any_title_can_be_drawn(title: str) -> None:
    check(line([1.0, 2.0]), title)


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
        check(line(values, **more))
