"""Building HTML and SVG that escape by construction: no text can become markup.

A `document` works offline, without scripts, under a strict content policy.
"""

import base64
import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources

from lightmeter._core import __version__
from lightmeter.text import escape


class Html(str):
    """Hold HTML in which all foreign text is escaped.

    Create it with `tag` and `joined`. Operators and methods of `str` return a plain string, which
    is escaped again when it is put into a tag.
    """

    __slots__ = ()


Content = str | int | None | Iterable["Content"]

_VOID = frozenset({"img", "input", "meta", "wbr"})  # of HTML: without an end
_EMPTY = frozenset({"path", "rect"})  # of SVG: closed at once


def tag(name: str, /, *content: Content, **attributes: str | float | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name
        Name of the element.
    content
        Content: `Html` is inserted unchanged, other text and numbers are escaped, and the items of
        a collection are inserted one by one. None adds nothing.
    attributes
        Attributes by name, with ``cls`` for ``class`` and ``_`` for ``-``. Values are escaped.
        Attributes that are None are left out.

    Examples
    --------
    >>> tag("td", "a < b", cls="left")
    '<td class="left">a &lt; b</td>'
    """
    pairs = "".join(
        f' {"class" if key == "cls" else key.replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{pairs}>")
    if name in _EMPTY:
        return Html(f"<{name}{pairs}/>")
    return Html(f"<{name}{pairs}>{joined(content)}</{name}>")


def joined(*content: Content) -> Html:
    """Return content without an element around it; see `tag`."""
    return Html("".join(_pieces(content)))


def _pieces(content: Iterable[Content]) -> Iterator[str]:
    for part in content:
        if isinstance(part, Html):
            yield part
        elif isinstance(part, str | int):
            yield escape(part)
        elif part is not None:
            yield from _pieces(part)


# --- pages ---

Row = Mapping[str, Content]


def document(title: str, *body: Content, forms: bool = False) -> Html:
    """Return an HTML document with the package's style.

    Parameters
    ----------
    title
        Title as plain text, which is escaped here.
    body
        Content of the page.
    forms
        Whether the page may have forms, which submit to its own site.
    """
    style, _ = _style()
    # With "no-referrer", forms would not send their origin either.
    referrer = "same-origin" if forms else "no-referrer"
    head = (
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_policy(forms=forms)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content=referrer),
        tag("title", title),
        style,
    )
    foot = tag("footer", tag("p", f"lightmeter {__version__}"), cls="quiet")
    newline = Html("\n")
    root = tag("html", tag("head", head), newline, tag("body", body, foot), lang="en")
    return joined(Html("<!DOCTYPE html>\n"), root, newline)


def section(title: str, *content: Content, ident: str | None = None) -> Html:
    """Return a section of a page with a heading, whose id is `ident`."""
    return tag("section", tag("h2", title, id=ident), content)


def table(
    labelled_by: str,
    rows: Iterable[Row],
    *,
    left: Container[str] = (),
    words: Container[str] = (),
) -> Html | None:
    """Return a table that scrolls if it is too wide, also by keyboard; None without rows.

    Parameters
    ----------
    labelled_by
        Id of its heading.
    rows
        Rows as dicts from column heads to cells; the first cell names the row.
    left
        Heads of columns that are aligned left.
    words
        Heads of columns with sentences, which may wrap.
    """
    members = list(rows)
    if not members:
        return None
    sides = {
        head: "left words" if head in words else "left" if head in left else None
        for head in members[0]
    }
    heads = (tag("th", head, scope="col", cls=side) for head, side in sides.items())
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", heads)),
            tag("tbody", (_row(row, sides) for row in members)),
        ),
        cls="scroll",
        tabindex=0,
        role="region",
        aria_labelledby=labelled_by,
    )


def _row(cells: Row, sides: Mapping[str, str | None]) -> Html:
    (_, name), *others = cells.items()
    return tag(
        "tr",
        tag("th", name, scope="row"),
        (tag("td", cell, cls=sides[head]) for head, cell in others),
    )


def content_policy(*, forms: bool = False) -> str:
    """Return the policy of a `document`: its style, images within the page, nothing else."""
    _, digest = _style()
    action = "'self'" if forms else "'none'"
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        f"base-uri 'none'; form-action {action}"
    )


@cache
def _style() -> tuple[Html, str]:
    """Return the style element, and the digest of its content."""
    style = (
        resources.files("lightmeter.report.charts").joinpath("page.css").read_text(encoding="utf-8")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return tag("style", Html(style)), digest
