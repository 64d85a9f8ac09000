"""Parts that several pages share, and those that a live site adds."""

import posixpath
from collections.abc import Iterable

from lightmeter.dashboard.history import Compared, History
from lightmeter.drift.describe.causes import CAUSES
from lightmeter.drift.describe.sentences import capitalised
from lightmeter.monitor.results import PERHAPS, Result, is_consequence
from lightmeter.monitor.rules.drift import INDEPENDENT
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.report.charts.html import Content, Html, Row, joined, tag
from lightmeter.report.charts.lines import Mark
from lightmeter.store.tables import Series
from lightmeter.text import shorten

# The CSS class, and a shape, so that states are readable without colours.
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
        Whether pages may have forms that send to the site itself.
    key
        A cache key, which differs for callers with other rights or datasets, and other additions.
    """

    forms = False
    key = ""

    def sees(self, dataset: str) -> bool:
        """Return whether the caller may see a dataset."""
        return True

    def failure(self) -> str:
        """Return the reason why the monitors could not judge new buckets; empty if they could."""
        return ""

    def state_of(self, history: History) -> str:
        """Return the state of a dataset or segment."""
        return history.state

    def on_index(self) -> Content:
        """Return content to add below the datasets."""
        return None

    def on_dataset(self, history: History) -> Content:
        """Return content to add above the features."""
        return None


def badge(state: str) -> Html:
    """Return a state with its shape and colour."""
    look, sign = SIGNS[state]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {state}", cls=f"verdict {look}")


def quoted(name: str) -> Html:
    """Return the name of a monitor in quotation marks."""
    return joined("“", tag("bdi", shorten(name, 60)), "”")


def words_of(result: Result) -> str:
    """Return the words of a result without the note of `assumption`."""
    cause = CAUSES.get(result.cause.removeprefix(PERHAPS) if is_consequence(result) else "")
    why = f"; perhaps because images {cause.words}" if cause else ""
    return shorten(result.words.replace(f"; {INDEPENDENT}", ""), 300) + why


def found_text(words: str, results: Iterable[Result]) -> str:
    """Return what was found, as the beginning of a sentence; names of users stay as they are."""
    names = (name for result in results for name in (result.feature, result.monitor))
    return capitalised(words, *names)


def assumption(results: Iterable[Result]) -> Html | None:
    """Return a note about the assumption of some results; None if none has it."""
    if not any(INDEPENDENT in result.words for result in results):
        return None
    words = "With few earlier buckets, a verdict assumes that images are independent."
    return tag("p", words, cls="quiet")


def judged(result: Result) -> Row:
    """Return the cells of a table about a result."""
    return {
        "state": badge(result.state),
        "in words": words_of(result),
    }


def mark_of(result: Result, compared: Compared) -> Mark:
    """Return the point of a result in a chart, with a link to the page of its bucket.

    A score is divided by its limit, which is lower in buckets in which many features changed. One
    without a limit, of a change below the minimum size, is left out.
    """
    history, is_bad = compared.history, result.state == "anomaly"
    has_page = is_bad and result.bucket in history.paged
    value, upper = result.value, result.upper
    if result.monitor in compared.scores:
        value, upper = (value / upper, 1.0) if value is not None and upper else (None, None)
    return Mark(
        result.bucket,
        value,
        result.lower,
        upper,
        bad=is_bad,
        failed=result.state == "error",
        to=address(history.page, history.bucket_page(result.bucket)) if has_page else None,
    )


def address(page: str, to: str) -> str:
    """Return the relative address of one page of the site from another."""
    return posixpath.relpath(to, posixpath.dirname(page) or ".")


def link(page: str, to: str, text: str) -> Html:
    """Return a link from one page of the site to another, or only the text; it may be hostile."""
    name = tag("bdi", shorten(text, 120))
    return name if to == page else tag("a", name, href=address(page, to))


def subject(history: History, judged: Series | Result) -> Html:
    """Return the feature with a link to its page, or that the result is about all features."""
    if not judged.feature:
        return tag("span", "all features")
    return link(history.page, history.feature_page(judged.feature), judged.feature)


def header(page: str, history: History, kind: str, title: str, state: str, *below: Content) -> Html:
    """Return the header of a page: links to the pages above, the subject and its state.

    Parameters
    ----------
    page
        The path of the page: that of a dataset or segment, or one below.
    history
        The history of the dataset or segment.
    kind
        The kind of subject.
    title
        The name of the subject, or a description.
    state
        The state of the subject.
    below
        Further content.
    """
    above = {"index.html": "All datasets", dataset_page(history.dataset): history.dataset}
    above |= {history.page: history.title}
    trail = [(link(page, path, text), " ") for path, text in above.items() if path != page]
    return tag(
        "header",
        tag("nav", trail, cls="quiet", aria_label="Up"),
        tag("h1", tag("bdi", kind)),
        tag("p", tag("bdi", title), cls="headline"),
        tag("p", badge(state), [tag("span", each) for each in below if each], cls="sides"),
    )
