"""The rows of profiles: reading them, rolling them up and looking for damage."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError
from lightmeter.profile import ProfileView
from lightmeter.store import tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.putting import LAST, crc_of, write
from lightmeter.store.rows import MERGED, Collected, Damage, StoredProfile
from lightmeter.store.tables import KEPT, profile
from lightmeter.times import DAY, EPOCH, MILLISECOND

_P = profile.c
_DAY = DAY // MILLISECOND
KEY = tuple(profile.primary_key)
LISTED = list(_P)[:-1]  # all but the body
# A row as it is in the table, what it says, and its profile: None if that was rolled up or deleted.
Content = tuple[tuple[Any, ...], StoredProfile, ProfileView | DecodeError | None]
_MOST_TAGS = 200  # characters of tags that are a name themselves


def time_of(ms: int) -> datetime:
    """Return the time of a row, unless no calendar has it, as in a damaged one."""
    return EPOCH + ms * MILLISECOND


def listed(*row: Any) -> StoredProfile:
    """Return what a row says."""
    dataset, segment, start, writer, seq, span, images, updated = row[:8]
    times = time_of(start), time_of(start + span)
    return StoredProfile(dataset, segment, *times, writer, seq, images, time_of(updated))


def contents(
    database: Database, *where: sa.ColumnElement[bool], lock: bool = False
) -> Iterator[Content]:
    """Give rows with their profiles, or what is wrong with each.

    With `lock`, nobody else can change them until the end of the transaction.
    """
    query, done = sa.select(profile).where(*where).order_by(*KEY), 0
    try:
        for row in database.stream(query.with_for_update() if lock else query, _with_words):
            done += 1
            yield *row, decoded(row[0])
    except DamagedError:  # a page of the file: it costs one of them
        for key in database.rows(query.with_only_columns(*KEY), lambda *key: key)[done:]:
            one = sa.select(profile).where(tables.has(profile, *key))
            try:
                found = database.rows(one, _with_words)
            except DamagedError:  # in the body
                without = one.with_only_columns(*LISTED)
                found = database.rows(without, lambda *row: _with_words(*row, b""))
            for row in found:
                yield *row, decoded(row[0])


def _with_words(*row: Any) -> tuple[tuple[Any, ...], StoredProfile]:
    return row, listed(*row)


def decoded(row: tuple[Any, ...]) -> ProfileView | DecodeError | None:
    """Return the profile in a row, or what is wrong with it."""
    *sealed, crc, body = row
    if crc_of(sealed) != (-1 - crc if body is None else crc):
        return DecodeError("its time, writer or counts are not those that were written")
    if body is None:
        return None
    if hashlib.sha256(body).digest() != sealed[-1]:
        return DecodeError("its bytes are not those that were written")
    try:
        return ProfileView.from_bytes(body)
    except DecodeError as error:
        return error


# Keeping


class _Period(NamedTuple):
    dataset: str
    segment: str
    start: int
    end: int
    tags: str

    @property
    def where(self) -> sa.ColumnElement[bool]:
        place = _P.dataset == self.dataset, _P.segment == self.segment, _P.tags == self.tags
        return sa.and_(*place, _P.start >= self.start, _P.start < self.end, KEPT)


def collect(
    database: Database, now: int, roll_up_after: timedelta, keep: timedelta | None
) -> Collected:
    """Do `Store.gc`. Each period is one transaction, so that it can be cut off anywhere."""
    query = sa.select(_P.dataset, _P.segment, _P.start, _P.span, _P.tags).where(KEPT).distinct()
    periods = sorted(set(database.rows(query, _period_of)))
    old = now - roll_up_after // MILLISECOND
    older = -math.inf if keep is None else now - keep // MILLISECOND
    # First, as it gives the room that merging takes.
    deleted = sum(_delete_old(database, each) for each in periods if each.end <= older)
    database.shrink()
    rolled = [_roll_up(database, each) for each in periods if older < each.end <= old]
    database.shrink()
    return Collected(sum(merged for merged, _ in rolled), deleted, sum(bad for _, bad in rolled))


def _period_of(dataset: str, segment: str, start: int, span: int, tags: str) -> _Period:
    """Return the day of a bucket that is shorter than a day; longer buckets stay as they are."""
    midnight = start - start % _DAY
    if span < _DAY and midnight + _DAY <= LAST:
        start, span = midnight, _DAY
    return _Period(dataset, segment, start, start + span, tags)


def lock(connection: sa.Connection, dataset: str) -> None:
    """Keep other roll-ups of a dataset out, and no put."""
    query = sa.select(tables.dataset.c.name).where(tables.dataset.c.name == dataset)
    connection.execute(query.with_for_update(key_share=True))


def _delete_old(database: Database, period: _Period) -> int:
    """Delete the profiles of a period; how many. What is remembered of them stays."""
    with database.transaction() as connection:
        lock(connection, period.dataset)
        query = sa.select(*LISTED).where(period.where).with_for_update()
        rows = database.rows(query, lambda *row: row)
        connection.execute(sa.delete(profile).where(period.where))  # first: its pages get empty
        _hold(connection, (row[:-1] for row in rows if crc_of(row[:-1]) == row[-1]))
        return len(rows)


def _hold(connection: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Keep what is said of rows without their bodies, so that a late retry of one is refused."""
    ours = [row for row in rows if row[3][:1] not in MERGED]
    tables.insert(connection, profile, ((*row, -1 - crc_of(row), None) for row in ours))


def _roll_up(database: Database, period: _Period) -> tuple[int, int]:
    """Merge the rows of a period into one; how many, and how many are damaged."""
    dataset, segment, start, end, tags = period
    with database.transaction() as connection:
        lock(connection, dataset)
        good: list[tuple[Any, ...]] = []
        damaged: list[StoredProfile] = []

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, words, view in contents(database, period.where, lock=True):
                if isinstance(view, ProfileView):
                    good.append(row[:-2])
                    yield view
                else:
                    damaged.append(words)

        view = ProfileView.merge_many(views())
        is_one = [(row[2], row[2] + row[5]) for row in good] == [(start, end)]
        if not good or is_one or any(row.is_merged for row in damaged):
            return 0, len(damaged)
        tables.delete(connection, profile, (row[:4] for row in good))
        _hold(connection, good)
        long = len(tags) > _MOST_TAGS
        writer = f"&{hashlib.sha256(tags.encode()).hexdigest()}" if long else tags
        place, updated = (dataset, segment, start, writer), max(row[7] for row in good)
        write(connection, view._core, place, end - start, updated, None)
        return len(good), len(damaged)


# Damage


def find_damage(database: Database) -> Iterator[Damage]:
    """Read every profile, and what is said of it: time, segment, writer, counts.

    Of a file it looks at the structure first; PostgreSQL looks after its own.
    """
    if database.path is not None:
        found = database.rows(sa.text("PRAGMA integrity_check"), str)
        yield from (Damage(None, words) for words in found if words != "ok")
    lengths = dict(database.rows(sa.select(tables.dataset), lambda *row: row))
    for row, words, view in contents(database):
        length = lengths.get(row[0], 0)
        if isinstance(view, DecodeError):
            yield Damage(words, str(view))
        elif length <= 0 or row[5] not in (length, _DAY if words.is_merged else length):
            yield Damage(words, "its length is not that of the buckets of the dataset")
