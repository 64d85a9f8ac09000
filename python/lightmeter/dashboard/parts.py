"""Pieces that several pages have."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from lightmeter.dashboard.history import STATES, Event, History, segment_name
from lightmeter.dashboard.marks import mark_of
from lightmeter.drift.describe import capitalised
from lightmeter.drift.names import Group
from lightmeter.drift.row import column_of
from lightmeter.drift.vectors import JOINT
from lightmeter.monitor.baseline import covers, words_of
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_text, dataset_page, feature_page, slug
from lightmeter.report.charts.document import grouped_table
from lightmeter.report.charts.html import Content, Html, joined, tag
from lightmeter.report.charts.lines import Mark, expected, sparkline
from lightmeter.report.groups import by_group
from lightmeter.store.records import Line
from lightmeter.text import counted, number, shorten

RECENT = 90  # buckets in a small line, or a table
_MOST_IN_FEED = 50

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
    """A state with its sign."""
    look, sign = _SIGNS[state]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {state}", cls=f"verdict {look}")


def marks(results: Sequence[Result], page: str = "", history: History | None = None) -> list[Mark]:
    """For a chart on a page, where signs lead to the pages of buckets; for one without links."""
    return [
        mark_of(result, _to_bucket(page, history, result) if history is not None else None)
        for result in results
    ]


def _to_bucket(page: str, history: History, result: Result) -> str | None:
    if result.state not in ("anomaly", "error") or result.bucket not in history.shown:
        return None
    return address(page, bucket_address(history, result.bucket, result.feature))


def bucket_address(history: History, start: datetime, feature: str) -> str:
    """The page of a bucket, where it has the feature."""
    return history.bucket_page(start) + (f"#f-{slug(feature)}" if feature else "")


def address(page: str, to: str) -> str:
    """Of one page of the site, as seen from another."""
    path, hash_, anchor = to.partition("#")
    return posixpath.relpath(path, posixpath.dirname(page) or ".") + hash_ + anchor


def link(page: str, to: str, text: str) -> Html:
    """A link from one page of the site to another; `text` may be anybody's."""
    return tag("a", tag("bdi", text), href=address(page, to))


def crumbs(page: str, history: History, *here: str) -> Html:
    """The way back up."""
    trail = [link(page, "index.html", "All datasets")]
    trail.append(link(page, dataset_page(history.dataset), shorten(history.dataset, 60)))
    if history.segment:
        trail.append(link(page, history.page, shorten(segment_name(history.segment), 60)))
    if not here:
        trail.pop()
    return tag("nav", spaced(trail), cls="quiet", aria_label="Up")


def spaced(links: Iterable[Html]) -> Iterator[Content]:
    """Links in a row."""
    for index, element in enumerate(links):
        yield " " if index else None
        yield element


def head(kind: str, title: str, state: str, note: str) -> Html:
    """What a page is about, and how it stands."""
    return joined(
        tag("h1", kind),
        tag("p", tag("bdi", title), cls="headline"),
        tag("p", badge(state), tag("span", note), cls="sides"),
    )


def pair(low: datetime, high: datetime) -> str:
    """From when to when."""
    return bucket_text(low) if low == high else f"{bucket_text(low)} to {bucket_text(high)}"


def feed(page: str, events: Sequence[Event]) -> Html:
    """What happened, the latest first, each with a link to where it can be seen."""
    if not events:
        return tag("p", "No anomaly.")
    entries = tag(
        "ol", (_entry(page, event) for event in events[:_MOST_IN_FEED]), cls="findings feed"
    )
    left_out = len(events) - _MOST_IN_FEED
    if left_out <= 0:
        return entries
    words = f"{left_out:,} earlier ones are on the pages of their days."
    return joined(entries, tag("p", words, cls="quiet"))


def _entry(page: str, event: Event) -> Html:
    history, incident = event
    lines = [stretch.line for stretch in incident.stretches]
    names = (name for line in lines for name in (line.feature, line.monitor))
    shown = incident.start in history.shown
    to = history.bucket_page(incident.start) if shown else history.page
    where = link(page, to, bucket_text(incident.start))
    return tag(
        "li",
        tag("span", where, " ", tag("bdi", shorten(history.title, 120))),
        tag("b", capitalised(event.words(), *names)),
        tag("span", "; ".join(_facts(event)), cls="quiet"),
        cls=_SIGNS[incident.kind][0] if incident.end is None else "over",
    )


def _facts(event: Event) -> Iterator[str]:
    history, incident = event
    lines = [stretch.line for stretch in incident.stretches]
    yield f"by {shorten(', '.join(sorted({line.monitor for line in lines})), 80)}"
    features = {line.feature for line in lines if line.feature}
    if features:
        yield counted(len(features), "feature")
    if incident.kind == "error":
        yield "could not be judged"
    yield "lasts" if incident.end is None else f"over by {bucket_text(incident.end)}"
    for each in history.accepted:
        is_about = any(covers(each, *line[:3]) for line in lines)
        if is_about and (incident.end is None or each.since < incident.end):
            yield shorten(words_of(each), 160)


def lines_table(page: str, history: History, groups: Mapping[str, Group]) -> Html | None:
    """One row for each feature and monitor, in groups, what needs a look first.

    Args:
        page: that has the table.
        history: of the dataset or segment.
        groups: those of the features of its last bucket.
    """
    recent = f"last {RECENT} buckets"
    states = {line: history.state_of(line) for line in history.lines}

    def rank(line: Line) -> tuple[int, int, Line]:
        return STATES.index(states[line]), -history.anomalies(line), line

    def row(line: Line) -> dict[str, Content]:
        results: Sequence[Result] = history.lines[line]
        return {
            "feature": feature_name(page, line),
            "state": badge(states[line]),
            "last value": number(results[-1].value),
            "expected": expected(results[-1].lower, results[-1].upper),
            "anomalies": history.anomalies(line) or None,
            recent: sparkline(marks(results[-RECENT:])),
            "monitor": tag("bdi", shorten(line.monitor, 60)),
        }

    def is_of_all(line: Line) -> bool:
        return not line.feature or line.feature.endswith(f":{JOINT}")

    def is_gone(line: Line) -> bool:
        return not is_of_all(line) and column_of(line.feature) not in groups

    lines = [line for line in history.lines if not history.is_waiting_no_more(line)]
    lines.sort(key=rank)
    known = [line for line in lines if column_of(line.feature) in groups]
    listed = [
        ("", list(filter(is_of_all, lines))),
        *by_group(known, lambda line: groups[column_of(line.feature)]),
        ("Not in the last bucket", list(filter(is_gone, lines))),
    ]
    shown = ((heading, map(row, members)) for heading, members in listed)
    return grouped_table("lines", shown, left={"state", recent, "monitor"})


def feature_name(page: str, line: Line) -> str:
    """The feature of a line, with a link to its page."""
    if not line.feature:
        return "whole dataset"
    to = feature_page(line.dataset, line.segment, line.feature)
    return link(page, to, shorten(line.feature, 120))
