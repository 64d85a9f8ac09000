"""The page of one bucket: what the monitors said, and its distributions against the baseline."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from lightmeter.dashboard.parts import crumbs, feature_name, link, spaced
from lightmeter.dashboard.scene import SIGNS, Scene, badge
from lightmeter.draw.document import document, section, table
from lightmeter.draw.html import Content, Html, tag
from lightmeter.draw.lines import Mark, expected
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.feature import column_of
from lightmeter.monitor.incidents import line_of
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_page, bucket_text, slug
from lightmeter.report.card import card
from lightmeter.report.pictures import pictures
from lightmeter.text import number, shorten

__all__ = ["Day", "bucket_html"]

_MOST_CHARTS = 60


class Day(NamedTuple):
    """A bucket that gets a page.

    Attributes:
        scene: the dataset or segment.
        start: of the bucket.
        results: what the monitors say of it.
        before: the last bucket before it that has a page.
        after: the next one.
    """

    scene: Scene
    start: datetime
    results: Sequence[Result]
    before: datetime | None
    after: datetime | None

    @property
    def page(self) -> str:
        """Path of its page."""
        return bucket_page(self.scene.dataset, self.scene.place, self.start)


def bucket_html(day: Day, comparison: Comparison, baseline: str) -> Html:
    """The page.

    Args:
        day: the bucket.
        comparison: the bucket against its baseline.
        baseline: in words.
    """
    scene, page = day.scene, day.page
    state = min(
        (result.state for result in day.results), key=list(SIGNS).index, default="not watched"
    )
    bad = {column_of(result.feature) for result in day.results if result.state == "anomaly"}
    others = "The others" if bad else "Distributions"
    return document(
        f"{scene.title}, {bucket_text(day.start)}",
        tag(
            "header",
            crumbs(page, scene, "bucket"),
            tag("h1", tag("bdi", scene.title)),
            tag("p", bucket_text(day.start), cls="headline"),
            tag("p", badge(state), _sides(comparison, baseline), cls="sides"),
            _neighbours(day),
        ),
        tag(
            "main",
            _verdicts(page, day.results),
            _cards("Distributions of what is anomalous", "wide", comparison, bad, inside=True),
            _cards(others, "", comparison, bad, inside=False),
        ),
    )


def _sides(comparison: Comparison, baseline: str) -> Iterator[Html]:
    for side, name, view in (
        ("reference", baseline, comparison.reference),
        ("target", "this bucket", comparison.target),
    ):
        many = f", {view.images:,} image{'' if view.images == 1 else 's'}"
        yield tag("span", tag("span", cls=f"key {side}"), tag("bdi", name), many)


def _neighbours(day: Day) -> Html | None:
    """Links to the nearest buckets that have a page."""
    scene = day.scene
    links = [
        link(day.page, bucket_page(scene.dataset, scene.place, at), f"{arrow} {bucket_text(at)}")
        for arrow, at in (("\N{LEFTWARDS ARROW}", day.before), ("\N{RIGHTWARDS ARROW}", day.after))
        if at is not None
    ]
    return tag("nav", spaced(links), aria_label="Other buckets") if links else None


def _verdicts(page: str, results: Sequence[Result]) -> Html:
    order = list(SIGNS)
    shown = sorted(
        (result for result in results if result.state != "ok"),
        key=lambda result: (order.index(result.state), line_of(result)),
    )
    good = len(results) - len(shown)
    rows = (_verdict(page, result) for result in shown)
    listed = table("said", rows, left={"state", "monitor"}, words={"in words"})
    closing = None
    if not results:
        closing = tag("p", "No monitor has judged this bucket.")
    elif good:
        closing = tag("p", f"{good:,} of {len(results):,} judged ok.")
    return section("What the monitors say", listed, closing, ident="said")


def _verdict(page: str, result: Result) -> dict[str, Content]:
    limits = Mark(result.start, result.value, result.lower, result.upper)
    return {
        "feature": feature_name(page, line_of(result)),
        "state": badge(result.state),
        "value": number(result.value),
        "expected": expected(limits),
        "in words": shorten(result.words, 300),
        "monitor": tag("bdi", shorten(result.monitor, 60)),
    }


def _cards(
    title: str, size: str, comparison: Comparison, bad: set[str], *, inside: bool
) -> Html | None:
    lines = [line for line in comparison.features if (column_of(line.feature) in bad) == inside]
    if not lines:
        return None
    sides = comparison.target, comparison.reference
    cards = (
        card(line, *sides, f"f-{slug(line.feature)}", pictures(line, *sides))
        for line in lines[:_MOST_CHARTS]
    )
    left_out = len(lines) - _MOST_CHARTS
    more = tag("p", f"No charts of {left_out} more.", cls="quiet") if left_out > 0 else None
    return section(title, tag("div", cards, cls=f"cards {size}"), more)
