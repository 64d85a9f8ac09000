"""The first page: every dataset with its state, and what happened lately."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import Event, History, events_of
from lightmeter.dashboard.pages.overview import overview_row
from lightmeter.dashboard.parts import feed
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Html, tag
from lightmeter.text import counted

_URGENT = frozenset({"anomaly", "error"})
_JUDGED = frozenset({"ok", "pending"})
_LATELY = 14  # days


def index_html(datasets: Mapping[str, Sequence[History]], extras: Extras) -> Html:
    """The page.

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
        overview_row(
            page, "dataset", dataset, histories, states[dataset], {"segments": len(histories) - 1}
        )
        for dataset, histories in datasets.items()
    )
    events = events_of(history for histories in datasets.values() for history in histories)
    failure = extras.failure()
    words = failure or _headline(list(states.values()), _lately(datasets, events))
    looks = "headline bad" if failure else "headline"
    return document(
        "Dashboard",
        tag("header", tag("h1", "Dashboard"), tag("p", words, cls=looks)),
        tag(
            "main",
            section("Datasets", table("datasets", rows, left={"state"}), ident="datasets"),
            extras.on_index(page),
            section("Anomalies", feed(page, events)),
        ),
        forms=extras.forms,
    )


def _headline(datasets: Sequence[Sequence[str]], lately: str) -> str:
    """How all datasets stand, by the states of each and of its segments."""
    if not datasets:
        return "Nothing has been logged"
    many = counted(len(datasets), "dataset")
    urgent = sum(not _URGENT.isdisjoint(states) for states in datasets)
    if urgent:
        return f"{urgent} of {many} need{'s' if urgent == 1 else ''} a look"
    if all(state == "not watched" for states in datasets for state in states):
        return f"{many}, not watched yet"
    judged = sum(not _JUDGED.isdisjoint(states) for states in datasets)
    if not judged:
        return f"{many}, not enough data to judge yet"
    of_all = many if judged == len(datasets) else f"{judged} of {many}"
    return f"Nothing unusual now in {of_all}{lately}"


def _lately(datasets: Mapping[str, Sequence[History]], events: Sequence[Event]) -> str:
    """How many anomalies began in the days before the newest bucket; empty for none."""
    starts = [
        history.buckets[-1].start
        for histories in datasets.values()
        for history in histories
        if history.buckets
    ]
    if not starts:
        return ""
    since = max(starts) - timedelta(days=_LATELY)
    incidents = (event.incident for event in events)
    recent = sum(each.kind == "anomaly" and each.start > since for each in incidents)
    words = f"{recent} anomal{'y' if recent == 1 else 'ies'} in the last {_LATELY} days"
    return f"; {words}" if recent else ""
