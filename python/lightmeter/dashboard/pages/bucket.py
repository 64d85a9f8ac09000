"""The page of one bucket: what the monitors say, and its distributions against the baseline."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from lightmeter.dashboard.history import STATES, History, causes_text, worst
from lightmeter.dashboard.parts import badge, crumbs, feature_name, link, spaced
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.describe import capitalised
from lightmeter.drift.row import FeatureDrift, changed, column_of
from lightmeter.monitor.incidents import lead_of, line_of
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_text, slug
from lightmeter.report.card import card, said_first, tags_said
from lightmeter.report.charts.document import document, grouped_table, section
from lightmeter.report.charts.html import Content, Html, tag
from lightmeter.report.charts.lines import expected
from lightmeter.report.groups import by_group
from lightmeter.report.pictures import pictures
from lightmeter.report.repeats import repeated_pictures
from lightmeter.report.where import where
from lightmeter.text import number, shorten

_MOST_CHARTS = 60


class ShownBucket(NamedTuple):
    """A bucket that gets a page.

    Attributes:
        history: of the dataset or segment.
        start: of the bucket.
        results: what the monitors say of it.
        before: the last bucket before it that has a page.
        after: the next one.
    """

    history: History
    start: datetime
    results: Sequence[Result]
    before: datetime | None
    after: datetime | None

    @property
    def page(self) -> str:
        """Path of its page."""
        return self.history.bucket_page(self.start)


def bucket_html(bucket: ShownBucket, comparison: Comparison, baseline: str) -> Html:
    """The page.

    Args:
        bucket: what the page is about.
        comparison: the bucket against its baseline, for charts and distances. Verdicts are those of
            the monitors: another test would contradict them.
        baseline: in words.
    """
    history, page = bucket.history, bucket.page
    state = worst(result.state for result in bucket.results)
    bad = {column_of(result.feature) for result in bucket.results if result.state == "anomaly"}
    others = "The others" if bad else "Distributions"
    judged = _judged(comparison, bucket.results)
    grids, on_grid = where(judged, _ident)
    lines = [line for line in judged if line.feature not in on_grid]
    wrong = [line for line in lines if column_of(line.feature) in bad]
    right = [line for line in lines if column_of(line.feature) not in bad]
    return document(
        f"{history.title}, {bucket_text(bucket.start)}",
        tag(
            "header",
            crumbs(page, history, "bucket"),
            tag("h1", tag("bdi", history.title)),
            tag("p", bucket_text(bucket.start), cls="headline"),
            tag("p", badge(state), _sides(comparison, baseline), cls="sides"),
            said_first(comparison),
            _summary_line(bucket.results),
            _neighbours(bucket),
        ),
        tag(
            "main",
            _verdicts(page, bucket.results, comparison),
            grids,
            repeated_pictures(comparison.target, comparison.reference),
            _cards("Distributions of what is anomalous", "wide", bucket, comparison, wrong),
            _cards(others, "", bucket, comparison, right),
        ),
    )


def _judged(comparison: Comparison, results: Sequence[Result]) -> list[FeatureDrift]:
    """The lines that a monitor calls anomalous as drift, others without verdict, by their size."""
    anomalous = {result.feature for result in results if result.state == "anomaly"}
    lines = [
        changed(line, verdict="drift" if line.feature in anomalous else None)
        for line in comparison.features
    ]
    return sorted(lines, key=lambda line: -(line.effect or 0.0))


def _summary_line(results: Sequence[Result]) -> Html | None:
    """What the monitors call anomalous, the largest first."""
    bad = [result for result in results if result.state == "anomaly"]
    if not bad:
        return None
    bad.sort(key=lambda result: (*lead_of(result), line_of(result)))
    names = (name for result in bad for name in (result.feature, result.monitor))
    return tag("p", f"{capitalised(causes_text(bad), *names)}.", cls="summary")


def _sides(comparison: Comparison, baseline: str) -> Iterator[Html]:
    for side, name, view in (
        ("reference", baseline, comparison.reference),
        ("target", "this bucket", comparison.target),
    ):
        many = f", {view.images:,} image{'' if view.images == 1 else 's'}"
        yield tag("span", tag("span", cls=f"key {side}"), tag("bdi", name), many, tags_said(view))


def _neighbours(bucket: ShownBucket) -> Html | None:
    """Links to the nearest buckets that have a page."""
    arrows = (("\N{LEFTWARDS ARROW}", bucket.before), ("\N{RIGHTWARDS ARROW}", bucket.after))
    links = [
        link(bucket.page, bucket.history.bucket_page(start), f"{arrow} {bucket_text(start)}")
        for arrow, start in arrows
        if start is not None
    ]
    return tag("nav", spaced(links), aria_label="Other buckets") if links else None


def _verdicts(page: str, results: Sequence[Result], comparison: Comparison) -> Html:
    others = sorted(
        (result for result in results if result.state != "ok"),
        key=lambda result: (STATES.index(result.state), line_of(result)),
    )
    good = len(results) - len(others)
    groups = {column_of(line.feature): line.group for line in comparison.features}
    named = [result for result in others if column_of(result.feature) in groups]
    listed = [
        ("", [result for result in others if column_of(result.feature) not in groups]),
        *by_group(named, lambda result: groups[column_of(result.feature)]),
    ]
    shown = grouped_table(
        "said",
        ((heading, [_verdict(page, result) for result in each]) for heading, each in listed),
        left={"state", "monitor"},
        words={"in words"},
    )
    closing = None
    if not results:
        closing = tag("p", "No monitor has judged this bucket.")
    elif good:
        closing = tag("p", f"{good:,} of {len(results):,} judged ok.")
    return section("What the monitors say", shown, closing, ident="said")


def _verdict(page: str, result: Result) -> dict[str, Content]:
    return {
        "feature": feature_name(page, line_of(result)),
        "state": badge(result.state),
        "value": number(result.value),
        "expected": expected(result.lower, result.upper),
        "in words": shorten(result.words, 300),
        "monitor": tag("bdi", shorten(result.monitor, 60)),
    }


def _ident(line: FeatureDrift) -> str:
    """Where the pages of features link to."""
    return f"f-{slug(line.feature)}"


def _cards(
    title: str,
    size: str,
    bucket: ShownBucket,
    comparison: Comparison,
    lines: Sequence[FeatureDrift],
) -> Html | None:
    if not lines:
        return None
    sides = comparison.target, comparison.reference
    said: dict[str, list[Html]] = {}
    for result in sorted(bucket.results, key=line_of):
        said.setdefault(result.feature, []).append(_said(result))
    groups = (
        (
            tag("h3", heading, cls="group"),
            tag(
                "div",
                (
                    card(
                        line,
                        *sides,
                        _ident(line),
                        said.get(line.feature),
                        pictures(line, *sides),
                    )
                    for line in members
                ),
                cls=f"cards {size}",
            ),
        )
        for heading, members in by_group(lines[:_MOST_CHARTS], lambda line: line.group)
    )
    left_out = len(lines) - _MOST_CHARTS
    more = tag("p", f"No charts of {left_out} more.", cls="quiet") if left_out > 0 else None
    return section(title, groups, more)


def _said(result: Result) -> Html:
    """What a monitor says of a feature."""
    words = None if result.state == "ok" else f" {shorten(result.words, 300)}"
    return tag("p", badge(result.state), words)
