"""The state of monitors and alerts in a store: results, reported incidents, accepted changes."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from lightmeter.store.engine import Database
from lightmeter.store.keys import Keys
from lightmeter.store.tables import (
    Accepted,
    BucketRows,
    JudgedBucket,
    Notice,
    Place,
    Result,
    Source,
    accepted,
    delete,
    has,
    insert,
    judged,
    notice,
    plain,
    result,
    watched,
)

_R = result.c
_T = TypeVar("_T")
_reader: Any = cache(lambda record: TypeAdapter(record).validate_python)

_SUMS = sa.text(
    "SELECT 0, count(*), sum(crc % 2147483648) FROM profile UNION ALL "
    "SELECT 1, count(*), sum(version % 2147483648) FROM judged ORDER BY 1"
)
_FIELDS = ", ".join(Result._fields)
_OURS = "monitor = :monitor AND dataset = :dataset AND segment = :segment"
# The results of a segment from which its incidents follow: of series that were ever `bad`, all but
# an ok after an ok. Where such a series has no result, the states of the others in the bucket say
# what that means; one result of each state is enough.
_TURNING = sa.text(f"""
    WITH series AS (
        SELECT *, lag(state, 1, '') OVER (PARTITION BY feature ORDER BY bucket) AS before
        FROM result WHERE {_OURS} AND feature IN :bad
    ), others AS (
        SELECT *, row_number() OVER (PARTITION BY bucket, state ORDER BY feature) AS number
        FROM result WHERE {_OURS} AND bucket NOT IN (
            SELECT bucket FROM series GROUP BY bucket HAVING count(*) = :many
        )
    )
    SELECT {_FIELDS} FROM series WHERE state != 'ok' OR before != 'ok'
    UNION SELECT {_FIELDS} FROM others WHERE number = 1
