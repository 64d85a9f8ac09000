"""The rows of profiles: writing, reading, rolling up, and looking for damage.

Values are those of the tables: times and lengths in milliseconds, segments and tags as texts.
"""

import hashlib
import json
import math
import operator
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from lightmeter.errors import ConflictError, DecodeError
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.segments import segment_text
from lightmeter.store import tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.tables import (
    KEPT,
    MERGED,
    Collected,
    Damage,
    Moment,
    Part,
    StoredProfile,
    profile,
)
from lightmeter.times import (
    DAY,
    EPOCH,
    MILLISECOND,
    bucket_start,
    duration_text,
    from_ms,
    to_duration,
    to_ms,
    to_utc,
)

_P = profile.c
_DAY = DAY // MILLISECOND
LISTED = list(_P)[:-1]  # all but the body
# A row, its body and its profile; the last two are None if it was rolled up or deleted.
Content = tuple[StoredProfile, bytes | None, ProfileView | DecodeError | None]
_MOST_NAMES = 2000  # bytes of the names of a row: the limit of a PostgreSQL index is 2700
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"  # a name: without control characters
_MOST_SEQ = 2**62
_MOST_IMAGES = 2**44  # of a profile, so that sums fit into the 64 bits of SQLite
_MOST_TAGS = 200  # characters of tags that a roll-up uses as its writer; longer ones are hashed

_BUCKETS = sa.text(
    "SELECT DISTINCT dataset, segment, start, span, tags FROM profile WHERE body IS NOT NULL"
)
_EVERY = sa.text("SELECT every FROM dataset WHERE name = :name")
_ENTER = sa.text("INSERT INTO dataset VALUES (:name, :every) ON CONFLICT DO NOTHING")
_NAMES = profile.c.keys()
_KEY = [each.name for each in profile.primary_key]
_HAS_KEY = sa.and_(*(profile.c[name] == sa.bindparam(name) for name in _KEY))
_THERE = sa.select(_P.seq, KEPT).where(_HAS_KEY).with_for_update()
_WRITE = sa.text(
    f"INSERT INTO profile ({', '.join(_NAMES)}) VALUES (:{', :'.join(_NAMES)}) ON CONFLICT "
    f"({', '.join(_KEY)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES)}"
    " WHERE profile.body IS NOT NULL AND excluded.seq > profile.seq"
)
# Rows of buckets that `gc` deleted by age: they have no body, and no roll-up contains it. Such a
# bucket accepts no more profiles, because monitors would judge it again by the late ones alone.
DELETED = sa.text(f"""(profile.body IS NULL AND NOT EXISTS (
    SELECT 1 FROM profile AS merged
    WHERE merged.dataset = profile.dataset AND merged.segment = profile.segment
    AND merged.start BETWEEN profile.start - {_DAY} + 1 AND profile.start
    AND merged.start + merged.span > profile.start
    AND merged.body IS NOT NULL AND substr(merged.writer, 1, 1) IN ('', '&')))""")
_CLOSED = sa.text(
    "SELECT 1 FROM profile WHERE dataset = :dataset AND segment = :segment AND start = :start "
    f"AND {DELETED} LIMIT 1"
)
_DATASET = sa.select(tables.dataset.c.name).where(tables.dataset.c.name == sa.bindparam("dataset"))

# A dataset, a segment as text, a time in milliseconds, and a writer.
Place = tuple[str, str, int, str]


# Writing


