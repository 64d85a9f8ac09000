"""The rows of profiles: writing and reading them, rolling them up, and looking for damage.

Values are here as they are in the tables: times and lengths in milliseconds, segments and tags as
texts.
"""

import hashlib
import json
import math
import operator
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
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
KEY = tuple(profile.primary_key)
LISTED = list(_P)[:-1]  # all but the body
# A row, its body, and its profile: None if that was rolled up or deleted.
Content = tuple[StoredProfile, bytes | None, ProfileView | DecodeError | None]
FIRST, LAST = (to_ms(moment.replace(tzinfo=UTC)) for moment in (datetime.min, datetime.max))
_MONDAY = 4 * _DAY
_MOST_NAMES = 2000  # bytes of the names of a row: an index of PostgreSQL takes 2700
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"  # a name: without control characters
_MOST_SEQ = 2**62
_MOST_IMAGES = 2**44  # of a profile: a sum of some must not be more than SQLite can hold
_MOST_TAGS = 200  # characters of tags that are a name themselves

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
# Rows of buckets that `gc` deleted by their age: no body, and no roll-up holds it. They take no
# more profiles: what monitors found in all of a bucket must not be judged again by what is late.
_merging = profile.alias()
DELETED = ~KEPT & ~sa.exists().where(
    _merging.c.dataset == _P.dataset,
    _merging.c.segment == _P.segment,
    _merging.c.start.between(_P.start - _DAY + 1, _P.start),
    _merging.c.start + _merging.c.span > _P.start,
    _merging.c.body.is_not(None),
    sa.func.substr(_merging.c.writer, 1, 1).in_(MERGED),
)
_CLOSED = sa.select(_P.seq).limit(1)
_CLOSED = _CLOSED.where(*(_P[name] == sa.bindparam(name) for name in _KEY[:3]), DELETED)

# A dataset, a segment as text, a time in milliseconds, and a writer.
Place = tuple[str, str, int, str]


# Writing


