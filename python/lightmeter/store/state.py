"""What monitors and alerts remember in a store: plain rows, which know no monitor and no alert."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from lightmeter.store import tables
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
from lightmeter.store.tables import has, insert_all, judged, replace, result, told, watched

_R = result.c
_RESULT = [_R["start" if name == "bucket" else name] for name in Result._fields]
_row_of = attrgetter(*("bucket" if each.name == "start" else each.name for each in _R))
_TOGETHER = 400
_PLACE = "monitor", "dataset", "segment", "start"


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

    def results(
        self,
        monitor: str,
        dataset: str,
        segment: str | None = None,
        start: datetime | None = None,
    ) -> list[Result]:
        """Return what is kept of a monitor, by segment, bucket and feature; None is for all."""
        query = sa.select(*_RESULT).where(_is_of(result, monitor, dataset, segment))
        if start is not None:
            query = query.where(result.c.start == start)
        return self._results(query.order_by(result.c.segment, result.c.start, result.c.feature))

    def judged(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> dict[tuple[str, datetime], JudgedBucket]:
        """Return what is known of each bucket that a monitor has judged, by segment and start."""
        columns = (judged.c[name] for name in ("segment", "start", "version", "states"))
        query = sa.select(*columns).where(_is_of(judged, monitor, dataset, segment))
        return {
            (segment, start): JudgedBucket(version, states)
            for segment, start, version, states in self._database.rows(query)
        }

    def latest(
        self, monitor: str, dataset: str, segment: str | None = None, most: int = 1
    ) -> list[Result]:
        """Return the results of the last `most` buckets that a monitor judged in each segment."""
        rank = sa.func.row_number().over(
            partition_by=judged.c.segment, order_by=judged.c.start.desc()
        )
        ranked = sa.select(judged.c.segment, judged.c.start, rank.label("rank"))
        last = ranked.where(_is_of(judged, monitor, dataset, segment)).subquery()
        places = sa.select(last.c.segment, last.c.start).where(last.c.rank <= most)
        place = sa.tuple_(result.c.segment, result.c.start).in_(places)
        return self._results(sa.select(*_RESULT).where(_is_of(result, monitor, dataset), place))

    def newest(self, monitor: str, dataset: str) -> list[Result]:
        """Return the results of a monitor's newest bucket: that of all segments it watches."""
        newest = sa.select(sa.func.max(judged.c.start)).where(_is_of(judged, monitor, dataset))
        where = _is_of(result, monitor, dataset), result.c.start == newest.scalar_subquery()
        query = sa.select(*_RESULT).where(*where)
        return self._results(query.order_by(result.c.segment, result.c.feature))

    def turning_points(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> list[Result]:
        """Return the results of a monitor from which its incidents follow, which are few.

        By segment, bucket and feature.
        """
        with self._database.snapshot():
            found = _turning_points(self._database, monitor, dataset, segment)
            points = {(each.segment, each.start, each.feature): each for each in found}
        return [Result(*points[key]) for key in sorted(points)]

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
        with self._database.transaction() as connection:
            before = sa.select(watched.c.monitor, watched.c.dataset)
            before = before.where(watched.c.source.in_(list(sources)))
            gone = {tuple(row) for row in connection.execute(before)}
            for monitor, dataset in gone - {each[:2] for each in monitors}:
                for table in (result, judged):
                    connection.execute(sa.delete(table).where(_is_of(table, monitor, dataset)))
            for monitor, dataset in gone:
                connection.execute(sa.delete(watched).where(_is_of(watched, monitor, dataset)))
            insert_all(connection, watched, [tuple(each) for each in monitors])
            _forget(connection, stale)
            self._database.check_turn()

    def add(self, buckets: Iterable[BucketRows]) -> None:
        """Write what was found in buckets, in place of what is kept of these.

        Raises:
            StoreError: it cannot be written, or the lock of this run was lost.
        """
        buckets = list(buckets)
        with self._database.transaction() as connection:
            _forget(connection, [bucket.place for bucket in buckets])
            states = (frozenset(row.state for row in bucket.results) for bucket in buckets)
            rows = zip(buckets, states, strict=True)
            of_buckets = [(*bucket.place, bucket.version, found) for bucket, found in rows]
            insert_all(connection, judged, of_buckets)
            insert_all(
                connection, result, [_row_of(row) for each in buckets for row in each.results]
            )
            self._database.check_turn()

    def token(self) -> tuple[Any, ...]:
        """Return what differs once a profile, a result, or what is accepted is another one."""
        sums = (
            sa.select(sa.func.count(), sa.func.sum(sa.type_coerce(each, sa.BigInteger) % 2**31))
            for each in (tables.profile.c.crc, judged.c.version)
        )
        with self._database.snapshot():
            counts = [tuple(row) for query in sums for row in self._database.rows(query)]
            return *counts, *self.sources(), *self.accepted()

    # Alerts

    def told(self, alert: str) -> list[Told]:
        """Return what the alert has told and not taken back."""
        query = sa.select(*told.c[1:]).where(told.c.alert == alert)
        return [Told(*row) for row in self._database.rows(query)]

    def remember(self, alert: str, forget: Iterable[Told], remember: Iterable[Told]) -> None:
        """Keep that a change has been told.

        Args:
            alert: who told it.
            forget: what no longer holds.
            remember: what holds now.
        """
        with self._database.transaction() as connection:
            for old in forget:
                where = has(told, old._asdict(), *Told._fields[:-1])
                connection.execute(sa.delete(told).where(where, told.c.alert == alert))
            for new in remember:
                replace(connection, told, new._asdict() | {"alert": alert})

    def accept(self, accepted: Accepted) -> None:
        """Keep it in place of what was said of the same patterns and bucket."""
        with self._database.transaction() as connection:
            replace(connection, tables.accepted, accepted._asdict())

    def forget_accepted(self, accepted: Accepted) -> bool:
        """Take back what was accepted with these patterns and time; whether there was anything."""
        where = has(tables.accepted, accepted._asdict(), *Accepted._fields[:4])
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(tables.accepted).where(where)).rowcount > 0

    def accepted(self) -> list[Accepted]:
        """Return all that is taken as normal, the earliest first."""
        query = sa.select(tables.accepted).order_by(tables.accepted.c.since, *tables.accepted.c[:3])
        return [Accepted(*row) for row in self._database.rows(query)]

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
            if frozenset(states.pop(tuple(row[:4]), ())) != row.states:
                yield Damage(None, f"results of the monitor {row.monitor!r} are not complete")
        if states:
            yield Damage(None, f"nobody has judged {len(states)} buckets that have results")

    def _results(self, query: sa.Select[Any]) -> list[Result]:
        return [Result(*row) for row in self._database.rows(query)]


