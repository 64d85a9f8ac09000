"""The page of one bucket: what the monitors said, and its distributions against the baseline."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from lightmeter.drift import DriftReport
from lightmeter.drift.feature import column_of
from lightmeter.monitor.alerts.incidents import Evaluation, line_of
from lightmeter.monitor.dashboard.parts import crumbs, link
from lightmeter.monitor.dashboard.scene import SIGNS, Scene, badge
from lightmeter.monitor.sitemap import bucket_page, bucket_text, feature_page, slug
from lightmeter.viz.card import card
from lightmeter.viz.document import document
from lightmeter.viz.lines import Point, expected
from lightmeter.viz.pictures import pictures
from lightmeter.viz.text import escape, number, shorten

__all__ = ["Day", "bucket_html"]

_MOST_CHARTS = 60


class Day(NamedTuple):
    """A bucket that gets a page.

    Attributes:
        scene: the dataset or segment.
        start: of the bucket.
        said: what the monitors said of it.
        before: the last bucket before it that has a page.
        after: the next one.
    """

    scene: Scene
    start: datetime
    said: Sequence[Evaluation]
    before: datetime | None
    after: datetime | None

    @property
    def page(self) -> str:
        """Path of its page."""
        return bucket_page(self.scene.dataset, self.scene.place, self.start)


def bucket_html(day: Day, report: DriftReport, baseline: str) -> str:
    """The page.

    Args:
        day: the bucket.
        report: the bucket against its baseline.
        baseline: in words.
    """
    body = "".join(_body(day, report, baseline))
    return document(f"{day.scene.title}, {bucket_text(day.start)}", body)


def _body(day: Day, report: DriftReport, baseline: str) -> Iterator[str]:
    scene, start, said, _, _ = day
    page = day.page
    state = min((one.state for one in said), key=list(SIGNS).index, default="not watched")
    yield f"<header>{crumbs(page, scene, 'bucket')}<h1><bdi>{escape(scene.title)}</bdi></h1>"
    yield f'<p class="headline">{bucket_text(start)}</p>'
    yield f'<p class="sides">{badge(state)}{"".join(_sides(report, baseline))}</p>'
    yield f"{_neighbours(day)}</header><main>"
    yield from _verdicts(page, said)
    bad = {column_of(one.feature) for one in said if one.state == "anomaly"}
    yield from _cards("Distributions of what is anomalous", "wide", report, bad, inside=True)
    yield from _cards("Distributions" if not bad else "The others", "", report, bad, inside=False)
    yield "</main>"


def _sides(report: DriftReport, baseline: str) -> Iterator[str]:
    for side, name, view in (
        ("reference", baseline, report.reference),
        ("target", "this bucket", report.target),
    ):
        yield f'<span><span class="key {side}"></span><bdi>{escape(name)}</bdi>, '
        yield f"{view.images:,} image{'' if view.images == 1 else 's'}</span>"


def _neighbours(day: Day) -> str:
    """Links to the nearest buckets that have a page."""
    scene = day.scene
    links = [
        link(day.page, bucket_page(scene.dataset, scene.place, at), f"{arrow} {bucket_text(at)}")
        for arrow, at in (("\N{LEFTWARDS ARROW}", day.before), ("\N{RIGHTWARDS ARROW}", day.after))
        if at is not None
    ]
    return f'<nav aria-label="Other buckets">{" ".join(links)}</nav>' if links else ""


def _verdicts(page: str, said: Sequence[Evaluation]) -> Iterator[str]:
    order = list(SIGNS)
    told = sorted(
        (one for one in said if one.state != "ok"),
        key=lambda one: (order.index(one.state), line_of(one)),
    )
    good = len(said) - len(told)
    yield '<section><h2 id="said">What the monitors say</h2>'
    if told:
        yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="said"><table>'
        yield '<thead><tr><th scope="col">feature</th><th scope="col" class="left">state</th>'
        yield '<th scope="col">value</th><th scope="col">expected</th>'
        yield '<th scope="col" class="left">in words</th>'
        yield '<th scope="col" class="left">monitor</th></tr></thead><tbody>'
        for one in told:
            name = shorten(one.feature or "whole dataset", 120)
            line = line_of(one)
            shown = escape(name)
            if one.feature:
                shown = link(page, feature_page(line.dataset, line.segment, line.feature), name)
            limits = Point(one.start, one.value, one.lower, one.upper)
            yield f'<tr><th scope="row">{shown}</th><td class="left">{badge(one.state)}</td>'
            yield f"<td>{number(one.value)}</td><td>{escape(expected(limits))}</td>"
            yield f'<td class="left words">{escape(shorten(one.words, 300))}</td>'
            yield f'<td class="left"><bdi>{escape(shorten(one.monitor, 60))}</bdi></td></tr>'
        yield "</tbody></table></div>"
    if not said:
        yield "<p>No monitor has judged this bucket.</p>"
    elif good:
        yield f"<p>{good:,} of {len(said):,} judged ok.</p>"
    yield "</section>"


def _cards(
    title: str, size: str, report: DriftReport, bad: set[str], *, inside: bool
) -> Iterator[str]:
    lines = [line for line in report.features if (column_of(line.feature) in bad) == inside]
    if not lines:
        return
    yield f'<section><h2>{title}</h2><div class="cards {size}">'
    for line in lines[:_MOST_CHARTS]:
        sides = report.target, report.reference
        yield card(line, *sides, f"f-{slug(line.feature)}", pictures(line, *sides))
    yield "</div>"
    if len(lines) > _MOST_CHARTS:
        yield f'<p class="quiet">No charts of {len(lines) - _MOST_CHARTS} more.</p>'
    yield "</section>"
