"""What monitors and alerts remember in a store: plain rows, which know no monitor and no alert."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from lightmeter.nesting import parse_json
from lightmeter.store import tables
from lightmeter.store.engine import Database
from lightmeter.store.keys import Keys
from lightmeter.store.records import (
    Accepted,
    Basis,
    BucketRows,
    Kept,
    Line,
    Place,
    ResultRow,
    Source,
    Told,
    streaks_of,
)
from lightmeter.store.rows import Damage
from lightmeter.store.tables import DamagedError, insert_all, judged, result, upsert, watched
from lightmeter.store.turning import RESULT, turning_points
from lightmeter.times import from_ms, to_ms

_R = TypeVar("_R")
_PLACE = "monitor", "dataset", "segment", "start"
_TOGETHER = 256  # buckets that are written by one statement


class State:
    """The state of a store. What is in it that nobody has written is damage, a StoreError.

    Attributes:
        keys: of the server, who may do what.
    """

    def __init__(self, database: Database) -> None:
        """Of a store."""
        self._database = database
        self.keys = Keys(database)

    # Results

    def sources(self) -> list[Source]:
        """Return every monitor of which results are kept, by name and dataset."""
        query = sa.select(watched).order_by(watched.c.monitor, watched.c.dataset)
        return [Source(*row) for row in self._database.rows(query)]

    def results(self, monitor: str, dataset: str, segment: str | None = None) -> list[ResultRow]:
        """Return everything that is kept of a monitor, by segment, bucket and feature.

        Of one segment, which is given as text; None for all.
        """
        query = sa.select(*RESULT).where(_is_of(result, monitor, dataset, segment))
        return self._results(query.order_by(result.c.segment, result.c.start, result.c.feature))

    def bases(self, monitor: str, dataset: str, segment: str | None = None) -> dict[Place, Basis]:
        """Return what the results of a monitor rest on, bucket by bucket."""
        query = sa.select(judged).where(_is_of(judged, monitor, dataset, segment))
        rows = self._database.rows(query.where(judged.c.baseline != ""))
        return {Place(*row[:4]): _basis_of(row) for row in rows}

    def digests(self, monitor: str, dataset: str) -> list[tuple[str, datetime, bytes]]:
        """Return segment, start and digest of each bucket that a monitor has judged."""
        query = sa.select(judged.c.segment, judged.c.start, judged.c.digest)
        query = query.where(_is_of(judged, monitor, dataset))
        rows = self._database.rows(query.order_by(judged.c.segment, judged.c.start))
        return [tuple(row) for row in rows]

    def newest_of_segments(self, monitor: str, dataset: str) -> list[ResultRow]:
        """Return the results of a monitor's newest bucket in each segment."""
        newest = sa.select(judged.c.segment, sa.func.max(judged.c.start))
        newest = newest.where(_is_of(judged, monitor, dataset)).group_by(judged.c.segment)
        place = sa.tuple_(result.c.segment, result.c.start)
        where = _is_of(result, monitor, dataset), place.in_(newest)
        return self._results(sa.select(*RESULT).where(*where))

    def newest(self, monitor: str, dataset: str) -> list[ResultRow]:
        """Return the results of a monitor's newest bucket: that of all segments it watches."""
        newest = sa.select(sa.func.max(judged.c.start)).where(_is_of(judged, monitor, dataset))
        where = _is_of(result, monitor, dataset), result.c.start == newest.scalar_subquery()
        query = sa.select(*RESULT).where(*where)
        return self._results(query.order_by(result.c.segment, result.c.feature))

    def turning_points(self, monitor: str, dataset: str) -> list[ResultRow]:
        """Return the results of a monitor from which its incidents follow, which are few.

        By segment, bucket and feature.
        """
        with self._database.snapshot():
            points = {row[2:5]: row for row in turning_points(self._database, monitor, dataset)}
        return [ResultRow(*points[key]) for key in sorted(points)]

    def kept(self, sources: Sequence[str]) -> dict[Place, Kept]:
        """Return what was said of every bucket by the monitors of some sources."""
        columns = judged.c.states, judged.c.digest, judged.c.streaks
        query = sa.select(*(judged.c[name] for name in _PLACE), *columns).where(
            judged.c.monitor == watched.c.monitor,
            judged.c.dataset == watched.c.dataset,
            watched.c.source.in_(sources),
        )
        return {Place(*row[:4]): Kept(*row[4:]) for row in self._database.rows(query)}

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

        Raises:
            StoreError: it cannot be written, or the lock of this run was lost.
        """
        with self._database.transaction() as connection:
            connection.execute(sa.delete(watched).where(watched.c.source.in_([source, *taken])))
            _forget(connection, gone)
            remaining = iter(changed)
            while some := [*islice(remaining, _TOGETHER)]:
                _forget(connection, [bucket.place for bucket in some])
                connection.execute(sa.insert(judged), list(map(_judged_row, some)))
                rows: list[tuple[Any, ...]] = [row for bucket in some for row in bucket.results]
                insert_all(connection, result, rows)
            for (monitor, dataset), rank in monitors.items():
                values = {"monitor": monitor, "dataset": dataset, "source": source}
                connection.execute(sa.insert(watched).values(values))
                where = _is_of(judged, monitor, dataset), judged.c.rank != rank
                connection.execute(sa.update(judged).where(*where).values(rank=rank))
            self._database.check_turn()

    # Alerts

    def told(self, alert: str) -> list[Told]:
        """Return what the alert has told and not taken back."""
        query = sa.select(*tables.told.c[1:]).where(tables.told.c.alert == alert)
        return self._records(Told, query)

    def remember(
        self, alert: str, changes: Iterable[tuple[Sequence[Told], Sequence[Told]]]
    ) -> None:
        """Changes have been told: all of them, or after a crash none.

        Args:
            alert: who told them.
            changes: of each, what no longer holds, and what holds now.
        """
        with self._database.transaction() as connection:
            for forget, remember in changes:
                for old in forget:
                    key = {**old.line._asdict(), "kind": old.kind, "start": old.start}
                    where = _has(tables.told, key | {"alert": alert})
                    connection.execute(sa.delete(tables.told).where(where))
                for new in remember:
                    upsert(connection, tables.told, _values(new) | {"alert": alert})

    def accept(self, accepted: Accepted) -> None:
        """Keep it in place of what was said of the same patterns and bucket."""
        with self._database.transaction() as connection:
            upsert(connection, tables.accepted, _values(accepted))

    def forget_accepted(self, patterns: Line, since: datetime) -> bool:
        """Take back what was accepted with exactly these patterns; whether there was anything."""
        table = tables.accepted
        with self._database.transaction() as connection:
            where = _has(table, {**patterns._asdict(), "since": since})
            return connection.execute(sa.delete(table).where(where)).rowcount > 0

    def accepted(self) -> list[Accepted]:
        """Return all that is taken as normal, the earliest first."""
        query = sa.select(tables.accepted).order_by(tables.accepted.c.since, *tables.accepted.c[:4])
        return self._records(Accepted, query)

    # Damage

    def verify(self) -> Iterator[Damage]:
        """Read every row. Numbers and words that are others than were written are not noticed."""
        for table in tables.STATE:
            self._database.rows(sa.select(table))
        self.keys.all()
        of_results = [result.c[name] for name in _PLACE]
        states: dict[Any, set[str]] = {}
        for *place, state in self._database.rows(sa.select(*of_results, result.c.state).distinct()):
            states.setdefault(tuple(place), set()).add(state)
        for row in self._database.rows(sa.select(judged)):
            if row.baseline:
                _basis_of(row)
            try:
                streaks_of(row.streaks)
            except ValueError as error:
                raise DamagedError(f"results of {row.monitor!r} are damaged: {error}") from None
            if frozenset(states.pop(tuple(row[:4]), ())) != row.states:
                yield Damage(None, f"results of the monitor {row.monitor!r} are not complete")
        if states:
            yield Damage(None, f"nobody has judged {len(states)} buckets that have results")

    def _results(self, query: sa.Select[Any]) -> list[ResultRow]:
        return [ResultRow(*row) for row in self._database.rows(query)]

    def _records(self, kind: Callable[..., _R], query: sa.Select[Any]) -> list[_R]:
        """Return the rows of a line and of more as records of one kind."""
        return [kind(Line(*row[:4]), *row[4:]) for row in self._database.rows(query)]


def _values(record: Any) -> dict[str, Any]:
    """Return the columns of a record, which begins with a line."""
    values: dict[str, Any] = record._asdict()
    return {**values.pop(record._fields[0])._asdict(), **values}


def _has(table: sa.Table, values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == value for name, value in values.items()))


def _is_of(
    table: sa.Table, monitor: str, dataset: str, segment: str | None = None
) -> sa.ColumnElement[bool]:
    where = _has(table, {"monitor": monitor, "dataset": dataset})
    return where if segment is None else sa.and_(where, table.c.segment == segment)


def _forget(connection: sa.Connection, places: Iterable[Place]) -> None:
    keys = [{f"_{name}": value for name, value in place._asdict().items()} for place in places]
    for table in (result, judged) if keys else ():
        where = _has(table, {name: sa.bindparam(f"_{name}") for name in _PLACE})
        connection.execute(sa.delete(table).where(where), keys)


def _judged_row(bucket: BucketRows) -> dict[str, Any]:
    place, kept, basis, _ = bucket
    values = {**place._asdict(), **kept._asdict(), "rank": 0, "drift": False, "baseline": ""}
    if basis is not None:
        starts = list(map(to_ms, basis.starts))
        values |= {"rank": basis.rank, "drift": basis.drift}
        values["baseline"] = json.dumps([basis.dataset, basis.segment, starts, basis.file])
    return values


def _basis_of(row: Any) -> Basis:
    try:
        dataset, segment, starts, file = parse_json(row.baseline)
        times = tuple(map(from_ms, starts))
        if not all(isinstance(text, str) for text in (dataset, segment, file)):
            raise TypeError("a name is no text")
    except (TypeError, ValueError) as error:
        raise DamagedError(f"results of {row.monitor!r} are damaged: {error}") from None
    compared = dataset, segment, times, file
    return Basis(row.rank, row.drift, *compared, row.digest, row.streaks)
