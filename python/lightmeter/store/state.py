"""What monitors and alerts remember in a store: plain rows, which know no monitor and no alert."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from lightmeter.store import records, tables
from lightmeter.store.engine import Database
from lightmeter.store.keys import Keys
from lightmeter.store.records import (
    Accepted,
    BucketRows,
    JudgedBucket,
    Place,
    Result,
    Source,
    Told,
)
from lightmeter.store.rows import Damage
from lightmeter.store.tables import (
    accepted,
    delete,
    has,
    insert,
    judged,
    plain,
    result,
    told,
    watched,
)

_R = result.c
_TOGETHER = 400
_RESULT = [_R["start" if name == "bucket" else name] for name in Result._fields]
row_of = attrgetter(*("bucket" if each.name == "start" else each.name for each in _R))
# What a row of each table is, which is looked at as it is read.
_RECORDS: dict[sa.Table, TypeAdapter[Any]] = {
    result: TypeAdapter(Result),
    judged: TypeAdapter(tuple[str, str, str, records.Time, int, records.States]),
    watched: TypeAdapter(Source),
    told: TypeAdapter(tuple[str, str, str, records.IncidentKind, records.Time, str, records.Flag]),
    accepted: TypeAdapter(Accepted),
}


class State:
    """The state of a store. What is in it that nobody has written is damage, a StoreError.

    Attributes:
        keys: of the server, who may do what.
    """

    def __init__(self, database: Database) -> None:
        """Of a store."""
        self._database = database
        self.keys = Keys(database)

    def rows(self, table: sa.Table, *where: Any, query: Any = None) -> list[Any]:
        """Return the records of a table, by its key; with `query`, of what that selects of it."""
        read = _RECORDS[table].validate_python
        if query is None:
            columns = _RESULT if table is result else table.c
            query = sa.select(*columns).where(*where).order_by(*table.primary_key)
        return self._database.rows(query, lambda *row: read(row, strict=True))

    # Results

    def sources(self) -> list[Source]:
        """Return every monitor of which results are kept, by name and dataset."""
        return self.rows(watched)

    def results(
        self, monitor: str, dataset: str, segment: str | None = None, start: datetime | None = None
    ) -> list[Result]:
        """Return what is kept of a monitor, by segment, bucket and feature; None is for all."""
        return self.rows(result, has(result, monitor, dataset, segment, start))

    def judged(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> dict[tuple[str, datetime], JudgedBucket]:
        """Return what is known of each bucket that a monitor has judged, by segment and start."""
        found = self.rows(judged, has(judged, monitor, dataset, segment))
        return {row[2:4]: JudgedBucket(*row[4:]) for row in found}

    def latest(
        self, monitor: str, dataset: str, segment: str | None = None, most: int = 1
    ) -> list[Result]:
        """Return the results of the last `most` buckets that a monitor judged in each segment."""
        of_segment = judged.c.segment, judged.c.start
        rank = sa.func.row_number().over(partition_by=of_segment[0], order_by=of_segment[1].desc())
        ours = has(judged, monitor, dataset, segment)
        last = sa.select(*of_segment, rank.label("rank")).where(ours).subquery()
        places = sa.select(last.c.segment, last.c.start).where(last.c.rank <= most)
        there = sa.tuple_(_R.segment, _R.start).in_(places)
        return self.rows(result, has(result, monitor, dataset), there)

    def newest(self, monitor: str, dataset: str) -> list[Result]:
        """Return the results of a monitor's newest bucket: that of all segments it watches."""
        newest = sa.select(sa.func.max(judged.c.start)).where(has(judged, monitor, dataset))
        there = _R.start == newest.scalar_subquery()
        return self.rows(result, has(result, monitor, dataset), there)

    def turning_points(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> list[Result]:
        """Return the results of a monitor from which its incidents follow, which are few.

        By segment, bucket and feature.
        """
        with self._database.snapshot():
            found = self._turning_points(monitor, dataset, segment)
            points = {(each.segment, each.bucket, each.feature): each for each in found}
        return [points[key] for key in sorted(points)]

    def begin(
        self, monitors: Iterable[Source], stale: Iterable[Place], *, sources: Iterable[str]
    ) -> None:
        """Write what monitors there are, and forget results, all or nothing.

        Args:
            monitors: those of a file.
            stale: buckets of which nothing is said any more, or that are judged again.
            sources: paths whose monitors these replace.

        Raises:
            StoreError: it cannot be written, or the lock of this run was lost.
        """
        stale = list(stale)
        with self._database.transaction() as connection:
            theirs = watched.c.source.in_(list(sources))
            gone = {each[:2] for each in self.rows(watched, theirs)}
            for monitor, dataset in gone - {each[:2] for each in monitors}:
                for table in (result, judged):
                    connection.execute(sa.delete(table).where(has(table, monitor, dataset)))
            connection.execute(sa.delete(watched).where(theirs))
            insert(connection, watched, monitors)
            for table in (result, judged):
                delete(connection, table, stale)
            self._database.check_turn()

    def add(self, buckets: Iterable[BucketRows]) -> None:
        """Write what was found in buckets, in place of what is kept of these.

        Raises:
            StoreError: it cannot be written, or the lock of this run was lost.
        """
        buckets = list(buckets)
        with self._database.transaction() as connection:
            for table in (result, judged):
                delete(connection, table, (bucket.place for bucket in buckets))
            states = (frozenset(row.state for row in each.results) for each in buckets)
            pairs = zip(buckets, states, strict=True)
            insert(
                connection, judged, ((*each.place, each.version, found) for each, found in pairs)
            )
            insert(connection, result, (row_of(row) for each in buckets for row in each.results))
            self._database.check_turn()

    def token(self) -> tuple[Any, ...]:
        """Return what differs once a profile, a result, or what is accepted is another one."""
        columns = tables.profile.c.crc, judged.c.version
        sums = (sa.select(sa.func.count(), sa.func.sum(each % 2**31)) for each in columns)
        with self._database.snapshot():
            counts = [row for query in sums for row in self._database.rows(query, lambda *row: row)]
            return *counts, *self.sources(), *self.accepted()

    # Alerts

    def told(self, alert: str) -> list[Told]:
        """Return what the alert has told and not taken back."""
        return [Told(*row[1:]) for row in self.rows(told, told.c.alert == alert)]

    def remember(self, alert: str, forget: Iterable[Told], remember: Iterable[Told]) -> None:
        """Keep that a change has been told.

        Args:
            alert: who told it.
            forget: what no longer holds.
            remember: what holds now.
        """
        remember = list(remember)
        with self._database.transaction() as connection:
            for old in (*forget, *remember):
                connection.execute(sa.delete(told).where(has(told, alert, *old[:-1])))
            insert(connection, told, ((alert, *new) for new in remember))

    def accept(self, new: Accepted) -> None:
        """Keep it in place of what was said of the same patterns and bucket."""
        with self._database.transaction() as connection:
            connection.execute(sa.delete(accepted).where(has(accepted, *new[:4])))
            insert(connection, accepted, [new])

    def forget_accepted(self, old: Accepted) -> bool:
        """Take back what was accepted with these patterns and time; whether there was anything."""
        with self._database.transaction() as connection:
            return (
                connection.execute(sa.delete(accepted).where(has(accepted, *old[:4]))).rowcount > 0
            )

    def accepted(self) -> list[Accepted]:
        """Return all that is taken as normal, the earliest first."""
        return sorted(self.rows(accepted), key=lambda each: (each.since, *each[:3]))

    # Damage

    def verify(self) -> Iterator[Damage]:
        """Read every row. Numbers and words that are others than were written are not noticed."""
        for table in (watched, told, accepted):
            self.rows(table)
        self.keys.all()
        states: defaultdict[Any, set[str]] = defaultdict(set)
        for row in self.rows(result):
            states[row.place].add(row.state)
        kept = {row[:4]: row[5] for row in self.rows(judged)}
        places = states.keys() | kept.keys()
        wrong = {place[0] for place in places if kept.get(place) != states.get(place)}
        for monitor in sorted(wrong):
            yield Damage(None, f"results of the monitor {monitor!r} are not complete")

    def _turning_points(self, monitor: str, dataset: str, only: str | None) -> Iterator[Result]:
        """Give results, some of them more than once.

        Each query is about one segment, so that every engine finds its rows by their key.
        """
        ours = has(result, monitor, dataset, only)
        lines: defaultdict[str, set[str]] = defaultdict(set)  # those that were ever bad
        bad = sa.select(_R.segment, _R.feature).where(
            ours, _R.state.in_(["anomaly", "pending", "error"])
        )
        self._database.rows(bad.distinct(), lambda segment, feature: lines[segment].add(feature))
        for segment, features in lines.items():
            here = ours & (_R.segment == segment)
            yield from self._turns(here & _R.feature.in_(features))
            starts = sa.select(judged.c.start).where(has(judged, monitor, dataset, segment))
            yield from self._witnesses(here, features, starts)
        # By which results what was told is over.
        theirs = has(told, None, dataset, only, None, None, monitor)
        for _, _, segment, kind, start, *_ in self.rows(told, theirs):
            over = _R.state.in_(["ok", "pending"]) if kind == "anomaly" else _R.state != "error"
            where = has(result, monitor, dataset, segment), _R.start >= plain(start), over
            query = sa.select(*_RESULT).where(*where)
            yield from self.rows(result, query=query.order_by(_R.start, _R.feature).limit(1))

    def _turns(self, where: sa.ColumnElement[bool]) -> Iterator[Result]:
        """An ok after an ok ends nothing, and neither would silence in its place."""
        before = sa.func.lag(_R.state).over(partition_by=_R.feature, order_by=_R.start)
        rows = sa.select(*_RESULT, before.label("before")).where(where).subquery()
        is_turn = (rows.c.state != "ok") | rows.c.before.is_(None) | (rows.c.before != "ok")
        yield from self.rows(result, query=sa.select(*list(rows.c)[:-1]).where(is_turn))

    def _witnesses(
        self, here: sa.ColumnElement[bool], features: set[str], starts: sa.Select[Any]
    ) -> Iterator[Result]:
        """Where a line is silent, the states of the others say what that means: one of each."""
        counts = sa.select(_R.start, sa.func.count()).where(here, _R.feature.in_(features))
        seen = dict(self._database.rows(counts.group_by(_R.start), lambda *row: row))
        found = self._database.rows(starts, int)
        silent = [start for start in found if seen.get(start, 0) < len(features)]
        for index in range(0, len(silent), _TOGETHER):
            there = here & _R.start.in_(silent[index : index + _TOGETHER])
            first = sa.select(_R.start, sa.func.min(_R.feature)).where(there)
            place = sa.tuple_(_R.start, _R.feature).in_(first.group_by(_R.start, _R.state))
            yield from self.rows(result, there, place)
