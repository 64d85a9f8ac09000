"""The tables of a store, the same in SQLite and in PostgreSQL, and what is listed of them.

A table has the columns of the record that its rows are, which knows no monitor and no alert. The
types of a record say what its row must hold. Times are milliseconds since 1970 UTC,
lengths are milliseconds, segments are the texts of `segment_text`, and tags those of `_tags_text`.
Whoever reads a row makes something of its values, which may be none that were written: see
`Database.rows`.
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


class Line(NamedTuple):
    """What is followed from bucket to bucket; `segment` is its text."""

    dataset: str
    segment: str
    monitor: str
    feature: str


class Place(NamedTuple):
    """What a monitor judges: a bucket of a segment, which is given as text."""

    monitor: str
    dataset: str
    segment: str
    start: datetime


class Result(NamedTuple):
    """What a monitor says of one feature in one bucket.

    A rule says what the first six are; the rest is filled in by who asked it.

    Attributes
    ----------
    feature
        Empty for the bucket itself.
    state
        ``ok``, ``pending``, ``anomaly``, ``not enough data`` or ``error``. What is pending is an
        anomaly that has not lasted for as many buckets as the monitor asks for.
    value
        What was judged, where that is a number.
    lower
        The least that would be ok.
    upper
        The most that would be ok.
    words
        What changed, such as "saturation fell by 38 %".
    monitor
        Its name.
    dataset
        Of the bucket.
    segment
        Of the bucket, as text; empty for the dataset as a whole.
    bucket
        Its start, in UTC.
    baseline
        How many buckets it was compared with.
    images
        How many there are in the bucket.
    cause
        What happened to the pictures, such as ``out of focus``, if this tells it.
    since
        The first day on which a change for good may have begun.
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
        """Return the bucket, and who judged it."""
        return Place(self.monitor, self.dataset, self.segment, self.bucket)


class JudgedBucket(NamedTuple):
    """What the next run has to know of a bucket.

    Attributes
    ----------
    monitor
        Who judged it.
    dataset
        Of the bucket.
    segment
        Of the bucket, as text.
    bucket
        Its start.
    version
        Of the bucket when it was judged.
    states
        All that the monitor found.
    summary
        What its rule keeps of it, which follows from that version; empty for nothing.
    """

    monitor: str
    dataset: str
    segment: str
    bucket: Time
    version: int
    states: States
    summary: bytes


class BucketRows(NamedTuple):
    """All that is kept of a bucket: where it is, its version, at least one result, its summary."""

    place: Place
    version: int
    results: Sequence[Result]
    summary: bytes = b""


class Told(NamedTuple):
    """An incident that somebody has been told of.

    Attributes
    ----------
    dataset
        Where it is.
    segment
        Of the dataset, as text.
    kind
        Of the incident.
    start
        Start of its first bucket.
    monitor
        The first one that found it.
    open
        Whether they believe that it lasts.
    """

    dataset: str
    segment: str
    kind: IncidentKind
    start: Time
    monitor: str
    open: Flag

    @property
    def place(self) -> tuple[str, str, IncidentKind]:
        """Return what only one incident at a time can be about."""
        return self.dataset, self.segment, self.kind

    @property
    def watcher(self) -> tuple[str, str]:
        """Return the monitor that found it, by name and dataset."""
        return self.monitor, self.dataset


class Accepted(NamedTuple):
    """From `since` on, what monitors find where these three patterns match is normal."""

    dataset: str
    segment: str
    monitor: str
    since: Time
    note: str
    at: Time


class Source(NamedTuple):
    """A monitor of which results are kept.

    Attributes
    ----------
    monitor
        Its name.
    dataset
        What it watches.
    path
        Of its file; empty for none.
    rank
        Its place among the monitors of its file, from 0 on.
    key
        A digest of all but buckets that its results follow from.
    config
        Its table of the file, as JSON.
    """

    monitor: str
    dataset: str
    path: str
    rank: int
    key: bytes
    config: str


# A time, or None where it is left open; a segment, or None for the dataset as a whole.
Moment = datetime | date | None
Part = Segment | None
MERGED = "", "&"  # the first characters of the writers of roll-ups; others begin with none of these


