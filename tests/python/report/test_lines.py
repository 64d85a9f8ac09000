"""Lines over time: whatever is drawn is drawable, on a page and as the picture of a message."""

import contextlib
import io
import locale
import math
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alerting import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.draw.lines import Mark, sparkline, trend
from lightmeter.draw.png import trend_png
from PIL import Image

FIRST = datetime(2022, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)


NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=100, derandomize=True)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.booleans()), min_size=1),
    st.sampled_from([timedelta(seconds=1), timedelta(hours=1), DAY, 40 * DAY]),
)
def test_anything_can_be_drawn(rows: list[tuple[float, ...]], step: timedelta) -> None:
    marks = [Mark(FIRST + index * step, *row) for index, row in enumerate(rows)]
    for text in (trend("x", marks).svg(), sparkline(marks)):
        for element in ET.fromstring(text).iter():
            assert "nan" not in str(element.attrib)
            assert "inf" not in element.attrib.get("d", "")


def test_months_are_english_in_every_locale() -> None:
    before = locale.setlocale(locale.LC_TIME)
    try:
        for name in ("fr_FR.UTF-8", "de_DE.UTF-8", "C"):
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_TIME, name)
                break
        start = datetime(2022, 2, 1, tzinfo=UTC)
        year = [Mark(start + day * DAY, 0.1, None, None) for day in range(400)]
        assert "01 Feb" in trend("d", year[:9]).body
        assert "May 2022" in trend("d", year).body
    finally:
        locale.setlocale(locale.LC_TIME, before)


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
