"""Writing and reading the rows of profiles, inside a transaction or a snapshot."""

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import tables
from lightmeter.store.buckets import bucket_start
from lightmeter.store.engine import Database
from lightmeter.store.rows import Moment, Part, StoredProfile, checked_name, crc_of
from lightmeter.store.tables import DamagedError, profile
from lightmeter.times import MILLISECOND, duration_text, from_ms, to_ms, to_utc

__all__ = ["KEPT", "LISTED", "Key", "contents", "enter_dataset", "list_rows", "write"]

Key = tuple[str, str, int, str]  # dataset, segment, start in milliseconds, writer

_P = profile.c
_TRIES = 10
_TOGETHER = 32  # bodies that are read by one statement
_FIRST, _LAST = -(2**62), 2**62
KEPT = _P.body.is_not(None)  # and not by a roll-up
LISTED = (
    *(_P.dataset, _P.segment, _P.start, _P.writer, _P.seq, _P.span, _P.images, _P.updated),
    *(_P.sha256, _P.crc),
)


def has_key(key: Key) -> sa.ColumnElement[bool]:
    """Return the condition for one row."""
    return sa.tuple_(*profile.primary_key) == sa.tuple_(*key)


def is_in(
    dataset: str, start: Moment = None, end: Moment = None, segment: Part = None
) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of buckets that start in [start, end)."""
    return sa.and_(
        _P.dataset == checked_name("dataset", dataset),
        _P.segment == segment_text(segment),
        _P.start >= (_FIRST if start is None else to_ms(to_utc(start))),
        _P.start < (_LAST if end is None else to_ms(to_utc(end))),
    )


def enter_dataset(
    database: Database, connection: sa.Connection, name: str, span: timedelta | None
) -> timedelta:
    """Return the length of the buckets of a dataset; a new one is entered."""
    query = sa.select(tables.dataset.c.every).where(tables.dataset.c.name == name)
    every: Any = connection.scalar(query)
    if every is None:
        every = span or timedelta(days=1)
        bucket_start(datetime.now(UTC), every)  # refuses a length that no bucket can have
        values = {"name": name, "every": every // MILLISECOND}
        statement = database.insert(tables.dataset).values(values).on_conflict_do_nothing()
        connection.execute(statement)
        every = connection.scalar(query)  # which may be somebody else's
    if span not in (None, every):
        raise ConflictError(
            f"dataset {name!r} has buckets of {duration_text(every)}, not of "
            f"{duration_text(span)}; leave `every` out, or use another dataset"
        )
    length: timedelta = every
    return length


def locked(connection: sa.Connection, key: Key) -> Any:
    """Return seq and `kept` of a row, which nobody else can change now; None without one."""
    query = sa.select(_P.seq, KEPT.label("kept")).where(has_key(key))
    return connection.execute(query.with_for_update()).first()


def write(
    database: Database,
    connection: sa.Connection,
    key: Key,
    view: ProfileView,
    seq: int | None,
    span: timedelta,
    updated: int | None = None,
) -> bool:
    """Insert a row or replace it by one of a higher seq (None: by the next); whether it did.

    `updated` is when its data came, in milliseconds; None takes the clock.

    Raises:
        ConflictError: a roll-up holds an earlier profile of the writer.
    """
    body, length = view.to_bytes(), span // MILLISECOND
    updated = time.time_ns() // 1_000_000 if updated is None else updated
    for _ in range(_TRIES):
        there = locked(connection, key)
        if there is not None and seq is not None and seq <= there.seq:
            return False
        if there is not None and not there.kept:
            raise ConflictError(
                f"the bucket of {from_ms(key[2]):%Y-%m-%d %H:%M} has been rolled up with a profile "
                f"of {key[3]!r} in it, which can no longer be replaced"
            )
        number = seq if seq is not None else 1 if there is None else there.seq + 1
        values = values_of(key, (number, length, view.images, updated), body)
        if upsert(database, connection, key, values, (_P.seq < number) & KEPT):
            return True  # else somebody else has just written the first of this key
    raise StoreError(f"{key[3]!r} is written by several who replace each other; try again")


def upsert(
    database: Database,
    connection: sa.Connection,
    key: Key,
    values: Mapping[str, Any],
    where: sa.ColumnElement[bool] | None = None,
) -> bool:
    """Insert a row, or replace the one there is where a condition holds; whether it did."""
    keys = dict(zip(profile.primary_key.columns.keys(), key, strict=True))
    statement = database.insert(profile).values({**keys, **values})
    return bool(
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=profile.primary_key, set_=values, where=where
            )
        ).rowcount
    )


def values_of(
    key: Key, counts: tuple[int, int, int, int], body: bytes | None, digest: bytes = b""
) -> dict[str, Any]:
    """Return the columns of a row beside its key.

    Args:
        key: of the row.
        counts: seq, length in milliseconds, images, and when it was updated.
        body: None for a profile that a roll-up holds.
        digest: of its body then.
    """
    digest = digest if body is None else hashlib.sha256(body).digest()
    crc = crc_of(*key, *counts, digest.hex(), body is not None)
    names = "seq", "span", "images", "updated", "sha256", "crc", "body"
    return dict(zip(names, (*counts, digest, crc, body), strict=True))


# Reading


def check_dataset(database: Database, name: str) -> None:
    """Raise StoreError if there is no dataset of that name."""
    checked_name("dataset", name)
    query = sa.select(tables.dataset.c.name).order_by(tables.dataset.c.name)
    names = [row.name for row in database.rows(query)]
    if name not in names:
        raise StoreError(
            f"there is no dataset {name!r} in {database.address}; it has "
            f"{', '.join(map(repr, names)) or 'none'}"
        )


def pairs_of(segment: str) -> dict[str, str]:
    """Return a segment from its text.

    Raises:
        DamagedError: nobody has written that.
    """
    try:
        return parse_segment(segment)
    except ValueError as error:
        raise DamagedError(f"the store is damaged: {error}") from None


def row_of(row: Any, *, kept: bool = True) -> StoredProfile:
    """Return a row of `LISTED`; without its digest, which no body has, where it is damaged."""
    dataset, segment, start, writer, seq, span, images, updated, digest, crc = row
    key = dataset, segment, to_ms(start), writer
    counts = seq, span // MILLISECOND, images, to_ms(updated)
    if crc_of(*key, *counts, digest.hex(), kept) != crc:
        digest = b""
    try:
        end, pairs = start + span, pairs_of(segment)
    except OverflowError as error:
        raise DamagedError(f"the store is damaged: {error}") from None
    return StoredProfile(dataset, start, end, pairs, writer, seq, images, updated, digest)


def list_rows(
    database: Database, dataset: str, start: Moment = None, end: Moment = None, segment: Part = None
) -> list[StoredProfile]:
    """Return the rows of buckets that start in [start, end), without their bodies."""
    query = sa.select(*LISTED).where(is_in(dataset, start, end, segment), KEPT)
    rows = database.rows(query.order_by(_P.start, _P.writer))
    if not rows:
        check_dataset(database, dataset)
    return list(map(row_of, rows))


def contents(
    database: Database, rows: Sequence[StoredProfile]
) -> Iterator[tuple[StoredProfile, bytes | None, ProfileView | DecodeError]]:
    """Give rows of one segment with their bodies and profiles, or what is wrong with each."""
    for first in range(0, len(rows), _TOGETHER):
        part = rows[first : first + _TOGETHER]
        try:
            found = _bodies_between(database, part[0], part[-1])
        except DamagedError:  # a page of the file: it costs one of them
            found = {}
            for row in part:
                with contextlib.suppress(DamagedError):
                    found |= _bodies_between(database, row, row)
        for row in part:
            body = found.pop((row.start, row.writer), None)
            yield row, body, _decoded(row, body)


def _decoded(row: StoredProfile, body: bytes | None) -> ProfileView | DecodeError:
    if body is None:
        return DecodeError("it is not where it is listed")
    if hashlib.sha256(body).digest() != row.digest:
        return DecodeError("its bytes, time, writer or counts are not those that were written")
    try:
        return ProfileView.from_bytes(body)
    except DecodeError as error:
        return error


def _bodies_between(
    database: Database, first: StoredProfile, last: StoredProfile
) -> dict[tuple[datetime, str], bytes]:
    place = sa.tuple_(_P.start, _P.writer)
    query = sa.select(_P.start, _P.writer, _P.body).where(
        is_in(first.dataset, segment=first.segment),
        place >= sa.tuple_(to_ms(first.start), first.writer),
        place <= sa.tuple_(to_ms(last.start), last.writer),
        KEPT,
    )
    return {(start, writer): body for start, writer, body in database.rows(query)}
