"""The first page: every dataset with its state, and what happened lately."""

from collections.abc import Mapping, Sequence

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History, worst
from lightmeter.dashboard.pages.parts import Event, events_of, feed, overview
from lightmeter.monitor.results import JUDGED
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Html, tag
from lightmeter.text import count, counted
from lightmeter.times import DAY

_LATELY = 14  # days


def index_html(datasets: Mapping[str, Sequence[History]], extras: Extras) -> Html:
    """Make the page.

    Parameters
    ----------
    datasets
        Of each the histories of the whole of it, and then of its segments.
    extras
        What is added.
    """
    page = "index.html"
    states = {
        dataset: [extras.state_of(history) for history in histories]
        for dataset, histories in datasets.items()
    }
    rows = ((name, histories, worst(states[name])) for name, histories in datasets.items())
    events = events_of(history for histories in datasets.values() for history in histories)
    failed, words = sum("error" in each for each in states.values()), extras.failure()
    if failed and not words:
        words = f"The monitors could not judge {failed} of {counted(len(states), 'dataset')}"
    headline = _headline(datasets, states, events)
    if words and all(incident.end for _, incident in events if incident.kind == "anomaly"):
        headline = ""  # nothing is known of now
    listed = table("datasets", overview(page, "dataset", rows), left={"state"})
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
            extras.on_index(page),
            section("Anomalies", feed(page, events)),
        ),
        forms=extras.forms,
    )


def _headline(
    datasets: Mapping[str, Sequence[History]],
    states: Mapping[str, Sequence[str]],
    events: Sequence[Event],
) -> str:
    """Say how many anomalies last, and how many began in the days before the newest bucket."""
    anomalies = [(history.dataset, each) for history, each in events if each.kind == "anomaly"]
    lasting = [dataset for dataset, incident in anomalies if incident.end is None]
    judged = sum(not JUDGED.isdisjoint(each) for each in states.values())
    many = counted(len(datasets), "dataset")
    if lasting:
        are = "anomaly is" if len(lasting) == 1 else "anomalies are"
        words = f"{count(len(lasting))} {are} open in {len(set(lasting))} of {many}"
    elif judged:
        of_all = many if judged == len(datasets) else f"{judged} of {many}"
        words = f"Nothing unusual now in {of_all}"
    else:
        return f"{many}, nothing judged yet" if datasets else "Nothing has been logged"
    newest = [
        each.buckets[-1].start for parts in datasets.values() for each in parts if each.buckets
    ]
    # There is none where `gc` deleted all buckets, which leaves their results.
    n = sum(max(newest) - incident.start < _LATELY * DAY for _, incident in anomalies if newest)
    began = f"{'anomaly' if n == 1 else 'anomalies'} began in the last {_LATELY} days"
    return f"{words}; {count(n)} {began}" if n else words
