"""Pages of a store that are made when somebody asks for them, and kept until they would change."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from lightmeter.dashboard.compared import Compared
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import in_full, load_histories, segments_of
from lightmeter.dashboard.pages import pages_of
from lightmeter.dashboard.pages.index import index_html
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.sitemap import dataset_page, segment_page
from lightmeter.store.store import Store

INDEX = "index.html"

_MOST_PAGES = 200


class LivePages:
    """The pages of a store, at the paths and with the contents that the static site has.

    Threads may share it.
    """

    def __init__(self, store: Store) -> None:
        """Show a store; nothing is read yet."""
        self._store, self._lock = store, threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[str, bytes]] = OrderedDict()

    def page(self, path: str, *, sees: Callable[[str], bool], extras: Extras) -> bytes | None:
        """Return a page; None if there is none at this path, or not for whoever asks.

        Args:
            path: such as ``index.html``.
            sees: whether a dataset may be shown; of others nothing is.
            extras: what is added. Its `whose` must differ between two who see different datasets.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._store.snapshot():
            key, made_of = (path, extras.whose), repr((self._store.state.token(), extras.made_of()))
            with self._lock:
                kept = self._kept.pop(key, None)
            if kept is None or kept[0] != made_of:
                html = _made(Shelf(self._store), path, sees, extras)
                if html is None:
                    return None
                kept = made_of, html.encode()
            with self._lock:
                self._kept[key] = kept
                while len(self._kept) > _MOST_PAGES:
                    self._kept.popitem(last=False)
            return kept[1]


def _made(shelf: Shelf, path: str, sees: Callable[[str], bool], extras: Extras) -> str | None:
    datasets = [dataset for dataset in shelf.datasets if sees(dataset)]
    if path == INDEX:
        return index_html({each: load_histories(shelf, each) for each in datasets}, extras)
    folder = path.rpartition("/")[0]
    for dataset in datasets:
        if path.partition("/")[0] != dataset_page(dataset).partition("/")[0]:
            continue
        for text in segments_of(shelf, dataset):
            if segment_page(dataset, text) != f"{folder}/{INDEX}":
                continue
            is_overview = path == dataset_page(dataset)  # which lists the segments
            history, *segments = load_histories(shelf, dataset, None if is_overview else text)
            compared = Compared(shelf, in_full(shelf.store, history), sees)
            pages = pages_of(compared, segments, extras)
            return next((page.html() for page in pages if page.path == path), None)
    return None
