"""The maker of HTML: whatever comes in as text stays text, and nothing else makes markup."""

import html
from typing import Any

import pytest
from dashboards import Page
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.report.charts.html import joined, tag
from lightmeter.text import visible


def check(text: str) -> None:
    shown = visible(text)
    page = Page(tag("p", text, title=text))
    assert (page.tags, "".join(page.words)) == ([("p", {"title": shown})], shown)
    page = Page(joined(text, tag("b", text)))
    assert (page.tags, "".join(page.words)) == ([("b", {})], 2 * shown)


@settings(max_examples=150, derandomize=True)
@given(st.sampled_from(HOSTILE) | st.text(max_size=40) | st.text("<>&\"'/!-bp =;#x", max_size=40))
def test_any_text_stays_text(text: str) -> None:
    check(text)


def test_elements_attributes_and_what_is_left_out() -> None:
    cells = (tag("td", number) for number in (0, 12))
    assert tag("tr", cells, None, ["<", tag("td")], cls="left", data_x=1.5, id=None) == (
        '<tr class="left" data-x="1.5"><td>0</td><td>12</td>&lt;<td></td></tr>'
    )
    assert tag("img", src="x") + tag("path", d="M0 0") == '<img src="x"><path d="M0 0"/>'
    assert joined() == tag("p", (), [], None)[3:-4] == ""


@pytest.mark.parametrize(
    "made", [lambda part: part + "<i>", lambda part: f"{part}<i>", lambda part: part[:2]]
)
def test_what_is_made_of_html_as_of_a_string_is_text_again(made: Any) -> None:
    part = tag("b", "x")
    assert tag("p", made(part)) == f"<p>{html.escape(made(part))}</p>"
