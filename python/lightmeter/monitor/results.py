"""What monitors found, and keeping it in the store, apart for each file of monitors."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from lightmeter.errors import ConfigError
from lightmeter.store.buckets import parse_segment, segment_text
from lightmeter.store.store import Store
from lightmeter.times import from_ms, to_ms

__all__ = [
    "COLUMNS",
    "Judged",
    "Kept",
    "Place",
    "Result",
    "Rows",
    "Said",
    "check_source",
    "kept_of",
    "load_kept",
    "load_newest",
    "load_results",
    "result_of",
    "rows_of",
    "save_results",
    "write_said",
]


class Judged(NamedTuple):
    """How a monitor came to what it says of a bucket.

    Attributes:
        place: of the monitor among those of its run.
        drift: whether its rule is one on drift.
        dataset: what it compared with, as are the next two; as `segment_text`.
        segment: of that dataset.
        starts: of the buckets, earliest first.
        file: the absolute path of the profile file it compared with instead; empty for none.
        digest: of all that its findings follow from.
    """

    place: int
    drift: bool
    dataset: str
    segment: str
    starts: tuple[datetime, ...]
    file: str
    digest: bytes


class Place(NamedTuple):
    """What a monitor says something about: a bucket of a segment, which is given as text."""

    monitor: str
    dataset: str
    segment: str
    start: datetime


class Result(NamedTuple):
    """What a monitor found in a bucket, per feature. `feature` is empty for the bucket itself.

    `judged` is None where no rule on profiles came to an end: of missing and late buckets, of
    combinations, and of errors.
    """

    monitor: str
    dataset: str
    segment: dict[str, str]
    start: datetime
    feature: str
    state: str
    value: float | None
    lower: float | None
    upper: float | None
    baseline: int
    images: int
    words: str
    judged: Judged | None = None

    @property
    def place(self) -> Place:
        """The bucket."""
        return Place(self.monitor, self.dataset, segment_text(self.segment), self.start)


class Kept(NamedTuple):
    """All that a next run has to know of what was said of a bucket.

    Attributes:
        states: of the results.
        digest: of what they follow from, or else of themselves.
    """

    states: frozenset[str]
    digest: bytes


class Said(NamedTuple):
    """What a monitor says of a bucket.

    Attributes:
        number: of the monitor among those of its run.
        place: the bucket.
        digest: as in `Kept`, as are the states.
        states: of the results.
        results: one at least; None if they are those of the run before.
    """

    number: int
    place: Place
    digest: bytes
    states: frozenset[str]
    results: list[Result] | None


def kept_of(results: Sequence[Result]) -> Kept:
    """What is to be known of the results of a bucket."""
    states = frozenset(result.state for result in results)
    if (judged := results[0].judged) is not None:
        return Kept(states, judged.digest)
    said = [result[4:-1] for result in results]
    return Kept(states, hashlib.sha256(repr(said).encode()).digest())


COLUMNS = Result._fields[:-1]
_PLACE = "(monitor, dataset, segment, start) = (?, ?, ?, ?)"


class Rows(NamedTuple):
    """The rows of what was said of a bucket."""

    judged: tuple[Any, ...]
    results: list[tuple[Any, ...]]


def rows_of(results: Sequence[Result]) -> Rows:
    """What a store keeps of the results of a bucket."""
    first, kept = results[0], kept_of(results)
    key = (*first.place[:3], to_ms(first.start))
    place, drift, baseline = 0, False, ""
    if (judged := first.judged) is not None:
        place, drift = judged.place, judged.drift
        starts = list(map(to_ms, judged.starts))
        baseline = json.dumps([judged.dataset, judged.segment, starts, judged.file])
    states = ",".join(sorted(kept.states))
    return Rows(
        (*key, place, drift, baseline, kept.digest, states),
        [(*key, *result[4:-1]) for result in results],
    )


def save_results(store: Store, results: Iterable[Result], *, source: str = "") -> None:
    """Keep `results` in place of all that is kept of their source.

    The source is a file of monitors, known by its absolute path, so that several files can watch
    one store. A file that was moved or renamed takes over what is kept of it, once it has a monitor
    with the name and the dataset of one whose file is no longer there. What was kept without a file
    is taken over likewise.

    Args:
        store: where they are kept.
        results: all of them.
        source: path of the file; empty for monitors that were made in Python.

    Raises:
        ConfigError: another file has a monitor of the same name and dataset.
    """
    said: dict[Place, list[Result]] = {}
    for result in results:
        said.setdefault(result.place, []).append(result)
    indexes: dict[tuple[str, str], int] = {}
    for place, (first, *_) in said.items():
        indexes.setdefault(place[:2], first.judged.place if first.judged is not None else 0)
    source, taken = check_source(store, indexes.keys(), source)
    gone = load_kept(store, [source, *taken]).keys()
    write_said(store, indexes, map(rows_of, said.values()), gone, source=source, taken=taken)


def check_source(
    store: Store, monitors: Collection[tuple[str, str]], source: str
) -> tuple[str, list[str]]:
    """The source by its absolute path, and those of which it takes over everything.

    Args:
        store: where results are kept.
        monitors: name and dataset of each monitor of the source.
        source: as for `save_results`.

    Raises:
        ConfigError: as there.
    """
    source = os.path.abspath(source) if source else ""
    taken = []
    for monitor, dataset, other in store._database.all("SELECT * FROM watched ORDER BY 1, 2"):
        if other == source or (monitor, dataset) not in monitors or other in taken:
            continue
        if os.path.exists(other) and not _same_file(other, source):
            raise ConfigError(
                f"the monitor {monitor!r} of the dataset {dataset!r} is one of {other!r} as well; "
                "give it another name in one of the files, or delete one of these"
            )
        taken.append(other)
    return source, taken


def _same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def load_kept(store: Store, sources: Sequence[str]) -> dict[Place, Kept]:
    """What was said by the monitors of some sources."""
    marks = ", ".join("?" * len(sources))
    rows = store._database.all(
        "SELECT monitor, dataset, segment, start, states, digest FROM watched"
        f" JOIN judged USING(monitor, dataset) WHERE source IN ({marks})",
        sources,
    )
    sets = {text: frozenset(text.split(",")) for text in {row[4] for row in rows}}
    return {
        Place(monitor, dataset, segment, from_ms(start)): Kept(sets[states], digest)
        for monitor, dataset, segment, start, states, digest in rows
    }


def write_said(
    store: Store,
    monitors: Mapping[tuple[str, str], int],
    changed: Iterable[Rows],
    gone: Iterable[Place],
    *,
    source: str,
    taken: Sequence[str],
) -> None:
    """Write what changed, all or nothing.

    Args:
        store: where results are kept.
        monitors: name and dataset of those of the source, and their places in it.
        changed: what was said anew.
        gone: buckets of which nothing is said any more, unless `changed` has them.
        source: as `check_source` gave it.
        taken: the same.
    """
    with store._database.transaction() as sql:
        sql.executemany(
            "DELETE FROM watched WHERE source = ?", [(one,) for one in (source, *taken)]
        )
        sql.executemany("INSERT INTO watched VALUES(?, ?, ?)", [(*key, source) for key in monitors])
        for place in gone:
            _forget(sql, (*place[:3], to_ms(place.start)))
        for judged, results in changed:
            _forget(sql, judged[:4])
            sql.execute(f"INSERT INTO judged VALUES({', '.join('?' * len(judged))})", judged)
            sql.executemany(
                f"INSERT INTO result({', '.join(COLUMNS)}) VALUES({', '.join('?' * len(COLUMNS))})",
                results,
            )
        sql.executemany(
            "UPDATE judged SET place = ? WHERE (monitor, dataset) = (?, ?) AND place != ?",
            [(at, *key, at) for key, at in monitors.items()],
        )


def _forget(sql: sqlite3.Connection, key: tuple[Any, ...]) -> None:
    sql.execute(f"DELETE FROM result WHERE {_PLACE}", key)
    sql.execute(f"DELETE FROM judged WHERE {_PLACE}", key)


def load_results(store: Store) -> list[Result]:
    """What is kept of all files, by monitor, dataset, segment, bucket and feature."""
    found: list[Result] = []
    with store._database.snapshot(), store._database.parsing():
        for monitor in store._database.all("SELECT monitor, dataset FROM watched ORDER BY 1, 2"):
            where = "WHERE (monitor, dataset) = (?, ?)"
            rows = store._database.all(
                f"SELECT {', '.join(COLUMNS)} FROM result {where} ORDER BY 3, 4, 5",
                monitor,
            )
            judged = {
                tuple(key): Judged(place, bool(drift), *_baseline_of(text), digest)
                for *key, place, drift, text, digest in store._database.all(
                    "SELECT segment, start, place, drift, baseline, digest"
                    f" FROM judged {where} AND baseline != ''",
                    monitor,
                )
            }
            found += [result_of(row)._replace(judged=judged.get(row[2:4])) for row in rows]
    return found


def load_newest(store: Store, monitors: Iterable[tuple[str, str]]) -> list[Result]:
    """What is kept of the newest bucket of each monitor, which are given by name and dataset.

    It is that of all segments which the monitor watches. `judged` is left out.
    """
    found = []
    with store._database.snapshot():
        for monitor in monitors:
            places = store._database.all(
                "SELECT monitor, dataset, segment, start FROM judged"
                " WHERE (monitor, dataset) = (?, ?) AND start ="
                " (SELECT max(start) FROM judged WHERE (monitor, dataset) = (?, ?))"
                " ORDER BY segment",
                (*monitor, *monitor),
            )
            for place in places:
                found += store._database.all(
                    f"SELECT {', '.join(COLUMNS)} FROM result WHERE {_PLACE} ORDER BY feature",
                    place,
                )
    return list(map(result_of, found))


def result_of(row: Sequence[Any]) -> Result:
    """The result of a row of the `COLUMNS`."""
    return Result._make((*row[:2], parse_segment(row[2]), from_ms(row[3]), *row[4:], None))


def _baseline_of(text: str) -> tuple[str, str, tuple[datetime, ...], str]:
    dataset, segment, starts, file = json.loads(text)
    return dataset, segment, tuple(map(from_ms, starts)), file
