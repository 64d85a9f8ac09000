"""The page of a dataset or segment: its segments, features and anomalies."""

from collections.abc import Iterator, Sequence

from lightmeter.dashboard.compared import RECENT, Compared
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History
from lightmeter.dashboard.pages.parts import (
    badge,
    events_of,
    feature_name,
    feed,
    header,
    mark_of,
    overview,
    quoted,
)
from lightmeter.monitor.results import stretch_text
from lightmeter.report.charts.document import Row, document, section, table
from lightmeter.report.charts.html import Html, tag
from lightmeter.report.charts.lines import sparkline
from lightmeter.text import counted, expected, number

_RECENT = f"last {RECENT} buckets"


def dataset_html(compared: Compared, segments: Sequence[History], extras: Extras) -> Html:
    """Return the page of a dataset or segment."""
    history, note = compared.history, "no buckets"
    page, buckets = history.page, history.buckets
    if buckets:
        images = sum(bucket.images for bucket in buckets)
        span = stretch_text(buckets[0].start, buckets[-1].start)
        note = f"{counted(len(buckets), 'bucket')}, {span}, {counted(images, 'image')}"
    kind = "Segment" if history.segment else "Dataset"
    parts = ((each.title, [each], extras.state_of(each)) for each in segments)
    features = table("features", _rows(compared), left={"state", _RECENT, "monitor"})
    nothing = tag("p", "No monitor has judged this yet.")
    listed = table("segments", overview(page, "segment", parts), left={"state"})
    return document(
        history.title,
        header(page, history, kind, history.title, extras.state_of(history), note),
        tag(
            "main",
            extras.on_dataset(page, history),
            section("Segments", listed, ident="segments") if listed else None,
            section("Anomalies", feed(page, events_of([history]))),
            section("Features", features or nothing, ident="features"),
        ),
        forms=extras.forms,
    )


def _rows(compared: Compared) -> Iterator[Row]:
    history, page = compared.history, compared.history.page
    for line, state in compared.ranked():
        results = compared.lines[line]
        yield {
            "feature": feature_name(page, history, line.feature),
            "state": badge(state),
            _RECENT: sparkline([mark_of(each, page, history) for each in results]),
            "last value": number(results[-1].value),
            "expected": expected(results[-1].lower, results[-1].upper),
            "monitor": quoted(line.monitor),
        }
