"""The first page, and the page of a dataset or segment: its segments, features and anomalies."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lightmeter.dashboard.history import Compared, History, worst
from lightmeter.dashboard.pages.parts import (
    SIGNS,
    Extras,
    badge,
    found_text,
    header,
    link,
    mark_of,
    quoted,
    subject,
)
from lightmeter.monitor.results import JUDGED, Incident, bucket_text, stretch_text
from lightmeter.report.charts.html import Html, Row, document, joined, section, table, tag
from lightmeter.report.charts.lines import sparkline
from lightmeter.text import count, counted, shorten

_MOST_IN_FEED = 20
_MOST_MONITORS = 4
_CHARTS = "Charts show values or, for drift, how unusual each bucket was. Limits are dashed."

_Event = tuple[History, Incident]


def index_html(datasets: Mapping[str, Sequence[History]], extras: Extras) -> Html:
    """Make the first page: every dataset with its state, and the latest anomalies.

    Parameters
    ----------
    datasets
        For each dataset its history, followed by those of its segments.
    extras
        The additions of a live site.
    """
    page = "index.html"
    states = {
        dataset: [extras.state_of(history) for history in histories]
        for dataset, histories in datasets.items()
    }
    events = _events_of(history for histories in datasets.values() for history in histories)
    failed, words = sum("error" in each for each in states.values()), extras.failure()
    if failed and not words:
        words = f"The monitors could not judge {failed} of {counted(len(states), 'dataset')}"
    headline = _headline(datasets, states, events)
    if words and all(incident.end for _, incident in events if incident.kind == "anomaly"):
        headline = ""  # the current state is unknown
    listed = table("datasets", _overview(page, "dataset", datasets, extras), left={"state"})
    return document(
        "Dashboard",
        tag(
            "header",
            tag("h1", "Dashboard"),
            tag("p", words, cls="headline bad") if words else None,
            tag("p", headline, cls="headline") if headline else None,
        ),
        tag(
            "main",
            section("Datasets", listed, ident="datasets"),
            extras.on_index(),
            section("Anomalies", _feed(page, events)),
        ),
        forms=extras.forms,
    )


def _headline(
    datasets: Mapping[str, Sequence[History]],
    states: Mapping[str, Sequence[str]],
    events: Sequence[_Event],
) -> str:
    """Return the numbers of open and of ended anomalies."""
    anomalies = [incident for _, incident in events if incident.kind == "anomaly"]
    lasting = [incident.dataset for incident in anomalies if incident.end is None]
    judged = sum(not JUDGED.isdisjoint(each) for each in states.values())
    many = counted(len(datasets), "dataset")
    if lasting:
        are = "anomaly is" if len(lasting) == 1 else "anomalies are"
        where = f" in {len(set(lasting))} of {many}" if len(datasets) > 1 else ""
        words = f"{count(len(lasting))} {are} open{where}"
    elif judged:
        of_all = many if judged == len(datasets) else f"{judged} of {many}"
        words = f"Nothing unusual now in {of_all}"
    else:
        return f"{many}, nothing judged yet" if datasets else "Nothing has been logged"
    n = len(anomalies) - len(lasting)
    ended = "anomaly has" if n == 1 else "anomalies have"
    return f"{words}; {count(n)} {ended} ended" if n else words


def dataset_html(compared: Compared, segments: Sequence[History], extras: Extras) -> Html:
    """Return the page of a dataset or segment."""
    history, note = compared.history, "no buckets"
    page, buckets = history.page, history.buckets
    if buckets:
        images = sum(bucket.images for bucket in buckets)
        span = stretch_text(buckets[0].start, buckets[-1].start)
        note = f"{counted(len(buckets), 'bucket')}, {span}, {counted(images, 'image')}"
    unready = [(" ", quoted(monitor)) for monitor in history.waiting]
    waiting = ("not enough data for", unready) if unready else None
    kind = "Segment" if history.segment else "Dataset"
    parts = {each.title: [each] for each in segments}
    has_charts = any(each.value is not None for its in compared.series.values() for each in its)
    rows = _rows(compared, has_charts=has_charts)
    features = table("features", rows, left={"state", "judged buckets", "monitor"})
    note_on_charts = tag("p", _CHARTS, cls="quiet") if has_charts else None
    nothing = "The monitors found nothing." if compared.series else "No monitor has judged it yet."
    content = (note_on_charts, features) if features else tag("p", nothing)
    listed = table("segments", _overview(page, "segment", parts, extras), left={"state"})
    title = "Features as judged for the whole dataset" if segments else "Features"
    every = [history, *segments]
    return document(
        history.title,
        header(page, history, kind, history.title, _state(every, extras), note, waiting),
        tag(
            "main",
            extras.on_dataset(history),
            section("Segments", listed, ident="segments") if listed else None,
            section("Anomalies", _feed(page, _events_of(every))),
            section(title, content, ident="features") if features or not segments else None,
        ),
        forms=extras.forms,
    )


def _rows(compared: Compared, *, has_charts: bool) -> Iterator[Row]:
    history = compared.history
    for series, state in compared.ranked():
        marks = [mark_of(each, compared) for each in compared.series[series]]
        if series.feature or state != "ok":
            yield {
                "feature": subject(history, series),
                "state": badge(state),
                **({"judged buckets": sparkline(marks)} if has_charts else {}),
                "monitor": quoted(series.monitor),
            }


def _overview(
    page: str, kind: str, parts: Mapping[str, Sequence[History]], extras: Extras
) -> Iterator[Row]:
    """Yield the rows of a table of datasets or segments.

    Parameters
    ----------
    page
        The path of the page with the table.
    kind
        The head of the first column.
    parts
        The histories of each name, of which the first has the numbers.
    extras
        The additions of a live site.
    """
    for name, histories in parts.items():
        history = histories[0]
        last = history.buckets[-1] if history.buckets else None
        waiting = len({monitor for each in histories for monitor in each.waiting})
        yield {
            kind: link(page, history.page, name),
            "state": badge(_state(histories, extras)),
            "open": sum(len(each.lasting) for each in histories),
            "without enough data": counted(waiting, "monitor") if waiting else None,
            "last bucket": bucket_text(last.start) if last else None,
            "images in last bucket": f"{last.images:,}" if last else None,
            "buckets": f"{len(history.buckets):,}",
        }


def _state(histories: Iterable[History], extras: Extras) -> str:
    """Return the worst state; one without enough data counts only if no other can be judged."""
    states = [extras.state_of(history) for history in histories]
    return worst([state for state in states if state != "not enough data"] or states)


def _events_of(histories: Iterable[History]) -> list[_Event]:
    """Return all incidents with their histories, latest first."""
    events = [(history, incident) for history in histories for incident in history.incidents]
    return sorted(events, key=lambda event: (event[1].start, *event[1].place), reverse=True)


def _feed(page: str, events: Sequence[_Event]) -> Html:
    """Return a list of incidents, latest first, with links to their pages."""
    if not events:
        return tag("p", "No anomaly.")
    left_out = len(events) - _MOST_IN_FEED
    words = f"{left_out:,} earlier ones are not listed."
    shown = [_entry(page, *event) for event in events[:_MOST_IN_FEED]]
    more = tag("p", words, cls="quiet") if left_out > 0 else None
    return joined(tag("ol", shown, cls="findings feed"), more)


def _entry(page: str, history: History, incident: Incident) -> Html:
    results = incident.results
    monitors = list(dict.fromkeys(result.monitor for result in results))  # the lead's first
    features = {result.feature for result in results if result.feature}
    others = [part for name in monitors[1:_MOST_MONITORS] for part in (" and ", quoted(name))]
    so_far = " so far" * (not incident.end)
    where = f" ({counted(len(features), 'feature')}{so_far})" if features else ""
    where += "; could not be judged" if incident.kind == "error" else ""
    since = f" since {bucket_text(incident.start)}; still open"
    where += f"; over by {bucket_text(incident.end)}" if incident.end else since
    start = link(page, history.bucket_page(incident.start), bucket_text(incident.start))
    return tag(
        "li",
        tag("span", start, " ", tag("bdi", shorten(history.title, 120))),
        tag("b", found_text(incident.words, results)),
        tag("span", "found by ", quoted(monitors[0]), others, where, cls="quiet"),
        cls="over" if incident.end else SIGNS[incident.kind][0],
    )
