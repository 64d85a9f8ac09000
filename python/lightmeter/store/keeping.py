"""Keeping a store small and whole: rolling up, deleting and looking for damage."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, and_, delete, select, text, update

from lightmeter.errors import StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.engine import Database, is_full
from lightmeter.store.rows import Collected, Damage, StoredProfile, decoded
from lightmeter.store.statements import (
    KEPT,
    LISTED,
    Key,
    bodies,
    check_dataset,
    enter_dataset,
    has_key,
    is_in,
    list_rows,
    pairs_of,
    row_of,
    values_of,
    write,
)
from lightmeter.store.tables import DamagedError, dataset, profile
from lightmeter.times import DAY, MILLISECOND, to_ms

__all__ = [
    "collect",
    "damage_of_file",
    "damage_of_profiles",
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
        deleted += unless_full(delete_rows, name, start, end, segment) or 0
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
    query = select(dataset.c.name, _P.segment, _P.start, _P.span).distinct()
    periods = set()
    for name, segment, start, span in database.rows(query.where(dataset.c.id == _P.dataset, KEPT)):
        pairs_of(segment)
        end = start + span
        if span < DAY:
            with contextlib.suppress(ValueError):  # the last day there is has no end
                start = bucket_start(start, DAY)
                end = start + DAY
        periods.add((name, segment, start, end))
    return sorted(periods)


def _lock(connection: Connection, name: str) -> None:
    """Keep other roll-ups of a dataset out, and no put."""
    query = select(dataset.c.id).where(dataset.c.name == name)
    connection.execute(query.with_for_update(key_share=True))


def delete_rows(
    database: Database,
    name: str,
    start: datetime | date | None,
    end: datetime | date | None,
    segment: Segment | None,
    writer: str | None = None,
) -> int:
    """Do `Profiles.delete`: also of what a roll-up remembers of these buckets."""
    check_dataset(database, name)
    rows = is_in(name, start, end, segment)
    with database.transaction() as connection:
        _lock(connection, name)
        if writer is not None:  # what it said of a bucket that was rolled up stays there
            return connection.execute(
                delete(profile).where(rows, KEPT, _P.writer == writer)
            ).rowcount
        deleted = connection.execute(delete(profile).where(rows, KEPT)).rowcount
        connection.execute(delete(profile).where(rows))
        return deleted


def _roll_up(
    database: Database, name: str, segment: str, start: datetime, end: datetime
) -> tuple[int, int]:
    """Merge all rows of a period into one without a writer; how many, and how many are damaged."""
    with database.transaction() as connection:
        number, _ = enter_dataset(database, connection, name, None)
        _lock(connection, name)
        where = and_(is_in(name, start, end, segment), KEPT)
        connection.execute(select(_P.seq).where(where).order_by(_P.start).with_for_update())
        rows = list_rows(database, name, start, end, segment)
        good: list[StoredProfile] = []

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, body in bodies(database, rows):
                content = decoded(row, body)
                if isinstance(content, ProfileView):
                    good.append(row)
                    yield content

        view = ProfileView.merge_many(views())
        damaged = [row for row in rows if row not in good]
        is_one = len(good) == 1 and (good[0].start, good[0].end) == (start, end)
        if not good or is_one or not all(row.writer for row in damaged):
            return 0, len(damaged)
        for row in good:
            if row.writer:
                _remember(connection, number, row)
        newest = to_ms(max(row.updated for row in good))
        key = number, segment, to_ms(start), ""
        write(database, connection, name, key, view, None, end - start, newest)
        return len(good), len(damaged)


def _key_of(number: int, row: StoredProfile) -> Key:
    return number, segment_text(row.segment), to_ms(row.start), row.writer


def _remembered(number: int, row: StoredProfile) -> dict[str, object]:
    """Return what stays of a row that a roll-up holds, so that it is not counted again."""
    key = _key_of(number, row)
    counts = row.seq, (row.end - row.start) // MILLISECOND, row.images, to_ms(row.updated)
    return values_of(row.dataset, key, counts, None, row.digest)


def _remember(connection: Connection, number: int, row: StoredProfile) -> None:
    statement = update(profile).where(has_key(_key_of(number, row)))
    connection.execute(statement.values(_remembered(number, row)))


def put_row(
    database: Database, row: StoredProfile, view: ProfileView, covers: Sequence[StoredProfile]
) -> bool:
    """Do `Profiles.put_row`."""
    with database.transaction() as connection:
        number, _ = enter_dataset(database, connection, row.dataset, None)
        _lock(connection, row.dataset)
        for covered in covers:
            key = _key_of(number, covered)
            query = select(_P.seq, KEPT.label("kept")).where(has_key(key)).with_for_update()
            there = connection.execute(query).first()
            if there is not None and there.kept and there.seq > covered.seq:
                raise StoreError(
                    f"it holds the profile {covered.seq} of {covered.writer!r}, which has been "
                    f"replaced by {there.seq}; what it holds cannot be told apart any more"
                )
            values = _remembered(number, covered)
            keys = dict(zip(profile.primary_key.columns.keys(), key, strict=True))
            insert = database.insert(profile).values(keys | values)
            connection.execute(
                insert.on_conflict_do_update(index_elements=profile.primary_key, set_=values)
            )
        key = _key_of(number, row)
        updated = to_ms(row.updated)
        return write(
            database, connection, row.dataset, key, view, row.seq, row.end - row.start, updated
        )


# Damage


def found_damage(checks: Sequence[Callable[[], Iterator[Damage]]]) -> list[Damage]:
    """Return what some checks find; one that cannot go on for damage has found some."""
    damage: list[Damage] = []
    for check in checks:
        try:
            damage += check()
        except DamagedError as error:
            damage.append(Damage(None, str(error)))
    return damage


def damage_of_file(database: Database) -> Iterator[Damage]:
    """Give what is wrong with the structure of a file; PostgreSQL looks after its own."""
    if database.path is not None:
        for (words,) in database.rows(text("PRAGMA integrity_check")):
            if words != "ok":
                yield Damage(None, words)


def damage_of_profiles(database: Database) -> Iterator[Damage]:
    """Read every profile, and what is said of it: time, segment, writer, counts."""
    names = select(dataset.c.name, dataset.c.every, _P.segment).distinct()
    query = names.select_from(profile.outerjoin(dataset, dataset.c.id == _P.dataset))
    for name, every, segment in database.rows(query):
        rows = list_rows(database, name, None, None, segment)
        for row, body in bodies(database, rows):
            if (error := decoded(row, body)) and isinstance(error, Exception):
                yield Damage(row, str(error))
            elif row.end - row.start not in (every, DAY if not row.writer else every):
                yield Damage(row, "its length is not that of the buckets of the dataset")
        listed = select(*LISTED).where(is_in(name, None, None, segment), _P.body.is_(None))
        for values in database.rows(listed):
            held = row_of(name, values, kept=False)
            if not held.digest:
                yield Damage(held, "what is remembered of it is not what was rolled up")
