"""The maker of HTML: whatever comes in as text stays text, and nothing else makes markup."""

import html
import html.parser
from typing import Any

import pytest
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.report.charts.html import joined, tag
from lightmeter.text import visible


class Read(html.parser.HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.got: list[Any] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.got.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.got.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.got.append((data,))


def check(text: str) -> None:
    shown = visible(text)
    read = Read(tag("p", text, title=text))
    words = "".join(part[0] for part in read.got[1:-1])
    assert (read.got[0], words, read.got[-1]) == (("p", {"title": shown}), shown, "/p")
    assert Read(joined(text, tag("b", text))).got.count("/b") == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    check(text)


@settings(max_examples=150, derandomize=True)
@given(st.text(max_size=40) | st.text(alphabet="<>&\"'/!-bp =;#x", max_size=40))
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
