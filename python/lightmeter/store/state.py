"""What monitors and alerts remember in a store: plain rows, which know no monitor and no alert."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from lightmeter.store import tables
from lightmeter.store.engine import Database
from lightmeter.store.keys import Keys
from lightmeter.store.tables import (
    Accepted,
    BucketRows,
    JudgedBucket,
    Place,
    Result,
    Source,
    Told,
    accepted,
    delete,
    has,
    insert,
    judged,
    result,
    told,
    watched,
)

_R = result.c
_TOGETHER = 400
_T = TypeVar("_T")
_reader: Any = cache(lambda record: TypeAdapter(record).validate_python)


class State:
    """The state of a store. What is in it that nobody has written is damage, a StoreError.

    Attributes
    ----------
    keys
        Of the server, who may do what.
    """

    def __init__(self, database: Database) -> None:
        """Of a store."""
        self._database = database
        self.keys = Keys(database)

    def _all(self, record: type[_T], query: sa.Select[Any], *where: Any) -> list[_T]:
        """Return the rows of a query as records, which are looked at."""
        read = _reader(record)
        return self._database.rows(query.where(*where), lambda *row: read(row, strict=True))

    # Results

    def sources(self) -> list[Source]:
        """Return every monitor of which results are kept, by name and dataset."""
        return self._all(Source, sa.select(watched).order_by(*watched.primary_key))

    def results(
        self, monitor: str, dataset: str, segment: str | None = None, start: datetime | None = None
    ) -> list[Result]:
        """Return what is kept of a monitor, by segment, bucket and feature; None is for all."""
        where = has(result, monitor, dataset, segment, start)
        return self._all(Result, sa.select(result).order_by(*result.primary_key), where)

    def judged(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> dict[tuple[str, datetime], JudgedBucket]:
        """Return what is known of each bucket that a monitor has judged, by segment and start."""
        found = self._all(JudgedBucket, sa.select(judged), has(judged, monitor, dataset, segment))
        return {(each.segment, each.bucket): each for each in found}

    def latest(
        self, monitor: str, dataset: str, segment: str | None = None, most: int = 1
    ) -> list[Result]:
        """Return the results of the last `most` buckets that a monitor judged in each segment."""
        segment_of, start_of = judged.c.segment, judged.c.bucket
        rank = sa.func.row_number().over(partition_by=segment_of, order_by=start_of.desc())
        ours = has(judged, monitor, dataset, segment)
        last = sa.select(segment_of, start_of, rank.label("rank")).where(ours).subquery()
        first = sa.select(last.c.segment, sa.func.min(last.c.bucket)).where(last.c.rank <= most)
        # Most segments begin with the same bucket. No engine finds rows of a join by their key.
        places: defaultdict[int, list[str]] = defaultdict(list)
        self._database.rows(
            first.group_by(last.c.segment), lambda name, start: places[start].append(name)
        )
        found: list[Result] = []
        for start, segments in places.items():
            there = _R.segment.in_(segments), _R.bucket >= start
            found += self._all(Result, sa.select(result), has(result, monitor, dataset), *there)
        return sorted(found, key=lambda each: (each.segment, each.bucket, each.feature))

    def newest(self, monitor: str, dataset: str) -> list[Result]:
        """Return the results of a monitor's newest bucket: that of all segments it watches."""
        latest = self.latest(monitor, dataset)
        newest = max((each.bucket for each in latest), default=None)
        return [each for each in latest if each.bucket == newest]

    def turning_points(
        self, monitor: str, dataset: str, segment: str | None = None
    ) -> list[Result]:
        """Return the results of a monitor from which its incidents follow, which are few.

        By segment, bucket and feature.
        """
        found: list[Result] = []
        with self._database.snapshot():  # each query is of a segment: an index has its rows
            lines: defaultdict[str, set[str]] = defaultdict(set)  # those that were ever bad
            bad = _R.state.in_(["anomaly", "pending", "error"])
            query = sa.select(_R.segment, _R.feature).where(
                has(result, monitor, dataset, segment), bad
            )
            self._database.rows(query.distinct(), lambda part, name: lines[part].add(name))
            for part, features in lines.items():
                ours = has(result, monitor, dataset, part)
                here = ours & _R.feature.in_(features)
                # An ok after an ok ends nothing, and neither would silence in its place.
                before = sa.func.lag(_R.state, 1, "").over(
                    partition_by=_R.feature, order_by=_R.bucket
                )
                found += self._beside(here, before, lambda c: (c.state != "ok") | (c.other != "ok"))
                # Where a line is silent, the states of the others say what that means: one of each.
                counts = sa.select(_R.bucket, sa.func.count()).where(here).group_by(_R.bucket)
                said = dict(self._database.rows(counts, lambda *row: row))
                starts = sa.select(judged.c.bucket).where(has(judged, monitor, dataset, part))
                judged_at = self._database.rows(starts, int)
                silent = [start for start in judged_at if said.get(start, 0) < len(features)]
                state = _R.bucket, _R.state
                rank = sa.func.row_number().over(partition_by=state, order_by=_R.feature)
                for index in range(0, len(silent), _TOGETHER):
                    there = _R.bucket.in_(silent[index : index + _TOGETHER])
                    found += self._beside(ours & there, rank, lambda c: c.other == 1)
            for each in self.told(None):  # by which results that is over
                if each.watcher == (monitor, dataset) and segment in (None, each.segment):
                    good = _R.state.in_(["ok", "pending"])
                    over = good if each.kind == "anomaly" else _R.state != "error"
                    late = _R.bucket >= tables.plain(each.start)
                    where = has(result, monitor, dataset, each.segment), late, over
                    query = sa.select(result).order_by(_R.bucket, _R.feature).limit(1)
                    found += self._all(Result, query.where(*where))
        points = {(each.segment, each.bucket, each.feature): each for each in found}
        return [points[key] for key in sorted(points)]

    def begin(
        self, monitors: Iterable[Source], stale: Iterable[Place], *, sources: Iterable[str]
    ) -> None:
        """Write what monitors there are, and forget results, all or nothing.

        Parameters
        ----------
        monitors
            Those of a file.
        stale
            Buckets of which nothing is said any more, or that are judged again.
        sources
            Paths whose monitors these replace.

        Raises
        ------
        StoreError
            It cannot be written, or the lock of this run was lost.
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
        """Write what was found in buckets, in place of what is kept of these.

        Raises
        ------
        StoreError
            It cannot be written, or the lock of this run was lost.
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
        """Return what differs once a profile, a result, or what is accepted is another one."""
        columns = tables.profile.c.crc, judged.c.version
        sums = (sa.select(sa.func.count(), sa.func.sum(each % 2**31)) for each in columns)
        with self._database.snapshot():
            counts = [row for query in sums for row in self._database.rows(query, lambda *row: row)]
            return *counts, *self.sources(), *self.accepted()

    # Alerts

    def told(self, alert: str | None) -> list[Told]:
        """Return what the alert has told and not taken back; None is for all."""
        query = sa.select(*(told.c[name] for name in Told._fields)).order_by(*told.primary_key)
        return self._all(Told, query, has(told, alert))

    def remember(self, alert: str, forget: Iterable[Told], remember: Iterable[Told]) -> None:
        """Keep that a change has been told.

        Parameters
        ----------
        alert
            Who told it.
        forget
            What no longer holds.
        remember
            What holds now.
        """
        remember = list(remember)
        with self._database.transaction() as connection:
            delete(connection, told, ((alert, *old[:-1]) for old in (*forget, *remember)))
            insert(connection, told, ((alert, *new) for new in remember))

    def accept(self, new: Accepted) -> None:
        """Keep it in place of what was said of the same patterns and bucket."""
        with self._database.transaction() as connection:
            delete(connection, accepted, [new[:4]])
            insert(connection, accepted, [new])

    def forget_accepted(self, old: Accepted) -> bool:
        """Take back what was accepted with these patterns and time; whether there was anything."""
        with self._database.transaction() as connection:
            return delete(connection, accepted, [old[:4]]) > 0

    def accepted(self) -> list[Accepted]:
        """Return all that is taken as normal, the earliest first."""
        order = accepted.c.since, *accepted.primary_key
        return self._all(Accepted, sa.select(accepted).order_by(*order))

    # Damage

    def verify(self) -> None:
        """Read every row.

        Raises
        ------
        StoreError
            One says what nobody can have written. Numbers and words that are others than were
            written are not noticed.
        """
        for read in (partial(self.told, None), self.accepted, self.keys.all):
            read()
        for each in self.sources():
            for of in (self.results, self.judged):
                of(*each[:2])

    def _beside(self, where: Any, other: Any, condition: Callable[[Any], Any]) -> list[Result]:
        """Return the results for which something holds of what a window beside them says."""
        rows = sa.select(result, other.label("other")).where(where).subquery()
        return self._all(Result, sa.select(*list(rows.c)[:-1]).where(condition(rows.c)))
