"""The rows of a store: writing, listing and reading the profiles in its tables."""

import hashlib
import sqlite3
import time
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from lightmeter.errors import DecodeError, StoreError
from lightmeter.monitor.buckets import Segment, bucket_start, duration_text, segment_text, to_utc
from lightmeter.monitor.database import Database, is_damage
from lightmeter.profile import ProfileView

__all__ = [
    "BY_KEY",
    "StoredProfile",
    "dataset_number",
    "describe",
    "enter_dataset",
    "from_ms",
    "is_merged",
    "key_of",
    "list_rows",
    "load",
    "stamped",
    "to_ms",
    "write",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST, _LAST = -(2**62), 2**62
Key = tuple[int, int, str, str]
BY_KEY = "(dataset, start, segment, writer) = (?, ?, ?, ?)"


class StoredProfile(NamedTuple):
    """Where a profile is in a store. `digest` is the SHA-256 of its bytes as they were written."""

    dataset: str
    start: datetime
    end: datetime
    segment: dict[str, str]
    writer: str
    seq: int
    images: int
    updated: datetime
    digest: bytes


def dataset_number(database: Database, dataset: str) -> int:
    """Id of a dataset.

    Raises:
        StoreError: there is none of that name.
    """
    rows = database.all("SELECT id FROM dataset WHERE name = ?", (dataset,))
    if not rows:
        names = [repr(name) for (name,) in database.all("SELECT name FROM dataset ORDER BY name")]
        raise StoreError(
            f"there is no dataset {dataset!r} in {database.path}; it has "
            f"{', '.join(names) or 'none'}"
        )
    return int(rows[0][0])


def enter_dataset(
    sql: sqlite3.Connection, dataset: str, span: timedelta | None
) -> tuple[int, timedelta]:
    """Number of the dataset and length of its buckets; a new one is entered."""
    row = sql.execute("SELECT id, every FROM dataset WHERE name = ?", (dataset,)).fetchone()
    if row is None:
        span = span or timedelta(days=1)
        if not dataset or span <= timedelta():
            raise ValueError(f"got the dataset {dataset!r} in buckets of {span}")
        bucket_start(datetime.now(UTC), span)  # refuses a length that no bucket can have
        values = dataset, span // _MILLISECOND
        cursor = sql.execute("INSERT INTO dataset(name, every) VALUES(?, ?)", values)
        return int(cursor.lastrowid or 0), span
    every = row[1] * _MILLISECOND
    if span not in (None, every):
        raise StoreError(
            f"dataset {dataset!r} has buckets of {duration_text(every)}, not of "
            f"{duration_text(span)}; leave `every` out, or use another dataset"
        )
    return int(row[0]), every


def is_merged(sql: sqlite3.Connection, key: Key, seq: int | None) -> bool:
    """Whether a roll-up already holds this profile of the writer."""
    row = sql.execute(f"SELECT seq FROM merged WHERE {BY_KEY}", key).fetchone()
    if row is None or (seq is not None and seq <= row[0]):
        return row is not None
    raise StoreError(
        f"the bucket of {from_ms(key[1]):%Y-%m-%d %H:%M} has been rolled up with a profile of "
        f"{key[3]!r} in it, which can no longer be replaced"
    )


def list_rows(
    database: Database,
    dataset: str,
    start: datetime | date | None,
    end: datetime | date | None,
    segment: Segment | None,
) -> list[StoredProfile]:
    """The rows of buckets that start in [start, end), without their bodies."""
    rows = database.all(
        "SELECT start, span, writer, seq, images, updated, sha256 FROM profile"
        " WHERE dataset = ? AND segment = ? AND start >= ? AND start < ?"
        " ORDER BY start, writer",
        (
            dataset_number(database, dataset),
            segment_text(segment),
            _FIRST if start is None else to_ms(to_utc(start)),
            _LAST if end is None else to_ms(to_utc(end)),
        ),
    )
    return [
        StoredProfile(
            dataset,
            from_ms(at),
            from_ms(at + span),
            dict(segment or {}),
            *(writer, seq, images, from_ms(updated), digest),
        )
        for at, span, writer, seq, images, updated, digest in rows
    ]


def key_of(database: Database, row: StoredProfile) -> Key:
    """The primary key of a row."""
    number = dataset_number(database, row.dataset)
    return number, to_ms(row.start), segment_text(row.segment), row.writer


def load(database: Database, row: StoredProfile) -> ProfileView | DecodeError:
    """One profile, or what is wrong: where the file is damaged, the others can still be read."""
    try:
        key = key_of(database, row)
        ((body, digest),) = database.all(f"SELECT body, sha256 FROM profile WHERE {BY_KEY}", key)
        if hashlib.sha256(body).digest() != digest:
            return DecodeError("its bytes are not those that were written")
        return ProfileView.from_bytes(body)
    except DecodeError as error:
        return error
    except StoreError as error:
        if not is_damage(error.__cause__):
            raise
        return DecodeError(str(error))


def write(
    sql: sqlite3.Connection,
    key: Key,
    view: ProfileView,
    seq: int | None,
    span: timedelta,
    *,
    updated: datetime | None = None,
) -> bool:
    """Insert a row or replace it by one of a higher seq (None: by the next); whether it did.

    `updated` is when its data came; None takes the clock.
    """
    body = view.to_bytes()
    done = sql.execute(
        "INSERT INTO profile(dataset, start, segment, writer, seq, span, images, updated, sha256,"
        " body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET seq = iif(?, profile.seq + 1, excluded.seq),"
        " span = excluded.span, images = excluded.images, updated = excluded.updated,"
        " sha256 = excluded.sha256, body = excluded.body"
        " WHERE ? OR excluded.seq > profile.seq",
        (
            *key,
            1 if seq is None else seq,
            span // _MILLISECOND,
            view.images,
            time.time_ns() // 1_000_000 if updated is None else to_ms(updated),
            hashlib.sha256(body).digest(),
            body,
            seq is None,
            seq is None,
        ),
    )
    return done.rowcount == 1


def stamped(view: ProfileView, start: datetime) -> ProfileView:
    """The profile with a dataset timestamp: its own, or else the start of its bucket."""
    if view.dataset_timestamp is not None:
        return view
    core = view._core.copy()
    core.dataset_timestamp = to_ms(start)
    return ProfileView(core)


def describe(row: StoredProfile) -> str:
    """A stored profile in words."""
    place = f" {segment_text(row.segment)}" if row.segment else ""
    return f"the profile {row.dataset}{place} {row.start:%Y-%m-%d %H:%M} of {row.writer!r}"


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return (at - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The reverse of `to_ms`, in UTC; what lies beyond all dates is the first or last of them."""
    try:
        return _EPOCH + milliseconds * _MILLISECOND
    except OverflowError:
        return (datetime.max if milliseconds > 0 else datetime.min).replace(tzinfo=UTC)
