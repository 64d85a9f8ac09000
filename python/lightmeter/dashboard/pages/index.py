"""The first page: every dataset with its state, and what happened lately."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import Event, History, events_of
from lightmeter.dashboard.parts import feed, overview_row
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Html, tag
from lightmeter.text import count, counted

_JUDGED = frozenset({"ok", "pending", "anomaly"})
_LATELY = 14  # days


def index_html(datasets: Mapping[str, Sequence[History]], extras: Extras) -> Html:
    """Make the page.

    Args:
        datasets: of each the histories of the whole of it, and then of its segments.
        extras: what is added.
    """
    page = "index.html"
    states = {
        dataset: [extras.state_of(history) for history in histories]
        for dataset, histories in datasets.items()
    }
    rows = (
        overview_row(page, "dataset", dataset, histories, states[dataset])
        for dataset, histories in datasets.items()
    )
    events = events_of(history for histories in datasets.values() for history in histories)
    failing = sum("error" in each for each in states.values())
    words = extras.failure()
    if not words and failing:
        words = f"The monitors could not judge {failing} of {counted(len(states), 'dataset')}"
    lately = _lately(datasets, events)
    headline = _opened(events, len(states), lately)
    if not words and not headline:
        headline = _calm(states, lately)
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
            section("Datasets", table("datasets", rows, left={"state"}), ident="datasets"),
            extras.on_index(page),
            section("Anomalies", feed(page, events)),
        ),
        forms=extras.forms,
    )


def _opened(events: Sequence[Event], datasets: int, lately: str) -> str:
    """Say how many anomalies last, and where; empty for none."""
    lasting = [each for each in events if each.incident.kind == "anomaly" and not each.incident.end]
    if not lasting:
        return ""
    are = "anomaly is" if len(lasting) == 1 else "anomalies are"
    where = len({each.history.dataset for each in lasting})
    many = counted(datasets, "dataset")
    return f"{count(len(lasting))} {are} open in {where} of {many}{lately}"


def _calm(states: Mapping[str, Sequence[str]], lately: str) -> str:
    """Say what is known where nothing is open."""
    many = counted(len(states), "dataset")
    judged = sum(not _JUDGED.isdisjoint(each) for each in states.values())
    if not states:
        return "Nothing has been logged"
    if all(state == "not watched" for each in states.values() for state in each):
        return f"{many}, not watched yet"
    if not judged:
        return f"{many}, not enough data to judge yet"
    of_all = many if judged == len(states) else f"{judged} of {many}"
    return f"Nothing unusual now in {of_all}{lately}"


def _lately(datasets: Mapping[str, Sequence[History]], events: Sequence[Event]) -> str:
    """Say how many anomalies began in the days before the newest bucket; empty for none."""
    histories = (history for histories in datasets.values() for history in histories)
    ends = [history.buckets[-1].start for history in histories if history.buckets]
    starts = [each.incident.start for each in events if each.incident.kind == "anomaly"]
    if not ends or not starts:
        return ""
    n = sum(start > max(ends) - timedelta(days=_LATELY) for start in starts)
    anomalies = "anomaly" if n == 1 else "anomalies"
    return f"; {count(n)} {anomalies} began in the last {_LATELY} days" if n else ""
