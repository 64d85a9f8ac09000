"""The tables of a store, which are the same in SQLite and in PostgreSQL.

Times are milliseconds since 1970 UTC, lengths are milliseconds, segments are the texts of
`segment_text`, and tags those of `tags_text`. A damaged file can hold anything: a column looks at
each value that it gives.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from lightmeter.errors import StoreError
from lightmeter.store.records import IncidentKind, ResultState
from lightmeter.times import MILLISECOND, from_ms, to_ms

VERSION = 1
FIRST, LAST = (to_ms(moment.replace(tzinfo=UTC)) for moment in (datetime.min, datetime.max))


class DamagedError(StoreError):
    """What is in a store is not what was written."""


class _Column(TypeDecorator[Any]):
    """A column of some kinds of values, each of which is looked at as it is read.

    `read` makes something else of a value, and `write` is its reverse.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(
        self,
        *kinds: type,
        read: Callable[[Any], Any] | None = None,
        write: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        self.kinds, self.read, self.write = kinds, read, write

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Return the type of the column; texts are sorted by their letters' numbers everywhere."""
        if self.kinds[0] is str:
            return sa.Text(collation="C" if dialect.name == "postgresql" else None)
        types: dict[type, type[TypeEngine[Any]]]
        types = {int: sa.BigInteger, float: sa.Double, bytes: sa.LargeBinary}
        return types[self.kinds[0]]()

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
        """Return what makes a value what is written; PostgreSQL has no text with a zero character.

        Nothing stands between other values and the driver, as rows of results are many.
        """
        if self.write is not None:
            return self.write
        if self.kinds[0] is str and dialect.name == "postgresql":
            return lambda text: text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        return self.load_dialect_impl(dialect).dialect_impl(dialect).bind_processor(dialect)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """Return the value.

        Raises:
            DamagedError: nobody has written it.
        """
        if isinstance(value, self.kinds):
            try:
                return value if self.read is None else self.read(value)
            except (ValueError, OverflowError):
                pass
        raise DamagedError(
            f"the store is damaged: it has {value!r:.100} where a value of another kind was "
            "written; see `lightmeter store verify`"
        )


def _length(value: int) -> timedelta:
    if value <= 0:
        raise ValueError
    return value * MILLISECOND


def _word(words: Any) -> Callable[[str], str]:
    words = get_args(words)
    return lambda text: words[words.index(text)]  # a ValueError if it is none of them


_state_of = _word(ResultState)
# What a column holds, by the word behind its name in a table below; texts have none.
_KINDS = {
    "": _Column(str),
    "whole": _Column(int),
    "bytes": _Column(bytes),
    "number": _Column(float, int, type(None)),
    "body": _Column(bytes, type(None)),
    "time": _Column(int, read=from_ms, write=to_ms),
    "length": _Column(int, read=_length, write=lambda length: length // MILLISECOND),
    "flag": _Column(int, read=bool, write=int),
    "state": _Column(str, read=_state_of),
    "states": _Column(
        str,
        read=lambda text: frozenset(map(_state_of, text.split(","))),
        write=lambda states: ",".join(sorted(states)),
    ),
    "kind": _Column(str, read=_word(IncidentKind)),
}
metadata = sa.MetaData()


def _columns(names: str, *, is_key: bool = False) -> Iterator[sa.Column[Any]]:
    for name, _, kind in (each.partition(":") for each in names.split()):
        nullable = kind in ("number", "body")
        yield sa.Column(name, _KINDS[kind], primary_key=is_key, nullable=nullable)


def _table(name: str, key: str, others: str, *more: Any, **options: Any) -> sa.Table:
    columns = *_columns(key, is_key=True), *_columns(others)
    return sa.Table(name, metadata, *columns, *more, **options)


def _state(name: str, key: str, others: str) -> sa.Table:
    """Return a table whose rows lie in order of their key in SQLite."""
    return _table(name, key, others, sqlite_with_rowid=False)


version = sa.Table("lightmeter", metadata, sa.Column("version", sa.Integer, nullable=False))
dataset = _table("dataset", "name", "every:length")

# A row is what a writer says of a bucket: a cumulative profile. What a bucket holds is the merge of
# its rows. A roll-up makes one row of those of a day that have the same tags, whose writer is the
# text of the tags. Theirs stay without their bodies, and so do those that are deleted by their age:
# a late retry of one is not counted again, and what monitors found in it stays. `sha256` is of the
# body, and `crc` of all other values. The body comes last, as SQLite stores columns in order.
profile = _table(
    "profile",
    "dataset segment start:time writer",
    "seq:whole span:length images:whole updated:time tags sha256:bytes crc:whole body:body",
    sa.ForeignKeyConstraint(["dataset"], ["dataset.name"]),
)
# For lists of segments and newest buckets, which need not see the rows then.
_KEPT = profile.c.body.is_not(None)
_FIRST = profile.c.dataset, profile.c.segment, profile.c.start
sa.Index("profile_kept", *_FIRST, sqlite_where=_KEPT, postgresql_where=_KEPT)

_BUCKET = "monitor dataset segment start:time"
# What monitors found at their last run. `feature` is empty for the bucket itself.
result = _state(
    "result",
    f"{_BUCKET} feature",
    "state:state value:number lower:number upper:number baseline:whole images:whole words cause",
)
# A row for each bucket of which they say something: its version when it was judged, and the states
# of its results with commas between.
judged = _state("judged", _BUCKET, "version:whole states:states")
# A monitor that has judged: the file that it is from, empty for none, its place there, a digest of
# all but buckets that its results follow from, and its table as JSON.
watched = _state("watched", "monitor dataset", "source rank:whole key:bytes config")
# What each alert has told of incidents and not taken back.
told = _state("told", "alert dataset segment kind:kind start:time monitor", "open:flag")
# What was made the new normal from a bucket on, where three patterns match.
accepted = _state("accepted", "dataset segment monitor since:time", "note at:time")
# Who may ask a server for what: `sha256` is of the key, `rights` and `datasets` are JSON.
key = _state("key", "id", "sha256:bytes rights datasets note created:time")

# What monitors and alerts remember, which is copied with a store. Keys are not.
STATE = result, judged, watched, told, accepted


def insert_all(connection: sa.Connection, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows in the order of the columns by the driver itself, in half of the time."""
    dialect = connection.dialect
    statement = sa.insert(table).compile(dialect=dialect)
    writes = [column.type.bind_processor(dialect) or _as_it_is for column in table.c]
    values: list[Any] = [tuple(w(v) for w, v in zip(writes, row, strict=True)) for row in rows]
    if not statement.positional:
        values = [dict(zip(table.c.keys(), row, strict=True)) for row in values]
    if values:
        connection.exec_driver_sql(str(statement), values)


def _as_it_is(value: Any) -> Any:
    return value


def replace(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    """Write a row in place of the one of its key."""
    connection.execute(
        sa.delete(table).where(has(table, values, *table.primary_key.columns.keys()))
    )
    connection.execute(sa.insert(table), values)


def has(table: sa.Table, values: Mapping[str, Any], *names: str) -> sa.ColumnElement[bool]:
    """Return the condition for rows that have these values in some columns, or in all of them."""
    return sa.and_(*(table.c[name] == values[name] for name in names or values))
