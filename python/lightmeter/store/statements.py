"""Writing and reading the rows of profiles, inside a transaction or a snapshot."""

import contextlib
import hashlib
import json
import operator
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import rows, tables
from lightmeter.store.buckets import bucket_start
from lightmeter.store.engine import Database
from lightmeter.store.rows import Moment, Part, StoredProfile, Tags
from lightmeter.store.tables import DamagedError, profile, upsert
from lightmeter.times import DAY, duration_text, to_utc

_P = profile.c
_TRIES = 10
_TOGETHER = 32  # rows that are read by one statement
_KEY = tuple(profile.primary_key)
KEPT = _P.body.is_not(None)  # and not by a roll-up
LISTED = [column for column in _P if column.name != "body"]
_SEALED = [column.name for column in LISTED if column.name != "crc"]
_SEALED_OF = operator.itemgetter(*_SEALED)
_KEY_OF = operator.itemgetter(*(column.name for column in _KEY))
Content = tuple[StoredProfile, bytes | None, ProfileView | DecodeError]


def entered(connection: sa.Connection, name: str, span: timedelta | None) -> timedelta:
    """Return the length of the buckets of a dataset; a new one is entered."""
    query = sa.select(tables.dataset.c.every).where(tables.dataset.c.name == name)
    every: timedelta | None = connection.scalar(query)
    if every is None:
        every = span or DAY
        bucket_start(datetime.now(UTC), every)  # refuses a length that no bucket can have
        if not upsert(connection, tables.dataset, {"name": name, "every": every}, "never"):
            every = connection.execute(query).scalar_one()  # somebody else's
    if span not in (None, every):
        raise ConflictError(
            f"dataset {name!r} has buckets of {duration_text(every)}, not of "
            f"{duration_text(span)}; leave `every` out, or use another dataset"
        )
    return every


def values_of(row: StoredProfile) -> dict[str, Any]:
    """Return the columns of a row beside its body."""
    segment, span = segment_text(row.segment), row.end - row.start
    pairs = [(name, value) for name, values in row.tags.items() for value in values]
    place = row.dataset, segment, row.start, row.writer, row.seq, span
    more = row.images, row.updated, tags_text(pairs), row.digest, None
    return dict(zip((column.name for column in LISTED), place + more, strict=True))


def tags_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Return tags as a column holds them, such as ``&model=v7&``; empty for none."""
    texts = sorted(segment_text({name: value}) for name, value in pairs)
    return f"&{'&'.join(texts)}&" if texts else ""


def locked(connection: sa.Connection, values: Mapping[str, Any]) -> Any:
    """Return seq and `kept` of a row, which nobody else can change now; None without one."""
    query = sa.select(_P.seq, KEPT.label("kept")).where(has_key(values))
    return connection.execute(query.with_for_update()).first()


def has_key(values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """Return the condition for the row of some values."""
    return sa.and_(*map(operator.eq, _KEY, _KEY_OF(values)))


def write(
    connection: sa.Connection, place: Mapping[str, Any], view: ProfileView, seq: int | None
) -> bool:
    """Insert a row or replace it by one of a higher seq (None: by the next); whether it did.

    Args:
        connection: in a transaction.
        place: dataset, segment, start, writer and span of the row, and when it was updated.
        view: the profile.
        seq: number of the put.

    Raises:
        ConflictError: a roll-up holds an earlier profile of the writer.
    """
    body, core = view._core.encode(), view._core
    digest, pairs = hashlib.sha256(body).digest(), core.tags()
    values = {**place, "images": core.images, "sha256": digest, "body": body}
    values["tags"] = tags_text(pairs) if pairs else ""
    for _ in range(_TRIES):
        there = locked(connection, values)
        if there is not None and seq is not None and seq <= there.seq:
            return False
        if there is not None and not there.kept:
            raise ConflictError(
                f"the bucket of {place['start']:%Y-%m-%d %H:%M} has been rolled up with a profile "
                f"of {place['writer']!r} in it, which can no longer be replaced"
            )
        values["seq"] = seq if seq is not None else 1 if there is None else there.seq + 1
        if upsert(connection, profile, values | {"crc": crc_of(values)}, "newer"):
            return True  # else somebody else has just written the first of this key
    raise StoreError(f"{place['writer']!r} is written by several who replace each other; try again")


def crc_of(row: Mapping[str, Any], *, kept: bool = True) -> int:
    """Return the check of all values of a row but its body, and of whether that is kept."""
    return zlib.crc32(json.dumps([*_SEALED_OF(row), kept], default=str).encode())


# Reading


def check_dataset(database: Database, name: str) -> None:
    """Raise StoreError if there is no dataset of that name."""
    rows.checked_name("dataset", name)
    query = sa.select(tables.dataset.c.name).order_by(tables.dataset.c.name)
    names = [row.name for row in database.rows(query)]
    if name not in names:
        raise StoreError(
            f"there is no dataset {name!r} in {database.address}; it has "
            f"{', '.join(map(repr, names)) or 'none'}"
        )


def is_in(
    dataset: str,
    start: Moment = None,
    end: Moment = None,
    segment: Part = None,
    *,
    table: sa.Table = profile,
) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of buckets that start in [start, end)."""
    return sa.and_(
        table.c.dataset == rows.checked_name("dataset", dataset),
        table.c.segment == segment_text(segment),
        sa.true() if start is None else table.c.start >= to_utc(start),
        sa.true() if end is None else table.c.start < to_utc(end),
    )


