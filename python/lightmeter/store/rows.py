"""The rows of a store: writing, listing and reading the profiles in its tables."""

import hashlib
import json
import operator
import sqlite3
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.load import ProfileLike, view_of
from lightmeter.profile.segments import Segment, parse_segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.database import Database, is_damage
from lightmeter.times import MILLISECOND, duration_text, from_ms, to_duration, to_ms, to_utc

__all__ = [
    "BY_KEY",
    "MOST_IMAGES",
    "Key",
    "Put",
    "StoredProfile",
    "checked_name",
    "checked_put",
    "checked_seq",
    "dataset_number",
    "decoded",
    "describe",
    "enter_dataset",
    "is_merged",
    "key_of",
    "length_of",
    "list_all",
    "list_rows",
    "load",
    "load_body",
    "new_writer",
    "note_merged",
    "replaced",
    "seal",
    "span_of",
    "stamped",
    "write",
]

_FIRST, _LAST = -(2**62), 2**62
MOST_IMAGES = 2**44  # of a profile: a sum of some must not be more than SQLite can hold
_COLUMNS = "start, span, segment, writer, seq, images, updated, sha256"
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


class Put(NamedTuple):
    """A profile to put. `every` is None for the length of the dataset's buckets."""

    dataset: str
    view: ProfileView
    at: datetime | date
    writer: str
    segment: str
    seq: int | None
    every: timedelta | None


def checked_name(what: str, name: Any) -> str:
    """The name of a dataset or writer.

    Raises:
        TypeError: it is no string.
        ValueError: it is empty, or cannot be written as UTF-8.
    """
    if not isinstance(name, str):
        raise TypeError(f"got {name!r} as {what}; expected a name, which is a string")
    if not name:
        raise ValueError(f"got an empty {what}; expected a name, such as 'cells'")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"got {name!r} as {what}; expected text without halves of surrogate pairs"
        ) from None
    return name


def checked_seq(seq: Any) -> int | None:
    """The number of a put.

    Raises:
        TypeError: it is neither None nor a whole number.
        ValueError: it does not fit into 62 bits.
    """
    if seq is None:
        return None
    try:
        number = operator.index(seq)
    except TypeError:
        raise TypeError(f"got {seq!r} as seq; expected a whole number or None") from None
    if not _FIRST <= number <= _LAST:
        raise ValueError(f"got {seq} as seq; expected a number from {_FIRST} to {_LAST}")
    return number


def checked_put(
    dataset: Any,
    profile: ProfileLike,
    at: datetime | date | None,
    writer: Any,
    segment: Segment | None,
    seq: Any,
    every: str | timedelta | None,
) -> Put:
    """The arguments of `Profiles.put`, which says what can be wrong with them."""
    view = view_of(profile)
    if at is None and (at := view.dataset_timestamp) is None:
        raise ValueError("the profile has no dataset timestamp; say `at` when it is from")
    if view.images > MOST_IMAGES:
        raise ValueError(f"the profile is of {view.images} images; expected {MOST_IMAGES} at most")
    return Put(
        checked_name("dataset", dataset),
        view,
        at,
        checked_name("writer", writer),
        segment_text(segment),
        checked_seq(seq),
        None if every is None else to_duration(every),
    )


def dataset_number(database: Database, dataset: str) -> int:
    """Id of a dataset.

    Raises:
        StoreError: there is none of that name.
    """
    checked_name("dataset", dataset)
    rows = database.all("SELECT id FROM dataset WHERE name = ?", (dataset,))
    if not rows:
        names = [repr(name) for (name,) in database.all("SELECT name FROM dataset ORDER BY name")]
        raise StoreError(
            f"there is no dataset {dataset!r} in {database.called}; it has "
            f"{', '.join(names) or 'none'}"
        )
    if not isinstance(number := rows[0][0], int):
        raise StoreError(f"the number of dataset {dataset!r} is damaged: {number!r}")
    return number


