"""The maker of HTML: whatever comes in as text stays text, and nothing else makes markup."""

import ast
import html
import html.parser
import re
from pathlib import Path
from typing import Any

import lightmeter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.draw.html import Html, joined, tag
from lightmeter.text import visible
from test_viz import HOSTILE

PACKAGE = Path(lightmeter.__file__).parent
MARKUP = re.compile(r"</?[a-z][\w-]*(?=[\s>/]|$)|<!")


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


@settings(max_examples=300, derandomize=True)
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


def test_nothing_else_writes_markup() -> None:
    """No literal outside `html` holds a tag, and few places vouch for a string."""
    vouching = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, documented) and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == Html.__name__:
                vouching.add(file.name)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                markup = MARKUP.search(node.value) and id(node) not in docstrings
                known = (
                    file.name == "html.py"
                    or re.fullmatch(r"<u\d", node.value)
                    or "(?<!" in node.value
                )
                assert not markup or known, f"{file.name}:{node.lineno}: {node.value!r}"
    assert vouching == {"html.py", "document.py"}
