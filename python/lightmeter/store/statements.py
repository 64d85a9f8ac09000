"""Reading the rows of profiles, inside a transaction or a snapshot."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import tables
from lightmeter.store.engine import Database
from lightmeter.store.putting import checked_name, crc_of, tags_text
from lightmeter.store.rows import MERGED, Moment, Part, StoredProfile, Tags
from lightmeter.store.tables import DamagedError, profile
from lightmeter.times import MILLISECOND, to_ms, to_utc

_P = profile.c
_TOGETHER = 32  # rows that are read by one statement
_KEY = tuple(profile.primary_key)
KEPT = _P.body.is_not(None)  # and not by a roll-up
LISTED = [column for column in _P if column.name != "body"]
_NAMES = [column.name for column in LISTED]
Content = tuple[StoredProfile, bytes | None, ProfileView | DecodeError]


def plain(row: Any) -> dict[str, Any]:
    """Return the values of a row of `LISTED` as they are in the table."""
    values: dict[str, Any] = row._asdict()
    values |= {name: to_ms(values[name]) for name in ("start", "updated")}
    return values | {"span": values["span"] // MILLISECOND}


def values_of(row: StoredProfile) -> dict[str, Any]:
    """Return the values of a row beside its body as they are in the table."""
    pairs = [(name, value) for name, values in row.tags.items() for value in values]
    place = row.dataset, segment_text(row.segment), to_ms(row.start), row.writer, row.seq
    more = (row.end - row.start) // MILLISECOND, row.images, to_ms(row.updated), tags_text(pairs)
    return dict(zip(_NAMES, (*place, *more, row.digest, None), strict=True))


def has_key(values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """Return the condition for the row of some values, with times as such."""
    return tables.has(profile, values, *profile.primary_key.columns.keys())


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


def is_in(
    dataset: str,
    start: Moment = None,
    end: Moment = None,
    segment: Part = None,
) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of buckets that start in [start, end)."""
    return sa.and_(
        _P.dataset == checked_name("dataset", dataset),
        _P.segment == segment_text(segment),
        sa.true() if start is None else _P.start >= to_utc(start),
        sa.true() if end is None else _P.start < to_utc(end),
    )


def row_of(row: Any, *, kept: bool = True) -> StoredProfile:
    """Return a row of `LISTED`; without its digest, which no body has, where it is damaged."""
    digest = row.sha256 if crc_of(plain(row), kept=kept) == row.crc else b""
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
            yield listed, body, decoded(listed, body)
        if len(found) < _TOGETHER:
            return
        last = found[-1]  # the first condition is for the index
        after = (_P.start >= last.start) & (place > (last.start, last.writer))


def decoded(row: StoredProfile, body: bytes | None) -> ProfileView | DecodeError:
    """Return the profile in a row, or what is wrong with it."""
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


def versions_of(database: Database, name: str) -> dict[tuple[str, datetime], int]:
    """Return the versions of the buckets of a dataset by segment and start.

    A version is the sum modulo 2^63 of the first 8 bytes of its rows' SHA-256: it changes with any
    of them, and not with their order or a clock. Rows that a roll-up made are left out, as those
    that it holds are counted.
    """
    every, writer = tables.dataset.c.every, sa.func.substr(_P.writer, 1, 1)
    query = sa.select(_P.segment, _P.start, _P.sha256).where(
        _P.dataset == name,
        tables.dataset.c.name == _P.dataset,
        every == _P.span,
        writer.not_in(MERGED),
    )
    versions: dict[tuple[str, datetime], int] = {}
    for segment, start, digest in database.rows(query):
        number = int.from_bytes(digest[:8], "big")
        versions[segment, start] = (versions.get((segment, start), 0) + number) % 2**63
    return versions
