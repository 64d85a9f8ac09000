"""The tables of a store, which are the same in SQLite and in PostgreSQL.

Times are milliseconds since 1970 UTC, lengths are milliseconds, and segments are the texts of
`segment_text`. A damaged file can hold anything: a column looks at each value that it gives.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from typing import Any, get_args

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from lightmeter.errors import StoreError
from lightmeter.store.records import IncidentKind, ResultState
from lightmeter.times import MILLISECOND, from_ms

__all__ = [
    "STATE",
    "VERSION",
    "DamagedError",
    "accepted",
    "acknowledged",
    "dataset",
    "judged",
    "key",
    "metadata",
    "profile",
    "result",
    "snooze",
    "told",
    "version",
    "watched",
]

VERSION = 1


class DamagedError(StoreError):
    """What is in a store is not what was written."""


class _Checked(TypeDecorator[Any]):
    """A column whose values are looked at as they are read, and may become something else."""

    impl = Text
    cache_ok = True

    def __init__(self, *kinds: type, read: Callable[[Any], Any] | None = None) -> None:
        super().__init__()
        self.kinds, self.read = kinds, read

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column; texts are sorted by their letters' numbers everywhere."""
        if self.kinds[0] is str:
            return Text(collation="C" if dialect.name == "postgresql" else None)
        types: dict[type, type[TypeEngine[Any]]]
        types = {int: BigInteger, float: Double, bytes: LargeBinary}
        return types[self.kinds[0]]()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
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


def _one_of(kinds: Any) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in get_args(kinds):
            raise ValueError
        return value

    return read


def _states(value: str) -> frozenset[str]:
    states = frozenset(value.split(","))
    if not states <= {*get_args(ResultState)}:
        raise ValueError
    return states


_NAME, _WHOLE, _TIME = _Checked(str), _Checked(int), _Checked(int, read=from_ms)
_LENGTH, _DIGEST = _Checked(int, read=_length), _Checked(bytes)
_NUMBER = _Checked(float, int, type(None))
_STATE = _Checked(str, read=_one_of(ResultState))
_STATES = _Checked(str, read=_states)
_KIND = _Checked(str, read=_one_of(IncidentKind))

metadata = MetaData()


def _columns(kind: _Checked, names: str, *, key: bool = False) -> list[Any]:
    nullable = kind is _NUMBER
    return [Column(name, kind, primary_key=key, nullable=nullable) for name in names.split()]


def _state(name: str, *columns: list[Any]) -> Table:
    """Return a table whose rows lie in order of their key in SQLite."""
    return Table(name, metadata, *chain(*columns), sqlite_with_rowid=False)


version = Table("lightmeter", metadata, Column("version", Integer, nullable=False))

dataset = Table(
    "dataset",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", _NAME, nullable=False, unique=True),
    Column("every", _LENGTH, nullable=False),
)

# A row is what a writer says of a bucket: a cumulative profile. What a bucket holds is the merge of
# its rows. A roll-up makes one row of those of a day, whose writer is empty; theirs stay without
# their bodies, so that a late retry of one is not counted again. `sha256` is of a row's values and
# its body. The body comes last, as SQLite stores columns in order.
profile = Table(
    "profile",
    metadata,
    Column("dataset", Integer, ForeignKey("dataset.id"), primary_key=True),
    *_columns(_NAME, "segment", key=True),
    *_columns(_TIME, "start", key=True),
    *_columns(_NAME, "writer", key=True),
    *_columns(_WHOLE, "seq"),
    *_columns(_LENGTH, "span"),
    *_columns(_WHOLE, "images"),
    *_columns(_TIME, "updated"),
    *_columns(_DIGEST, "sha256"),
    Column("body", _Checked(bytes, type(None))),
)
# For lists of segments and newest buckets, which need not see the rows then.
Index(
    "profile_kept",
    profile.c.dataset,
    profile.c.segment,
    profile.c.start,
    sqlite_where=profile.c.body.is_not(None),
    postgresql_where=profile.c.body.is_not(None),
)

# What monitors found at their last run. `feature` is empty for the bucket itself.
_LINE, _PLACE = "dataset segment monitor feature", "monitor dataset segment"
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
# the states of its results, and for how many buckets in a row features are anomalous (JSON; empty
# for none).
judged = _state(
    "judged",
    _columns(_NAME, _PLACE, key=True),
    _columns(_TIME, "start", key=True),
    _columns(_WHOLE, "rank drift"),
    _columns(_NAME, "baseline"),
    _columns(_DIGEST, "digest"),
    _columns(_STATES, "states"),
    _columns(_NAME, "streaks"),
)
# The file that a monitor is from; empty for none.
watched = _state("watched", _columns(_NAME, "monitor dataset", key=True), _columns(_NAME, "source"))
# What each alert has told of incidents and not taken back, and of which somebody knows.
told = _state(
    "told",
    _columns(_NAME, f"alert {_LINE}", key=True),
    _columns(_KIND, "kind", key=True),
    _columns(_TIME, "start", key=True),
    _columns(_WHOLE, "open"),
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
