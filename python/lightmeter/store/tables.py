"""The tables of a store, which are the same in SQLite and in PostgreSQL.

A table has the columns of the record that its rows are. Times are milliseconds since 1970 UTC,
lengths are milliseconds, segments are the texts of `segment_text`, and tags those of `_tags_text`.
Whoever reads a row makes something of its values, which may be none that were written: see
`Database.rows`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from lightmeter.store.records import Accepted, Flag, JudgedBucket, Result, Source, Time, Told
from lightmeter.store.rows import StoredProfile
from lightmeter.times import to_ms

VERSION = 1
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
