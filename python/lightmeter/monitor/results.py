"""What monitors say of buckets, and reading what a store keeps of it."""

import os
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from lightmeter.errors import ConfigError
from lightmeter.store.records import Result
from lightmeter.store.store import Store

OK: Final = "ok"
PENDING: Final = "pending"
ANOMALY: Final = "anomaly"
NOT_ENOUGH: Final = "not enough data"
ERROR: Final = "error"

__all__ = ["Result"]


def check_source(
    store: Store, monitors: Collection[tuple[str, str]], source: str
) -> tuple[str, list[str]]:
    """Return the source by its path without links, and those of which it takes over everything.

    The source of a monitor is the file that it is from, so that several files can watch one store.
    A file that was moved takes over what is kept of it, once it has a monitor with the name and the
    dataset of one whose file is no longer there; likewise what was kept without a file.

    Args:
        store: where results are kept.
        monitors: name and dataset of each monitor of the source.
        source: path of the file; empty for monitors that were made in Python.

    Raises:
        ConfigError: another file has such a monitor, or the path cannot be kept as text.
    """
    source = os.path.realpath(source) if source else ""
    if not is_utf8(source):
        raise ConfigError(f"got {source!r}; expected folders whose names are UTF-8")
    taken = set[str]()
    for kept in store.state.sources():
        if kept.path != source and kept[:2] in monitors:
            if os.path.exists(kept.path):
                raise ConfigError(
                    f"{kept.path!r} also has a monitor {kept.monitor!r} of the dataset "
                    f"{kept.dataset!r}; rename one of them, or delete one of the files"
                )
            taken.add(kept.path)
    return source, list(taken)


def joined(*words: str) -> str:
    """Return the words of a result, of which some may be empty."""
    return "; ".join(filter(None, words))


def is_utf8(path: str) -> bool:
    """Return whether a path can be kept as text."""
    return path == path.encode(errors="replace").decode()


def load_results(
    store: Store,
    monitors: Iterable[tuple[str, str]] | None = None,
    *,
    segment: str | None = None,
    bucket: datetime | None = None,
    turning: bool = False,
) -> list[Result]:
    """Return what is kept, by monitor, dataset, segment, bucket and feature.

    Args:
        store: where results are kept.
        monitors: name and dataset of those in question; None for all.
        segment: the one in question, as text; None for all.
        bucket: start of the one in question; None for all.
        turning: take no more of all buckets than enough for incidents to be the same.
    """
    state = store.state
    load = state.turning_points if turning else partial(state.results, start=bucket)
    with store.snapshot():
        every = (source[:2] for source in state.sources()) if monitors is None else monitors
        return [result for pair in sorted(every) for result in load(*pair, segment)]


def load_newest(store: Store, monitors: Iterable[tuple[str, str]]) -> list[Result]:
    """Return what is kept of the newest bucket of each monitor, which are name and dataset.

    It is that of all segments which the monitor watches.
    """
    with store.snapshot():
        return [result for monitor in monitors for result in store.state.newest(*monitor)]
