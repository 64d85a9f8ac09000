"""Putting profiles: what may be put, and how a row is written inside a transaction.

Values are here as they are in the tables: times and lengths in milliseconds, segments and tags as
texts.
"""

import hashlib
import json
import operator
import time
import zlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from lightmeter.errors import ConflictError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.segments import segment_text
from lightmeter.store import tables
from lightmeter.store.engine import Database
from lightmeter.store.rows import MERGED, Moment, Part
from lightmeter.store.tables import DamagedError
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

_TRIES = 10
_DAY = DAY // MILLISECOND
_MONDAY = 4 * _DAY
_MOST_NAMES = 2000  # bytes of the names of a row: an index of PostgreSQL takes 2700
_MOST_SEQ = 2**62
_MOST_IMAGES = 2**44  # of a profile: a sum of some must not be more than SQLite can hold
_KEY = "dataset", "segment", "start", "writer"
_SEALED = *_KEY, "seq", "span", "images", "updated", "tags", "sha256"
_SEALED_OF = operator.itemgetter(*_SEALED)

# Without the columns of the tables, which look at values.
_EVERY = sa.text("SELECT every FROM dataset WHERE name = :name")
_ENTER = sa.text("INSERT INTO dataset VALUES (:name, :every) ON CONFLICT DO NOTHING")
_profile = sa.table("profile", *map(sa.column, tables.profile.c.keys()))
_HAS_KEY = sa.and_(*(_profile.c[name] == sa.bindparam(name) for name in _KEY))
_KEPT = _profile.c.body.is_not(None).label("kept")
_THERE = sa.select(_profile.c.seq, _KEPT).where(_HAS_KEY).with_for_update()
_NAMES = _profile.c.keys()
_REPLACE = (
    f"INSERT INTO profile ({', '.join(_NAMES)}) VALUES (:{', :'.join(_NAMES)}) ON CONFLICT "
    f"({', '.join(_KEY)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES)}"
)
_STORE = sa.text(_REPLACE)
_WRITE = sa.text(f"{_REPLACE} WHERE profile.body IS NOT NULL AND excluded.seq > profile.seq")


class Put(NamedTuple):
    """A profile to put.

    Attributes:
        dataset: its name.
        view: the profile.
        at: a time in the bucket, in milliseconds.
        writer: its name.
        segment: as text.
        seq: the number of the put; None for the next.
        every: length of the buckets in milliseconds; None for that of the dataset.
    """

    dataset: str
    view: ProfileView
    at: int
    writer: str
    segment: str
    seq: int | None
    every: int | None


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
        checked_name("dataset", dataset)
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
        checked_name("dataset", dataset)
        checked_name("writer", writer)
        if (size := len(f"{dataset}{writer}{part}".encode())) > _MOST_NAMES:
            raise ValueError(
                f"the names of the dataset, writer and segment have {size} bytes together; expected"
                f" {_MOST_NAMES} at most: shorten {max((dataset, writer, part), key=len)!r:.80}"
            )
        if writer.startswith(MERGED[1]):
            raise ValueError(f"got {writer!r} as writer; names that begin with '&' are of roll-ups")
        number = None if seq is None else checked_seq(seq)
        length = None if every is None else to_duration(every) // MILLISECOND
        return self._put(Put(dataset, view, moment, writer, part, number, length))

    def _put(self, put: Put) -> bool:
        with self._database.transaction() as connection:
            span, core = length_of(connection, put.dataset, put.every), put.view._core
            start = put.at - (put.at - _MONDAY) % span
            if not tables.FIRST <= start <= tables.LAST - span:
                bucket_start(from_ms(put.at), span * MILLISECOND)  # says so
            if core.dataset_timestamp is None:
                core = core.copy()
                core.dataset_timestamp = start
            place = {"dataset": put.dataset, "segment": put.segment, "start": start}
            now = time.time_ns() // 1_000_000
            place |= {"writer": put.writer, "span": span, "updated": now}
            return write(connection, place, core, put.seq)


def checked_name(what: str, name: Any) -> str:
    """Return the name of a dataset or writer.

    Raises:
        TypeError: it is no string.
        ValueError: it is empty or too long, has a zero character, or cannot be written as UTF-8.
    """
    if not isinstance(name, str):
        raise TypeError(f"got {name!r} as {what}; expected a name, which is a string")
    if not name or "\0" in name:
        got = f"{name!r} as" if name else "an empty"
        raise ValueError(f"got {got} {what}; expected a name, such as 'cells'")
    if (size := len(name.encode())) > _MOST_NAMES:
        raise ValueError(f"got a {what} of {size} bytes; expected {_MOST_NAMES} at most")
    return name


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


def write(connection: sa.Connection, values: dict[str, Any], core: Any, seq: int | None) -> bool:
    """Insert a row or replace it by one of a higher seq (None: by the next); whether it did.

    Args:
        connection: in a transaction.
        values: dataset, segment, start, writer and span of the row, and when it was updated.
        core: of the profile.
        seq: number of the put.

    Raises:
        ConflictError: `gc` has merged or deleted an earlier profile of the writer.
    """
    body = core.encode()
    values |= {"images": core.images, "sha256": hashlib.sha256(body).digest(), "body": body}
    values["tags"] = tags_text(pairs) if (pairs := core.tags()) else ""
    for _ in range(_TRIES):
        there = connection.execute(_THERE, values).first()
        last = 0 if there is None else there.seq
        if type(last) is not int:
            raise DamagedError(f"the store is damaged: {last!r:.100} is no seq")
        if there is not None and seq is not None and seq <= last:
            return False
        if there is not None and not there.kept:
            raise ConflictError(
                f"the bucket of {from_ms(values['start']):%Y-%m-%d %H:%M} has been rolled up or "
                f"deleted; the profile of {values['writer']!r} in it can no longer be replaced"
            )
        values["seq"] = last + 1 if seq is None else seq
        values["crc"] = crc_of(values)
        if connection.execute(_WRITE, values).rowcount:
            return True  # else somebody else has just written the first of this key
    raise StoreError(
        f"{values['writer']!r} is written by several who replace each other; try again"
    )


def store(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Write a row, whatever is there. Without a body it is what stays of one that was rolled up."""
    row = {**values, "crc": crc_of(values, kept=values["body"] is not None)}
    connection.execute(_STORE, row)


def tags_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Return tags as a column holds them, such as ``&model=v7&``; empty for none."""
    texts = sorted(segment_text({name: value}) for name, value in pairs)
    return f"&{'&'.join(texts)}&" if texts else ""


def crc_of(values: Mapping[str, Any], *, kept: bool = True) -> int:
    """Return the check of all values of a row but its body, and of whether that is kept."""
    return zlib.crc32(json.dumps([*_SEALED_OF(values), kept], default=bytes.hex).encode())
