"""Pieces that several pages have, and what a live site adds to them."""

import posixpath
from collections.abc import Iterable

from lightmeter.dashboard.history import History
from lightmeter.monitor.results import Result
from lightmeter.monitor.rules.drift import INDEPENDENT
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.report.charts.document import Row
from lightmeter.report.charts.html import Content, Html, joined, tag
from lightmeter.report.charts.lines import Mark
from lightmeter.text import expected, number, shorten

# Class of the style, and a shape, so that the colour is not needed.
SIGNS = {
    "anomaly": ("drift", "●"),
    "error": ("possible", "▲"),
    "pending": ("possible", "◔"),
    "not enough data": ("possible", "◌"),
    "ok": ("none", "○"),
    "not watched": ("", "–"),  # noqa: RUF001
}


class Extras:
    """What a live site adds to the pages, such as forms, in a subclass; a static one adds nothing.

    Attributes
    ----------
    forms
        Whether pages may have forms, which send to the site itself.
    key
        Differs between two who may see different things, and with what is added.
    """

    forms = False
    key = ""

    def failure(self) -> str:
        """Say why the monitors could not judge what is new; empty where they could."""
        return ""

    def state_of(self, history: History) -> str:
        """Return the state of a dataset or segment."""
        return history.state

    def on_index(self, page: str) -> Content:
        """Add something below the datasets."""
        return None

    def on_dataset(self, page: str, history: History) -> Content:
        """Add something above the features."""
        return None


def badge(state: str) -> Html:
    """Return a state with its sign."""
    look, sign = SIGNS[state]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {state}", cls=f"verdict {look}")


def quoted(name: str) -> Html:
    """Return the name of a monitor, as in a sentence."""
    return joined("“", tag("bdi", shorten(name, 60)), "”")


def words_of(result: Result) -> str:
    """Return the words of a result without what `assumption` says once for all."""
    return shorten(result.words.replace(f"; {INDEPENDENT}", ""), 300)


def assumption(results: Iterable[Result]) -> Html | None:
    """Say what data cannot check and some results rest on; None if none does."""
    if not any(INDEPENDENT in result.words for result in results):
        return None
    words = "Where few buckets came before, a verdict assumes that images are independent."
    return tag("p", words, cls="quiet")


def judged(result: Result) -> Row:
    """Return the cells of a table that say what was judged."""
    return {
        "state": badge(result.state),
        "value": number(result.value),
        "expected": expected(result.lower, result.upper),
        "in words": words_of(result),
    }


def mark_of(result: Result, page: str, history: History) -> Mark:
    """Return the point of a result, which leads from a page to that of its bucket."""
    is_bad, is_failed = result.state == "anomaly", result.state == "error"
    has_page = is_bad and result.bucket in history.paged
    to = address(page, history.bucket_page(result.bucket)) if has_page else None
    limits = result.lower, result.upper
    return Mark(result.bucket, result.value, *limits, bad=is_bad, failed=is_failed, to=to)


def address(page: str, to: str) -> str:
    """Return the address of one page of the site, as seen from another."""
    return posixpath.relpath(to, posixpath.dirname(page) or ".")


def link(page: str, to: str, text: str) -> Html:
    """Link one page of the site to another; `text` may be anybody's."""
    return tag("a", tag("bdi", shorten(text, 120)), href=address(page, to))


def feature_name(page: str, history: History, name: str) -> Content:
    """Return a feature with a link to its page."""
    return link(page, history.feature_page(name), name) if name else "whole bucket"


def header(page: str, history: History, kind: str, title: str, state: str, *below: Content) -> Html:
    """Link a page to those above it, and say what it is about, and its state.

    Parameters
    ----------
    page
        Its path, that of a dataset or segment or one below.
    history
        Of the dataset or segment.
    kind
        What the page is about.
    title
        Its name, or what happened.
    state
        Of that.
    below
        more.
    """
    above = {"index.html": "All datasets", dataset_page(history.dataset): history.dataset}
    above |= {history.page: history.title}
    trail = [(link(page, path, text), " ") for path, text in above.items() if path != page]
    return tag(
        "header",
        tag("nav", trail, cls="quiet", aria_label="Up"),
        tag("h1", tag("bdi", kind)),
        tag("p", tag("bdi", title), cls="headline"),
        tag("p", badge(state), [tag("span", each) for each in below], cls="sides"),
    )
