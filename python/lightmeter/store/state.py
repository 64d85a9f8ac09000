"""What monitors and alerts remember in a store: plain rows, which know no monitor and no alert."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from lightmeter.store.changes import Changes, all_rows, apply
from lightmeter.store.damage import Damage, found_damage
from lightmeter.store.database import Database
from lightmeter.store.keys import Keys
from lightmeter.store.records import (
    Accepted,
    Acknowledged,
    Basis,
    BucketRows,
    Kept,
    Line,
    Place,
    ResultRow,
    ResultState,
    Snoozed,
    Source,
    Told,
    accepted_of,
    acknowledged_of,
    judged_of,
    kept_of,
    place_of,
    result_of,
    snoozed_of,
    source_of,
    told_of,
)
from lightmeter.store.turning import TURNING_POINTS
from lightmeter.times import to_ms

__all__ = ["State"]

_Row = TypeVar("_Row")
_LINE = "dataset, segment, monitor, feature"
_MONITOR = "(monitor, dataset) = (:monitor, :dataset)"
_PLACE = "(monitor, dataset, segment, start) = (?, ?, ?, ?)"
_RESULT = ", ".join(ResultRow._fields)
_KEPT = "monitor, dataset, segment, start, states, digest, streaks"
_JUDGED = f"{_KEPT}, rank, drift, baseline"
_TOLD = f"{_LINE}, kind, start, open"
_ACKNOWLEDGED = f"{_LINE}, kind, start, note, at"
_ACCEPTED = f"{_LINE}, since, note, at"
_SNOOZED = f"{_LINE}, until, note"


class State:
    """The state of a store. What is in it that nobody has written is damage, a StoreError.

    Attributes:
        keys: of the server, who may do what.
    """

    def __init__(self, database: Database) -> None:
        """That in a store's file."""
        self._database = database
        self.keys = Keys(database)

    def snapshot(self) -> contextlib.AbstractContextManager[None]:
        """Everything that this thread reads inside is of one moment, whoever writes meanwhile."""
        return self._database.snapshot()

    # Results

    def sources(self) -> list[Source]:
        """Every monitor of which results are kept, by name and dataset."""
        return self._rows(source_of, "SELECT monitor, dataset, source FROM watched ORDER BY 1, 2")

    def results(self, monitor: str, dataset: str, segment: str | None = None) -> list[ResultRow]:
        """Everything that is kept of a monitor, by segment, bucket and feature.

        Of one segment, which is given as text; None for all.
        """
        where, values = _where(monitor, dataset, segment)
        query = f"SELECT {_RESULT} FROM result WHERE {where} ORDER BY 3, 4, 5"
        return self._rows(result_of, query, values)

    def line(self, line: Line, most: int) -> list[ResultRow]:
        """The last results of a line, earliest first."""
        query = (
            f"SELECT {_RESULT} FROM result WHERE (dataset, segment, monitor, feature)"
            " = (?, ?, ?, ?) ORDER BY start DESC LIMIT ?"
        )
        return self._rows(result_of, query, (*line, most))[::-1]

    def bases(self, monitor: str, dataset: str, segment: str | None = None) -> dict[Place, Basis]:
        """What the results of a monitor rest on, bucket by bucket; `segment` as for `results`."""
        where, values = _where(monitor, dataset, segment)
        query = f"SELECT {_JUDGED} FROM judged WHERE {where} AND baseline != ''"
        buckets = self._rows(judged_of, query, values)
        return {place: basis for place, _, basis in buckets if basis is not None}

    def digests(self, monitor: str, dataset: str) -> list[tuple[str, int, bytes]]:
        """Of what a monitor says: segment, start in milliseconds and a digest of each bucket."""
        query = "SELECT segment, start, digest FROM judged WHERE (monitor, dataset) = (?, ?)"
        return self._database.all(query, (monitor, dataset))

    def newest_of_segments(self, monitor: str, dataset: str) -> list[ResultRow]:
        """The results of a monitor's newest bucket in each segment."""
        query = (
            f"SELECT {_RESULT} FROM result JOIN (SELECT segment, max(start) AS start FROM judged"
            f" WHERE {_MONITOR} GROUP BY segment) USING(segment, start) WHERE {_MONITOR}"
        )
        return self._rows(result_of, query, {"monitor": monitor, "dataset": dataset})

    def newest(self, monitor: str, dataset: str) -> list[ResultRow]:
        """The results of a monitor's newest bucket: that of all segments which it watches."""
        newest = f"SELECT max(start) FROM judged WHERE {_MONITOR}"
        with self.snapshot():
            places = self._database.all(
                "SELECT monitor, dataset, segment, start FROM judged"
                f" WHERE {_MONITOR} AND start = ({newest}) ORDER BY segment",
                {"monitor": monitor, "dataset": dataset},
            )
            query = f"SELECT {_RESULT} FROM result WHERE {_PLACE} ORDER BY feature"
            return [row for place in places for row in self._rows(result_of, query, place)]

    def turning_points(self, monitor: str, dataset: str) -> list[ResultRow]:
        """The results of a monitor from which its incidents follow, and what there is to tell.

        They are few. By segment, bucket and feature.
        """
        points: dict[tuple[Any, ...], ResultRow] = {}
        values = {"monitor": monitor, "dataset": dataset}
        with self.snapshot():
            for query in TURNING_POINTS:
                for row in self._rows(result_of, query.format(columns=_RESULT), values):
                    points.setdefault(row[2:5], row)
        return [points[key] for key in sorted(points)]

    def kept(self, sources: Sequence[str]) -> dict[Place, Kept]:
        """What was said of every bucket by the monitors of some sources."""
        marks = ", ".join("?" * len(sources))
        query = f"SELECT {_KEPT} FROM watched JOIN judged USING(monitor, dataset)"
        rows = self._database.all(f"{query} WHERE source IN ({marks})", sources)
        sets: dict[Any, frozenset[ResultState]] = {}  # there are few, which their texts share
        with self._database.parsing():
            return {place_of(row[:4]): kept_of(row[4], row[5], row[6], sets) for row in rows}

    def save(
        self,
        monitors: Mapping[tuple[str, str], int],
        changed: Iterable[BucketRows],
        gone: Iterable[Place],
        *,
        source: str,
        taken: Sequence[str] = (),
    ) -> None:
        """Write what changed, all or nothing.

        Args:
            monitors: name and dataset of those of the source, and their ranks in it.
            changed: the buckets that were judged anew.
            gone: buckets of which nothing is said any more, unless `changed` has them.
            source: path of the file that the monitors are from; empty for none.
            taken: other sources, which it replaces.
        """
        with self._database.transaction() as sql:
            sql.executemany(
                "DELETE FROM watched WHERE source = ?", [(name,) for name in (source, *taken)]
            )
            sql.executemany(
                "INSERT INTO watched(monitor, dataset, source) VALUES(?, ?, ?)",
                [(*key, source) for key in monitors],
            )
            for place in gone:
                _forget(sql, place)
            for bucket in changed:
                _forget(sql, bucket.place)
                _write(sql, bucket)
            sql.executemany(
                "UPDATE judged SET rank = ? WHERE (monitor, dataset) = (?, ?) AND rank != ?",
                [(rank, *key, rank) for key, rank in monitors.items()],
            )

    # Alerts

    def told(self, alert: str) -> list[Told]:
        """What the alert has told and not taken back."""
        return self._rows(told_of, f"SELECT {_TOLD} FROM told WHERE alert = ?", (alert,))

    def remember(
        self, alert: str, changes: Iterable[tuple[Sequence[Told], Sequence[Told]]]
    ) -> None:
        """Changes have been told: all of them, or after a crash none.

        Args:
            alert: who told them.
            changes: of each, what no longer holds, and what holds now.
        """
        with self._database.transaction() as sql:
            for forget, remember in changes:
                sql.executemany(
                    f"DELETE FROM told WHERE (alert, {_LINE}, kind, start) = (?, ?, ?, ?, ?, ?, ?)",
                    [(alert, *old.line, old.kind, to_ms(old.start)) for old in forget],
                )
                sql.executemany(
                    f"INSERT OR REPLACE INTO told(alert, {_TOLD}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                    [(alert, *new.line, new.kind, to_ms(new.start), new.open) for new in remember],
                )

    def acknowledge(self, incidents: Iterable[Acknowledged]) -> None:
        """Somebody knows of these."""
        with self._database.transaction() as sql:
            sql.executemany(
                f"INSERT OR REPLACE INTO acknowledged({_ACKNOWLEDGED})"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (*each.line, each.kind, to_ms(each.start), each.note, to_ms(each.at))
                    for each in incidents
                ],
            )

    def acknowledged(self) -> list[Acknowledged]:
        """All that was ever acknowledged."""
        return self._rows(acknowledged_of, f"SELECT {_ACKNOWLEDGED} FROM acknowledged")

    def accept(self, accepted: Accepted) -> None:
        """Keep it in place of what was said of the same patterns and bucket."""
        with self._database.transaction() as sql:
            sql.execute(
                f"INSERT OR REPLACE INTO accepted({_ACCEPTED}) VALUES(?, ?, ?, ?, ?, ?, ?)",
                (*accepted.patterns, to_ms(accepted.since), accepted.note, to_ms(accepted.at)),
            )

    def forget_accepted(self, patterns: Line, since: datetime) -> bool:
        """Take back what was accepted with exactly these patterns; whether there was anything."""
        where = f"({_LINE}, since) = (?, ?, ?, ?, ?)"
        with self._database.transaction() as sql:
            gone = sql.execute(f"DELETE FROM accepted WHERE {where}", (*patterns, to_ms(since)))
            return gone.rowcount > 0

    def accepted(self) -> list[Accepted]:
        """All that is taken as normal, the earliest first."""
        query = f"SELECT {_ACCEPTED} FROM accepted ORDER BY since, {_LINE}"
        return self._rows(accepted_of, query)

    def snooze(self, snoozed: Snoozed) -> None:
        """Keep it in place of what was said of the same patterns."""
        with self._database.transaction() as sql:
            sql.execute(
                f"INSERT OR REPLACE INTO snooze({_SNOOZED}) VALUES(?, ?, ?, ?, ?, ?)",
                (*snoozed.patterns, to_ms(snoozed.until), snoozed.note),
            )

    def snoozed(self, now: datetime) -> list[Snoozed]:
        """What lasts, by its end."""
        query = f"SELECT {_SNOOZED} FROM snooze WHERE until > ? ORDER BY until"
        return self._rows(snoozed_of, query, (to_ms(now),))

    # Moving

    def rows(self) -> list[Changes]:
        """All that is kept, table by table."""
        return all_rows(self._database.all)

    def put_rows(self, rows: Iterable[Changes]) -> None:
        """Put rows of `rows` of another store, in place of what has their keys."""
        with self._database.transaction() as sql:
            apply(sql, rows)

    # Keeping

    def verify(self) -> list[Damage]:
        """Read every row. Numbers and words that are others than were written are not noticed.

        Raises:
            StoreError: the file is closed or out of reach.
        """
        return found_damage(
            self._database, (self._check_tables, self._check_buckets, self.keys.verify)
        )

    def _check_tables(self) -> Iterator[Damage]:
        for table, columns, read in (
            ("watched", "monitor, dataset, source", source_of),
            ("told", _TOLD, told_of),
            ("acknowledged", _ACKNOWLEDGED, acknowledged_of),
            ("accepted", _ACCEPTED, accepted_of),
            ("snooze", _SNOOZED, snoozed_of),
        ):
            for row in self._database.all(f"SELECT {columns} FROM {table}"):
                try:
                    read(row)
                except (TypeError, ValueError, OverflowError) as error:
                    yield Damage(None, f"a row of its table {table} cannot be read: {error}")

    def _check_buckets(self) -> Iterator[Damage]:
        """Whether the results of a bucket have the states that they had."""
        for pair in self._database.all(
            "SELECT monitor, dataset FROM judged UNION SELECT monitor, dataset FROM result"
        ):
            where = "WHERE (monitor, dataset) = (?, ?)"
            states: dict[Place, set[str]] = {}
            try:
                for row in self._database.all(f"SELECT {_RESULT} FROM result {where}", pair):
                    states.setdefault(place_of(row[:4]), set()).add(result_of(row).state)
                for row in self._database.all(f"SELECT {_JUDGED} FROM judged {where}", pair):
                    place, kept, *_ = judged_of(row)
                    if frozenset(states.pop(place, ())) != kept.states:
                        raise ValueError(f"those of {place.start:%Y-%m-%d %H:%M} are not complete")
                if states:
                    raise ValueError(f"nobody has judged {len(states)} buckets")
            except (TypeError, ValueError, OverflowError) as error:
                yield Damage(None, f"the results of the monitor {pair[0]!r} are damaged: {error}")

    def _rows(
        self, read: Callable[[tuple[Any, ...]], _Row], query: str, values: Iterable[Any] = ()
    ) -> list[_Row]:
        rows = self._database.all(query, values)
        with self._database.parsing():
            return list(map(read, rows))


