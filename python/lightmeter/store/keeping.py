"""Keeping a store small and whole: rolling up, deleting and looking for damage."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError
from lightmeter.profile import ProfileView
from lightmeter.store import tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.putting import crc_of, write
from lightmeter.store.rows import MERGED, Collected, Damage, StoredProfile
from lightmeter.store.statements import contents, places, time_of
from lightmeter.store.tables import KEPT, profile
from lightmeter.times import DAY, EPOCH, bucket_start, to_ms

_P = profile.c
_SEALED = 10  # values of a row that its check is of
_MOST_TAGS = 200  # characters of tags that are a name themselves
_KEY = [each.name for each in profile.primary_key]
_DELETE = sa.delete(profile).where(*(_P[name] == sa.bindparam(name) for name in _KEY))


class _Period(NamedTuple):
    dataset: str
    segment: str
    start: datetime
    end: datetime
    tags: str

    @property
    def where(self) -> sa.ColumnElement[bool]:
        place = _P.dataset == self.dataset, _P.segment == self.segment, _P.tags == self.tags
        return sa.and_(*place, _P.start >= to_ms(self.start), _P.start < to_ms(self.end), KEPT)


def collect(
    database: Database, now: datetime, roll_up_after: timedelta, keep: timedelta | None
) -> Collected:
    """Do `Store.gc`. Each period is one transaction, so that it can be cut off anywhere."""
    query = sa.select(_P.dataset, _P.segment, _P.start, _P.span, _P.tags).where(KEPT).distinct()
    periods = set(database.rows(query, _period_of))
    older = {period for period in periods if keep is not None and period.end <= now - keep}
    old = [period for period in periods - older if period.end <= now - roll_up_after]
    # First, as it gives the room that merging takes.
    deleted = sum(_delete_old(database, period) for period in sorted(older))
    database.shrink()
    rolled = [_roll_up(database, period) for period in sorted(old)]
    database.shrink()
    return Collected(sum(merged for merged, _ in rolled), deleted, sum(bad for _, bad in rolled))


def _period_of(dataset: str, segment: str, start: int, span: int, tags: str) -> _Period:
    """Return the day of a bucket that is shorter than a day; longer buckets stay as they are."""
    first, end = time_of(start), time_of(start + span)
    if end - first < DAY:
        try:
            first = bucket_start(first, DAY)
            end = first + DAY
        except ValueError:  # the last day there is has no end
            pass
    return _Period(dataset, segment, first, end, tags)


def lock(connection: sa.Connection, dataset: str) -> None:
    """Keep other roll-ups of a dataset out, and no put."""
    query = sa.select(tables.dataset.c.name).where(tables.dataset.c.name == dataset)
    connection.execute(query.with_for_update(key_share=True))


def _delete_old(database: Database, period: _Period) -> int:
    """Delete the profiles of a period; how many. What is remembered of them stays."""
    with database.transaction() as connection:
        lock(connection, period.dataset)
        query = sa.select(*list(_P)[:-1]).where(period.where).with_for_update()
        found = database.rows(query, lambda *row: row)
        connection.execute(sa.delete(profile).where(period.where))  # first: its pages get empty
        _remember(connection, (row[:-1] for row in found if row[-1] == crc_of(row[:-1])))
        return len(found)


def _remember(connection: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Keep what is said of rows without their bodies, so that a late retry of one is refused."""
    ours = [row for row in rows if row[3][:1] not in MERGED]
    tables.insert(connection, profile, ((*row, crc_of(row, kept=False), None) for row in ours))


def _roll_up(database: Database, period: _Period) -> tuple[int, int]:
    """Merge the rows of a period into one; how many, and how many are damaged."""
    dataset, segment, start, end, tags = period
    with database.transaction() as connection:
        lock(connection, dataset)
        good: list[tuple[Any, ...]] = []
        damaged: list[StoredProfile] = []

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, listed, view in contents(database, period.where, lock=True):
                if isinstance(view, ProfileView):
                    good.append(row[:_SEALED])
                    yield view
                else:
                    damaged.append(listed)

        view, first = ProfileView.merge_many(views()), to_ms(start)
        span = to_ms(end) - first
        is_one = [(row[2], row[5]) for row in good] == [(first, span)]
        if not good or is_one or any(row.is_merged for row in damaged):
            return 0, len(damaged)
        connection.execute(_DELETE, [dict(zip(_KEY, row, strict=False)) for row in good])
        _remember(connection, good)
        long = len(tags) > _MOST_TAGS
        writer = f"&{hashlib.sha256(tags.encode()).hexdigest()}" if long else tags
        updated = max(row[7] for row in good)
        write(connection, (dataset, segment, first, writer), span, updated, view._core, None)
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
        for words in database.rows(sa.text("PRAGMA integrity_check"), str):
            if words != "ok":
                yield Damage(None, words)


def _of_profiles(database: Database) -> Iterator[Damage]:
    """Read every profile, and what is said of it: time, segment, writer, counts."""
    lengths = dict(database.rows(sa.select(tables.dataset), lambda *row: row))
    for dataset, segment in places(database):
        length = time_of(lengths.get(dataset, 0)) - EPOCH
        for _, row, view in contents(database, _P.dataset == dataset, _P.segment == segment):
            if isinstance(view, DecodeError):
                yield Damage(row, str(view))
            elif row.end - row.start not in (length, DAY if row.is_merged else length):
                yield Damage(row, "its length is not that of the buckets of the dataset")
