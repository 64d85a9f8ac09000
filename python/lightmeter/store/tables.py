"""The tables of a store, which are the same in SQLite and in PostgreSQL.

Times are milliseconds since 1970 UTC, lengths are milliseconds, segments are the texts of
`segment_text`, and tags those of `tags_text`. Whoever reads a row makes something of its values,
which may be none that were written: see `Database.rows`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lightmeter.times import to_ms

VERSION = 1
# Texts are sorted by their letters' numbers everywhere.
_TYPES: dict[str, Any] = {
    "": sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
    "whole": sa.BigInteger,
    "bytes": sa.LargeBinary,
    "number": sa.Double,
    "body": sa.LargeBinary,
}
metadata = sa.MetaData()


def _table(name: str, key: str, others: str, *more: Any, rowid: bool = False) -> sa.Table:
    """Return a table whose rows lie in order of their key in SQLite, unless they have a rowid."""
    columns = [
        sa.Column(
            column,
            _TYPES[kind],
            primary_key=column in [each.partition(":")[0] for each in key.split()],
            nullable=kind in ("number", "body"),
        )
        for column, _, kind in (each.partition(":") for each in f"{key} {others}".split())
    ]
    return sa.Table(name, metadata, *columns, *more, sqlite_with_rowid=rowid)


version = sa.Table("lightmeter", metadata, sa.Column("version", sa.Integer, nullable=False))
dataset = _table("dataset", "name", "every:whole", rowid=True)

# A row is what a writer says of a bucket: a cumulative profile. What a bucket holds is the merge of
# its rows. A roll-up makes one row of those of a day that have the same tags, whose writer is the
# text of the tags. Theirs stay without their bodies, and so do those that are deleted by their age:
# a late retry of one is not counted again, and what monitors found in it stays. `sha256` is of the
# body, and `crc` of all other values. The body comes last, as SQLite stores columns in order.
profile = _table(
    "profile",
    "dataset segment start:whole writer",
    "seq:whole span:whole images:whole updated:whole tags sha256:bytes crc:whole body:body",
    sa.ForeignKeyConstraint(["dataset"], ["dataset.name"]),
    rowid=True,
)
# For lists of segments and newest buckets, which need not see the rows then.
KEPT = profile.c.body.is_not(None)
_FIRST = profile.c.dataset, profile.c.segment, profile.c.start
sa.Index("profile_kept", *_FIRST, sqlite_where=KEPT, postgresql_where=KEPT)

_BUCKET = "monitor dataset segment start:whole"
# What monitors found at their last run. `feature` is empty for the bucket itself.
result = _table(
    "result",
    f"{_BUCKET} feature",
    "state value:number lower:number upper:number baseline:whole images:whole words cause",
)
# A row for each bucket of which they say something: its version when it was judged, and the states
# of its results with commas between.
judged = _table("judged", _BUCKET, "version:whole states")
# A monitor that has judged: the file that it is from, empty for none, its place there, a digest of
# all but buckets that its results follow from, and its table as JSON.
watched = _table("watched", "monitor dataset", "source rank:whole key:bytes config")
# What each alert has told of incidents and not taken back.
told = _table("told", "alert dataset segment kind start:whole monitor", "open:whole")
# What was made the new normal from a bucket on, where three patterns match.
accepted = _table("accepted", "dataset segment monitor since:whole", "note at:whole")
# Who may ask a server for what: `sha256` is of the key, `rights` and `datasets` are JSON.
key = _table("key", "id", "sha256:bytes rights datasets note created:whole")

# What monitors and alerts remember, which is copied with a store. Keys are not.
STATE = result, judged, watched, told, accepted


def insert(connection: sa.Connection, table: sa.Table, rows: Iterable[Iterable[Any]]) -> None:
    """Insert rows in the order of the columns."""
    names = table.c.keys()
    if values := [dict(zip(names, map(plain, row), strict=True)) for row in rows]:
        connection.execute(sa.insert(table), values)


def plain(value: Any) -> Any:
    """Return a value as a table holds it; PostgreSQL has no text with a zero character."""
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value + 0.0  # SQLite has no zero with a sign
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def delete(connection: sa.Connection, table: sa.Table, keys: Iterable[Iterable[Any]]) -> None:
    """Delete rows by the first four columns of their keys."""
    columns = list(table.primary_key)[:4]
    values = [{c.name: plain(v) for c, v in zip(columns, key, strict=True)} for key in keys]
    if values:
        where = (column == sa.bindparam(column.name) for column in columns)
        connection.execute(sa.delete(table).where(*where), values)


def has(table: sa.Table, *key: Any) -> sa.ColumnElement[bool]:
    """Return the condition for rows by the beginning of their keys, where None is any value."""
    pairs = zip(table.primary_key, key, strict=False)
    return sa.and_(*(column == plain(value) for column, value in pairs if value is not None))
