"""Lines over time: whatever is drawn is drawable, on a page and as the picture of a message."""

import contextlib
import locale
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.report.charts.lines import Mark, sparkline, trend

FIRST = datetime(2022, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def marks_of(rows: list[tuple[Any, ...]], step: timedelta) -> list[Mark]:
    return [Mark(FIRST + index * step, *row) for index, row in enumerate(rows)]


NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


MARKS = st.builds(
    marks_of,
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.booleans()), min_size=1),
    st.sampled_from([timedelta(seconds=1), timedelta(hours=1), DAY, 40 * DAY]),
)


@settings(max_examples=100, derandomize=True)
@given(MARKS)
def test_anything_can_be_drawn(marks: list[Mark]) -> None:
    changed = trend("x", marks, since=FIRST + DAY).svg()
    for text in (trend("x", marks).svg(), changed, sparkline(marks)):
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
