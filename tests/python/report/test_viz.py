"""Charts: shares against NumPy, well-formed and escaped SVG, the same bytes every time."""

import html
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from dashboards import Page
from hostile import HOSTILE
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lightmeter import compare, log
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.features import bars, chart_of, common_bins, histograms
from lightmeter.report.charts.html import joined, tag
from lightmeter.report.charts.lines import Mark, sparkline, trend
from lightmeter.sketch import QuantileSketch
from lightmeter.testing import numbers
from lightmeter.text import count, escape, number, percent, shorten, visible


def sketch(values: Any) -> QuantileSketch:
    made = QuantileSketch()
    made.update(np.asarray(values, dtype=np.float64))
    return made


def parsed(chart: Chart) -> ET.Element:
    """Raises unless it is XML; nothing in it may run or load anything."""
    root = ET.fromstring(chart.svg())
    for element in root.iter():
        assert element.tag.split("}")[1] in {"svg", "title", "desc", "rect", "path", "text"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "href" not in name
            assert "url(" not in value
    return root


@settings(max_examples=80, derandomize=True)
@example([5e-324], [-5e-324], False)  # too small to be divided
@given(
    st.lists(numbers(), max_size=40), st.lists(numbers(), min_size=1, max_size=40), st.booleans()
)
def test_shares_are_those_of_numpy(target: list[float], reference: list[float], hue: bool) -> None:
    sides = [np.array(side)[np.isfinite(side)] + 0.0 for side in (target, reference)]
    if not len(np.concatenate(sides)):
        return
    bins = common_bins(sketch(target), sketch(reference), hue=hue)
    edges = bins.edges
    assert 2 <= len(edges) <= 90
    assert np.isfinite(edges).all()
    assert (np.diff(edges) > 0).all()
    assert bins.below == (min(map(np.min, filter(len, sides))) < edges[0])
    assert bins.above == (max(map(np.max, filter(len, sides))) > edges[-1])
    for values, shares in zip(sides, (bins.target, bins.reference), strict=True):
        if not len(values):
            assert not len(shares)
            continue
        at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        expected = np.bincount(at, minlength=len(edges) - 1) / len(values)
        np.testing.assert_allclose(shares, expected, atol=1e-12)
    parsed(histograms("x", bins, (len(sides[0]), len(sides[1])), hue=hue))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_of_strangers_gets_out(hostile: str) -> None:
    row = [(hostile, (0.2, 0.8))]
    bins = common_bins(sketch([1, 2]), sketch([3]))
    for chart in (bars(hostile, row, (5, 5)), histograms(hostile, bins, (2, 1))):
        root = parsed(chart)
        told = "".join(root.itertext())
        assert all(char.isprintable() for char in told)
        for form in (chart.inline("a"), chart.image_tag()):
            assert re.findall(r"<\s*(\w+)", form)[0] in ("svg", "img")
            assert "<script" not in form
            assert "<img src=x" not in form
            assert "\u202e" not in form
    assert ET.fromstring(f'<a b="{escape(hostile)}">{escape(hostile)}</a>').text is not None


def test_bars_are_shares_of_all_values() -> None:
    target = log(columns={"x": ["a"] * 3 + ["b"]})
    reference = log(columns={"x": ["a"] * 6 + [f"r{i}" for i in range(14)]})
    report = compare(target=target, reference=reference)
    chart = chart_of(report["x"], report)
    assert "a: 30 % of the reference, 75 % of the target" in chart.description
    assert "b: 0 % of the reference, 25 % of the target" in chart.description
    assert "9 others: 45 % of the reference, 0 % of the target" in chart.description
    labels = [element.text for element in parsed(chart).iter() if element.tag.endswith("text")]
    assert {"75 %", "30 %", "9 others"} <= set(labels)


def test_a_side_without_the_feature() -> None:
    target, reference = log(row={"y": 1}).view(), log(row={"x": 1.5}).view()
    report = compare(target=target, reference=reference)
    assert "target: no values" in chart_of(report["x"], report).description


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),  # noqa: RUF001
        (float("nan"), "–"),  # noqa: RUF001
        (float("-inf"), "−∞"),  # noqa: RUF001
        (0, "0"),
        (-1.5, "−1.5"),  # noqa: RUF001
        (1234567, "1,234,567"),
        (0.00123456, "0.001235"),
        (1.4e-26, "1.4e−26"),  # noqa: RUF001
    ],
)
def test_numbers_read_well(value: float | None, text: str) -> None:
    assert number(value) == text


def test_shares_and_counts_read_well() -> None:
    shares = 0, 0.0001, 0.05, 0.051, 0.5, 0.994, 0.995, 0.9984, 0.9999, 1
    expected = ["0 %", "0.01 %", "5 %", "5.1 %", "50 %", "99 %", "99.5 %", "99.8 %", ">99.9 %"]
    assert list(map(percent, shares)) == [*expected, "100 %"]
    assert [count(n) for n in (0, 999_999, 15_360_000)] == ["0", "999,999", "15.4 M"]
    rounded = [count(n) for n in (999_499_999, 999_600_000, 10**9, 999_600_000_000)]
    assert rounded == ["999 M", "1 G", "1 G", "1 T"]
    assert shorten("\u202e" * 10, 8) == "\\u202e\\…"


# Lines over time


FIRST = datetime(2022, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)


NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


MARKS = st.builds(
    lambda rows, step: [Mark(FIRST + index * step, *row) for index, row in enumerate(rows)],
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


def test_an_axis_of_hours_names_each_day() -> None:
    start = datetime(2022, 2, 1, tzinfo=UTC)
    hours = [Mark(start + timedelta(hours=at), 0.1, None, None) for at in range(40)]
    dates = re.findall(r">(\d\d[^<]+)<", trend("d", hours).body)
    assert dates == ["01 Feb", "10:00", "20:00", "02 Feb 06:00"]


# The maker of HTML


@settings(max_examples=150, derandomize=True)
@given(st.sampled_from(HOSTILE) | st.text(max_size=40) | st.text("<>&\"'/!-bp =;#x", max_size=40))
def test_any_text_stays_text(text: str) -> None:
    shown = visible(text)
    page = Page(tag("p", text, title=text))
    assert (page.tags, "".join(page.words)) == ([("p", {"title": shown})], shown)
    page = Page(joined(text, tag("b", text)))
    assert (page.tags, "".join(page.words)) == ([("b", {})], 2 * shown)


@pytest.mark.parametrize(
    "made", [lambda part: part + "<i>", lambda part: f"{part}<i>", lambda part: part[:2]]
)
def test_what_is_made_of_html_as_of_a_string_is_text_again(made: Any) -> None:
    part = tag("b", "x")
    assert tag("p", made(part)) == f"<p>{html.escape(made(part))}</p>"
