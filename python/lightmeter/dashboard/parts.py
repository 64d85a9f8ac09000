"""Pieces that several pages have."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from lightmeter.alerts.matching import matches
from lightmeter.dashboard.scene import SIGNS, Group, Scene, badge, marks
from lightmeter.draw.document import table
from lightmeter.draw.html import Content, Html, joined, tag
from lightmeter.draw.lines import expected, sparkline
from lightmeter.monitor.sitemap import (
    bucket_page,
    bucket_text,
    dataset_page,
    feature_page,
    segment_page,
)
from lightmeter.store.records import Line
from lightmeter.text import number, shorten

__all__ = [
    "RECENT",
    "crumbs",
    "feature_name",
    "feed",
    "head",
    "lines_table",
    "link",
    "pair",
    "spaced",
]

RECENT = 90  # buckets in a small line, or a table


def link(page: str, to: str, text: str) -> Html:
    """A link from one page of the site to another; `text` may be anybody's."""
    href = posixpath.relpath(to.partition("#")[0], posixpath.dirname(page) or ".")
    anchor = to.partition("#")[1] + to.partition("#")[2]
    return tag("a", tag("bdi", text), href=href + anchor)


def crumbs(page: str, scene: Scene, *here: str) -> Html:
    """The way back up."""
    trail = [link(page, "index.html", "All datasets")]
    trail.append(link(page, dataset_page(scene.dataset), shorten(scene.dataset, 60)))
    if scene.segment:
        pairs = ", ".join(f"{key}={value}" for key, value in scene.segment.items())
        trail.append(link(page, segment_page(scene.dataset, scene.place), shorten(pairs, 60)))
    if not here:
        trail.pop()
    return tag("nav", spaced(trail), cls="quiet", aria_label="Up")


def spaced(links: Iterable[Html]) -> Iterator[Content]:
    """Links in a row."""
    for index, each in enumerate(links):
        yield " " if index else None
        yield each


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


def feed(page: str, groups: Sequence[Group], pages: set[str], left_out: int) -> Html:
    """What happened, the latest first, each with a link to where it can be seen."""
    if not groups:
        return tag("p", "No anomaly.")
    entries = tag("ol", (_entry(page, group, pages) for group in groups), cls="findings feed")
    if not left_out:
        return entries
    earlier = f"{left_out:,} earlier ones are on the pages of their days."
    return joined(entries, tag("p", earlier, cls="quiet"))


def _entry(page: str, group: Group, pages: set[str]) -> Html:
    scene = group.scene
    to = bucket_page(scene.dataset, scene.place, group.start)
    if to not in pages:
        to = segment_page(scene.dataset, scene.place)
    title = tag("bdi", shorten(scene.title, 120))
    return tag(
        "li",
        tag("span", link(page, to, bucket_text(group.start)), " ", title),
        tag("b", _sentence(group)),
        tag("span", "; ".join(_facts(group)), cls="quiet"),
        cls=SIGNS[group.kind][0] if group.open else "over",
    )


def _sentence(group: Group) -> str:
    words = group.words()
    return words[:1].upper() + words[1:]


def _facts(group: Group) -> Iterator[str]:
    monitors = sorted({incident.line.monitor for incident in group.incidents})
    yield f"by {shorten(', '.join(monitors), 80)}"
    features = {incident.line.feature for incident in group.incidents if incident.line.feature}
    if features:
        yield f"{len(features)} feature{'' if len(features) == 1 else 's'}"
    if group.kind == "error":
        yield "could not be judged"
    ends = [incident.end for incident in group.incidents if incident.end is not None]
    open_ = len(group.incidents) - len(ends)
    if open_ == len(group.incidents):
        yield "lasts"
    elif open_:
        yield f"{open_} of {len(group.incidents)} last"
    else:
        yield f"over by {bucket_text(max(ends))}"
    acknowledged = [
        entry
        for entry in group.scene.acknowledged
        if any(incident.is_known_by(entry) for incident in group.incidents)
    ]
    if acknowledged:
        note = next((entry.note for entry in acknowledged if entry.note), "")
        yield "acknowledged" + (f": {shorten(note, 120)}" if note else "")
    for snooze in group.scene.snoozes:
        if group.open and any(
            matches(snooze.patterns, incident.line) for incident in group.incidents
        ):
            yield f"snoozed until {bucket_text(snooze.until)}"
            break


def lines_table(page: str, scene: Scene) -> Html | None:
    """One row for each feature and monitor, what needs a look first."""
    order = list(SIGNS)
    counts = dict.fromkeys(scene.lines, 0)
    for incident in scene.incidents:
        counts[incident.line] += incident.kind == "anomaly"
    states = {line: scene.state_of(line) for line in scene.lines}

    def rank(line: Line) -> tuple[int, int, Line]:
        return order.index(states[line]), -counts[line], line

    recent = f"last {RECENT} buckets"

    def row(line: Line) -> dict[str, Content]:
        drawn = marks(scene.lines[line][-RECENT:])
        return {
            "feature": feature_name(page, line),
            "state": badge(states[line]),
            "last value": number(drawn[-1].value),
            "expected": expected(drawn[-1]),
            "anomalies": counts[line] or None,
            recent: sparkline(drawn),
            "monitor": tag("bdi", shorten(line.monitor, 60)),
        }

    rows = map(row, sorted(scene.lines, key=rank))
    return table("lines", rows, left={"state", recent, "monitor"})


def feature_name(page: str, line: Line) -> str:
    """The feature of a line, with a link to its page."""
    if not line.feature:
        return "whole dataset"
    to = feature_page(line.dataset, line.segment, line.feature)
    return link(page, to, shorten(line.feature, 120))
