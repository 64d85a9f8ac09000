"""The keys of a server, as its store keeps them: what each may do, and a digest of it."""

import hashlib
import hmac
import json
import re
import secrets
import string
from collections.abc import Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, get_args

import sqlalchemy as sa

from lightmeter.nesting import parse_json
from lightmeter.store.engine import Database
from lightmeter.store.putting import checked_name
from lightmeter.store.tables import DamagedError
from lightmeter.store.tables import key as table

Right = Literal["read", "write", "admin"]
RIGHTS: tuple[Right, ...] = get_args(Right)

_LETTERS = string.ascii_letters + string.digits
# The client of whylogs takes a key if there is a dot behind its first ten characters.
_KEY = re.compile(r"([0-9A-Za-z]{10})\.[0-9A-Za-z]{43}")
_COLUMNS = table.c.id, table.c.rights, table.c.datasets, table.c.note, table.c.created


class Key(NamedTuple):
    """Who asks a server for something.

    Attributes:
        id: the first ten characters of the key, which are no secret.
        rights: a set of ``read``, ``write`` and ``admin``, of which the last has the others.
        datasets: patterns such as ``cells*``; it may see datasets that one of them matches.
        note: what it is for.
        created: when.
    """

    id: str
    rights: frozenset[str]
    datasets: tuple[str, ...]
    note: str
    created: datetime

    def may(self, right: Right) -> bool:
        """Whether it has a right."""
        return right in self.rights or "admin" in self.rights

    def sees(self, dataset: str) -> bool:
        """Whether it is for this dataset too."""
        return any(fnmatchcase(dataset, pattern) for pattern in self.datasets)

    @property
    def sees_all(self) -> bool:
        """Whether it is for every dataset."""
        return "*" in self.datasets


class Keys:
    """The keys in a store. The keys themselves are not in it, only their digests."""

    def __init__(self, database: Database) -> None:
        """Those in a store's file."""
        self._database = database

    def add(
        self,
        rights: Iterable[Right],
        *,
        datasets: Iterable[str] = ("*",),
        note: str = "",
        now: datetime | None = None,
    ) -> str:
        """Make a key; this is the only time that it is told.

        Args:
            rights: one or more of ``read``, ``write`` and ``admin``.
            datasets: patterns such as ``cells*``; by default it is for all datasets.
            note: what it is for.
            now: the time; None takes the clock.

        Raises:
            ValueError: a right is none, there is none, or a pattern is empty.
            StoreError: the file cannot be written.
        """
        wanted, patterns = sorted(set(rights)), sorted(set(datasets))
        if not wanted or not set(wanted) <= set(RIGHTS):
            raise ValueError(f"got the rights {wanted}; expected some of {', '.join(RIGHTS)}")
        if not patterns:
            raise ValueError("got no dataset; expected a pattern such as 'cells*', or '*' for all")
        for pattern in patterns:
            checked_name("dataset", pattern)
        key = f"{_random(10)}.{_random(43)}"
        texts = {"rights": json.dumps(wanted), "datasets": json.dumps(patterns), "note": note}
        values: dict[str, object] = {"id": key[:10], "sha256": _digest(key), **texts}
        values |= {"created": now or datetime.now(UTC)}
        with self._database.transaction() as connection:
            connection.execute(sa.insert(table).values(values))
        return key

    def remove(self, id: str) -> bool:  # noqa: A002
        """Take a key back, given by its first ten characters; whether there was one."""
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(table).where(table.c.id == id)).rowcount > 0

    def all(self) -> list[Key]:
        """Return every key, the oldest first."""
        query = sa.select(*_COLUMNS).order_by(table.c.created, table.c.id)
        return [_key_of(*row) for row in self._database.rows(query)]

    def exist(self) -> bool:
        """Return whether there is one."""
        return bool(self._database.rows(sa.select(table.c.id).limit(1)))

    def find(self, text: str) -> Key | None:
        """Return whose key that is; None if it is nobody's."""
        match = _KEY.fullmatch(text)
        if match is None:
            return None
        query = sa.select(table.c.sha256, *_COLUMNS).where(table.c.id == match[1])
        rows = self._database.rows(query)
        # Takes as long where there is no such key.
        expected, *values = rows[0] if rows else (bytes(32),)
        if not hmac.compare_digest(expected, _digest(text)) or not rows:
            return None
        return _key_of(*values)


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _digest(key: str) -> bytes:
    """A plain digest will do: nobody can try all of 62^43 keys."""
    return hashlib.sha256(key.encode()).digest()


def _key_of(name: str, rights: str, datasets: str, note: str, created: datetime) -> Key:
    try:
        may, patterns = map(parse_json, (rights, datasets))
        "".join([*may, *patterns])  # all are texts
        if not {*may} <= {*RIGHTS}:
            raise ValueError(f"{may!r:.100} are no rights")
    except (TypeError, ValueError) as error:
        raise DamagedError(f"the key {name!r} is damaged: {error}") from None
    return Key(name, frozenset(may), tuple(patterns), note, created)
