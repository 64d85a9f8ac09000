"""Writing and reading the rows of profiles, inside a transaction or a snapshot."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, select, tuple_

from lightmeter.errors import ConflictError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, parse_segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.engine import Database
from lightmeter.store.rows import StoredProfile, checked_name, crc_of
from lightmeter.store.tables import DamagedError, dataset, profile
from lightmeter.times import MILLISECOND, duration_text, from_ms, to_ms, to_utc

__all__ = [
    "KEPT",
    "LISTED",
    "Key",
    "bodies",
    "check_dataset",
    "enter_dataset",
    "has_key",
    "is_in",
    "is_of",
    "list_rows",
    "pairs_of",
    "row_of",
    "values_of",
    "write",
]

Key = tuple[int, str, int, str]  # number of the dataset, segment, start in milliseconds, writer

_P = profile.c
_TRIES = 10
_TOGETHER = 32  # bodies that are read by one statement
_FIRST, _LAST = -(2**62), 2**62
KEPT = _P.body.is_not(None)  # and not by a roll-up
LISTED = _P.start, _P.segment, _P.writer, _P.seq, _P.span, _P.images, _P.updated, _P.sha256, _P.crc


def has_key(key: Key) -> ColumnElement[bool]:
    """Return the condition for one row."""
    return and_(*(column == value for column, value in zip(profile.primary_key, key, strict=True)))


def is_of(name: str) -> ColumnElement[bool]:
    """Return the condition for the rows of a dataset."""
    number = select(dataset.c.id).where(dataset.c.name == checked_name("dataset", name))
    return _P.dataset == number.scalar_subquery()


def is_in(
    name: str, start: datetime | date | None, end: datetime | date | None, segment: Segment | None
) -> ColumnElement[bool]:
    """Return the condition for the rows of buckets that start in [start, end)."""
    return and_(
        is_of(name),
        _P.segment == segment_text(segment),
        _P.start >= (_FIRST if start is None else to_ms(to_utc(start))),
        _P.start < (_LAST if end is None else to_ms(to_utc(end))),
    )


def enter_dataset(
    database: Database, connection: Connection, name: str, span: timedelta | None
) -> tuple[int, timedelta]:
    """Return the number of a dataset and the length of its buckets; a new one is entered."""
    query = select(dataset.c.id, dataset.c.every).where(dataset.c.name == name)
    found = connection.execute(query).first()
    if found is None:
        length = span or timedelta(days=1)
        bucket_start(datetime.now(UTC), length)  # refuses a length that no bucket can have
        values = {"name": name, "every": length // MILLISECOND}
        connection.execute(database.insert(dataset).values(values).on_conflict_do_nothing())
        found = connection.execute(query).one()  # which may be somebody else's
    number, every = found
    if span not in (None, every):
        raise ConflictError(
            f"dataset {name!r} has buckets of {duration_text(every)}, not of "
            f"{duration_text(span)}; leave `every` out, or use another dataset"
        )
    return number, every


def write(
    database: Database,
    connection: Connection,
    name: str,
    key: Key,
    view: ProfileView,
    seq: int | None,
    span: timedelta,
    updated: int | None = None,
) -> bool:
    """Insert a row or replace it by one of a higher seq (None: by the next); whether it did.

    Args:
        database: of the connection.
        connection: in a transaction.
        name: of the dataset.
        key: of the row.
        view: what is written.
        seq: see `Profiles.put`.
        span: length of the bucket.
        updated: when its data came, in milliseconds; None takes the clock.

    Raises:
        ConflictError: a roll-up holds an earlier profile of the writer.
    """
    body, length = view.to_bytes(), span // MILLISECOND
    updated = time.time_ns() // 1_000_000 if updated is None else updated
    query = select(_P.seq, KEPT.label("kept")).where(has_key(key)).with_for_update()
    for _ in range(_TRIES):
        there = connection.execute(query).first()
        if there is not None and seq is not None and seq <= there.seq:
            return False
        if there is not None and not there.kept:
            raise ConflictError(
                f"the bucket of {from_ms(key[2]):%Y-%m-%d %H:%M} has been rolled up with a profile "
                f"of {key[3]!r} in it, which can no longer be replaced"
            )
        number = seq if seq is not None else 1 if there is None else there.seq + 1
        values = values_of(name, key, (number, length, view.images, updated), body)
        statement = database.insert(profile).values(
            dict(zip(profile.primary_key.columns.keys(), key, strict=True)) | values
        )
        statement = statement.on_conflict_do_update(
            index_elements=profile.primary_key,
            set_=values,
            where=(_P.seq < number) & KEPT,
        )
        if connection.execute(statement).rowcount:
            return True  # else somebody else has just written the first of this key
    raise StoreError(f"{key[3]!r} is written by several who replace each other; try again")


def values_of(
    name: str, key: Key, counts: tuple[int, int, int, int], body: bytes | None, digest: bytes = b""
) -> dict[str, Any]:
    """Return the other columns of a row.

    Args:
        name: of the dataset.
        key: of the row.
        counts: seq, length in milliseconds, images, and when it was updated.
        body: None for a profile that a roll-up holds.
        digest: of its body then.
    """
    digest = digest if body is None else hashlib.sha256(body).digest()
    crc = crc_of(name, *key[1:], *counts, digest.hex(), body is not None)
    names = "seq", "span", "images", "updated", "sha256", "crc", "body"
    return dict(zip(names, (*counts, digest, crc, body), strict=True))


# Reading


def check_dataset(database: Database, name: str) -> None:
    """Raise StoreError if there is no dataset of that name."""
    checked_name("dataset", name)
    names = [row.name for row in database.rows(select(dataset.c.name).order_by(dataset.c.name))]
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


def row_of(name: str, row: Any, *, kept: bool = True) -> StoredProfile:
    """Return a row of `LISTED`; without its digest, which no body has, where it is damaged."""
    start, segment, writer, seq, span, images, updated, digest, crc = row
    values = segment, to_ms(start), writer, seq, span // MILLISECOND, images, to_ms(updated)
    try:
        end, pairs = start + span, pairs_of(segment)
    except OverflowError as error:
        raise DamagedError(f"the store is damaged: {error}") from None
    if crc_of(name, *values, digest.hex(), kept) != crc:
        digest = b""
    return StoredProfile(name, start, end, pairs, writer, seq, images, updated, digest)


def list_rows(
    database: Database,
    name: str,
    start: datetime | date | None,
    end: datetime | date | None,
    segment: Segment | None,
) -> list[StoredProfile]:
    """Return the rows of buckets that start in [start, end), without their bodies."""
    query = select(*LISTED).where(is_in(name, start, end, segment), KEPT)
    rows = database.rows(query.order_by(_P.start, _P.writer))
    if not rows:
        check_dataset(database, name)
    return [row_of(name, row) for row in rows]


def bodies(
    database: Database, rows: Sequence[StoredProfile]
) -> Iterator[tuple[StoredProfile, bytes | None]]:
    """Give the bodies of rows of one segment; None for one that is not there or cannot be read."""
    for first in range(0, len(rows), _TOGETHER):
        part = rows[first : first + _TOGETHER]
        try:
            found = _bodies_between(database, part[0], part[-1])
        except DamagedError:  # a page of the file: it costs one of them
            found = {}
            for row in part:
                try:
                    found |= _bodies_between(database, row, row)
                except DamagedError:
                    continue
        for row in part:
            yield row, found.get((row.start, row.writer))


def _bodies_between(
    database: Database, first: StoredProfile, last: StoredProfile
) -> dict[tuple[datetime, str], bytes]:
    place = tuple_(_P.start, _P.writer)
    query: Select[Any] = select(_P.start, _P.writer, _P.body).where(
        is_in(first.dataset, None, None, first.segment),
        place >= tuple_(to_ms(first.start), first.writer),
        place <= tuple_(to_ms(last.start), last.writer),
        KEPT,
    )
    return {(start, writer): body for start, writer, body in database.rows(query)}