class Putting:
    """The part of a store that puts profiles into it.

    Every writer has one row per bucket, which holds its cumulative profile, and a bucket is the
    merge of its rows. A repeated put therefore replaces the profile and counts no image twice.
    """

    _database: Database

    def define(self, dataset: str, every: str | timedelta) -> None:
        """Create a dataset, unless it exists.

        Parameters
        ----------
        dataset
            The name of the dataset.
        every
            The length of its buckets, such as ``"1h"``.

        Raises
        ------
        TypeError
            An argument has the wrong type.
        ValueError
            `every` is not a duration of whole milliseconds, or is too long for a calendar, or the
            name is empty.
        ConflictError
            The dataset exists with buckets of another length.
        StoreError
            The store cannot be written.
        """
        checked_name(dataset=dataset)
        span = to_duration(every)
        with self._database.transaction() as connection:
            length_of(connection, dataset, span // MILLISECOND)

    def put(
        self,
        dataset: str,
        profile: ProfileLike,
        *,
        at: Moment = None,
        writer: str,
        segment: Part = None,
        seq: int | None = None,
        every: str | timedelta | None = None,
    ) -> bool:
        """Store the cumulative profile of a writer for a bucket, in place of its earlier one.

        When this returns, the whole profile is on disk.

        Parameters
        ----------
        dataset
            The name of the dataset.
        profile
            A `Profile`, a `ProfileView`, a `ResultSet`, or the path of a profile file. A profile
            without a dataset timestamp gets the start of the bucket.
        at
            A time in the bucket; a time without a zone is local, and a date means its midnight in
            UTC. None takes the dataset timestamp of the profile.
        writer
            The name of the writer. Independent writers need different names.
        segment
            A segment such as ``{"camera": "left"}`` or ``"camera=left"``; None for the whole
            dataset.
        seq
            A number that rises with each profile of this writer and bucket: a profile with a lower
            number than the stored one is late and is not stored. None takes the next number.
        every
            The length of the buckets of the dataset, such as ``"1h"``, which the first profile
            fixes. None takes this length, or ``"1d"`` for a new dataset.

        Returns
        -------
        bool
            True if the profile was stored; False if the stored one has the same `seq` or a higher
            one.

        Raises
        ------
        TypeError
            An argument has the wrong type.
        ValueError
            There is neither `at` nor a dataset timestamp; the bucket reaches beyond the year 9999;
            `every` or `segment` is invalid; a name is empty, or the names have more than 2000 bytes
            together; the profile has more than 2^44 images.
        ConflictError
            The dataset has buckets of another length, or `gc` has deleted the bucket, or has rolled
            it up with an earlier profile of the writer.
        StoreError
            The store cannot be written.
        """
        view = profile if isinstance(profile, ProfileView) else view_of(profile)
        moment = view._core.dataset_timestamp if at is None else to_ms(to_utc(at))
        if moment is None:
            raise ValueError(
                "the profile has no dataset timestamp; give a time of its bucket as `at`"
            )
        if (images := view._core.images) > _MOST_IMAGES:
            raise ValueError(f"got a profile of {images} images; expected at most {_MOST_IMAGES}")
        part = "" if segment is None else segment_text(segment)
        checked_name(dataset=dataset, writer=writer, **({"segment": part} if part else {}))
        if writer.startswith(MERGED[1]):
            raise ValueError(
                f"got {writer!r} as writer; expected a name that does not begin with '&', as those "
                "of roll-ups do"
            )
        number = None if seq is None else checked_seq(seq)
        length = None if every is None else to_duration(every) // MILLISECOND
        return self._put(view, (dataset, part, moment, writer), number, length)

    def _put(self, view: ProfileView, place: Place, seq: int | None, every: int | None) -> bool:
        dataset, segment, at, writer = place
        with self._database.transaction() as connection:
            span, core = length_of(connection, dataset, every), view._core
            start = to_ms(bucket_start(from_ms(at), span * MILLISECOND))
            if core.dataset_timestamp is None:
                core = core.copy()
                core.dataset_timestamp = start
            place, now = (dataset, segment, start, writer), time.time_ns() // 1_000_000
            return write(connection, place, span, now, core, seq)


def checked_name(**names: Any) -> str:
    """Check names, given by keywords such as ``dataset="cells"``, and return the first.

    Raises
    ------
    TypeError
        A name is not a string.
    ValueError
        A name is empty, has a control character or cannot be encoded as UTF-8, or the names have
        more than 2000 bytes together.
    """
    for what, name in names.items():
        if not isinstance(name, str):
            raise TypeError(f"got {name!r} as {what}; expected a name, which is a string")
        if not name or not re.fullmatch(PLAIN, name):
            expected = "a name, not empty and without control characters, such as 'cells'"
            raise ValueError(f"got {name!r:.80} as {what}; expected {expected}")
    if (size := len("".join(names.values()).encode())) > _MOST_NAMES:
        raise ValueError(
            f"the names ({', '.join(names)}) have {size} bytes together; expected at most "
            f"{_MOST_NAMES}: shorten {max(names.values(), key=len)!r:.80}"
        )
    return str(next(iter(names.values())))


def checked_seq(seq: Any) -> int:
    """Check the sequence number of a put and return it.

    Raises
    ------
    TypeError
        `seq` is not an integer.
    ValueError
        `seq` is not in [-2^62, 2^62].
    """
    number = operator.index(seq)
    if not -_MOST_SEQ <= number <= _MOST_SEQ:
        raise ValueError(f"got {seq} as seq; expected a number from {-_MOST_SEQ} to {_MOST_SEQ}")
    return number


def length_of(connection: sa.Connection, name: str, span: int | None) -> int:
    """Return the length of the buckets of a dataset, which is created if it is new."""
    length = connection.scalar(_EVERY, {"name": name})
    if length is None:
        length = span or _DAY
        bucket_start(from_ms(time.time_ns() // 1_000_000), length * MILLISECOND)  # checks it
        connection.execute(_ENTER, {"name": name, "every": length})
        length = connection.scalar(_EVERY, {"name": name})  # another process may have been first
    if type(length) is not int or length <= 0:
        raise DamagedError(
            f"the store is damaged: the buckets of {name!r} last {length!r:.100}; run `lightmeter "
            "store verify`"
        )
    if span not in (None, length):
        given, known = (duration_text(ms * MILLISECOND) for ms in (span or 0, length))
        raise ConflictError(
            f"dataset {name!r} has buckets of {known}, not of {given}; leave `every` out, or use "
            "another dataset"
        )
    return length


def write(
    connection: sa.Connection, place: Place, span: int, updated: int, core: Any, seq: int | None
) -> bool:
    """Insert a row, or replace one that has a lower `seq`; return whether it was written.

    Parameters
    ----------
    connection
        A connection in a transaction.
    place
        The key of the row.
    span
        The length of the bucket.
    updated
        The time of the put.
    core
        The profile.
    seq
        The number of the put; None takes the next.

    Raises
    ------
    ConflictError
        `gc` has merged or deleted an earlier profile of the writer, or has deleted the bucket.
    """
    body, pairs = core.encode(), core.tags()
    digest, tags = hashlib.sha256(body).digest(), _tags_text(pairs) if pairs else ""
    key = dict(zip(_KEY, place, strict=True))
    while True:
        there = connection.execute(_THERE, key).first()
        last, kept = there or (0, True)
        if type(last) is not int:
            raise DamagedError(
                f"the store is damaged: a seq is {last!r:.100}; run `lightmeter store verify`"
            )
        if there and seq is not None and seq <= last:
            return False
        number = last + 1 if seq is None else seq
        row = StoredProfile(*place, number, span, core.images, updated, tags, digest, 0)
        values = row._replace(crc=crc_of(row))._asdict() | {"body": body}
        is_written = kept and connection.execute(_WRITE, values).rowcount
        # From here on the foreign key of a new row keeps `gc` from deleting the bucket.
        is_new = there is None and place[3][:1] not in MERGED
        if not kept or (is_new and connection.execute(_CLOSED, key).first()):
            raise ConflictError(
                f"the bucket of {from_ms(place[2]):%Y-%m-%d %H:%M} has been rolled up or deleted; "
                f"the profile of {place[3]!r} can no longer be put"
            )
        if is_written:
            return True  # else another process has just written this key


def crc_of(row: StoredProfile) -> int:
    """Return the correct `crc` of a row with a body."""
    return zlib.crc32(json.dumps(row[:-1], default=bytes.hex).encode())


def _tags_text(pairs: Iterable[tuple[str, str]]) -> str:
    return f"&{'&'.join(sorted(segment_text({name: value}) for name, value in pairs))}&"


# Reading


def time_of(ms: int) -> datetime:
    """Return the time of a row; raise OverflowError if it is damaged and in no calendar."""
    return EPOCH + ms * MILLISECOND


def contents(
    database: Database, *where: sa.ColumnElement[bool], lock: bool = False
) -> Iterator[Content]:
    """Yield rows with their profiles, or the error in place of a profile.

    With `lock`, no one else can change the rows until the end of the transaction.
    """
    query, done = sa.select(profile).where(*where).order_by(*profile.primary_key), 0
    query = query.with_for_update() if lock else query
    try:
        for *row, body in database.stream(query):
            done += 1
            yield decoded(StoredProfile(*row), body)
    except DamagedError:  # a damaged page of the file costs only the profiles on it
        for each in database.rows(query.with_only_columns(*LISTED), StoredProfile)[done:]:
            body_of = sa.select(_P.body).where(tables.has(profile, *each[:4]))
            try:
                yield decoded(each, *database.rows(body_of, lambda body: body))
            except DamagedError:
                yield decoded(each, b"")


def decoded(row: StoredProfile, body: bytes | None) -> Content:
    """Return a row with its profile, or the error in place of it."""
    view: ProfileView | DecodeError | None = None
    crc = row.crc if body is not None else -1 - row.crc
    if crc != crc_of(row) or (body is not None and hashlib.sha256(body).digest() != row.sha256):
        view = DecodeError("it has changed since it was written")
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
    """Run `Store.gc`, with one transaction per period so that it can be interrupted anywhere."""
    periods = sorted(set(database.rows(_BUCKETS, _period_of)))
    old = now - roll_up_after // MILLISECOND
    older = -math.inf if keep is None else now - keep // MILLISECOND
    # First, because it frees the space that merging needs.
    deleted = sum(_delete_old(database, each) for each in periods if each.end <= older)
    database.shrink()
    rolled = [_roll_up(database, each) for each in periods if older < each.end <= old]
    database.shrink()
    return Collected(sum(merged for merged, _ in rolled), deleted, sum(bad for _, bad in rolled))


def _period_of(dataset: str, segment: str, start: int, span: int, tags: str) -> _Period:
    """Return the day of a bucket shorter than a day; a longer bucket is a period itself."""
    if span < _DAY:
        start, span = start - start % _DAY, _DAY
    return _Period(dataset, segment, start, start + span, tags)


def lock(connection: sa.Connection, dataset: str, *, alone: bool = False) -> None:
    """Block other roll-ups of a dataset, but no put; with `alone`, also puts of new rows."""
    connection.execute(_DATASET.with_for_update(key_share=not alone), {"dataset": dataset})


def _delete_old(database: Database, period: _Period) -> int:
    """Delete the bodies of a period, keep its rows, and return the number of profiles."""
    with database.transaction() as connection:
        lock(connection, period.dataset, alone=True)
        query = sa.select(*LISTED).where(period.where).with_for_update()
        rows = database.rows(query, StoredProfile)
        connection.execute(sa.delete(profile).where(period.where))  # first, to free its pages
        _hold(connection, (row for row in rows if row.crc == crc_of(row)))
        return len(rows)


def _hold(connection: sa.Connection, rows: Iterable[StoredProfile]) -> None:
    """Insert rows without their bodies, so that late retries are refused."""
    ours = (row._replace(crc=-1 - row.crc) for row in rows if not row.is_merged)
    tables.insert(connection, profile, ((*row, None) for row in ours))


def _roll_up(database: Database, period: _Period) -> tuple[int, int]:
    """Merge the rows of a period into one; return how many, and how many are damaged."""
    dataset, segment, start, end, tags = period
    with database.transaction() as connection:
        lock(connection, dataset)
        good, damaged = list[StoredProfile](), list[StoredProfile]()

        def views() -> Iterator[ProfileView]:  # one at a time, because decoded views are large
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
    """Check every profile and its row, and yield the damage.

    The structure of a SQLite file is checked first; PostgreSQL has its own tools for that.
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
            yield Damage(row, "its bucket is not as long as the buckets of the dataset")