def _where(monitor: str, dataset: str, segment: str | None) -> tuple[str, tuple[str, ...]]:
    if segment is None:
        return "(monitor, dataset) = (?, ?)", (monitor, dataset)
    return "(monitor, dataset, segment) = (?, ?, ?)", (monitor, dataset, segment)


def _write(sql: sqlite3.Connection, bucket: BucketRows) -> None:
    place, kept, basis, results = bucket
    key, rank, drift, baseline = _key(place), 0, False, ""
    if basis is not None:
        rank, drift = basis.rank, basis.drift
        starts = list(map(to_ms, basis.starts))
        baseline = json.dumps([basis.dataset, basis.segment, starts, basis.file])
    states = ",".join(sorted(kept.states))
    sql.execute(
        f"INSERT INTO judged({_JUDGED}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, states, kept.digest, kept.streaks, rank, drift, baseline),
    )
    sql.executemany(
        f"INSERT INTO result({_RESULT}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((*key, *row[4:]) for row in results),
    )


def _forget(sql: sqlite3.Connection, place: Place) -> None:
    key = _key(place)
    sql.execute(f"DELETE FROM result WHERE {_PLACE}", key)
    sql.execute(f"DELETE FROM judged WHERE {_PLACE}", key)


def _key(place: Place) -> tuple[str, str, str, int]:
    return *place[:3], to_ms(place.start)
