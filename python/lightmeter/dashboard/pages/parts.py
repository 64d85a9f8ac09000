"""Parts that several pages share."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from lightmeter.dashboard.history import History
from lightmeter.drift.describe.sentences import capitalised
from lightmeter.monitor.results import Incident, Result, bucket_text, causes_text
from lightmeter.monitor.rules.drift import INDEPENDENT
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.report.charts.document import Row
from lightmeter.report.charts.html import Content, Html, joined, tag
from lightmeter.report.charts.lines import Mark
from lightmeter.text import counted, expected, number, shorten

_MOST_IN_FEED = 20

Event = tuple[History, Incident]

# The CSS class, and a shape, so that states are readable without colours.
_SIGNS = {
    "anomaly": ("drift", "●"),
    "error": ("possible", "▲"),
    "pending": ("possible", "◔"),
    "not enough data": ("possible", "◌"),
    "ok": ("none", "○"),
    "not watched": ("", "–"),  # noqa: RUF001
}


def badge(state: str) -> Html:
    """Return a state with its shape and colour."""
    look, sign = _SIGNS[state]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {state}", cls=f"verdict {look}")


def quoted(name: str) -> Html:
    """Return the name of a monitor in quotation marks."""
    return joined("“", tag("bdi", shorten(name, 60)), "”")


def words_of(result: Result) -> str:
    """Return the words of a result without the note of `assumption`."""
    return shorten(result.words.replace(f"; {INDEPENDENT}", ""), 300)


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
        "value": number(result.value),
        "expected": expected(result.lower, result.upper),
        "in words": words_of(result),
    }


def mark_of(result: Result, page: str, history: History) -> Mark:
    """Return the point of a result in a chart, with a link to the page of its bucket."""
    is_bad, is_failed = result.state == "anomaly", result.state == "error"
    has_page = is_bad and result.bucket in history.paged
    to = address(page, history.bucket_page(result.bucket)) if has_page else None
    limits = result.lower, result.upper
    return Mark(result.bucket, result.value, *limits, bad=is_bad, failed=is_failed, to=to)


def address(page: str, to: str) -> str:
    """Return the relative address of one page of the site from another."""
    return posixpath.relpath(to, posixpath.dirname(page) or ".")


def link(page: str, to: str, text: str) -> Html:
    """Return a link from one page of the site to another; `text` may be hostile."""
    return tag("a", tag("bdi", shorten(text, 120)), href=address(page, to))


def feature_name(page: str, history: History, name: str) -> Content:
    """Return a feature with a link to its page."""
    return link(page, history.feature_page(name), name) if name else "whole bucket"


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
        tag("p", badge(state), [tag("span", each) for each in below], cls="sides"),
    )


def overview(
    page: str, kind: str, rows: Iterable[tuple[str, Sequence[History], str]]
) -> Iterator[Row]:
    """Yield the rows of a table of datasets or segments.

    Parameters
    ----------
    page
        The path of the page with the table.
    kind
        The head of the first column.
    rows
        A name, its histories (the numbers are those of the first), and its state.
    """
    for name, histories, state in rows:
        history = histories[0]
        last = history.buckets[-1] if history.buckets else None
        yield {
            kind: link(page, history.page, name),
            "state": badge(state),
            "open": sum(len(each.lasting) for each in histories),
            "last bucket": bucket_text(last.start) if last else None,
            "images in it": f"{last.images:,}" if last else None,
            "buckets": f"{len(history.buckets):,}",
        }


def events_of(histories: Iterable[History]) -> list[Event]:
    """Return all incidents with their histories, latest first."""
    events = [(history, incident) for history in histories for incident in history.incidents]
    return sorted(events, key=lambda event: (event[1].start, *event[1].place), reverse=True)


def feed(page: str, events: Sequence[Event]) -> Html:
    """Return a list of incidents, latest first, with links to their pages."""
    if not events:
        return tag("p", "No anomaly.")
    left_out = len(events) - _MOST_IN_FEED
    words = f"{left_out:,} earlier ones are not listed."
    shown = [_entry(page, *event) for event in events[:_MOST_IN_FEED]]
    more = tag("p", words, cls="quiet") if left_out > 0 else None
    return joined(tag("ol", shown, cls="findings feed"), more)


def _entry(page: str, history: History, incident: Incident) -> Html:
    results = incident.firsts
    names = (name for result in results for name in (result.feature, result.monitor))
    monitors = list(dict.fromkeys(result.monitor for result in results))  # the lead's first
    features = {result.feature for result in results if result.feature}
    where = f" and {counted(len(monitors) - 1, 'other monitor')}" if monitors[1:] else ""
    where += f" in {counted(len(features), 'feature')}" if features else ""
    where += "; could not be judged" if incident.kind == "error" else ""
    where += f"; over by {bucket_text(incident.end)}" if incident.end else "; still open"
    start = link(page, history.bucket_page(incident.start), bucket_text(incident.start))
    return tag(
        "li",
        tag("span", start, " ", tag("bdi", shorten(history.title, 120))),
        tag("b", capitalised(causes_text(results), *names)),
        tag("span", "found by ", quoted(monitors[0]), where, cls="quiet"),
        cls="over" if incident.end else _SIGNS[incident.kind][0],
    )
