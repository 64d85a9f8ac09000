"""The tables of a store, the same in SQLite and in PostgreSQL, and the records of their rows.

Each table has the columns of one record class, whose types say which values are valid. Times are
milliseconds since 1970 UTC, lengths are milliseconds, segments are texts of `segment_text`, and
tags are texts of `_tags_text`. A damaged row may hold any values: see `Database.rows`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, get_args

import sqlalchemy as sa
from pydantic import BeforeValidator

from lightmeter.profile.segments import Segment
from lightmeter.times import EPOCH, from_ms, to_ms

Time = Annotated[datetime, BeforeValidator(from_ms)]
Flag = Annotated[bool, BeforeValidator((False, True).__getitem__)]
ResultState = Literal["ok", "pending", "anomaly", "not enough data", "error"]
States = Annotated[frozenset[ResultState], BeforeValidator(lambda text: frozenset(text.split(",")))]
IncidentKind = Literal["anomaly", "error"]


class Series(NamedTuple):
    """A series, which is followed from bucket to bucket; `segment` is its text."""

    dataset: str
    segment: str
    monitor: str
    feature: str


class Place(NamedTuple):
    """A bucket of a segment that a monitor judges; `segment` is its text."""

    monitor: str
    dataset: str
    segment: str
    start: datetime


class Result(NamedTuple):
    """The judgement of a monitor on one feature in one bucket.

    A rule sets the first six attributes; its caller sets the others. Results are immutable, so
    threads may share them.

    Attributes
    ----------
    feature
        The name of the feature; empty if the result is about the bucket itself.
    state
        ``ok``, ``pending``, ``anomaly``, ``not enough data`` or ``error``. A pending result is an
        anomaly that has not yet lasted for the number of buckets that the monitor requires.
    value
        The number that was judged; None if there is none.
    lower
        The smallest value that would be ok; None if there is no limit.
    upper
        The largest value that would be ok; None if there is no limit.
    words
        A description of the change, such as "saturation fell by 38 %".
    monitor
        The name of the monitor.
    dataset
        The dataset of the bucket.
    segment
        The segment of the bucket, as text; empty for the whole dataset.
    bucket
        The start of the bucket, in UTC.
    baseline
        The number of buckets in the baseline.
    images
        The number of images in the bucket; for a trend, of its whole day.
    cause
        The likely cause, such as ``out of focus``; with ``perhaps`` before it if another feature
        indicates it, and this change is perhaps a consequence; empty if there is none.
    since
        The first day on which a permanent change may have begun.
    """

    feature: str
    state: ResultState
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    words: str = ""
    monitor: str = ""
    dataset: str = ""
    segment: str = ""
    bucket: Time = datetime.min.replace(tzinfo=UTC)
    baseline: int = 0
    images: int = 0
    cause: str = ""
    since: None | Time = None  # noqa: RUF036  # `from_ms` takes no None

    @property
    def place(self) -> Place:
        """Return the bucket and its monitor."""
        return Place(self.monitor, self.dataset, self.segment, self.bucket)


class JudgedBucket(NamedTuple):
    """A record of a judged bucket for later runs.

    Attributes
    ----------
    monitor
        The monitor that judged the bucket.
    dataset
        The dataset of the bucket.
    segment
        The segment of the bucket, as text.
    bucket
        The start of the bucket.
    version
        The version of the bucket when it was judged; see `Store.versions`.
    states
        All states that the monitor found in the bucket.
    summary
        Data that the rule derives from this version for later runs; may be empty.
    """

    monitor: str
    dataset: str
    segment: str
    bucket: Time
    version: int
    states: States
    summary: bytes


class BucketRows(NamedTuple):
    """The record of a judged bucket: place, version, at least one result, and summary."""

    place: Place
    version: int
    results: Sequence[Result]
    summary: bytes = b""


class Notice(NamedTuple):
    """An incident that an alert has reported.

    Attributes
    ----------
    dataset
        The dataset of the incident.
    segment
        The segment of the incident, as text.
    kind
        ``anomaly`` or ``error``.
    start
        The start of the first bucket of the incident.
    monitor
        The monitor that found the incident first.
    open
        True if the end of the incident has not been reported.
    """

    dataset: str
    segment: str
    kind: IncidentKind
    start: Time
    monitor: str
    open: Flag

    @property
    def place(self) -> tuple[str, str, IncidentKind]:
        """Return dataset, segment and kind, which at most one open incident has."""
        return self.dataset, self.segment, self.kind

    @property
    def watcher(self) -> tuple[str, str]:
        """Return the monitor that found it, by name and dataset."""
        return self.monitor, self.dataset


class Accepted(NamedTuple):
    """A change accepted as normal: since `since`, where all three patterns match."""

    dataset: str
    segment: str
    monitor: str
    since: Time
    note: str
    at: Time


class Source(NamedTuple):
    """A monitor with stored results.

    Attributes
    ----------
    monitor
        The name of the monitor.
    dataset
        The dataset that the monitor watches.
    path
        The path of its file; empty if it has none.
    rank
        The position of the monitor in its file, from 0.
    key
        A digest of everything except buckets that its results depend on.
    config
        The TOML table of the monitor, as JSON.
    """

    monitor: str
    dataset: str
    path: str
    rank: int
    key: bytes
    config: str


# A time, or None for no limit; a segment, or None for the whole dataset.
Moment = datetime | date | None
Part = Segment | None
MERGED = "", "&"  # only the writers of roll-ups begin with one of these


class StoredProfile(NamedTuple):
    """A row of a profile, without the profile itself (the body).

    Attributes
    ----------
    dataset
        The name of the dataset.
    segment
        The segment as text; empty for the whole dataset.
    start
        The start of the bucket, in milliseconds since 1970 UTC.
    writer
        The name of the writer. A roll-up writes an empty name, or the text of the tags.
    seq
        The sequence number of the put.
    span
        The length of the bucket, in milliseconds.
    images
        The number of images in the profile.
    updated
        The time of the put, in milliseconds since 1970 UTC.
    tags
        The tags as text, such as ``&model=v7&site=hall&``.
    sha256
        The digest of the body.
    crc
        The CRC-32 of the attributes above; ``-1 - CRC`` in a row without a body.
    """

    dataset: str
    segment: str
    start: int
    writer: str
    seq: int
    span: int
    images: int
    updated: int
    tags: str
    sha256: bytes
    crc: int

    @property
    def bucket(self) -> datetime:
        """Return the start of the bucket; 1970 if it is damaged."""
        try:
            return from_ms(self.start)
        except TypeError:
            return EPOCH

    @property
    def is_merged(self) -> bool:
        """Return whether a roll-up made the profile."""
        return self.writer[:1] in MERGED

    def __str__(self) -> str:
        """Return a description such as "the profile cells 2022-09-07 00:00 of 'left'"."""
        place = f"{self.dataset} {self.segment}".rstrip()
        return f"the profile {place} {self.bucket:%Y-%m-%d %H:%M} of {self.writer!r}"


class Bucket(NamedTuple):
    """A span of time, from `start` to before `end` in UTC, with profiles in a store.

    `images` and `writers` are their numbers, and `updated` is the time of the last put. A bucket is
    immutable, so threads may share it.
    """

    start: datetime
    end: datetime
    images: int
    writers: int
    updated: datetime


class Summary(NamedTuple):
    """The contents of a store for one segment of a dataset.

    Attributes
    ----------
    dataset
        The name of the dataset.
    every
        The length of its buckets.
    segment
        The segment; ``{}`` for the whole dataset.
    buckets
        The number of buckets with profiles.
    first
        The start of the first bucket; None without profiles.
    last
        The start of the last bucket; None without profiles.
    writers
        The number of writers.
    images
        The number of images in all profiles.
    bytes
        The size of all profiles.
    updated
        The time of the last put; None without profiles.
    tags
        The tags of the profiles, values by name, such as ``{"model": ["v7"]}``.
    """

    dataset: str
    every: timedelta
    segment: dict[str, str]
    buckets: int
    first: datetime | None
    last: datetime | None
    writers: int
    images: int
    bytes: int
    updated: datetime | None
    tags: Mapping[str, Sequence[str]]


class Newest(NamedTuple):
    """The newest complete bucket of a segment.

    Attributes
    ----------
    dataset
        The name of the dataset.
    every
        The length of its buckets.
    segment
        The segment; ``{}`` for the whole dataset.
    start
        The start of the bucket, in UTC.
    """

    dataset: str
    every: timedelta
    segment: dict[str, str]
    start: datetime


class Collected(NamedTuple):
    """How many profiles `Store.gc` merged, deleted, and left alone because they are damaged."""

    merged: int
    deleted: int
    damaged: int


class Damage(NamedTuple):
    """A damaged profile, or None for damage to the store as a whole, and the reason."""

    profile: StoredProfile | None
    reason: str

    def __str__(self) -> str:
        """Return the damaged part and the reason."""
        return f"{self.profile or 'the store'}: {self.reason}"


# Tables

VERSION = 3  # of the tables
# Every engine sorts texts by code points.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TYPES: dict[Any, Any] = {
    **dict.fromkeys((int, Time, None | Time, Flag), sa.BigInteger),
    **dict.fromkeys((bytes, bytes | None), sa.LargeBinary),
    float | None: sa.Double,
}
metadata = sa.MetaData()


def _table(
    name: str, fields: Mapping[str, Any], key: str, *more: Any, rowid: bool = False
) -> sa.Table:
    """Return a table; SQLite stores its rows in order of the key, or of a `rowid`."""
    columns = [
        sa.Column(field, _TYPES.get(kind, _TEXT), nullable=type(None) in get_args(kind))
        for field, kind in fields.items()
    ]
    key_of_it = sa.PrimaryKeyConstraint(*key.split())
    return sa.Table(name, metadata, *columns, key_of_it, *more, sqlite_with_rowid=rowid)


version = sa.Table("lightmeter", metadata, sa.Column("version", sa.Integer, nullable=False))
dataset = _table("dataset", {"name": str, "every": int}, "name", rowid=True)

# A row holds the cumulative profile of one writer for one bucket, and a bucket is the merge of its
# rows. A roll-up merges the rows of a day that have the same tags into one row, whose writer is the
# text of the tags. The merged rows stay without their bodies, and so do rows deleted by age, so
# that a late retry of one is not counted again and the results of monitors stay valid. The body is
# the last column, because SQLite stores columns in order.
profile = _table(
    "profile",
    {**StoredProfile.__annotations__, "body": bytes | None},
    "dataset segment start writer",
    sa.ForeignKeyConstraint(["dataset"], ["dataset.name"]),
    rowid=True,
)
# Lists of segments and newest buckets use this index alone, not the rows.
KEPT = profile.c.body.is_not(None)
_FIRST = profile.c.dataset, profile.c.segment, profile.c.start
sa.Index("profile_kept", *_FIRST, sqlite_where=KEPT, postgresql_where=KEPT)

_BUCKET = "monitor dataset segment bucket"
result = _table("result", Result.__annotations__, f"{_BUCKET} feature")
judged = _table("judged", JudgedBucket.__annotations__, _BUCKET)
watched = _table("watched", Source.__annotations__, "monitor dataset")
notice = _table(
    "notice", {"alert": str, **Notice.__annotations__}, "alert dataset segment kind start monitor"
)
accepted = _table("accepted", Accepted.__annotations__, "dataset segment monitor since")
# The keys of a server: `sha256` is the digest of the key; `rights` and `datasets` are JSON.
_OF_KEY = {"id": str, "sha256": bytes, "rights": str, "datasets": str, "note": str, "created": int}
key = _table("key", _OF_KEY, "id")

# The state of monitors and alerts, which is copied with a store; keys are not copied.
STATE = result, judged, watched, notice, accepted


def insert(connection: sa.Connection, table: sa.Table, rows: Iterable[Iterable[Any]]) -> None:
    """Insert rows in the order of the columns."""
    names = table.c.keys()
    if values := [dict(zip(names, map(plain, row), strict=True)) for row in rows]:
        connection.execute(sa.insert(table), values)


def plain(value: Any) -> Any:
    """Return a value as tables store it; PostgreSQL texts cannot contain a zero character."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, float):
        return value + 0.0  # SQLite has no negative zero
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return int(value) if isinstance(value, bool) else value


def has(table: sa.Table, *key: Any) -> sa.ColumnElement[bool]:
    """Return the condition that rows begin with this key; None matches any value."""
    pairs = zip(table.primary_key, key, strict=False)
    return sa.and_(True, *(each == plain(value) for each, value in pairs if value is not None))


def delete(connection: sa.Connection, table: sa.Table, keys: Iterable[Sequence[Any]]) -> int:
    """Delete the rows that begin with one of these keys, all of one length; return their number."""
    columns = table.primary_key.columns.keys()
    if values := [dict(zip(columns, map(plain, key), strict=False)) for key in keys]:
        where = (table.c[name] == sa.bindparam(name) for name in values[0])
        return connection.execute(sa.delete(table).where(*where), values).rowcount
    return 0
