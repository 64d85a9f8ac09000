"""Writing the site of a store."""

import os

from lightmeter.dashboard.compared import Compared
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import in_full, load_histories
from lightmeter.dashboard.pages import pages_of
from lightmeter.dashboard.pages.index import index_html
from lightmeter.dashboard.site import Site, Written
from lightmeter.monitor.shelf import Shelf
from lightmeter.store.store import Store


def write_dashboard(store: Store, out: str | os.PathLike[str]) -> Written:
    """Write a site about what monitors found in `store`, changing only files that differ.

    Args:
        store: what is shown.
        out: the folder; a new one, an empty one, or one that was written before.

    Raises:
        StoreError: the store cannot be read.
        OSError: the site cannot be written; `FileExistsError` if `out` holds something else.
    """
    with store.snapshot():  # so that all pages are of one moment
        site, shelf, extras = Site(out), Shelf(store), Extras()
        datasets = {dataset: load_histories(shelf, dataset) for dataset in shelf.datasets}
        for histories in datasets.values():
            for history in histories:
                compared = Compared(Shelf(store), in_full(store, history), lambda _: True)
                for page in pages_of(compared, [] if history.segment else histories[1:], extras):
                    site.write(page.path, page.html())
        site.write("index.html", index_html(datasets, extras))
        return site.finish()
