"""The page of an anomalous bucket: the results of monitors, with the distributions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from lightmeter.dashboard.compared import Compared
from lightmeter.dashboard.history import STATES, worst
from lightmeter.dashboard.pages.parts import (
    assumption,
    badge,
    feature_name,
    header,
    judged,
    quoted,
    words_of,
)
from lightmeter.drift.compare import Comparison
from lightmeter.drift.describe.sentences import capitalised
from lightmeter.drift.row import Verdict
from lightmeter.monitor.results import Result, bucket_text, causes_text, lead_of, series_of
from lightmeter.profile import ProfileView
from lightmeter.report.charts.html import Content, Html, document, section, table, tag
from lightmeter.report.parts import (
    card,
    readings_differ,
    repeated_images,
    tags_text,
    thumbnails,
    where,
)
from lightmeter.text import counted

_MOST_CHARTS = 40
_MOST_LISTED = 200


def bucket_html(compared: Compared, start: datetime) -> Html:
    """Return the page of a bucket.

    Verdicts are those of the monitors, because another test could contradict them.

    Parameters
    ----------
    compared
        The buckets of a dataset or segment.
    start
        The start of the bucket.
    """
    history, page = compared.history, compared.history.bucket_page(start)
    results = compared.results(start)
    results.sort(key=lambda each: (STATES.index(each.state), *lead_of(each), series_of(each)))
    bad = [result for result in results if result.state == "anomaly"]
    names = (name for result in bad for name in (result.feature, result.monitor))
    baseline, reference = compared.baseline(start, compared.monitor(bad))
    target = compared.view(start)
    comparison = Comparison(target=target, reference=reference, tested=False)
    kind = f"{history.title}, {bucket_text(start)}"
    others = [result for result in results if result.state != "ok"]
    rows = (
        {
            "feature": feature_name(page, history, result.feature),
            **judged(result),
            "monitor": quoted(result.monitor),
        }
        for result in others[:_MOST_LISTED]
    )
    ok = f"{len(results) - len(others):,} of {len(results):,} results are ok."
    return document(
        kind,
        header(
            page,
            history,
            kind,
            capitalised(causes_text(bad), *names),
            worst(result.state for result in results),
            _side("reference", baseline, reference),
            _side("target", "this bucket", target),
        ),
        tag(
            "main",
            readings_differ(comparison),
            _cards(comparison, bad),
            repeated_images(target, reference),
            section(
                "Results of the monitors",
                table("in-words", rows, left={"state", "monitor"}, words={"in words"}),
                tag("p", ok, cls="quiet"),
                assumption(results),
                ident="in-words",
            ),
        ),
    )


def _side(side: str, name: str, view: ProfileView) -> Content:
    many = f", {counted(view.images, 'image')}" if view.images else ""
    return tag("span", cls=f"key {side}"), tag("bdi", name), many, tags_text(view)


def _cards(comparison: Comparison, bad: Sequence[Result]) -> Iterator[Html | None]:
    """Yield the grid if it is anomalous, and the distributions of other anomalous features."""
    by_feature: dict[str, list[Result]] = {}
    for result in bad:
        by_feature.setdefault(result.feature, []).append(result)
    verdicts: dict[bool, Verdict | None] = {True: "drift", False: None}
    found = (
        replace(row, verdict=verdicts[row.feature in by_feature]) for row in comparison.features
    )
    rows = {row.feature: row for row in found}
    grids, on_grid = where(row for row in rows.values() if row.n_target and row.n_reference)
    yield grids
    shown = [feature for feature in by_feature if feature in rows and feature not in on_grid]
    cards = []
    for at, feature in enumerate(shown[:_MOST_CHARTS]):
        lines = [tag("p", badge(each.state), f" {words_of(each)}") for each in by_feature[feature]]
        shots = thumbnails(rows[feature], comparison)
        cards.append(card(rows[feature], comparison, f"f{at}", lines, shots))
    if cards:
        yield section("Anomalous features", tag("div", cards, cls="cards wide"))