def enter_dataset(
    sql: sqlite3.Connection, dataset: str, span: timedelta | None
) -> tuple[int, timedelta]:
    """Number of the dataset and length of its buckets; a new one is entered."""
    row = sql.execute("SELECT id, every FROM dataset WHERE name = ?", (dataset,)).fetchone()
    if row is None:
        span = span or timedelta(days=1)
        bucket_start(datetime.now(UTC), span)  # refuses a length that no bucket can have
        values = dataset, span // MILLISECOND
        cursor = sql.execute(
            "INSERT INTO dataset(name, every, seal) VALUES(?, ?, ?)", (*values, seal(*values))
        )
        return int(cursor.lastrowid or 0), span
    number, every = row
    try:
        length = length_of(every)
        number = operator.index(number)
    except (TypeError, ValueError, OverflowError):
        text = f"dataset {dataset!r} is damaged: number {number!r}, buckets of {every!r}"
        raise StoreError(text) from None
    if span not in (None, length):
        raise ConflictError(
            f"dataset {dataset!r} has buckets of {duration_text(length)}, not of "
            f"{duration_text(span)}; leave `every` out, or use another dataset"
        )
    return number, length


def length_of(every: Any) -> timedelta:
    """The length of a dataset's buckets, from what the file has for it.

    Raises:
        ValueError: it can be none.
        OverflowError: it is longer than time.
    """
    if not isinstance(every, int) or every <= 0:
        raise ValueError(f"buckets of {every!r}")
    return every * MILLISECOND


def is_merged(sql: sqlite3.Connection, key: Key, seq: int | None) -> bool:
    """Whether a roll-up already holds this profile of the writer."""
    row = sql.execute(f"SELECT seq FROM merged WHERE {BY_KEY}", key).fetchone()
    if row is None:
        return False
    if not isinstance(row[0], int):
        raise StoreError(f"what was rolled up of {key[3]!r} is damaged: seq {row[0]!r}")
    if seq is not None and seq <= row[0]:
        return True
    raise ConflictError(
        f"the bucket of {from_ms(key[1]):%Y-%m-%d %H:%M} has been rolled up with a profile of "
        f"{key[3]!r} in it, which can no longer be replaced"
    )


def new_writer() -> str:
    """A writer for one profile (`Store.add`)."""
    return f"add-{uuid.uuid4().hex}"


def replaced(writer: str, there: int, seq: int) -> str:
    """Why a rolled-up day of another store is not put."""
    return (
        f"it holds the profile {seq} of {writer!r}, which has been replaced by {there}; what it "
        "holds cannot be told apart any more"
    )


def note_merged(sql: sqlite3.Connection, dataset: str, key: Key, seq: int) -> None:
    """Remember that a roll-up holds this profile of the writer.

    He may put it again, and so may one who copies a store, of `add` too.
    """
    sql.execute(
        "INSERT OR REPLACE INTO merged(dataset, start, segment, writer, seq, seal)"
        " VALUES(?, ?, ?, ?, ?, ?)",
        (*key, seq, seal(dataset, *key[1:], seq)),
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
        f"SELECT {_COLUMNS} FROM profile"
        " WHERE dataset = ? AND segment = ? AND start >= ? AND start < ?"
        " ORDER BY start, writer",
        (
            dataset_number(database, dataset),
            segment_text(segment),
            *span_of(start, end),
        ),
    )
    with database.parsing():
        return [_row(dataset, *row) for row in rows]


def span_of(start: datetime | date | None, end: datetime | date | None) -> tuple[int, int]:
    """From `start` to before `end` in milliseconds; None is where time begins, or ends."""
    first = _FIRST if start is None else to_ms(to_utc(start))
    return first, _LAST if end is None else to_ms(to_utc(end))


def list_all(database: Database) -> list[StoredProfile | str]:
    """The rows of all profiles, or what is wrong with one."""
    rows = database.all(f"SELECT name, {_COLUMNS} FROM profile LEFT JOIN dataset ON id = dataset")
    listed: list[StoredProfile | str] = []
    for name, *values in rows:
        try:
            listed.append(_row(name, *values))
        except (TypeError, ValueError) as error:
            listed.append(f"a profile of dataset {name!r} cannot be read: {error}")
    return listed


