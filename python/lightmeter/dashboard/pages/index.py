"""The first page: every dataset with its state, and what happened lately."""

from collections.abc import Mapping, Sequence

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History, grouped
from lightmeter.dashboard.pages.overview import overview_row
from lightmeter.dashboard.parts import feed
from lightmeter.draw.document import document, section, table
from lightmeter.draw.html import Html, tag

__all__ = ["index_html"]


def index_html(datasets: Mapping[str, Sequence[History]], extras: Extras) -> Html:
    """The page.

    Args:
        datasets: of each the histories of the whole of it, and then of its segments.
        extras: what is added.
    """
    page = "index.html"
    urgent = sum(
        any(history.state in ("anomaly", "error") for history in histories)
        for histories in datasets.values()
    )
    many = f"{len(datasets)} dataset{'' if len(datasets) == 1 else 's'}"
    words = f"Nothing unusual in {many}"
    if urgent:
        words = f"{urgent} of {many} need{'s' if urgent == 1 else ''} a look"
    elif not any(history.lines for histories in datasets.values() for history in histories):
        words = f"{many}, not watched yet"
    if not datasets:
        words = "Nothing has been logged"
    rows = (
        overview_row(page, "dataset", dataset, histories, {"segments": len(histories) - 1})
        for dataset, histories in datasets.items()
    )
    groups = grouped(history for histories in datasets.values() for history in histories)
    return document(
        "Dashboard",
        tag("header", tag("h1", "Dashboard"), tag("p", words, cls="headline")),
        tag(
            "main",
            section("Datasets", table("datasets", rows, left={"state"}), ident="datasets"),
            extras.on_index(page),
            section("Anomalies", feed(page, groups, extras)),
        ),
        forms=extras.forms,
    )
