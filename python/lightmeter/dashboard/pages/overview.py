"""Datasets and segments as rows of a table."""

from collections.abc import Iterable, Mapping, Sequence

from lightmeter.dashboard.history import History, worst
from lightmeter.dashboard.parts import badge, link
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.report.charts.html import Content
from lightmeter.store.rows import Bucket
from lightmeter.text import shorten


def overview_row(
    page: str,
    head: str,
    name: str,
    histories: Sequence[History],
    states: Iterable[str],
    more: Mapping[str, Content],
) -> dict[str, Content]:
    """The cells by the heads of their columns.

    Args:
        page: that has the table.
        head: of the names.
        name: of the first history, which the numbers are about.
        histories: of a dataset and its segments, or of a segment.
        states: of these, of which the worst is shown.
        more: further cells.
    """
    history = histories[0]
    last: Bucket | None = history.buckets[-1] if history.buckets else None
    return {
        head: link(page, history.page, shorten(name, 120)),
        "state": badge(worst(states)),
        "last bucket": bucket_text(last.start) if last else None,
        "images in it": f"{last.images:,}" if last else None,
        "buckets": f"{len(history.buckets):,}",
        **more,
        "open": sum(history.open_incidents for history in histories) or None,
    }