def _row(
    dataset: Any,
    start: Any,
    span: Any,
    segment: Any,
    writer: Any,
    seq: Any,
    images: Any,
    updated: Any,
    digest: Any,
) -> StoredProfile:
    """A row of `_COLUMNS`; SQLite gives whatever type it finds in the file."""
    if not all(isinstance(text, str) for text in (dataset, segment, writer)):
        raise TypeError("a name is no text")
    if not all(isinstance(number, int) for number in (span, seq, images)):
        raise TypeError("a count is no whole number")
    return StoredProfile(
        dataset,
        from_ms(start),
        from_ms(start + span),
        parse_segment(segment) if segment else {},
        writer,
        seq,
        images,
        from_ms(updated),
        digest if isinstance(digest, bytes) else b"",  # damaged, as `load` will say
    )


def key_of(database: Database, row: StoredProfile) -> Key:
    """The primary key of a row."""
    number = dataset_number(database, row.dataset)
    return number, to_ms(row.start), segment_text(row.segment), row.writer


def load(database: Database, row: StoredProfile) -> ProfileView | DecodeError:
    """One profile, or what is wrong: where the file is damaged, the others can still be read."""
    return decoded(load_body(database, row))


def decoded(body: bytes | DecodeError) -> ProfileView | DecodeError:
    """The profile of what `load_body` gave, or what is wrong."""
    try:
        return body if isinstance(body, DecodeError) else ProfileView.from_bytes(body)
    except DecodeError as error:
        return error


def load_body(database: Database, row: StoredProfile) -> bytes | DecodeError:
    """Its bytes as they were written, or what is wrong; see `load`."""
    try:
        key = row.dataset, to_ms(row.start), segment_text(row.segment), row.writer
        stored = database.all(
            "SELECT seq, span, images, updated, sha256, profile.seal, body FROM profile JOIN "
            "dataset ON id = dataset WHERE (name, start, segment, writer) = (?, ?, ?, ?)",
            key,
        )
        if len(stored) != 1:
            return DecodeError("it is not where it is listed")
        *values, digest, row_seal, body = stored[0]
        if not isinstance(body, bytes) or hashlib.sha256(body).digest() != digest:
            return DecodeError("its bytes are not those that were written")
        if seal(*key, *values, digest) != row_seal:
            return DecodeError("its time, place, writer or counts are not what was written")
        return body
    except StoreError as error:
        if not is_damage(error.__cause__):
            raise
        return DecodeError(str(error))


def write(
    sql: sqlite3.Connection,
    dataset: str,
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
    last = sql.execute(f"SELECT seq FROM profile WHERE {BY_KEY}", key).fetchone()
    if last is None:
        seq = 1 if seq is None else seq
    elif not isinstance(last[0], int):
        raise StoreError(f"the seq of what {key[3]!r} wrote last is damaged: {last[0]!r}")
    elif seq is None:
        seq = last[0] + 1
    elif seq <= last[0]:
        return False
    body = view.to_bytes()
    values = (
        seq,
        span // MILLISECOND,
        view.images,
        time.time_ns() // 1_000_000 if updated is None else to_ms(updated),
        hashlib.sha256(body).digest(),
    )
    sql.execute(
        "INSERT INTO profile(dataset, start, segment, writer, seq, span, images, updated, sha256,"
        " seal, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET seq = excluded.seq, span = excluded.span,"
        " images = excluded.images, updated = excluded.updated, sha256 = excluded.sha256,"
        " seal = excluded.seal, body = excluded.body",
        (*key, *values, seal(dataset, *key[1:], *values), body),
    )
    return True


def seal(*values: Any) -> bytes:
    """A digest of what a row says, which is the same on every machine."""
    text = json.dumps(values, default=lambda value: bytes(value).hex())
    return hashlib.sha256(text.encode()).digest()


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
