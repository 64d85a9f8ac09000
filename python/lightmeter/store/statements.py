"""Reading the rows of profiles, inside a transaction or a snapshot."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.putting import checked_name, crc_of
from lightmeter.store.rows import MERGED, Moment, Part, StoredProfile, Tags
from lightmeter.store.tables import profile
from lightmeter.times import EPOCH, MILLISECOND, to_ms, to_utc

_P = profile.c
_TOGETHER = 32  # rows that are read by one statement
KEY = tuple(profile.primary_key)
# A row as it is in the table, what it says, and its profile: None if that was rolled up or deleted.
Content = tuple[tuple[Any, ...], StoredProfile, ProfileView | DecodeError | None]


def check_dataset(database: Database, name: str) -> None:
    """Raise StoreError if there is no dataset of that name."""
    names = database.rows(sa.select(tables.dataset.c.name).order_by("name"), str)
    if checked_name(dataset=name) not in names:
        raise StoreError(
            f"there is no dataset {name!r} in {database.address}; it has "
            f"{', '.join(map(repr, names)) or 'none'}"
        )


def is_in(
    dataset: str, start: Moment = None, end: Moment = None, segment: Part = None
) -> sa.ColumnElement[bool]:
    """Return the condition for the rows of buckets that start in [start, end)."""
    return sa.and_(
        _P.dataset == checked_name(dataset=dataset),
        _P.segment == segment_text(segment),
        sa.true() if start is None else _P.start >= to_ms(to_utc(start)),
        sa.true() if end is None else _P.start < to_ms(to_utc(end)),
    )


def time_of(ms: int) -> datetime:
    """Return the time of a row, unless no calendar has it, as in a damaged one."""
    return EPOCH + ms * MILLISECOND


def places(database: Database, *where: sa.ColumnElement[bool]) -> list[tuple[Any, Any]]:
    """Return the dataset and the segment of all rows, as they are in the table."""
    query = sa.select(_P.dataset, _P.segment).where(*where).distinct()
    return database.rows(query, lambda *place: place)


def row_of(*row: Any) -> StoredProfile:
    """Return what a row says; without its digest, which no body has, where it is damaged."""
    *sealed, crc, body = row
    dataset, segment, start, writer, seq, span, images, updated, tags, digest = sealed
    return StoredProfile(
        *(dataset, time_of(start), time_of(start + span), parse_segment(segment), writer, seq),
        *(images, time_of(updated)),
        digest if crc == crc_of(sealed, kept=body is not None) else b"",
        tags_of(tags.split("&")),
    )


def contents(
    database: Database, *where: sa.ColumnElement[bool], lock: bool = False
) -> Iterator[Content]:
    """Give rows of a segment with their profiles, or what is wrong with each.

    With `lock`, nobody else can change them until the end of the transaction.
    """
    after = sa.true()
    while True:
        query = sa.select(profile).where(*where, after).order_by(*KEY).limit(_TOGETHER)
        query = query.with_for_update() if lock else query
        try:
            found = database.rows(query, lambda *row: (row, row_of(*row)))
        except DamagedError:  # a page of the file: it costs one of them
            found = []
            keys = database.rows(query.with_only_columns(*KEY), lambda *key: key)
            found = [each for key in keys for each in _alone(database, key)]
        for row, listed in found:
            yield row, listed, decoded(listed, row[-1])
        if len(found) < _TOGETHER:
            return
        _, _, start, writer = found[-1][0][:4]  # the first condition is for the index
        after = (_P.start >= start) & (sa.tuple_(_P.start, _P.writer) > (start, writer))


def _alone(database: Database, key: tuple[Any, ...]) -> list[Any]:
    """Return a row without the body if that cannot be read."""
    query = sa.select(profile).where(*(each == value for each, value in zip(KEY, key, strict=True)))
    try:
        return database.rows(query, lambda *row: (row, row_of(*row)))
    except DamagedError:
        query = query.with_only_columns(*list(_P)[:-1])
        return database.rows(query, lambda *row: ((*row, b""), row_of(*row, b"")))


def decoded(row: StoredProfile, body: bytes | None) -> ProfileView | DecodeError | None:
    """Return the profile in a row, or what is wrong with it."""
    if not row.digest or not isinstance(body, bytes | None):
        return DecodeError("its time, writer or counts are not those that were written")
    if body is None:
        return None
    if hashlib.sha256(body).digest() != row.digest:
        return DecodeError("its bytes are not those that were written")
    try:
        return ProfileView.from_bytes(body)
    except DecodeError as error:
        return error


def tags_of(texts: Iterable[str]) -> Tags:
    """Return tags from the parts of a text between the `&`."""
    tags: dict[str, list[str]] = {}
    for text in sorted(texts):
        for name, tag in parse_segment(text).items():
            tags.setdefault(name, []).append(tag)
    return tags


def versions_of(database: Database, name: str) -> dict[tuple[str, datetime], int]:
    """Return the versions of the buckets of a dataset by segment and start.

    A version is the sum modulo 2^63 of the first 8 bytes of its rows' SHA-256: it changes with any
    of them, and not with their order or a clock. Rows that a roll-up made are left out, as those
    that it holds are counted.
    """
    query = sa.select(_P.segment, _P.start, _P.sha256).where(
        _P.dataset == name,
        tables.dataset.c.name == _P.dataset,
        tables.dataset.c.every == _P.span,
        sa.func.substr(_P.writer, 1, 1).not_in(MERGED),
    )
    versions: dict[tuple[str, datetime], int] = {}

    def add(segment: str, start: int, digest: bytes) -> None:
        key, number = (segment, time_of(start)), int.from_bytes(digest[:8], "big")
        versions[key] = (versions.get(key, 0) + number) % 2**63

    database.rows(query, add)
    return versions
