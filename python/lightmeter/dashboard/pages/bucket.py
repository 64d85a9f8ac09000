"""The page of an anomalous bucket: what the monitors say, and what they say it of."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lightmeter.dashboard.compared import Compared
from lightmeter.dashboard.history import STATES, worst
from lightmeter.dashboard.parts import (
    assumption,
    badge,
    crumbs,
    feature_name,
    link,
    quoted,
    words_of,
)
from lightmeter.drift import Comparison, compare_views
from lightmeter.drift.describe import capitalised
from lightmeter.drift.row import changed
from lightmeter.monitor.incidents import causes_text, lead_of, line_of
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.profile import ProfileView
from lightmeter.report.card import card, said_first, tags_said
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Content, Html, tag
from lightmeter.report.charts.lines import expected
from lightmeter.report.pictures import pictures
from lightmeter.report.repeats import repeated_pictures
from lightmeter.report.where import where
from lightmeter.text import counted, number

_MOST_CHARTS = 40
_MOST_LISTED = 200


def bucket_html(
    compared: Compared, start: datetime, before: datetime | None, after: datetime | None
) -> Html:
    """Make the page. Verdicts and words are the monitors': another test would contradict them.

    Args:
        compared: the buckets of a dataset or segment.
        start: of the bucket.
        before: the last bucket before it that has a page.
        after: the next one.
    """
    history, page = compared.history, compared.history.bucket_page(start)
    results = compared.results(start)
    results.sort(key=lambda result: (STATES.index(result.state), *lead_of(result), line_of(result)))
    bad = [result for result in results if result.state == "anomaly"]
    names = (name for result in bad for name in (result.feature, result.monitor))
    baseline, reference = compared.baseline(start, compared.monitor(bad))
    target = compared.view(start)
    comparison = compare_views(target=target, reference=reference, tested=False)
    return document(
        f"{history.title}, {bucket_text(start)}",
        tag(
            "header",
            crumbs(page, history),
            tag("h1", tag("bdi", history.title), f", {bucket_text(start)}"),
            tag("p", capitalised(causes_text(bad), *names), cls="headline"),
            tag(
                "p",
                badge(worst(result.state for result in results)),
                _side("reference", baseline, reference),
                _side("target", "this bucket", target),
                cls="sides",
            ),
            said_first(comparison),
            _neighbours(compared, page, before, after),
        ),
        tag(
            "main",
            _cards(comparison, bad),
            repeated_pictures(target, reference),
            _verdicts(compared, page, results),
        ),
    )


def _side(side: str, name: str, view: ProfileView) -> Html:
    many = f", {counted(view.images, 'image')}" if view.images else ""
    return tag("span", tag("span", cls=f"key {side}"), tag("bdi", name), many, tags_said(view))


def _neighbours(
    compared: Compared, page: str, before: datetime | None, after: datetime | None
) -> Html:
    """Link to the nearest buckets that have a page."""
    arrows = (("\N{LEFTWARDS ARROW}", before), ("\N{RIGHTWARDS ARROW}", after))
    links = [
        (link(page, compared.history.bucket_page(start), f"{arrow} {bucket_text(start)}"), " ")
        for arrow, start in arrows
        if start is not None
    ]
    return tag("nav", links, aria_label="Other anomalous buckets")


def _cards(comparison: Comparison, bad: Sequence[Result]) -> Iterator[Html | None]:
    """Yield the grid if it is anomalous, and the distributions of all else that is."""
    by_feature: dict[str, list[Result]] = {}
    for result in bad:
        by_feature.setdefault(result.feature, []).append(result)
    rows = {
        row.feature: changed(row, verdict="drift" if row.feature in by_feature else None)
        for row in comparison.features
    }
    grids, on_grid = where(rows.values())
    yield grids if any(feature in on_grid for feature in by_feature) else None
    shown = [feature for feature in by_feature if feature in rows and feature not in on_grid]
    sides = comparison.target, comparison.reference
    cards = [
        card(
            rows[feature],
            *sides,
            f"f{at}",
            map(_said, by_feature[feature]),
            pictures(rows[feature], *sides),
        )
        for at, feature in enumerate(shown[:_MOST_CHARTS])
    ]
    if cards:
        yield section("What is anomalous", tag("div", cards, cls="cards wide"))
    if len(shown) > len(cards):
        yield tag("p", f"No charts of {len(shown) - len(cards)} more.", cls="quiet")


def _said(result: Result) -> Html:
    return tag("p", badge(result.state), f" {words_of(result)}")


def _verdicts(compared: Compared, page: str, results: Sequence[Result]) -> Html:
    others = [result for result in results if result.state != "ok"]
    rows = (_verdict(compared, page, result) for result in others[:_MOST_LISTED])
    shown = table("said", rows, left={"state", "monitor"}, words={"in words"})
    closing = tag(
        "p", f"{len(results) - len(others):,} of {len(results):,} judged ok.", cls="quiet"
    )
    return section("What the monitors say", shown, closing, assumption(results), ident="said")


def _verdict(compared: Compared, page: str, result: Result) -> dict[str, Content]:
    return {
        "feature": feature_name(page, compared.history, line_of(result)),
        "state": badge(result.state),
        "value": number(result.value),
        "expected": expected(result.lower, result.upper),
        "in words": words_of(result),
        "monitor": quoted(result.monitor),
    }
