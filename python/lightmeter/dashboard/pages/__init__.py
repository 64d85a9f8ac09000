"""The pages about a dataset or segment, each made when it is asked for."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from lightmeter.dashboard.compared import Compared
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History
from lightmeter.dashboard.pages.bucket import bucket_html
from lightmeter.dashboard.pages.dataset import dataset_html
from lightmeter.dashboard.pages.feature import feature_html
from lightmeter.report.charts.html import Html


class Page(NamedTuple):
    """A page that can be made: its path, and what makes it."""

    path: str
    html: Callable[[], Html]


def pages_of(compared: Compared, segments: Sequence[History], extras: Extras) -> Iterator[Page]:
    """Yield all pages of a dataset or segment: of anomalous buckets, of features, and its own.

    Args:
        compared: its buckets.
        segments: those of its segments, in brief.
        extras: what is added.
    """
    history, starts = compared.history, compared.history.paged
    for before, start, after in zip([None, *starts], starts, [*starts[1:], None], strict=False):
        html = partial(bucket_html, compared, start, before, after)
        yield Page(history.bucket_page(start), html)
    for feature, lines in history.features().items():
        html = partial(feature_html, compared, feature, lines, extras)
        yield Page(history.feature_page(feature), html)
    yield Page(history.page, partial(dataset_html, history, segments, extras))
