"""Building pages that work offline, without scripts, under a strict content policy."""

import base64
import hashlib
from collections.abc import Container, Iterable, Mapping
from functools import cache
from importlib import resources

from lightmeter._core import __version__
from lightmeter.report.charts.html import DOCTYPE, Content, Html, joined, tag

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
    return joined(DOCTYPE, root, newline)


def section(title: str, *content: Content, ident: str | None = None) -> Html:
    """Return a section of a page with a heading, whose id is `ident`."""
    return tag("section", tag("h2", title, id=ident), content)


def table(
    labelled_by: str,
    rows: Iterable[Row],
    *,
    left: Container[str] = (),
    words: Container[str] = (),
    tall: bool = False,
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
    tall
        Whether the table also scrolls vertically.
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
        cls="scroll tall" if tall else "scroll",
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