""").bindparams(sa.bindparam("bad", expanding=True))
_END = sa.text(f"""
    SELECT {_FIELDS} FROM result WHERE {_OURS} AND bucket >= :start
    AND (state IN ('ok', 'pending') OR :kind = 'error' AND state != 'error')
    ORDER BY bucket, feature LIMIT 1""")


class State:
    """The results of monitors, reported incidents, accepted changes, and keys in a store.

    Threads may share it, and a fork is safe, as for the `Store` it belongs to. Every method raises
    StoreError if the store cannot be read or written, or if a row is damaged.

    Attributes
    ----------
    keys
        The keys of the server.
    """

    def __init__(self, database: Database) -> None:
        """Use the database of a store."""
        self._database = database
        self.keys = Keys(database)

    def _all(self, record: type[_T], query: sa.Executable, **values: Any) -> list[_T]:
        """Return the rows of a query as records, whose types are checked."""
        read = _reader(record)
        return self._database.rows(query, lambda *row: read(row, strict=True), values)

    # Results

    def sources(self) -> list[Source]:
        """Return every monitor with stored results, in order of name and dataset."""
        return self._all(Source, sa.select(watched).order_by(*watched.primary_key))

    def results(
        self, monitor: str, dataset: str, segment: str | None = None, start: datetime | None = None
    ) -> list[Result]:
        """Return the results of a monitor in order of segment, bucket and feature.

        Parameters
        ----------
        monitor
            The name of the monitor.
        dataset
            The dataset of the monitor.
        segment
            A segment as text; None for all segments.
        start
            The start of a bucket; None for all buckets.
        """
        where = has(result, monitor, dataset, segment, start)
        return self._all(Result, sa.select(result).where(where).order_by(*result.primary_key))

    def judged(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> dict[tuple[str, datetime], JudgedBucket]:
        """Return the record of each bucket that a monitor has judged, by segment and start."""
        query = sa.select(judged).where(has(judged, monitor, dataset, segment))
        return {(row.segment, row.bucket): row for row in self._all(JudgedBucket, query)}

    def latest(
        self, monitor: str, dataset: str, segment: str | None = None, most: int = 1
    ) -> list[Result]:
        """Return the results of the last `most` judged buckets of each segment."""
        found: list[Result] = []
        starts: defaultdict[str, list[int]] = defaultdict(list)
        query = sa.select(judged.c.segment, judged.c.bucket).order_by(judged.c.bucket)
        ours = has(judged, monitor, dataset, segment)
        self._database.rows(query.where(ours), lambda part, start: starts[part].append(start))
        # One query for all segments that begin with the same bucket, because most do, and because
        # no engine finds the rows of a join by their key.
        places: defaultdict[int, list[str]] = defaultdict(list)
        for part, its in starts.items():
            places[its[-most:][0]].append(part)
        for start, segments in places.items():
            there = has(result, monitor, dataset), _R.segment.in_(segments), _R.bucket >= start
            found += self._all(Result, sa.select(result).where(*there))
        return sorted(found, key=lambda each: (each.segment, each.bucket, each.feature))

    def turning_points(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> list[Result]:
        """Return the few results of a monitor from which its incidents follow.

        They are in order of segment, bucket and feature.
        """
        found: list[Result] = []
        pair, ours = (monitor, dataset), {"monitor": monitor, "dataset": dataset}
        with self._database.snapshot():  # one query per segment, so that it can use the index
            bad: defaultdict[str, list[str]] = defaultdict(list)
            is_bad = _R.state.in_(["anomaly", "pending", "error"])
            query = sa.select(_R.segment, _R.feature).where(has(result, *pair, segment), is_bad)
            self._database.rows(query.distinct(), lambda part, name: bad[part].append(name))
            for part, names in bad.items():
                of_part = {**ours, "segment": part, "bad": names, "many": len(names)}
                found += self._all(Result, _TURNING, **of_part)
            for each in self.notices(None):  # the result that ends each reported incident
                if each.watcher == pair and segment in (None, each.segment):
                    since = {"start": plain(each.start), "kind": each.kind}
                    found += self._all(Result, _END, **ours, segment=each.segment, **since)
        points = {(each.segment, each.bucket, each.feature): each for each in found}
        return [points[key] for key in sorted(points)]

    def begin(
        self, monitors: Iterable[Source], stale: Iterable[Place], *, sources: Iterable[str]
    ) -> None:
        """Store the monitors of a file and delete stale results, all or nothing.

        Parameters
        ----------
        monitors
            The monitors of the file.
        stale
            Buckets that are no longer judged, or that will be judged again.
        sources
            The paths whose monitors these replace.

        Raises
        ------
        StoreError
            The store cannot be written, or the lock of this run was lost.
        """
        stale, sources = list(stale), set(sources)
        with self._database.transaction() as connection:
            before = {each[:2] for each in self.sources() if each.path in sources}
            for table in (result, judged):
                delete(connection, table, before - {each[:2] for each in monitors})
                delete(connection, table, stale)
            delete(connection, watched, before)
            insert(connection, watched, monitors)
            self._database.check_turn()

    def add(self, buckets: Iterable[BucketRows]) -> None:
        """Store judged buckets in place of earlier records of the same buckets.

        Raises
        ------
        StoreError
            The store cannot be written, or the lock of this run was lost.
        """
        buckets = list(buckets)
        with self._database.transaction() as connection:
            for table in (result, judged):
                delete(connection, table, (bucket.place for bucket in buckets))
            for place, number, results, summary in buckets:
                states = frozenset(row.state for row in results)
                insert(connection, judged, [(*place, number, states, summary)])
            insert(connection, result, (row for bucket in buckets for row in bucket.results))
            self._database.check_turn()

    def token(self) -> tuple[Any, ...]:
        """Return a value that changes with the profiles, judged buckets or accepted changes."""
        with self._database.snapshot():
            sums = self._database.rows(_SUMS, lambda *row: row)
            return *sums, *self.sources(), *self.accepted()

    # Alerts

    def notices(self, alert: str | None) -> list[Notice]:
        """Return the incidents that an alert (None: any) has reported and not retracted."""
        columns = (notice.c[name] for name in Notice._fields)
        query = sa.select(*columns).where(has(notice, alert)).order_by(*notice.primary_key)
        return self._all(Notice, query)

    def remember(self, alert: str, forget: Iterable[Notice], remember: Iterable[Notice]) -> None:
        """Store that a change has been reported.

        Parameters
        ----------
        alert
            The name of the alert.
        forget
            Incidents that no longer exist.
        remember
            Incidents as they were reported.
        """
        remember = list(remember)
        with self._database.transaction() as connection:
            delete(connection, notice, ((alert, *old[:-1]) for old in (*forget, *remember)))
            insert(connection, notice, ((alert, *new) for new in remember))

    def accept(self, new: Accepted) -> None:
        """Store an accepted change in place of one with the same patterns and time."""
        with self._database.transaction() as connection:
            delete(connection, accepted, [new[:4]])
            insert(connection, accepted, [new])

    def forget_accepted(self, old: Accepted) -> bool:
        """Delete the accepted change with these patterns and time; return whether it existed."""
        with self._database.transaction() as connection:
            return delete(connection, accepted, [old[:4]]) > 0

    def accepted(self) -> list[Accepted]:
        """Return all accepted changes, earliest first."""
        order = accepted.c.since, *accepted.primary_key
        return self._all(Accepted, sa.select(accepted).order_by(*order))

    # Damage

    def verify(self) -> None:
        """Read every row.

        Raises
        ------
        StoreError
            A row has an invalid value. A wrong number or text of the right type is not detected.
        """
        self.notices(None)
        self.accepted()
        self.keys.all()
        for each in self.sources():
            self.results(*each[:2])
            self.judged(*each[:2])
