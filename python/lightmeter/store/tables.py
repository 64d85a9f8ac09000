"""The tables of a store, which are the same in SQLite and in PostgreSQL.

Times are milliseconds since 1970 UTC, lengths are milliseconds, segments are the texts of
`segment_text`, and tags those of `tags_text`. A damaged file can hold anything: a column looks at
each value that it gives.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import chain
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

from lightmeter.errors import StoreError
from lightmeter.store.records import IncidentKind, ResultState
from lightmeter.times import MILLISECOND, from_ms, to_ms

__all__ = ["STATE", "VERSION", "DamagedError", "dataset", "key", "metadata", "profile", "upsert"]

VERSION = 1
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


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

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """Return what is written; PostgreSQL has no text with a zero character."""
        if self.write is not None and value is not None:
            return self.write(value)
        if isinstance(value, str) and dialect.name == "postgresql":
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        return value

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


def _states(value: str) -> frozenset[str]:
    states = frozenset(value.split(","))
    if not states <= {*get_args(ResultState)}:
        raise ValueError
    return states


def _kind(value: str) -> str:
    if value not in get_args(IncidentKind):
        raise ValueError
    return value


_NAME, _WHOLE, _DIGEST = _Column(str), _Column(int), _Column(bytes)
_TIME = _Column(int, read=from_ms, write=to_ms)
_LENGTH = _Column(int, read=_length, write=lambda length: length // MILLISECOND)
_FLAG = _Column(int, read=bool, write=int)
_NUMBER, _BODY = _Column(float, int, type(None)), _Column(bytes, type(None))
_STATE = _Column(str, read=lambda text: min(_states(text)))
_STATES = _Column(str, read=_states, write=lambda states: ",".join(sorted(states)))
_KIND = _Column(str, read=_kind)

metadata = sa.MetaData()


def _columns(kind: _Column, names: str, *, key: bool = False) -> list[sa.Column[Any]]:
    nullable = kind in (_NUMBER, _BODY)
    return [sa.Column(name, kind, primary_key=key, nullable=nullable) for name in names.split()]


def _state(name: str, *columns: list[sa.Column[Any]]) -> sa.Table:
    """Return a table whose rows lie in order of their key in SQLite."""
    return sa.Table(name, metadata, *chain(*columns), sqlite_with_rowid=False)


version = sa.Table("lightmeter", metadata, sa.Column("version", sa.Integer, nullable=False))

dataset = sa.Table(
    "dataset",
    metadata,
    *_columns(_NAME, "name", key=True),
    *_columns(_LENGTH, "every"),
)

# A row is what a writer says of a bucket: a cumulative profile. What a bucket holds is the merge of
# its rows. A roll-up makes one row of those of a day that have the same tags, whose writer is the
# text of the tags; theirs stay without their bodies, so that a late retry of one is not counted
# again. `sha256` is of the body, and `crc` of all other values. The body comes last, as SQLite
# stores columns in order.
profile = sa.Table(
    "profile",
    metadata,
    sa.Column("dataset", _NAME, sa.ForeignKey("dataset.name"), primary_key=True),
    *_columns(_NAME, "segment", key=True),
    *_columns(_TIME, "start", key=True),
    *_columns(_NAME, "writer", key=True),
    *_columns(_WHOLE, "seq"),
    *_columns(_LENGTH, "span"),
    *_columns(_WHOLE, "images"),
    *_columns(_TIME, "updated"),
    *_columns(_NAME, "tags"),
    *_columns(_DIGEST, "sha256"),
    *_columns(_WHOLE, "crc"),
    *_columns(_BODY, "body"),
)
# For lists of segments and newest buckets, which need not see the rows then.
_KEPT = profile.c.body.is_not(None)
_FIRST = profile.c.dataset, profile.c.segment, profile.c.start
sa.Index("profile_kept", *_FIRST, sqlite_where=_KEPT, postgresql_where=_KEPT)

_LINE, _PLACE = "dataset segment monitor feature", "monitor dataset segment"
# What monitors found at their last run. `feature` is empty for the bucket itself.
result = _state(
    "result",
    _columns(_NAME, _PLACE, key=True),
    _columns(_TIME, "start", key=True),
    _columns(_NAME, "feature", key=True),
    _columns(_STATE, "state"),
    _columns(_NUMBER, "value lower upper"),
    _columns(_WHOLE, "baseline images"),
    _columns(_NAME, "words"),
)
# A row for each bucket of which they say something: what they compared it with (JSON: dataset,
# segment, starts, file; empty where no profiles were judged), a digest of all that went into it,
# the states of its results with commas between, and for how many buckets in a row features are
# anomalous (JSON; empty for none).
judged = _state(
    "judged",
    _columns(_NAME, _PLACE, key=True),
    _columns(_TIME, "start", key=True),
    _columns(_WHOLE, "rank"),
    _columns(_FLAG, "drift"),
    _columns(_NAME, "baseline"),
    _columns(_DIGEST, "digest"),
    _columns(_STATES, "states"),
    _columns(_NAME, "streaks"),
)
# The file that a monitor is from; empty for none.
watched = _state("watched", _columns(_NAME, "monitor dataset", key=True), _columns(_NAME, "source"))
# What each alert has told of incidents and not taken back, and which ones somebody knows of.
told = _state(
    "told",
    _columns(_NAME, f"alert {_LINE}", key=True),
    _columns(_KIND, "kind", key=True),
    _columns(_TIME, "start", key=True),
    _columns(_FLAG, "open"),
)
acknowledged = _state(
    "acknowledged",
    _columns(_NAME, _LINE, key=True),
    _columns(_KIND, "kind", key=True),
    _columns(_TIME, "start", key=True),
    _columns(_NAME, "note"),
    _columns(_TIME, "at"),
)
# What was made the new normal from a bucket on, and what is not told for a while; the four parts of
# a line are patterns.
accepted = _state(
    "accepted",
    _columns(_NAME, _LINE, key=True),
    _columns(_TIME, "since", key=True),
    _columns(_NAME, "note"),
    _columns(_TIME, "at"),
)
snooze = _state(
    "snooze", _columns(_NAME, _LINE, key=True), _columns(_TIME, "until"), _columns(_NAME, "note")
)
# Who may ask a server for what: `sha256` is of the key, `rights` and `datasets` are JSON.
key = _state(
    "key",
    _columns(_NAME, "id", key=True),
    _columns(_DIGEST, "sha256"),
    _columns(_NAME, "rights datasets note"),
    _columns(_TIME, "created"),
)

# What monitors and alerts remember, which is copied with a store. Keys are not.
STATE = result, judged, watched, told, acknowledged, accepted, snooze


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    values: Mapping[str, Any],
    where: sa.ColumnElement[bool] | None = None,
) -> bool:
    """Insert a row, or replace the one of its key where a condition holds; whether it did."""
    insert = _INSERTS[connection.dialect.name](table).values(values)
    keys, others = table.primary_key, [name for name in values if not table.c[name].primary_key]
    new = {name: insert.excluded[name] for name in others}
    statement = insert.on_conflict_do_update(index_elements=keys, set_=new, where=where)
    return bool(connection.execute(statement).rowcount)