class StoredProfile(NamedTuple):
    """A row of a profile, but for its body. Times and lengths are in milliseconds.

    Attributes
    ----------
    dataset
        Its name.
    segment
        As text; empty for the dataset as a whole.
    start
        Of the bucket, since 1970 UTC.
    writer
        Who wrote it; what a roll-up merged has none, or the text of its tags.
    seq
        The number of the put.
    span
        Length of the bucket.
    images
        How many it is of.
    updated
        When it was put.
    tags
        As text, such as ``&model=v7&site=hall&``.
    sha256
        Of the body.
    crc
        Of all before it, or -1 less that without a body.
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
        """Return the start of the bucket, unless it is damaged."""
        try:
            return from_ms(self.start)
        except TypeError:
            return EPOCH

    @property
    def is_merged(self) -> bool:
        """Return whether a roll-up made it."""
        return self.writer[:1] in MERGED

    def __str__(self) -> str:
        """Return it in words."""
        place = f"{self.dataset} {self.segment}".rstrip()
        return f"the profile {place} {self.bucket:%Y-%m-%d %H:%M} of {self.writer!r}"


class Bucket(NamedTuple):
    """A stretch of time that a store has profiles of."""

    start: datetime
    end: datetime
    images: int
    writers: int
    updated: datetime


class Summary(NamedTuple):
    """What a store holds of a segment of a dataset.

    Attributes
    ----------
    dataset
        Its name.
    every
        Length of its buckets.
    segment
        ``{}`` for the dataset as a whole.
    buckets
        How many have profiles.
    first
        Start of the first; None without any.
    last
        Start of the last; None without any.
    writers
        How many wrote profiles.
    images
        How many the profiles are of.
    bytes
        Size of the profiles.
    updated
        When the last was written; None without any.
    tags
        Of the profiles, values by name, such as ``{"model": ["v7"]}``.
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
        Its name.
    every
        Length of its buckets.
    segment
        ``{}`` for the dataset as a whole.
    start
        Of the bucket.
    """

    dataset: str
    every: timedelta
    segment: dict[str, str]
    start: datetime


class Collected(NamedTuple):
    """How many profiles `Store.gc` merged into others, deleted, and left as they are damaged."""

    merged: int
    deleted: int
    damaged: int


class Damage(NamedTuple):
    """A profile that cannot be read, or ``None`` for the store as a whole, and what is wrong."""

    profile: StoredProfile | None
    reason: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.profile or 'the store'}: {self.reason}"


# Tables

VERSION = 2  # of the columns
# Texts are sorted by their letters' numbers everywhere.
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
    """Return a table whose rows lie in order of their key in SQLite, unless they have a rowid."""
    columns = [
        sa.Column(field, _TYPES.get(kind, _TEXT), nullable=type(None) in get_args(kind))
        for field, kind in fields.items()
    ]
    key_of_it = sa.PrimaryKeyConstraint(*key.split())
    return sa.Table(name, metadata, *columns, key_of_it, *more, sqlite_with_rowid=rowid)


version = sa.Table("lightmeter", metadata, sa.Column("version", sa.Integer, nullable=False))
dataset = _table("dataset", {"name": str, "every": int}, "name", rowid=True)

# A row is what a writer says of a bucket: a cumulative profile. What a bucket holds is the merge of
# its rows. A roll-up makes one row of those of a day that have the same tags, whose writer is the
# text of the tags. Theirs stay without their bodies, and so do those that are deleted by their age:
# a late retry of one is not counted again, and what monitors found in it stays. The body
# comes last, as SQLite stores columns in order.
profile = _table(
    "profile",
    {**StoredProfile.__annotations__, "body": bytes | None},
    "dataset segment start writer",
    sa.ForeignKeyConstraint(["dataset"], ["dataset.name"]),
    rowid=True,
)
# For lists of segments and newest buckets, which need not see the rows then.
KEPT = profile.c.body.is_not(None)
_FIRST = profile.c.dataset, profile.c.segment, profile.c.start
sa.Index("profile_kept", *_FIRST, sqlite_where=KEPT, postgresql_where=KEPT)

_BUCKET = "monitor dataset segment bucket"
result = _table("result", Result.__annotations__, f"{_BUCKET} feature")
judged = _table("judged", JudgedBucket.__annotations__, _BUCKET)
watched = _table("watched", Source.__annotations__, "monitor dataset")
told = _table(
    "told", {"alert": str, **Told.__annotations__}, "alert dataset segment kind start monitor"
)
accepted = _table("accepted", Accepted.__annotations__, "dataset segment monitor since")
# Who may ask a server for what: `sha256` is of the key, `rights` and `datasets` are JSON.
_OF_KEY = {"id": str, "sha256": bytes, "rights": str, "datasets": str, "note": str, "created": int}
key = _table("key", _OF_KEY, "id")

# What monitors and alerts remember, which is copied with a store. Keys are not.
STATE = result, judged, watched, told, accepted


def insert(connection: sa.Connection, table: sa.Table, rows: Iterable[Iterable[Any]]) -> None:
    """Insert rows in the order of the columns."""
    names = table.c.keys()
    if values := [dict(zip(names, map(plain, row), strict=True)) for row in rows]:
        connection.execute(sa.insert(table), values)


def plain(value: Any) -> Any:
    """Return a value as a table holds it; PostgreSQL has no text with a zero character."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, float):
        return value + 0.0  # SQLite has no zero with a sign
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return int(value) if isinstance(value, bool) else value


def has(table: sa.Table, *key: Any) -> sa.ColumnElement[bool]:
    """Return the condition for rows by the beginning of their keys, where None is any value."""
    pairs = zip(table.primary_key, key, strict=False)
    return sa.and_(True, *(each == plain(value) for each, value in pairs if value is not None))


def delete(connection: sa.Connection, table: sa.Table, keys: Iterable[Sequence[Any]]) -> int:
    """Delete rows by the beginning of their keys, which are equally long; how many there were."""
    columns = table.primary_key.columns.keys()
    if values := [dict(zip(columns, map(plain, key), strict=False)) for key in keys]:
        where = (table.c[name] == sa.bindparam(name) for name in values[0])
        return connection.execute(sa.delete(table).where(*where), values).rowcount
    return 0