def row_of(row: Any, *, kept: bool = True) -> StoredProfile:
    """Return a row of `LISTED`; without its digest, which no body has, where it is damaged."""
    digest = row.sha256 if crc_of(row._mapping, kept=kept) == row.crc else b""
    return StoredProfile(
        *(row.dataset, row.start, end_of(row.start, row.span), pairs_of(row.segment), row.writer),
        *(row.seq, row.images, row.updated, digest, tags_of(row.tags.split("&"))),
    )


def contents(
    database: Database, *where: sa.ColumnElement[bool], lock: bool = False
) -> Iterator[Content]:
    """Give rows of a segment with their bodies and profiles, or what is wrong with each.

    With `lock`, nobody else can change them until the end of the transaction.
    """
    place, after = sa.tuple_(_P.start, _P.writer), sa.true()
    while True:
        query = sa.select(*LISTED).where(*where, after).order_by(*_KEY).limit(_TOGETHER)
        query = query.with_for_update() if lock else query
        try:
            found = database.rows(query.add_columns(_P.body))
        except DamagedError:  # a page of the file: it costs one of them
            found = database.rows(query)
        for row in found:
            listed, body = row_of(row), row._mapping.get("body")
            if body is None:
                with contextlib.suppress(DamagedError):
                    body = database.rows(sa.select(_P.body).where(has_key(row._mapping)))[0].body
            yield listed, body, _decoded(listed, body)
        if len(found) < _TOGETHER:
            return
        last = found[-1]  # the first condition is for the index
        after = (_P.start >= last.start) & (place > (last.start, last.writer))


def _decoded(row: StoredProfile, body: bytes | None) -> ProfileView | DecodeError:
    if body is None:
        return DecodeError("it is not where it is listed")
    if hashlib.sha256(body).digest() != row.digest:
        return DecodeError("its bytes, time, writer or counts are not those that were written")
    try:
        return ProfileView.from_bytes(body)
    except DecodeError as error:
        return error


def pairs_of(segment: str) -> dict[str, str]:
    """Return a segment, or some tags, from the text.

    Raises:
        DamagedError: nobody has written that.
    """
    try:
        return parse_segment(segment)
    except ValueError as error:
        raise DamagedError(f"the store is damaged: {error}") from None


def tags_of(texts: Iterable[str]) -> Tags:
    """Return tags from the parts of a text between the `&`."""
    tags: dict[str, list[str]] = {}
    for text in sorted(texts):
        for name, tag in pairs_of(text).items():
            tags.setdefault(name, []).append(tag)
    return tags


def end_of(start: datetime, span: timedelta) -> datetime:
    """Return the end of a bucket.

    Raises:
        DamagedError: no bucket ends then.
    """
    try:
        return start + span
    except OverflowError as error:
        raise DamagedError(f"the store is damaged: {error}") from None


def versions_query(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return the query of what `versions_of` takes of buckets of the length of their dataset.

    Rows that a roll-up made are left out, as those that it holds are counted.
    """
    every, writer = tables.dataset.c.every, sa.func.substr(_P.writer, 1, 1)
    query = sa.select(_P.segment, _P.start, _P.sha256).where(where)
    query = query.where(tables.dataset.c.name == _P.dataset, every == _P.span)
    return query.where(writer.not_in(rows.MERGED))


def versions_of(found: Iterable[Any], aged: Iterable[Any]) -> dict[tuple[str, datetime], int]:
    """Return the versions of buckets by segment and start.

    A version is the sum modulo 2^63 of the first 8 bytes of its rows' SHA-256, and of the version
    of what was deleted by its age: it changes with any of them, and not with their order or a
    clock.
    """
    versions = {(segment, start): version for segment, start, version in aged}
    for segment, start, digest in found:
        number = int.from_bytes(digest[:8], "big")
        versions[segment, start] = (versions.get((segment, start), 0) + number) % 2**63
    return versions


def aged_query(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return the query of what `versions_of` takes of buckets that were deleted by their age."""
    aged = tables.aged.c
    return sa.select(aged.segment, aged.start, aged.version).where(where)
