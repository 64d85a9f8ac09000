"""What monitors and alerts remember in a store: plain rows, which know no monitor and no alert."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from lightmeter.nesting import parse_json
from lightmeter.store.engine import Database
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
    Snoozed,
    Source,
    Told,
    streaks_of,
)
from lightmeter.store.rows import Damage
from lightmeter.store.tables import (
    STATE,
    DamagedError,
    accepted,
    acknowledged,
    judged,
    result,
    snooze,
    told,
    watched,
)
from lightmeter.store.turning import turning_points
from lightmeter.times import from_ms, to_ms

__all__ = ["State"]

_RESULT = [result.c[name] for name in ResultRow._fields]
_LINE = "dataset", "segment", "monitor", "feature"
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

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Let all that this thread reads inside be of one moment, whoever writes meanwhile."""
        return self._database.snapshot()

    # Results

    def sources(self) -> list[Source]:
        """Return every monitor of which results are kept, by name and dataset."""
        query = select(watched.c.monitor, watched.c.dataset, watched.c.source)
        rows = self._database.rows(query.order_by(watched.c.monitor, watched.c.dataset))
        return [Source(*row) for row in rows]

    def results(self, monitor: str, dataset: str, segment: str | None = None) -> list[ResultRow]:
        """Return everything that is kept of a monitor, by segment, bucket and feature.

        Of one segment, which is given as text; None for all.
        """
        query = select(*_RESULT).where(_is_of(result, monitor, dataset, segment))
        return self._results(query.order_by(result.c.segment, result.c.start, result.c.feature))

    def line(self, line: Line, most: int) -> list[ResultRow]:
        """Return the last results of a line, earliest first."""
        query = select(*_RESULT).where(_has(result, _LINE, line))
        return self._results(query.order_by(result.c.start.desc()).limit(most))[::-1]

    def bases(self, monitor: str, dataset: str, segment: str | None = None) -> dict[Place, Basis]:
        """Return what the results of a monitor rest on, bucket by bucket."""
        query = select(judged).where(_is_of(judged, monitor, dataset, segment))
        rows = self._database.rows(query.where(judged.c.baseline != ""))
        return {_place_of(row): _basis_of(row) for row in rows}

    def digests(self, monitor: str, dataset: str) -> list[tuple[str, datetime, bytes]]:
        """Return segment, start and digest of each bucket that a monitor has judged."""
        query = select(judged.c.segment, judged.c.start, judged.c.digest)
        query = query.where(_is_of(judged, monitor, dataset, None))
        rows = self._database.rows(query.order_by(judged.c.segment, judged.c.start))
        return [tuple(row) for row in rows]

    def newest_of_segments(self, monitor: str, dataset: str) -> list[ResultRow]:
        """Return the results of a monitor's newest bucket in each segment."""
        newest = select(judged.c.segment, func.max(judged.c.start).label("start"))
        newest = newest.where(_is_of(judged, monitor, dataset, None))
        last = newest.group_by(judged.c.segment).subquery()
        query = select(*_RESULT).where(_is_of(result, monitor, dataset, None))
        return self._results(
            query.where(result.c.segment == last.c.segment, result.c.start == last.c.start)
        )

    def newest(self, monitor: str, dataset: str) -> list[ResultRow]:
        """Return the results of a monitor's newest bucket: that of all segments it watches."""
        newest = select(func.max(judged.c.start)).where(_is_of(judged, monitor, dataset, None))
        query = select(*_RESULT).where(
            _is_of(result, monitor, dataset, None), result.c.start == newest.scalar_subquery()
        )
        return self._results(query.order_by(result.c.segment, result.c.feature))

    def turning_points(self, monitor: str, dataset: str) -> list[ResultRow]:
        """Return the results of a monitor from which its incidents follow, which are few.

        By segment, bucket and feature.
        """
        with self.snapshot():
            rows = [
                row
                for query in turning_points(monitor, dataset, _RESULT)
                for row in self._results(query)
            ]
        points = {row[2:5]: row for row in rows}
        return [points[key] for key in sorted(points)]

    def kept(self, sources: Sequence[str]) -> dict[Place, Kept]:
        """Return what was said of every bucket by the monitors of some sources."""
        query = select(judged).join_from(
            judged,
            watched,
            and_(judged.c.monitor == watched.c.monitor, judged.c.dataset == watched.c.dataset),
        )
        rows = self._database.rows(query.where(watched.c.source.in_(sources)))
        return {_place_of(row): Kept(row.states, row.digest, row.streaks) for row in rows}

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
            connection.execute(delete(watched).where(watched.c.source.in_([source, *taken])))
            _insert(
                connection,
                watched,
                ({"monitor": name, "dataset": of, "source": source} for name, of in monitors),
            )
            for place in gone:
                _forget(connection, place)
            for bucket in changed:
                _forget(connection, bucket.place)
                _insert(connection, judged, [_judged_row(bucket)])
                _insert(connection, result, map(_result_row, bucket.results))
            for (monitor, dataset), rank in monitors.items():
                where = _is_of(judged, monitor, dataset, None), judged.c.rank != rank
                connection.execute(update(judged).where(*where).values(rank=rank))
            self._database.check_turn()

    # Alerts

    def told(self, alert: str) -> list[Told]:
        """Return what the alert has told and not taken back."""
        rows = self._database.rows(select(told).where(told.c.alert == alert))
        return [Told(_line_of(row), row.kind, row.start, bool(row.open)) for row in rows]

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
                    values = _incident(old) | {"alert": alert}
                    connection.execute(delete(told).where(_has(told, values, values.values())))
                for new in remember:
                    self._put(connection, told, _incident(new), alert=alert, open=int(new.open))

    def acknowledge(self, incidents: Iterable[Acknowledged]) -> None:
        """Keep that somebody knows of these."""
        with self._database.transaction() as connection:
            for each in incidents:
                note = {"note": each.note, "at": to_ms(each.at)}
                self._put(connection, acknowledged, _incident(each), **note)

    def acknowledged(self) -> list[Acknowledged]:
        """Return all that was ever acknowledged."""
        rows = self._database.rows(select(acknowledged))
        return [Acknowledged(_line_of(row), row.kind, row.start, row.note, row.at) for row in rows]

    def accept(self, accepted_: Accepted) -> None:
        """Keep it in place of what was said of the same patterns and bucket."""
        with self._database.transaction() as connection:
            values = accepted_.patterns._asdict() | {"note": accepted_.note}
            times = {"since": to_ms(accepted_.since), "at": to_ms(accepted_.at)}
            self._put(connection, accepted, values, **times)

    def forget_accepted(self, patterns: Line, since: datetime) -> bool:
        """Take back what was accepted with exactly these patterns; whether there was anything."""
        where = _has(accepted, _LINE, patterns), accepted.c.since == to_ms(since)
        with self._database.transaction() as connection:
            return connection.execute(delete(accepted).where(*where)).rowcount > 0

    def accepted(self) -> list[Accepted]:
        """Return all that is taken as normal, the earliest first."""
        order = [accepted.c[name] for name in ("since", *_LINE)]
        rows = self._database.rows(select(accepted).order_by(*order))
        return [Accepted(_line_of(row), row.since, row.note, row.at) for row in rows]

    def snooze(self, snoozed: Snoozed) -> None:
        """Keep it in place of what was said of the same patterns."""
        with self._database.transaction() as connection:
            values = {"until": to_ms(snoozed.until), "note": snoozed.note}
            self._put(connection, snooze, snoozed.patterns._asdict(), **values)

    def snoozed(self, now: datetime) -> list[Snoozed]:
        """Return what lasts, by its end."""
        query = select(snooze).where(snooze.c.until > to_ms(now)).order_by(snooze.c.until)
        rows = self._database.rows(query)
        return [Snoozed(_line_of(row), row.until, row.note) for row in rows]

    # Damage

    def verify(self) -> Iterator[Damage]:
        """Read every row. Numbers and words that are others than were written are not noticed."""
        for table in STATE[2:]:
            self._database.rows(select(table))
        pairs = select(judged.c.monitor, judged.c.dataset)
        pairs = pairs.union(select(result.c.monitor, result.c.dataset))  # type: ignore[assignment]
        for monitor, dataset in self._database.rows(pairs):
            states: dict[Any, set[str]] = {}
            for each in self.results(monitor, dataset):
                states.setdefault((each.segment, each.start), set()).add(each.state)
            query = select(judged).where(_is_of(judged, monitor, dataset, None))
            for row in self._database.rows(query):
                if frozenset(states.pop((row.segment, row.start), ())) != row.states:
                    yield Damage(None, f"results of the monitor {monitor!r} are not complete")
                if row.baseline:
                    _basis_of(row)
                _streaks(row)
            if states:
                yield Damage(None, f"results of the monitor {monitor!r} are of no bucket")

    def _results(self, query: Select[Any]) -> list[ResultRow]:
        return [ResultRow(*row) for row in self._database.rows(query)]

    def _put(
        self, connection: Connection, table: Table, values: Mapping[str, Any], **more: Any
    ) -> None:
        """Insert a row, or replace the one with its key."""
        given = {**values, **more}
        others = {name: given[name] for name in given if not table.c[name].primary_key}
        statement = self._database.insert(table).values(given)
        connection.execute(
            statement.on_conflict_do_update(index_elements=table.primary_key, set_=others)
        )