def _is_of(
    table: sa.Table, monitor: str, dataset: str, segment: str | None = None
) -> sa.ColumnElement[bool]:
    where = has(table, {"monitor": monitor, "dataset": dataset})
    return where if segment is None else sa.and_(where, table.c.segment == segment)


def _forget(connection: sa.Connection, places: Iterable[Place]) -> None:
    keys = [{f"_{name}": value for name, value in place._asdict().items()} for place in places]
    for table in (result, judged) if keys else ():
        where = has(table, {name: sa.bindparam(f"_{name}") for name in _PLACE})
        connection.execute(sa.delete(table).where(where), keys)


def _turning_points(
    database: Database, monitor: str, dataset: str, only: str | None
) -> Iterator[Any]:
    """Give rows of `_RESULT`, some of them more than once.

    Each query is about one segment, so that every engine finds its rows by their key.
    """
    ours = _is_of(result, monitor, dataset, only)
    lines: defaultdict[str, set[str]] = defaultdict(set)  # those that were ever bad
    bad = sa.select(_R.segment, _R.feature).where(
        ours, _R.state.in_(["anomaly", "pending", "error"])
    )
    for segment, feature in database.rows(bad.distinct()):
        lines[segment].add(feature)
    for segment, features in lines.items():
        here = ours & (_R.segment == segment)
        yield from _turns(database, here & _R.feature.in_(features))
        starts = sa.select(judged.c.start).where(_is_of(judged, monitor, dataset, segment))
        yield from _witnesses(database, here, features, starts)
    # By which results what was told is over.
    begun = sa.select(told.c.segment, told.c.start, told.c.kind)
    begun = begun.where(_is_of(told, monitor, dataset, only)).distinct()
    for segment, start, kind in database.rows(begun):
        over = _R.state.in_(["ok", "pending"]) if kind == "anomaly" else _R.state != "error"
        query = sa.select(*_RESULT).where(ours, _R.segment == segment, _R.start >= start, over)
        yield from database.rows(query.order_by(_R.start, _R.feature).limit(1))


def _turns(database: Database, where: sa.ColumnElement[bool]) -> Iterator[Any]:
    """An ok after an ok ends nothing, and neither would silence in its place."""
    before = sa.func.lag(_R.state).over(partition_by=_R.feature, order_by=_R.start)
    rows = sa.select(*_RESULT, before.label("before")).where(where).subquery()
    is_turn = (rows.c.state != "ok") | rows.c.before.is_(None) | (rows.c.before != "ok")
    yield from database.rows(sa.select(*list(rows.c)[:-1]).where(is_turn))


def _witnesses(
    database: Database, here: sa.ColumnElement[bool], features: set[str], starts: sa.Select[Any]
) -> Iterator[Any]:
    """Where a line is silent, the states of the others say what that means: one of each."""
    counts = sa.select(_R.start, sa.func.count()).where(here, _R.feature.in_(features))
    seen = dict(map(tuple, database.rows(counts.group_by(_R.start))))
    silent = [start for (start,) in database.rows(starts) if seen.get(start, 0) < len(features)]
    for index in range(0, len(silent), _TOGETHER):
        there = here & _R.start.in_(silent[index : index + _TOGETHER])
        first = sa.select(_R.start, sa.func.min(_R.feature)).where(there)
        place = sa.tuple_(_R.start, _R.feature).in_(first.group_by(_R.start, _R.state))
        yield from database.rows(sa.select(*_RESULT).where(there, place))
