"""The pages of a feature and of an anomalous bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from lightmeter.dashboard.history import STATES, Compared, worst
from lightmeter.dashboard.pages.parts import (
    Extras,
    assumption,
    badge,
    found_text,
    header,
    judged,
    link,
    mark_of,
    quoted,
    subject,
    words_of,
)
from lightmeter.drift.compare import Comparison
from lightmeter.drift.row import Verdict, column_of
from lightmeter.monitor.results import Result, bucket_text, causes_text, lead_of, series_of
from lightmeter.profile import ProfileView
from lightmeter.report.charts.html import Content, Html, document, section, table, tag
from lightmeter.report.charts.lines import trend
from lightmeter.report.parts import (
    card,
    readings_differ,
    repeated_images,
    tags_text,
    thumbnails,
    where,
)
from lightmeter.store.tables import Series
from lightmeter.text import counted, shorten

_SCORE = "The value says how unusual a bucket is: a z-score, divided by its limit."


def feature_html(compared: Compared, feature: str, extras: Extras) -> Html:
    """Return the page of a feature in the buckets of a dataset or segment."""
    history, page = compared.history, compared.history.feature_page(feature)
    series = [each for each in compared.series if each.feature == feature]
    charts, tables = [_level(compared, feature, series)], []
    for at, each in enumerate(series):
        results = compared.series[each]
        marks = [mark_of(result, compared) for result in results]
        if any(mark.value is not None or mark.bad or mark.failed for mark in marks):
            chart = trend(f"{feature} by {shorten(each.monitor, 80)}", marks)
            title = tag("h3", "Judged by ", quoted(each.monitor))
            note = tag("p", _SCORE, cls="quiet") if each.monitor in compared.scores else None
            charts.append(tag("figure", title, chart.inline(f"m{at}"), note))
        rows = (
            {
                "bucket": link(page, history.bucket_page(result.bucket), bucket_text(result.bucket))
                if result.bucket in history.paged
                else bucket_text(result.bucket),
                **judged(result),
            }
            for result in reversed(results)
        )
        shown = table(f"v{at}", rows, left={"state"}, words={"in words"})
        title = tag("h2", "The last buckets, judged by ", quoted(each.monitor), id=f"v{at}")
        tables.append(tag("section", title, shown, assumption(results)))
    state = worst(map(compared.state_of, series))
    over_time = section("Over time", tag("div", charts, cls="cards wide")) if any(charts) else None
    return document(
        f"{feature}, {history.title}",
        header(page, history, "Feature", feature, state, history.title),
        tag("main", over_time, tables),
        forms=extras.forms,
    )


def _level(compared: Compared, feature: str, series: Sequence[Series]) -> Html | None:
    """Draw a feature in its own unit with its baseline; return None without numbers."""
    results = [result for each in series for result in compared.series[each]]
    bad = {each.bucket: mark_of(each, compared).to for each in results if each.state == "anomaly"}
    changed = [result for each in series if (result := compared.series[each][-1]).since]
    since = changed[0].since if changed else None
    monitor = compared.monitor(changed or results)
    levels = compared.levels(feature, monitor, since)
    marks = [replace(each, bad=each.at in bad, to=bad.get(each.at)) for each in levels]
    if not any(mark.value is not None for mark in marks):
        return None
    what, words = "rate" if column_of(feature) != feature else "mean", list[Content]()
    if monitor is not None and any(mark.upper is not None for mark in marks):
        words += [f"The band is the range of the {what}s in the baseline of ", quoted(monitor.name)]
        words.append(". It is for orientation only: the monitor decides by other numbers. ")
    if changed:
        words.append(
            "The vertical line is the earliest day on which the change may have begun. The "
            "horizontal lines are the medians before that day and of the last 7 buckets. In words: "
            f"{words_of(changed[0])}."
        )
    return tag(
        "figure",
        tag("h3", f"The {what} of the feature"),
        trend(feature, marks, what=what, band="baseline", since=since).inline("level"),
        tag("p", words, cls="quiet"),
    )


_MOST_CHARTS = 40
_PARTS = 4  # of the image, with a chart
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
    baseline, reference = compared.baseline(start, compared.monitor(bad))
    target = compared.view(start)
    comparison = Comparison(target=target, reference=reference, tested=False)
    kind = f"{history.title}, {bucket_text(start)}"
    others = [result for result in results if result.state != "ok"]
    rows = (
        {
            "feature": subject(history, result),
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
            found_text(causes_text(bad), bad),
            worst(result.state for result in results),
            _side("reference", baseline, reference),
            _side("target", "this bucket", target),
        ),
        tag(
            "main",
            readings_differ(comparison),
            repeated_images(target, reference),
            _cards(comparison, bad, with_maps=not compared.is_mixed),
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
    return tag("span", cls=f"key {side}"), f"{side}: ", tag("bdi", name), many, tags_text(view)


def _cards(
    comparison: Comparison, bad: Sequence[Result], *, with_maps: bool
) -> Iterator[Html | None]:
    """Yield heat maps if the grid is anomalous, and charts of other anomalous features."""
    by_feature: dict[str, list[Result]] = {}
    for result in bad:
        by_feature.setdefault(result.feature, []).append(result)
    rows = {}
    for row in comparison.features:
        verdict: Verdict | None = "drift" if row.feature in by_feature else None
        rows[row.feature] = replace(row, verdict=verdict)
    grids, on_grid = where(row for row in rows.values() if row.n_target and row.n_reference)
    yield grids if with_maps else None
    shown = [feature for feature in by_feature if feature in rows and feature not in on_grid]
    shown += [feature for feature in by_feature if feature in on_grid][:_PARTS]
    cards = []
    for at, feature in enumerate(shown[:_MOST_CHARTS]):
        lines = [tag("p", badge(each.state), f" {words_of(each)}") for each in by_feature[feature]]
        shots = thumbnails(rows[feature], comparison, both=True)
        cards.append(card(rows[feature], comparison, f"f{at}", lines, shots))
    if cards:
        words = "Charts pool all buckets of the reference, which may look wider than a single one."
        note = tag("p", words, cls="quiet")
        yield section("Anomalous features", note, tag("div", cards, cls="cards wide"))
