"""The pages of a store: as files in a folder, and live, each on request."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lightmeter.dashboard.history import Compared, History, load_histories, segments_of
from lightmeter.dashboard.pages.details import bucket_html, feature_html
from lightmeter.dashboard.pages.overview import dataset_html, index_html
from lightmeter.dashboard.pages.parts import Extras
from lightmeter.files import write_atomically
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.report.charts.html import Html
from lightmeter.store import Store

INDEX = "index.html"

_PAGES = "lightmeter-dashboard.txt"  # their paths, a line for each
_MOST_PAGES = 200  # live ones that are kept


class Written(NamedTuple):
    """The number of pages of the site, and of those that were written."""

    pages: int
    written: int


def write_dashboard(store: Store, out: str | os.PathLike[str]) -> Written:
    """Write a site about the results of monitors in a store; write only files that changed.

    Parameters
    ----------
    store
        The store to show.
    out
        A folder that is new, empty, or from an earlier call.

    Raises
    ------
    StoreError
        The store cannot be read.
    OSError
        The site cannot be written; `FileExistsError` if `out` contains other files.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    listed = _within(folder, _PAGES)
    if any(folder.iterdir()) and not listed.exists():
        raise FileExistsError(f"the files in {folder} are not a dashboard; choose an empty folder")
    before = set(listed.read_text("utf-8", "replace").split("\n")) if listed.exists() else set()
    write_atomically(listed, "\n".join(before).encode())  # marks the folder as a dashboard
    now, written = dict[str, None](), 0
    for path, html in _all_pages(store):
        file, data, now[path] = _within(folder, path), html.encode(), None
        if not file.exists() or file.read_bytes() != data:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, data)
            written += 1
    write_atomically(listed, "\n".join(now).encode())
    for path in before.difference(now):
        if path.endswith(".html"):
            with contextlib.suppress(OSError, ValueError):  # it was removed, or is no page
                _within(folder, path).unlink()
    return Written(len(now), written)


def _within(folder: Path, path: str) -> Path:
    """Return the file of a page; refuse links that lead out of the folder."""
    file = folder / path
    is_within = file.resolve().is_relative_to(folder.resolve())
    if not is_within or (file.exists() and not file.is_file()):
        raise FileExistsError(f"{file} is a link, pipe or device, not a page; remove it")
    return file


class LivePages:
    """The pages of a store, with the paths and contents of the static site.

    Threads may share it, and a fork is safe, as for the store.
    """

    def __init__(self, store: Store) -> None:
        """Prepare to show a store, without reading it."""
        self._store = store
        self._kept: dict[tuple[str, str, object], bytes] = {}

    def page(self, path: str, extras: Extras) -> bytes | None:
        """Return a page as bytes; None if there is no such page, or not for this caller.

        Parameters
        ----------
        path
            A path such as ``index.html``.
        extras
            The additions for this caller.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        with self._store.snapshot():
            key = path, extras.key, self._store.state.token()
            kept = self._kept.get(key)
            if kept is None:
                html = _live_page(Shelf(self._store), path, extras)
                if html is None:
                    return None
                kept = self._kept[key] = html.encode()
                for old in list(self._kept)[:-_MOST_PAGES]:
                    self._kept.pop(old, None)
            return kept


def _all_pages(store: Store) -> Iterator[tuple[str, Html]]:
    with store.snapshot():  # so that all pages are of one moment
        shelf, extras = Shelf(store), Extras()
        datasets = {dataset: load_histories(shelf, dataset) for dataset in shelf.datasets}
        for histories in datasets.values():
            for history in histories:
                compared = Compared(Shelf(store), history, extras.sees)
                segments = [] if history.segment else histories[1:]
                for path, html in _pages(compared, segments, extras):
                    yield path, html()
        yield INDEX, index_html(datasets, extras)


def _live_page(shelf: Shelf, path: str, extras: Extras) -> Html | None:
    datasets = {dataset_page(each): each for each in shelf.datasets if extras.sees(each)}
    if path == INDEX:
        return index_html({each: load_histories(shelf, each) for each in datasets.values()}, extras)
    dataset = datasets.get(f"{path.partition('/')[0]}/{INDEX}", "")
    for segment in segments_of(shelf, dataset) if dataset else ():
        if dataset_page(dataset, segment) == f"{path.rpartition('/')[0]}/{INDEX}":
            # The page of the whole dataset lists the segments.
            only = None if path in datasets else segment
            history, *segments = load_histories(shelf, dataset, only)
            compared = Compared(shelf, history, extras.sees)
            html = dict(_pages(compared, segments, extras)).get(path)
            return html() if html is not None else None
    return None


def _pages(
    compared: Compared, segments: Sequence[History], extras: Extras
) -> Iterator[tuple[str, Callable[[], Html]]]:
    """Yield the paths of all pages of a dataset or segment, with what makes each."""
    history = compared.history
    for start in history.paged:
        yield history.bucket_page(start), partial(bucket_html, compared, start)
    for feature in dict.fromkeys(series.feature for series in compared.series if series.feature):
        yield history.feature_page(feature), partial(feature_html, compared, feature, extras)
    yield history.page, partial(dataset_html, compared, segments, extras)