def _has(table: Table, names: Iterable[str], values: Iterable[Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in zip(names, values, strict=True)))


def _is_of(table: Table, monitor: str, dataset: str, segment: str | None) -> ColumnElement[bool]:
    where = _has(table, ("monitor", "dataset"), (monitor, dataset))
    return where if segment is None else and_(where, table.c.segment == segment)


def _insert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    if values := [*rows]:
        connection.execute(insert(table), values)


def _forget(connection: Connection, place: Place) -> None:
    key = (*place[:3], to_ms(place.start))
    for table in (result, judged):
        connection.execute(delete(table).where(_has(table, _PLACE, key)))


def _incident(incident: Told | Acknowledged) -> dict[str, Any]:
    values = {"kind": incident.kind, "start": to_ms(incident.start)}
    return {**incident.line._asdict(), **values}


def _line_of(row: Row[Any]) -> Line:
    return Line(row.dataset, row.segment, row.monitor, row.feature)


def _place_of(row: Row[Any]) -> Place:
    return Place(row.monitor, row.dataset, row.segment, row.start)


def _result_row(row: ResultRow) -> dict[str, Any]:
    # PostgreSQL has no text with a zero character, which the name of a feature may have.
    texts = {name: getattr(row, name).replace("\0", "\N{REPLACEMENT CHARACTER}") for name in _TEXTS}
    return {**row._asdict(), **texts, "start": to_ms(row.start)}


