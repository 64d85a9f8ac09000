"""The rows of profiles: reading them, rolling them up and looking for damage."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import putting, tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.rows import MERGED, Collected, Damage, Moment, Part, StoredProfile, Tags
from lightmeter.store.tables import KEPT, profile
from lightmeter.times import DAY, EPOCH, MILLISECOND, to_ms, to_utc

_P = profile.c
_TOGETHER = 32  # rows that are read by one statement
_DAY = DAY // MILLISECOND
_MOST_TAGS = 200  # characters of tags that are a name themselves
KEY = tuple(profile.primary_key)
LISTED = list(_P)[:-1]  # all but the body
# A row as it is in the table, what it says, and its profile: None if that was rolled up or deleted.
Content = tuple[tuple[Any, ...], StoredProfile, ProfileView | DecodeError | None]


def check_dataset(database: Database, name: str) -> None:
    """Raise StoreError if there is no dataset of that name."""
    names = database.rows(sa.select(tables.dataset.c.name).order_by("name"), str)
    if putting.checked_name(dataset=name) not in names:
        raise StoreError(
            f"there is no dataset {name!r} in {database.address}; it has "
            f"{', '.join(map(repr, names)) or 'none'}"
        )


def is_in(
    dataset: str, start: Moment = None, end: Moment = None, segment: Part = None
) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of buckets that start in [start, end)."""
    return sa.and_(
        _P.dataset == putting.checked_name(dataset=dataset),
        _P.segment == segment_text(segment),
        sa.true() if start is None else _P.start >= to_ms(to_utc(start)),
        sa.true() if end is None else _P.start < to_ms(to_utc(end)),
    )


def time_of(ms: int) -> datetime:
    """Return the time of a row, unless no calendar has it, as in a damaged one."""
    return EPOCH + ms * MILLISECOND


def places(database: Database, *where: sa.ColumnElement[bool]) -> list[tuple[Any, Any]]:
    """Return the dataset and the segment of all rows, as they are in the table."""
    query = sa.select(_P.dataset, _P.segment).where(*where).distinct()
    return database.rows(query, lambda *place: place)


def row_of(*row: Any) -> StoredProfile:
    """Return what a row says; without its digest, which no body has, where it is damaged."""
    *sealed, crc, body = row
    dataset, segment, start, writer, seq, span, images, updated, tags, digest = sealed
    return StoredProfile(
        *(dataset, time_of(start), time_of(start + span), parse_segment(segment), writer, seq),
        *(images, time_of(updated)),
        digest if crc == putting.crc_of(sealed, kept=body is not None) else b"",
        tags_of(tags.split("&")),
    )


def contents(
    database: Database, *where: sa.ColumnElement[bool], lock: bool = False
) -> Iterator[Content]:
    """Give rows of a segment with their profiles, or what is wrong with each.

    With `lock`, nobody else can change them until the end of the transaction.
    """
    after = sa.true()
    while True:
        query = sa.select(profile).where(*where, after).order_by(*KEY).limit(_TOGETHER)
        query = query.with_for_update() if lock else query
        try:
            found = database.rows(query, lambda *row: (row, row_of(*row)))
        except DamagedError:  # a page of the file: it costs one of them
            keys = database.rows(query.with_only_columns(*KEY), lambda *key: key)
            found = [each for key in keys for each in _alone(database, key)]
        for row, listed in found:
            yield row, listed, decoded(listed, row[-1])
        if len(found) < _TOGETHER:
            return
        _, _, start, writer = found[-1][0][:4]  # the first condition is for the index
        after = (_P.start >= start) & (sa.tuple_(_P.start, _P.writer) > (start, writer))


def _alone(database: Database, key: tuple[Any, ...]) -> list[Any]:
    """Return a row without the body if that cannot be read."""
    query = sa.select(profile).where(tables.has(profile, *key))
    try:
        return database.rows(query, lambda *row: (row, row_of(*row)))
    except DamagedError:
        query = query.with_only_columns(*LISTED)
        return database.rows(query, lambda *row: ((*row, b""), row_of(*row, b"")))


def decoded(row: StoredProfile, body: bytes | None) -> ProfileView | DecodeError | None:
    """Return the profile in a row, or what is wrong with it."""
    if not row.digest or not isinstance(body, bytes | None):
        return DecodeError("its time, writer or counts are not those that were written")
    if body is None:
        return None
    if hashlib.sha256(body).digest() != row.digest:
        return DecodeError("its bytes are not those that were written")
    try:
        return ProfileView.from_bytes(body)
    except DecodeError as error:
        return error


def tags_of(texts: Iterable[str]) -> Tags:
    """Return tags from the parts of a text between the `&`."""
    tags: dict[str, list[str]] = {}
    for text in sorted(texts):
        for name, tag in parse_segment(text).items():
            tags.setdefault(name, []).append(tag)
    return tags


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
    database: Database, now: datetime, roll_up_after: timedelta, keep: timedelta | None
) -> Collected:
    """Do `Store.gc`. Each period is one transaction, so that it can be cut off anywhere."""
    query = sa.select(_P.dataset, _P.segment, _P.start, _P.span, _P.tags).where(KEPT).distinct()
    periods = sorted(set(database.rows(query, _period_of)))
    old = to_ms(now) - roll_up_after // MILLISECOND
    older = -math.inf if keep is None else to_ms(now) - keep // MILLISECOND
    # First, as it gives the room that merging takes.
    deleted = sum(_delete_old(database, each) for each in periods if each.end <= older)
    database.shrink()
    rolled = [_roll_up(database, each) for each in periods if older < each.end <= old]
    database.shrink()
    return Collected(sum(merged for merged, _ in rolled), deleted, sum(bad for _, bad in rolled))


def _period_of(dataset: str, segment: str, start: int, span: int, tags: str) -> _Period:
    """Return the day of a bucket that is shorter than a day; longer buckets stay as they are."""
    midnight = start - start % _DAY
    if span < _DAY and midnight + _DAY <= putting.LAST:
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
        found = database.rows(query, lambda *row: row)
        connection.execute(sa.delete(profile).where(period.where))  # first: its pages get empty
        _remember(connection, (row[:-1] for row in found if row[-1] == putting.crc_of(row[:-1])))
        return len(found)


def _remember(connection: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Keep what is said of rows without their bodies, so that a late retry of one is refused."""
    ours = [row for row in rows if row[3][:1] not in MERGED]
    tables.insert(
        connection, profile, ((*row, putting.crc_of(row, kept=False), None) for row in ours)
    )


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
                    good.append(row[:-2])
                    yield view
                else:
                    damaged.append(listed)

        view = ProfileView.merge_many(views())
        is_one = [(row[2], row[2] + row[5]) for row in good] == [(start, end)]
        if not good or is_one or any(row.is_merged for row in damaged):
            return 0, len(damaged)
        tables.delete(connection, profile, (row[:4] for row in good))
        _remember(connection, good)
        long = len(tags) > _MOST_TAGS
        writer = f"&{hashlib.sha256(tags.encode()).hexdigest()}" if long else tags
        place, updated = (dataset, segment, start, writer), max(row[7] for row in good)
        putting.write(connection, place, end - start, updated, view._core, None)
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
