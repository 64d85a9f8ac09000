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
from typing import Any, Literal, NamedTuple, get_args

from lightmeter.nesting import parse_json
from lightmeter.store.damage import Damage
from lightmeter.store.database import Database
from lightmeter.store.rows import checked_name
from lightmeter.times import from_ms, to_ms

__all__ = ["RIGHTS", "Key", "Keys", "Right"]

Right = Literal["read", "write", "admin"]
RIGHTS: tuple[Right, ...] = get_args(Right)

_LETTERS = string.ascii_letters + string.digits
# The client of whylogs takes a key if there is a dot behind its first ten characters.
_KEY = re.compile(r"([0-9A-Za-z]{10})\.[0-9A-Za-z]{43}")
_COLUMNS = "id, rights, datasets, note, created"


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
        values = key[:10], _digest(key), json.dumps(wanted), json.dumps(patterns), note
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO key(id, sha256, rights, datasets, note, created)"
                " VALUES(?, ?, ?, ?, ?, ?)",
                (*values, to_ms(now or datetime.now(UTC))),
            )
        return key

    def remove(self, id: str) -> bool:  # noqa: A002
        """Take a key back, given by its first ten characters; whether there was one."""
        with self._database.transaction() as sql:
            return sql.execute("DELETE FROM key WHERE id = ?", (id,)).rowcount > 0

    def all(self) -> list[Key]:
        """Every key, the oldest first."""
        rows = self._database.all(f"SELECT {_COLUMNS} FROM key ORDER BY created, id")
        with self._database.parsing():
            return list(map(_key_of, rows))

    def exist(self) -> bool:
        """Whether there is one."""
        return bool(self._database.all("SELECT 1 FROM key LIMIT 1"))

    def find(self, text: str) -> Key | None:
        """Whose key that is; None if it is nobody's."""
        match = _KEY.fullmatch(text)
        if match is None:
            return None
        rows = self._database.all(f"SELECT sha256, {_COLUMNS} FROM key WHERE id = ?", (match[1],))
        # Takes as long where there is no such key.
        expected, *row = rows[0] if rows else (bytes(32),)
        equal = isinstance(expected, bytes) and hmac.compare_digest(expected, _digest(text))
        if not rows or not equal:
            return None
        with self._database.parsing():
            return _key_of(tuple(row))

    def verify(self) -> Iterable[Damage]:
        """What of them cannot be read."""
        for row in self._database.all(f"SELECT {_COLUMNS} FROM key"):
            try:
                _key_of(row)
            except (TypeError, ValueError) as error:
                yield Damage(None, f"a row of its table key cannot be read: {error}")


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _digest(key: str) -> bytes:
    """A plain digest will do: nobody can try all of 62^43 keys."""
    return hashlib.sha256(key.encode()).digest()


def _key_of(row: tuple[Any, ...]) -> Key:
    """A row; SQLite gives whatever type it finds in the file."""
    name, rights, datasets, note, created = row
    columns = rights, datasets
    parsed = [parse_json(text) if isinstance(text, str) else text for text in columns]
    for texts in ([name, note], *parsed):
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"{texts!r} are no texts")
    if not set(parsed[0]) <= set(RIGHTS):
        raise ValueError(f"{parsed[0]!r} are no rights")
    return Key(name, frozenset(parsed[0]), tuple(parsed[1]), note, from_ms(created))