_TEXTS = "feature", "words"


def _judged_row(bucket: BucketRows) -> dict[str, Any]:
    place, kept, basis, _ = bucket
    rank, drift, baseline = 0, 0, ""
    if basis is not None:
        rank, drift = basis.rank, int(basis.drift)
        starts = list(map(to_ms, basis.starts))
        baseline = json.dumps([basis.dataset, basis.segment, starts, basis.file])
    return {
        **place._asdict(),
        "start": to_ms(place.start),
        "rank": rank,
        "drift": drift,
        "baseline": baseline,
        "digest": kept.digest,
        "states": ",".join(sorted(kept.states)),
        "streaks": kept.streaks,
    }


def _basis_of(row: Row[Any]) -> Basis:
    try:
        dataset, segment, starts, file = parse_json(row.baseline)
        times = tuple(map(from_ms, starts))
        if not all(isinstance(text, str) for text in (dataset, segment, file)):
            raise TypeError("a name is no text")
    except (TypeError, ValueError) as error:
        raise DamagedError(f"results of {row.monitor!r} are damaged: {error}") from None
    compared = dataset, segment, times, file
    return Basis(row.rank, bool(row.drift), *compared, row.digest, row.streaks)


def _streaks(row: Row[Any]) -> None:
    try:
        streaks_of(row.streaks)
    except ValueError as error:
        raise DamagedError(f"results of {row.monitor!r} are damaged: {error}") from None
