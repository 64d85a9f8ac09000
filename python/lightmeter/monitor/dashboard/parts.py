"""Pieces that several pages have."""

import posixpath
from collections.abc import Iterable, Iterator
from datetime import datetime

from lightmeter.monitor.alerts.incidents import Line
from lightmeter.monitor.dashboard.scene import SIGNS, Group, Scene, badge, points
from lightmeter.monitor.sitemap import (
    bucket_page,
    bucket_text,
    dataset_page,
    feature_page,
    segment_page,
)
from lightmeter.viz.lines import expected, sparkline
from lightmeter.viz.text import escape, number, shorten

__all__ = ["RECENT", "crumbs", "feed", "head", "lines_table", "link", "pair"]

RECENT = 90  # buckets in a small line, or a table


def link(page: str, to: str, text: str) -> str:
    """A link from one page of the site to another; `text` may be anybody's."""
    href = posixpath.relpath(to.partition("#")[0], posixpath.dirname(page) or ".")
    anchor = to.partition("#")[1] + to.partition("#")[2]
    return f'<a href="{escape(href + anchor)}"><bdi>{escape(text)}</bdi></a>'


def crumbs(page: str, scene: Scene, *here: str) -> str:
    """The way back up."""
    trail = [link(page, "index.html", "All datasets")]
    trail.append(link(page, dataset_page(scene.dataset), shorten(scene.dataset, 60)))
    if scene.segment:
        pairs = ", ".join(f"{key}={value}" for key, value in scene.segment.items())
        trail.append(link(page, segment_page(scene.dataset, scene.place), shorten(pairs, 60)))
    if not here:
        trail.pop()
    return f'<nav class="quiet" aria-label="Up">{" ".join(trail)}</nav>'


def head(kind: str, title: str, state: str, note: str) -> str:
    """What a page is about, and how it stands."""
    return (
        f'<h1>{escape(kind)}</h1><p class="headline"><bdi>{escape(title)}</bdi></p>'
        f'<p class="sides">{badge(state)}<span>{escape(note)}</span></p>'
    )


def pair(low: datetime, high: datetime) -> str:
    """From when to when."""
    return bucket_text(low) if low == high else f"{bucket_text(low)} to {bucket_text(high)}"


def feed(page: str, groups: Iterable[Group], pages: set[str], left_out: int) -> Iterator[str]:
    """What happened, the latest first, each with a link to where it can be seen."""
    groups = list(groups)
    if not groups:
        yield "<p>No anomaly.</p>"
        return
    yield '<ol class="findings feed">'
    for one in groups:
        scene = one.scene
        to = bucket_page(scene.dataset, scene.place, one.start)
        if to not in pages:
            to = segment_page(scene.dataset, scene.place)
        look = SIGNS[one.kind][0] if one.open else "over"
        yield f'<li class="{look}"><span>{link(page, to, bucket_text(one.start))} '
        yield f"<bdi>{escape(shorten(scene.title, 120))}</bdi></span>"
        yield f"<b>{escape(_sentence(one))}</b>"
        yield f'<span class="quiet">{escape("; ".join(_facts(one)))}</span></li>'
    yield "</ol>"
    if left_out:
        yield f'<p class="quiet">{left_out:,} earlier ones are on the pages of their days.</p>'


def _sentence(one: Group) -> str:
    words = one.words()
    return words[:1].upper() + words[1:]


def _facts(one: Group) -> Iterator[str]:
    monitors = sorted({incident.line.monitor for incident in one.incidents})
    yield f"by {shorten(', '.join(monitors), 80)}"
    features = {incident.line.feature for incident in one.incidents if incident.line.feature}
    if features:
        yield f"{len(features)} feature{'' if len(features) == 1 else 's'}"
    if one.kind == "error":
        yield "could not be judged"
    ends = [incident.end for incident in one.incidents if incident.end is not None]
    open_ = len(one.incidents) - len(ends)
    if open_ == len(one.incidents):
        yield "lasts"
    elif open_:
        yield f"{open_} of {len(one.incidents)} last"
    else:
        yield f"over by {bucket_text(max(ends))}"
    known = [
        entry
        for entry in one.scene.acknowledged
        if any(entry.is_of(incident) for incident in one.incidents)
    ]
    if known:
        note = next((entry.note for entry in known if entry.note), "")
        yield "acknowledged" + (f": {shorten(note, 120)}" if note else "")
    for snooze in one.scene.snoozes:
        if one.open and any(snooze.lines.matches(incident.line) for incident in one.incidents):
            yield f"snoozed until {bucket_text(snooze.until)}"
            break


def lines_table(page: str, scene: Scene) -> Iterator[str]:
    """One row for each feature and monitor, what needs a look first."""
    order = list(SIGNS)
    counts = dict.fromkeys(scene.lines, 0)
    for incident in scene.incidents:
        counts[incident.line] += incident.kind == "anomaly"
    states = {line: scene.state_of(line) for line in scene.lines}

    def rank(line: Line) -> tuple[int, int, Line]:
        return order.index(states[line]), -counts[line], line

    yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="lines"><table>'
    yield '<thead><tr><th scope="col">feature</th><th scope="col" class="left">state</th>'
    for name in ("last value", "expected", "anomalies"):
        yield f'<th scope="col">{name}</th>'
    yield f'<th scope="col" class="left">last {RECENT} buckets</th>'
    yield '<th scope="col" class="left">monitor</th></tr></thead><tbody>'
    for line in sorted(scene.lines, key=rank):
        drawn = points(scene.lines[line][-RECENT:])
        name = shorten(line.feature or "whole dataset", 120)
        shown = escape(name)
        if line.feature:
            shown = link(page, feature_page(line.dataset, line.segment, line.feature), name)
        yield f'<tr><th scope="row">{shown}</th><td class="left">{badge(states[line])}</td>'
        yield f"<td>{number(drawn[-1].value)}</td><td>{escape(expected(drawn[-1]))}</td>"
        yield f'<td>{counts[line] or ""}</td><td class="left">{sparkline(drawn)}</td>'
        yield f'<td class="left"><bdi>{escape(shorten(line.monitor, 60))}</bdi></td></tr>'
    yield "</tbody></table></div>"
