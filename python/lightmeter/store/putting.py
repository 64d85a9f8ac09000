"""Putting profiles: what may be put, and how a row is written inside a transaction.

Values are here as they are in the tables: times and lengths in milliseconds, segments and tags as
texts.
"""

import hashlib
import json
import operator
import re
import time
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from lightmeter.errors import ConflictError
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.segments import segment_text
from lightmeter.store import tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.rows import MERGED, Moment, Part, StoredProfile
from lightmeter.times import (
    DAY,
    MILLISECOND,
    bucket_start,
    duration_text,
    from_ms,
    to_duration,
    to_ms,
    to_utc,
)

_DAY = DAY // MILLISECOND
_MONDAY = 4 * _DAY
_MOST_NAMES = 2000  # bytes of the names of a row: an index of PostgreSQL takes 2700
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"  # a name: without control characters
_MOST_SEQ = 2**62
_MOST_IMAGES = 2**44  # of a profile: a sum of some must not be more than SQLite can hold

_EVERY = sa.text("SELECT every FROM dataset WHERE name = :name")
_ENTER = sa.text("INSERT INTO dataset VALUES (:name, :every) ON CONFLICT DO NOTHING")
_NAMES = tables.profile.c.keys()
FIRST, LAST = (to_ms(moment.replace(tzinfo=UTC)) for moment in (datetime.min, datetime.max))
_KEY = [each.name for each in tables.profile.primary_key]
_HAS_KEY = sa.and_(*(tables.profile.c[name] == sa.bindparam(name) for name in _KEY))
_THERE = sa.select(tables.profile.c.seq, tables.KEPT).where(_HAS_KEY).with_for_update()
_WRITE = sa.text(
    f"INSERT INTO profile ({', '.join(_NAMES)}) VALUES (:{', :'.join(_NAMES)}) ON CONFLICT "
    f"({', '.join(_KEY)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES)}"
    " WHERE profile.body IS NOT NULL AND excluded.seq > profile.seq"
)

# A dataset, a segment as text, a time in milliseconds, and a writer.
Place = tuple[str, str, int, str]


class Putting:
    """What puts profiles into a store.

    Every writer has a row of its own per bucket, which holds the whole of what it has to say about
    it (a cumulative profile), and a bucket is the merge of its rows. So writing again replaces,
    whatever was retried or run twice, and writers never wait for each other's reading.
    """

    _database: Database

    def define(self, dataset: str, every: str | timedelta) -> None:
        """Enter a dataset with buckets of this length; nothing happens if it is there.

        Raises:
            TypeError: an argument is of another type.
            ValueError: `every` is no duration, no whole number of milliseconds or longer than
                time, or the name is empty.
            ConflictError: the dataset has buckets of another length.
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

        Args:
            dataset: name of what is watched.
            profile: a `Profile`, a `ProfileView`, a `ResultSet`, or the path of a profile file;
                without a dataset timestamp it gets the start of the bucket.
            at: a time in the bucket, local without a time zone; None takes the profile's dataset
                timestamp.
            writer: who writes. Two that do not know of each other need two names.
            segment: such as ``{"camera": "left"}`` or ``"camera=left"``; None for the dataset as
                a whole.
            seq: a number that rises with each profile of this writer and bucket: a lower one
                than what is there is late and is not kept. None takes the next.
            every: length of the dataset's buckets, such as ``"1h"``. It is fixed by the first
                profile; None takes that, or ``"1d"`` for a new dataset.

        Returns:
            Whether it was kept; False if what is there has the same `seq` or a higher one.

        Raises:
            TypeError: an argument is of another type.
            ValueError: no time at all; a bucket that reaches beyond the year 9999; a bad `every` or
                `segment`; an empty name; names of more than 2000 bytes together; more images than
                anybody has.
            ConflictError: the dataset has buckets of another length, or `gc` has rolled the bucket
                up, or deleted it, with an earlier profile of the writer in it.
            StoreError: it cannot be written.
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

    Raises:
        TypeError: one is no string.
        ValueError: one is empty, has a control character or cannot be written as UTF-8, or they
            are too long together.
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

    Raises:
        TypeError: it is no whole number.
        ValueError: it does not fit into 62 bits.
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

    Args:
        connection: in a transaction.
        place: where it goes.
        span: length of the bucket.
        updated: when it was put.
        core: of the profile.
        seq: number of the put.

    Raises:
        ConflictError: `gc` has merged or deleted an earlier profile of the writer.
    """
    body, pairs = core.encode(), core.tags()
    digest, tags = hashlib.sha256(body).digest(), _tags_text(pairs) if pairs else ""
    while True:
        there = connection.execute(_THERE, dict(zip(_KEY, place, strict=True))).first()
        last, kept = there or (0, True)
        if type(last) is not int:
            raise DamagedError(f"the store is damaged: {last!r:.100} is no seq")
        if there is not None and seq is not None and seq <= last:
            return False
        if not kept:
            raise ConflictError(
                f"the bucket of {from_ms(place[2]):%Y-%m-%d %H:%M} has been rolled up or deleted; "
                f"the profile of {place[3]!r} in it can no longer be replaced"
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
