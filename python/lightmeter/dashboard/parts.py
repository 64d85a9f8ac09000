"""Pieces that several pages have."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from lightmeter.dashboard.history import Event, History, worst
from lightmeter.drift.describe import capitalised
from lightmeter.monitor import baseline
from lightmeter.monitor.incidents import causes_text
from lightmeter.monitor.results import Result
from lightmeter.monitor.rules.drift import INDEPENDENT
from lightmeter.monitor.sitemap import bucket_text, dataset_page
from lightmeter.report.charts.html import Content, Html, joined, tag
from lightmeter.report.charts.lines import Mark
from lightmeter.store.records import Line
from lightmeter.text import counted, shorten

_MOST_IN_FEED = 20

# Class of the style, and a shape, so that the colour is not needed.
_SIGNS = {
    "anomaly": ("drift", "●"),
    "error": ("possible", "▲"),
    "pending": ("possible", "◔"),
    "not enough data": ("possible", "◌"),
    "ok": ("none", "○"),
    "not watched": ("", "–"),  # noqa: RUF001
}


def badge(state: str) -> Html:
    """Return a state with its sign."""
    look, sign = _SIGNS[state]
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


def mark_of(result: Result, page: str = "", history: History | None = None) -> Mark:
    """Return the point of a result, which leads from a page with links to that of its bucket."""
    to = None
    if history is not None and result.state == "anomaly" and result.bucket in history.paged:
        to = address(page, history.bucket_page(result.bucket))
    return Mark(
        at=result.bucket,
        value=result.value,
        lower=result.lower,
        upper=result.upper,
        bad=result.state == "anomaly",
        failed=result.state == "error",
        to=to,
    )


def address(page: str, to: str) -> str:
    """Return the address of one page of the site, as seen from another."""
    return posixpath.relpath(to, posixpath.dirname(page) or ".")


def link(page: str, to: str, text: str) -> Html:
    """Link one page of the site to another; `text` may be anybody's."""
    return tag("a", tag("bdi", text), href=address(page, to))


def crumbs(page: str, history: History) -> Html:
    """Link a page of a dataset or segment, or one below, to those above it."""
    trail: list[Content] = [link(page, "index.html", "All datasets")]
    if history.segment or page != history.page:
        trail += [" ", link(page, dataset_page(history.dataset), shorten(history.dataset, 60))]
    if history.segment and page != history.page:
        trail += [" ", link(page, history.page, shorten(history.segment, 60))]
    return tag("nav", trail, cls="quiet", aria_label="Up")


def head(kind: str, title: str, state: str, note: Content) -> Html:
    """Say what a page is about, and its state."""
    return joined(
        tag("h1", kind),
        tag("p", tag("bdi", title), cls="headline"),
        tag("p", badge(state), tag("span", note), cls="sides"),
    )


def overview_row(
    page: str, kind: str, name: str, histories: Sequence[History], states: Sequence[str]
) -> dict[str, Content]:
    """Return a dataset with its segments, or a segment, as a row of a table.

    Args:
        page: that has the table.
        kind: head of the first column.
        name: of the first history, which the numbers are about.
        histories: all of them.
        states: of these, of which the worst is shown.
    """
    history = histories[0]
    last = history.buckets[-1] if history.buckets else None
    row: dict[str, Content] = {
        kind: link(page, history.page, shorten(name, 120)),
        "state": badge(worst(states)),
        "open": sum(len(each.open_incidents) for each in histories),
        "last bucket": bucket_text(last.start) if last else None,
        "images in it": f"{last.images:,}" if last else None,
        "buckets": f"{len(history.buckets):,}",
    }
    return row if kind == "segment" else row | {"segments": f"{len(histories) - 1:,}"}


def feed(page: str, events: Sequence[Event]) -> Html:
    """List what happened, the latest first, each with a link to where it can be seen."""
    if not events:
        return tag("p", "No anomaly.")
    shown = [_entry(page, event) for event in events[:_MOST_IN_FEED]]
    left_out = len(events) - len(shown)
    more = tag("p", f"{left_out:,} earlier ones are not listed.", cls="quiet") if left_out else None
    return joined(tag("ol", shown, cls="findings feed"), more)


def _entry(page: str, event: Event) -> Html:
    history, incident = event
    results = [stretch.first for stretch in incident.stretches]
    names = (name for result in results for name in (result.feature, result.monitor))
    return tag(
        "li",
        tag(
            "span",
            link(page, history.bucket_page(incident.start), bucket_text(incident.start)),
            " ",
            tag("bdi", shorten(history.title, 120)),
        ),
        tag("b", capitalised(causes_text(results), *names)),
        tag("span", *_facts(event), cls="quiet"),
        cls=_SIGNS[incident.kind][0] if incident.end is None else "over",
    )


def _facts(event: Event) -> Iterator[Content]:
    history, incident = event
    lines = [stretch.line for stretch in incident.stretches]
    monitors = sorted({line.monitor for line in lines})
    yield "found by ", quoted(monitors[0])
    if len(monitors) > 1:
        yield f" and {counted(len(monitors) - 1, 'other monitor')}"
    if features := {line.feature for line in lines if line.feature}:
        yield f" in {counted(len(features), 'feature')}"
    if incident.kind == "error":
        yield "; could not be judged"
    yield "; still open" if incident.end is None else f"; over by {bucket_text(incident.end)}"
    for each in history.accepted:
        is_about = any(baseline.covers(each, *line[:3]) for line in lines)
        if is_about and (incident.end is None or each.since < incident.end):
            yield f"; {shorten(baseline.words_of(each), 160)}"


def feature_name(page: str, history: History, line: Line) -> Content:
    """Return the feature of a line, with a link to its page."""
    if not line.feature:
        return "whole bucket"
    return link(page, history.feature_page(line.feature), shorten(line.feature, 120))
