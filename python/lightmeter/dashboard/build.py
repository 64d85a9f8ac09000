"""Writing the site of a store."""

import os
from collections import defaultdict
from collections.abc import Iterable

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.gathering import Said, history_of, segments_of
from lightmeter.dashboard.history import History
from lightmeter.dashboard.pages.index import index_html
from lightmeter.dashboard.place import PlacePages
from lightmeter.dashboard.shown_baseline import ShownMonitors
from lightmeter.dashboard.site import Site, Written
from lightmeter.monitor.results import Result
from lightmeter.profile.segments import segment_text
from lightmeter.store.store import Store


def write_dashboard(
    store: Store,
    out: str | os.PathLike[str],
    results: Iterable[Result] = (),
    *,
    buckets: int | None = None,
) -> Written:
    """Write a site about everything in `store`, changing only files whose content changes.

    The distributions of a bucket are drawn against the baseline of the first drift monitor of its
    dataset or segment, or else of the first monitor that has one; where there is none, against the
    7 buckets before it in which no monitor found an anomaly. The page says which.

    Args:
        store: what is shown.
        out: the folder; a new one, an empty one, or one that was written before.
        results: what the monitors say, of all buckets.
        buckets: how many of a dataset have a page: the latest so many, and the latest so many with
            an anomaly; None for all of them. Of each segment, 7 at most of both.

    Raises:
        StoreError: the store cannot be read.
        OSError: the site cannot be written; `FileExistsError` if `out` holds something else.
    """
    with store.snapshot():  # so that all pages are of one moment
        return _written(store, Site(out), results, buckets)


def _written(
    store: Store,
    site: Site,
    results: Iterable[Result],
    buckets: int | None,
) -> Written:
    accepted = store.state.accepted()
    of_segment: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    monitors = ShownMonitors(store)
    for result in results:
        of_segment[result.dataset, segment_text(result.segment)].append(result)
    extras, datasets = Extras(), dict[str, list[History]]()
    for dataset in store.datasets():
        briefs: list[History] = []
        for segment in reversed(segments_of(store, dataset)):  # the whole last: it lists the others
            said = Said.of(of_segment.pop((dataset, segment_text(segment)), ()))
            history = history_of(store, dataset, segment, said, accepted, buckets)
            others = [] if segment else briefs
            for page in PlacePages(store, history, others, monitors, extras):
                if page.inputs is None or not site.is_fresh(page.path, page.inputs):
                    site.write(page.path, page.html(), page.inputs)
            briefs.insert(0, history.brief())
        datasets[dataset] = briefs
    site.write("index.html", index_html(datasets, extras))
    return site.finish()
