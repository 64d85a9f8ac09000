"""Keeping a store small and whole: rolling up, deleting and looking for damage."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from lightmeter.errors import StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import segment_text
from lightmeter.store import statements, tables
from lightmeter.store.buckets import bucket_start
from lightmeter.store.engine import Database, is_full
from lightmeter.store.rows import Collected, Damage, Moment, Part, StoredProfile
from lightmeter.store.statements import KEPT, LISTED, Key
from lightmeter.store.tables import DamagedError, profile
from lightmeter.times import DAY, MILLISECOND, to_ms

__all__ = [
    "collect",
    "covered",
    "delete_rows",
    "found_damage",
    "put_row",
]

_P = profile.c
_T = TypeVar("_T")


def collect(
    database: Database, now: datetime, roll_up_after: timedelta, keep: timedelta | None
) -> Collected:
    """Do `Store.gc`. Each period is one transaction, so that it can be cut off anywhere."""
    old, older = [], []
    for period in _periods(database):
        _, _, _, end = period
        if keep is not None and end <= now - keep:
            older.append(period)
        elif end <= now - roll_up_after:
            old.append(period)
    merged = deleted = damaged = 0
    full: list[StoreError] = []

    def unless_full(work: Callable[..., _T], *arguments: Any) -> _T | None:
        try:
            return work(database, *arguments)
        except StoreError as error:
            if not is_full(error.__cause__):
                raise
            full.append(error)
            return None

    # Deleting first gives the room that merging takes. On a full disk the next may still fit.
    for name, segment, start, end in older:
        deleted += unless_full(delete_rows, name, start, end, segment, None) or 0
    unless_full(Database.shrink)
    for period in old:
        done, bad = unless_full(_roll_up, *period) or (0, 0)
        merged, damaged = merged + done, damaged + bad
    unless_full(Database.shrink)
    if full:
        raise StoreError(
            f"the disk is full: {merged} profiles were merged and {deleted} deleted, but not all "
            "that is old; make room and run it again"
        ) from full[0]
    return Collected(merged, deleted, damaged)


def _periods(database: Database) -> list[tuple[str, str, datetime, datetime]]:
    """Return the days of buckets shorter than a day; longer buckets stay as they are."""
    query = sa.select(_P.dataset, _P.segment, _P.start, _P.span).where(KEPT).distinct()
    periods = set()
    for dataset, segment, start, span in database.rows(query):
        statements.pairs_of(segment)
        end = start + span
        if span < DAY:
            with contextlib.suppress(ValueError):  # the last day there is has no end
                start = bucket_start(start, DAY)
                end = start + DAY
        periods.add((dataset, segment, start, end))
    return sorted(periods)


def _lock(connection: sa.Connection, dataset: str) -> None:
    """Keep other roll-ups of a dataset out, and no put."""
    query = sa.select(tables.dataset.c.name).where(tables.dataset.c.name == dataset)
    connection.execute(query.with_for_update(key_share=True))


def delete_rows(
    database: Database, dataset: str, start: Moment, end: Moment, segment: Part, writer: str | None
) -> int:
    """Do `Profiles.delete`: also of what a roll-up remembers of these buckets."""
    statements.check_dataset(database, dataset)
    where = statements.is_in(dataset, start, end, segment)
    of_writer = sa.true() if writer is None else _P.writer == writer
    with database.transaction() as connection:
        _lock(connection, dataset)
        deleted = connection.execute(sa.delete(profile).where(where, KEPT, of_writer)).rowcount
        if writer is None:  # what one said of a bucket that was rolled up stays there
            connection.execute(sa.delete(profile).where(where))
        return deleted


def _roll_up(
    database: Database, dataset: str, segment: str, start: datetime, end: datetime
) -> tuple[int, int]:
    """Merge all rows of a period into one without a writer; how many, and how many are damaged."""
    with database.transaction() as connection:
        _lock(connection, dataset)
        query = sa.select(*LISTED).where(statements.is_in(dataset, start, end, segment), KEPT)
        query = query.order_by(_P.start, _P.writer).with_for_update()
        rows = [statements.row_of(row) for row in connection.execute(query).all()]
        good: list[StoredProfile] = []

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, _, view in statements.contents(database, rows):
                if isinstance(view, ProfileView):
                    good.append(row)
                    yield view

        view = ProfileView.merge_many(views())
        damaged = [row for row in rows if row not in good]
        is_one = len(good) == 1 and (good[0].start, good[0].end) == (start, end)
        if not good or is_one or not all(row.writer for row in damaged):
            return 0, len(damaged)
        for row in good:
            if row.writer:
                key, values = _held(row)
                statements.upsert(database, connection, key, values)
        newest = to_ms(max(row.updated for row in good))
        key = dataset, segment, to_ms(start), ""
        statements.write(database, connection, key, view, None, end - start, newest)
        return len(good), len(damaged)


def _key_of(row: StoredProfile) -> Key:
    return row.dataset, segment_text(row.segment), to_ms(row.start), row.writer


def _held(row: StoredProfile) -> tuple[Key, dict[str, object]]:
    """Return what stays of a row that a roll-up holds, so that it is not counted again."""
    key, length = _key_of(row), (row.end - row.start) // MILLISECOND
    counts = row.seq, length, row.images, to_ms(row.updated)
    return key, statements.values_of(key, counts, None, row.digest)


def covered(database: Database, row: StoredProfile) -> list[StoredProfile]:
    """Return the profiles that a rolled-up day holds."""
    where = statements.is_in(row.dataset, row.start, row.end, row.segment), ~KEPT
    rows = database.rows(sa.select(*LISTED).where(*where).order_by(_P.start, _P.writer))
    return [statements.row_of(held, kept=False) for held in rows]


def put_row(
    database: Database, row: StoredProfile, view: ProfileView, covers: Sequence[StoredProfile]
) -> bool:
    """Put a row of another store; a rolled-up day in place of the profiles that it holds.

    Returns:
        Whether it was kept; False if there is one of the same seq or a higher one.

    Raises:
        StoreError: one of those profiles has been replaced by a later one.
    """
    with database.transaction() as connection:
        _lock(connection, row.dataset)
        for covered in covers:
            key, values = _held(covered)
            there = statements.locked(connection, key)
            if there is not None and there.kept and there.seq > covered.seq:
                raise StoreError(
                    f"it holds the profile {covered.seq} of {covered.writer!r}, which has been "
                    f"replaced by {there.seq}; what it holds cannot be told apart any more"
                )
            statements.upsert(database, connection, key, values)
        key, span, updated = _key_of(row), row.end - row.start, to_ms(row.updated)
        return statements.write(database, connection, key, view, row.seq, span, updated)


# Damage


def found_damage(database: Database, others: Callable[[], Iterator[Damage]]) -> list[Damage]:
    """Return what checks find; one that cannot go on for damage has found some."""
    damage: list[Damage] = []
    for check in (partial(_of_file, database), partial(_of_profiles, database), others):
        try:
            damage += check()
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
        rows = statements.list_rows(database, dataset, segment=segment)
        for row, _, view in statements.contents(database, rows):
            if not isinstance(view, ProfileView):
                yield Damage(row, str(view))
            elif row.end - row.start not in (every, every if row.writer else DAY):
                yield Damage(row, "its length is not that of the buckets of the dataset")
        query = sa.select(*LISTED).where(statements.is_in(dataset, segment=segment), ~KEPT)
        for values in database.rows(query):
            row = statements.row_of(values, kept=False)
            if not row.digest:
                yield Damage(row, "what is remembered of it is not what was rolled up")
