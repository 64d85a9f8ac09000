"""Keeping a store small and whole: rolling up, deleting and looking for damage."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from lightmeter.profile import ProfileView
from lightmeter.store import putting, statements, tables
from lightmeter.store.engine import Database
from lightmeter.store.rows import Collected, Damage, Moment, Part, StoredProfile
from lightmeter.store.statements import KEPT, LISTED
from lightmeter.store.tables import DamagedError, profile
from lightmeter.times import DAY, MILLISECOND, bucket_start, to_ms

_P = profile.c
_MOST_TAGS = 200  # characters of tags that are a name themselves


class _Period(NamedTuple):
    dataset: str
    segment: str
    start: datetime
    end: datetime
    tags: str

    @property
    def where(self) -> sa.ColumnElement[bool]:
        place = _P.dataset == self.dataset, _P.segment == self.segment, _P.tags == self.tags
        return sa.and_(*place, _P.start >= self.start, _P.start < self.end, KEPT)


def collect(
    database: Database, now: datetime, roll_up_after: timedelta, keep: timedelta | None
) -> Collected:
    """Do `Store.gc`. Each period is one transaction, so that it can be cut off anywhere."""
    periods = _periods(database)
    older = {period for period in periods if keep is not None and period.end <= now - keep}
    old = [period for period in periods - older if period.end <= now - roll_up_after]
    # First, as it gives the room that merging takes.
    deleted = sum(_delete_old(database, period) for period in sorted(older))
    database.shrink()
    rolled = [_roll_up(database, period) for period in sorted(old)]
    database.shrink()
    return Collected(sum(merged for merged, _ in rolled), deleted, sum(bad for _, bad in rolled))


def _periods(database: Database) -> set[_Period]:
    """Return the days of buckets shorter than a day; longer buckets stay as they are."""
    query = sa.select(_P.dataset, _P.segment, _P.start, _P.span, _P.tags).where(KEPT).distinct()
    periods = set[_Period]()
    for dataset, segment, start, span, tags in database.rows(query):
        end = statements.end_of(start, span)
        if span < DAY:
            with contextlib.suppress(ValueError):  # the last day there is has no end
                start = bucket_start(start, DAY)
                end = start + DAY
        periods.add(_Period(dataset, segment, start, end, tags))
    return periods


def _lock(connection: sa.Connection, dataset: str) -> None:
    """Keep other roll-ups of a dataset out, and no put."""
    query = sa.select(tables.dataset.c.name).where(tables.dataset.c.name == dataset)
    connection.execute(query.with_for_update(key_share=True))


def delete_rows(
    database: Database, place: tuple[str, Moment, Moment, Part], *more: sa.ColumnElement[bool]
) -> int:
    """Delete rows of some buckets, and without `more` what is remembered of these."""
    dataset, where = place[0], statements.is_in(*place)
    statements.check_dataset(database, dataset)
    with database.transaction() as connection:
        _lock(connection, dataset)
        deleted = connection.execute(sa.delete(profile).where(where, KEPT, *more)).rowcount
        if not more:
            connection.execute(sa.delete(profile).where(where))
        return deleted


def _delete_old(database: Database, period: _Period) -> int:
    """Delete the profiles of a period; how many. What is remembered of them stays."""
    with database.transaction() as connection:
        _lock(connection, period.dataset)
        found = database.rows(sa.select(*LISTED).where(period.where).with_for_update())
        connection.execute(sa.delete(profile).where(period.where))  # first: its pages get empty
        _remember(connection, map(statements.row_of, found))
        return len(found)


def _remember(connection: sa.Connection, rows: Iterable[StoredProfile]) -> None:
    """Keep what is said of rows without their bodies, so that a late retry of one is refused."""
    for row in rows:
        if row.digest and not row.is_merged:
            putting.store(connection, {**statements.values_of(row), "body": None})


def _roll_up(database: Database, period: _Period) -> tuple[int, int]:
    """Merge the rows of a period into one; how many, and how many are damaged."""
    dataset, segment, start, end, tags = period
    with database.transaction() as connection:
        _lock(connection, dataset)
        good: list[StoredProfile] = []
        damaged: list[StoredProfile] = []

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, _, view in statements.contents(database, period.where, lock=True):
                if isinstance(view, ProfileView):
                    good.append(row)
                    yield view
                else:
                    damaged.append(row)

        view = ProfileView.merge_many(views())
        is_one = len(good) == 1 and (good[0].start, good[0].end) == (start, end)
        if not good or is_one or any(row.is_merged for row in damaged):
            return 0, len(damaged)
        _remember(connection, good)
        long = len(tags) > _MOST_TAGS
        writer = f"&{hashlib.sha256(tags.encode()).hexdigest()}" if long else tags
        place = {"dataset": dataset, "segment": segment, "start": to_ms(start), "writer": writer}
        updated = max(to_ms(row.updated) for row in good)
        place |= {"span": (end - start) // MILLISECOND, "updated": updated}
        putting.write(connection, place, view._core, None)
        return len(good), len(damaged)


# Damage


def found_damage(database: Database, others: Iterator[Damage]) -> list[Damage]:
    """Return what checks find; one that cannot go on for damage has found some."""
    damage: list[Damage] = []
    for check in (_of_file(database), _of_profiles(database), others):
        try:
            damage.extend(check)
        except DamagedError as error:
            damage.append(Damage(None, str(error)))
    return damage


def _of_file(database: Database) -> Iterator[Damage]:
    """Give what is wrong with the structure of a file; PostgreSQL looks after its own."""
    if database.path is not None:
        for (words,) in database.rows(sa.text("PRAGMA integrity_check")):
            if words != "ok":
                yield Damage(None, words)


def _of_profiles(database: Database) -> Iterator[Damage]:
    """Read every profile, and what is said of it: time, segment, writer, counts."""
    places = sa.select(_P.dataset, tables.dataset.c.every, _P.segment).distinct()
    lengths = places.outerjoin(tables.dataset, _P.dataset == tables.dataset.c.name)
    for dataset, every, segment in database.rows(lengths):
        where = (_P.dataset == dataset) & (_P.segment == segment)  # also what nobody has written
        for row, _, view in statements.contents(database, where, KEPT):
            if not isinstance(view, ProfileView):
                yield Damage(row, str(view))
            elif row.end - row.start not in (every, DAY if row.is_merged else every):
                yield Damage(row, "its length is not that of the buckets of the dataset")
        for values in database.rows(sa.select(*LISTED).where(where, ~KEPT)):
            row = statements.row_of(values, kept=False)
            if not row.digest:
                yield Damage(row, "what is remembered of it is not what was rolled up")
