"""The rows of profiles: reading them, rolling them up and looking for damage."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError
from lightmeter.profile import ProfileView
from lightmeter.store import tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.putting import LAST, crc_of, write
from lightmeter.store.rows import Collected, Damage, StoredProfile
from lightmeter.store.tables import KEPT, profile
from lightmeter.times import DAY, EPOCH, MILLISECOND

_P = profile.c
_DAY = DAY // MILLISECOND
KEY = tuple(profile.primary_key)
LISTED = list(_P)[:-1]  # all but the body
# A row, its body, and its profile: None if that was rolled up or deleted.
Content = tuple[StoredProfile, bytes | None, ProfileView | DecodeError | None]
_MOST_TAGS = 200  # characters of tags that are a name themselves


def time_of(ms: int) -> datetime:
    """Return the time of a row, unless no calendar has it, as in a damaged one."""
    return EPOCH + ms * MILLISECOND


def contents(
    database: Database, *where: sa.ColumnElement[bool], lock: bool = False
) -> Iterator[Content]:
    """Give rows with their profiles, or what is wrong with each.

    With `lock`, nobody else can change them until the end of the transaction.
    """
    query, done = sa.select(profile).where(*where).order_by(*KEY), 0
    query = query.with_for_update() if lock else query
    try:
        for *row, body in database.stream(query):
            done += 1
            yield decoded(StoredProfile(*row), body)
    except DamagedError:  # a page of the file: it costs one of them
        for each in database.rows(query.with_only_columns(*LISTED), StoredProfile)[done:]:
            one = sa.select(_P.body).where(tables.has(profile, *each[:4]))
            try:
                yield decoded(each, *database.rows(one, lambda body: body))
            except DamagedError:
                yield decoded(each, b"")


def decoded(row: StoredProfile, body: bytes | None) -> Content:
    """Return a row with its profile, or what is wrong with it."""
    view: ProfileView | DecodeError | None = None
    if (row.crc if body is not None else -1 - row.crc) != crc_of(row):
        view = DecodeError("its time, writer or counts are not those that were written")
    elif body is not None and hashlib.sha256(body).digest() != row.sha256:
        view = DecodeError("its bytes are not those that were written")
    elif body is not None:
        try:
            view = ProfileView.from_bytes(body)
        except DecodeError as error:
            view = error
    return row, body, view


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
        rows = database.rows(query, StoredProfile)
        connection.execute(sa.delete(profile).where(period.where))  # first: its pages get empty
        _hold(connection, (row for row in rows if row.crc == crc_of(row)))
        return len(rows)


def _hold(connection: sa.Connection, rows: Iterable[StoredProfile]) -> None:
    """Keep what is said of rows without their bodies, so that a late retry of one is refused."""
    ours = (row._replace(crc=-1 - row.crc) for row in rows if not row.is_merged)
    tables.insert(connection, profile, ((*row, None) for row in ours))


def _roll_up(database: Database, period: _Period) -> tuple[int, int]:
    """Merge the rows of a period into one; how many, and how many are damaged."""
    dataset, segment, start, end, tags = period
    with database.transaction() as connection:
        lock(connection, dataset)
        good, damaged = list[StoredProfile](), list[StoredProfile]()

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, _, view in contents(database, period.where, lock=True):
                (good if isinstance(view, ProfileView) else damaged).append(row)
                if isinstance(view, ProfileView):
                    yield view

        view = ProfileView.merge_many(views())
        is_one = [(row.start, row.start + row.span) for row in good] == [(start, end)]
        if not good or is_one or any(row.is_merged for row in damaged):
            return 0, len(damaged)
        tables.delete(connection, profile, (row[:4] for row in good))
        _hold(connection, good)
        long = len(tags) > _MOST_TAGS
        writer = f"&{hashlib.sha256(tags.encode()).hexdigest()}" if long else tags
        place, updated = (dataset, segment, start, writer), max(row.updated for row in good)
        write(connection, place, end - start, updated, view._core, None)
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
    for row, _, view in contents(database):
        length = lengths.get(row.dataset, 0)
        if isinstance(view, DecodeError):
            yield Damage(row, str(view))
        elif length <= 0 or row.span not in (length, _DAY if row.is_merged else length):
            yield Damage(row, "its length is not that of the buckets of the dataset")
