"""A page around its content: offline, without a script, under a strict content policy."""

import base64
import hashlib
from collections.abc import Container, Iterable, Mapping
from functools import cache
from importlib import resources

from lightmeter._core import __version__
from lightmeter.report.charts.html import DOCTYPE, Content, Html, joined, tag

Row = Mapping[str, Content]


def document(title: str, *body: Content, forms: bool = False) -> Html:
    """Return the HTML document with the package's style.

    Parameters
    ----------
    title
        Plain text, which is escaped here.
    body
        Its content.
    forms
        Whether it may have forms, which send to the site that it is from.
    """
    style, _ = _style()
    # Without a referrer, forms would not say either which site they are from.
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
    """Return a part of a page with its heading, which has the id `ident`."""
    return tag("section", tag("h2", title, id=ident), content)


def table(
    labelled_by: str,
    rows: Iterable[Row],
    *,
    left: Container[str] = (),
    words: Container[str] = (),
    tall: bool = False,
) -> Html | None:
    """Return a table that scrolls where it is too wide, also by keyboard; None if it has no rows.

    Parameters
    ----------
    labelled_by
        Id of its heading.
    rows
        The cells of each by the head of their column; the first one names the row.
    left
        Heads of columns that start at the left.
    words
        The same, of sentences that may take several lines.
    tall
        Whether to scroll also up and down.
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
    """Return the style element, and the digest of what is in it."""
    style = (
        resources.files("lightmeter.report.charts").joinpath("page.css").read_text(encoding="utf-8")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return tag("style", Html(style)), digest