class Putting:
    """What puts profiles into a store.

    Every writer has a row of its own per bucket, which holds the whole of what it has to say about
    it (a cumulative profile), and a bucket is the merge of its rows. So writing again replaces,
    whatever was retried or run twice, and writers never wait for each other's reading.
    """

    _database: Database

    def define(self, dataset: str, every: str | timedelta) -> None:
        """Enter a dataset with buckets of this length; nothing happens if it is there.

        Raises
        ------
        TypeError
            An argument is of another type.
        ValueError
            `every` is no duration, no whole number of milliseconds or longer than time, or the name
            is empty.
        ConflictError
            The dataset has buckets of another length.
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
        """Keep `profile` as all that `writer` has to say about a bucket, in place of what it said.

        Once this returns the profile is on the disk, whole.

        Parameters
        ----------
        dataset
            Name of what is watched.
        profile
            A `Profile`, a `ProfileView`, a `ResultSet`, or the path of a profile file; without a
            dataset timestamp it gets the start of the bucket.
        at
            A time in the bucket, local without a time zone; None takes the profile's dataset
            timestamp.
        writer
            Who writes. Two that do not know of each other need two names.
        segment
            Such as ``{"camera": "left"}`` or ``"camera=left"``; None for the dataset as a whole.
        seq
            A number that rises with each profile of this writer and bucket: a lower one than what
            is there is late and is not kept. None takes the next.
        every
            Length of the dataset's buckets, such as ``"1h"``. It is fixed by the first profile;
            None takes that, or ``"1d"`` for a new dataset.

        Returns
        -------
        bool
            Whether it was kept; False if what is there has the same `seq` or a higher one.

        Raises
        ------
        TypeError
            An argument is of another type.
        ValueError
            No time at all; a bucket that reaches beyond the year 9999; a bad `every` or `segment`;
            an empty name; names of more than 2000 bytes together; more images than anybody has.
        ConflictError
            The dataset has buckets of another length, or `gc` has deleted the bucket, or rolled it
            up with an earlier profile of the writer in it.
        StoreError
            It cannot be written.
        """
        view = profile if isinstance(profile, ProfileView) else view_of(profile)
        moment = view._core.dataset_timestamp if at is None else to_ms(to_utc(at))
        if moment is None:
            raise ValueError("the profile has no dataset timestamp; say `at` when it is from")
        if (images := view._core.images) > _MOST_IMAGES:
            raise ValueError(f"the profile is of {images} images; expected {_MOST_IMAGES} at most")
        part = "" if segment is None else segment_text(segment)
        checked_name(dataset=dataset, writer=writer, **({"segment": part} if part else {}))
        if writer.startswith(MERGED[1]):
            raise ValueError(f"got {writer!r} as writer; names that begin with '&' are of roll-ups")
        number = None if seq is None else checked_seq(seq)
        length = None if every is None else to_duration(every) // MILLISECOND
        return self._put(view, (dataset, part, moment, writer), number, length)

    def _put(self, view: ProfileView, place: Place, seq: int | None, every: int | None) -> bool:
        dataset, segment, at, writer = place
        with self._database.transaction() as connection:
            span, core = length_of(connection, dataset, every), view._core
            start = at - (at - _MONDAY) % span
            if not FIRST <= start <= LAST - span:
                bucket_start(from_ms(at), span * MILLISECOND)  # says so
            if core.dataset_timestamp is None:
                core = core.copy()
                core.dataset_timestamp = start
            place, now = (dataset, segment, start, writer), time.time_ns() // 1_000_000
            return write(connection, place, span, now, core, seq)


def checked_name(**names: Any) -> str:
    """Return the first of some names, of what the keywords say, such as ``dataset="cells"``.

    Raises
    ------
    TypeError
        One is no string.
    ValueError
        One is empty, has a control character or cannot be written as UTF-8, or they are too long
        together.
    """
    for what, name in names.items():
        if not isinstance(name, str):
            raise TypeError(f"got {name!r} as {what}; expected a name, which is a string")
        if not name or not re.fullmatch(PLAIN, name):
            got = f"{name!r:.80} as" if name else "an empty"
            expected = "a name without control characters, such as 'cells'"
            raise ValueError(f"got {got} {what}; expected {expected}")
    if (size := len("".join(names.values()).encode())) > _MOST_NAMES:
        raise ValueError(
            f"the names ({', '.join(names)}) have {size} bytes together; expected {_MOST_NAMES} at "
            f"most: shorten {max(names.values(), key=len)!r:.80}"
        )
    return str(next(iter(names.values())))


def checked_seq(seq: Any) -> int:
    """Return the number of a put.

    Raises
    ------
    TypeError
        It is no whole number.
    ValueError
        It does not fit into 62 bits.
    """
    number = operator.index(seq)
    if not -_MOST_SEQ <= number <= _MOST_SEQ:
        raise ValueError(f"got {seq} as seq; expected a number from {-_MOST_SEQ} to {_MOST_SEQ}")
    return number


def length_of(connection: sa.Connection, name: str, span: int | None) -> int:
    """Return the length of the buckets of a dataset; a new one is entered."""
    length = connection.scalar(_EVERY, {"name": name})
    if length is None:
        length = span or _DAY
        bucket_start(from_ms(time.time_ns() // 1_000_000), length * MILLISECOND)  # may refuse it
        connection.execute(_ENTER, {"name": name, "every": length})
        length = connection.scalar(_EVERY, {"name": name})  # somebody else's, perhaps
    if type(length) is not int or length <= 0:
        raise DamagedError(f"the store is damaged: the buckets of {name!r} last {length!r:.100}")
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
    """Insert a row or replace it by one of a higher seq (None: by the next); whether it did.

    Parameters
    ----------
    connection
        In a transaction.
    place
        Where it goes.
    span
        Length of the bucket.
    updated
        When it was put.
    core
        Of the profile.
    seq
        Number of the put.

    Raises
    ------
    ConflictError
        `gc` has merged or deleted an earlier profile of the writer, or deleted the bucket.
    """
    body, pairs = core.encode(), core.tags()
    digest, tags = hashlib.sha256(body).digest(), _tags_text(pairs) if pairs else ""
    key, merges = dict(zip(_KEY, place, strict=True)), place[3][:1] in MERGED
    while True:
        there = connection.execute(_THERE, key).first()
        last, kept = there or (0, merges or not connection.execute(_CLOSED, key).first())
        if type(last) is not int:
            raise DamagedError(f"the store is damaged: {last!r:.100} is no seq")
        if there is not None and seq is not None and seq <= last:
            return False
        if not kept:
            raise ConflictError(
                f"the bucket of {from_ms(place[2]):%Y-%m-%d %H:%M} has been rolled up or deleted; "
                f"what {place[3]!r} says of it can no longer be put"
            )
        number = last + 1 if seq is None else seq
        row = StoredProfile(*place, number, span, core.images, updated, tags, digest, 0)
        values = row._replace(crc=crc_of(row))._asdict() | {"body": body}
        if connection.execute(_WRITE, values).rowcount:
            return True  # else somebody else has just written the first of this key


def crc_of(row: StoredProfile) -> int:
    """Return what the `crc` of a row with a body must be."""
    return zlib.crc32(json.dumps(row[:-1], default=bytes.hex).encode())


def _tags_text(pairs: Iterable[tuple[str, str]]) -> str:
    return f"&{'&'.join(sorted(segment_text({name: value}) for name, value in pairs))}&"


# Reading


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
