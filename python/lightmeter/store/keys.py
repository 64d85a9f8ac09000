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
from pydantic import Json, TypeAdapter

from lightmeter.store import tables
from lightmeter.store.engine import Database
from lightmeter.store.profiles import checked_name
from lightmeter.store.tables import Time

Right = Literal["read", "write", "admin"]
RIGHTS: tuple[Right, ...] = get_args(Right)

_LETTERS = string.ascii_letters + string.digits
# The client of whylogs takes a key if there is a dot behind its first ten characters.
_KEY = re.compile(r"([0-9A-Za-z]{10})\.[0-9A-Za-z]{43}")
_K = tables.key.c
_ALL = sa.select(tables.key).order_by(_K.created, _K.id)
_ONE = sa.select(tables.key).where(_K.id == sa.bindparam("id"))


class Key(NamedTuple):
    """Who asks a server for something.

    Attributes
    ----------
    id
        The first ten characters of the key, which are no secret.
    rights
        A set of ``read``, ``write`` and ``admin``, of which the last has the others.
    datasets
        Patterns such as ``cells*``; it may see datasets that one of them matches.
    note
        What it is for.
    created
        when.
    """

    id: str
    rights: Json[frozenset[Right]]
    datasets: Json[tuple[str, ...]]
    note: str
    created: Time

    def may(self, right: Right) -> bool:
        """Return whether it has a right."""
        return right in self.rights or "admin" in self.rights

    def sees(self, dataset: str) -> bool:
        """Return whether it is for this dataset too."""
        return any(fnmatchcase(dataset, pattern) for pattern in self.datasets)

    @property
    def sees_all(self) -> bool:
        """Return whether it is for every dataset."""
        return "*" in self.datasets


_read = TypeAdapter(tuple[bytes, Key]).validate_python  # the digest beside it


def _row(name: str, digest: bytes, *more: object) -> tuple[bytes, Key]:
    return _read((digest, (name, *more)), strict=True)


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

        Parameters
        ----------
        rights
            One or more of ``read``, ``write`` and ``admin``.
        datasets
            Patterns such as ``cells*``; by default it is for all datasets.
        note
            What it is for.
        now
            The time; None takes the clock.

        Raises
        ------
        ValueError
            A right is none, there is none, or a pattern is empty.
        StoreError
            The file cannot be written.
        """
        wanted, patterns = sorted(set(rights)), sorted(set(datasets))
        if not wanted or not set(wanted) <= set(RIGHTS):
            raise ValueError(f"got the rights {wanted}; expected some of {', '.join(RIGHTS)}")
        if not patterns:
            raise ValueError("got no dataset; expected a pattern such as 'cells*', or '*' for all")
        for pattern in patterns:
            checked_name(dataset=pattern)
        key = ".".join("".join(secrets.choice(_LETTERS) for _ in range(size)) for size in (10, 43))
        texts = json.dumps(wanted), json.dumps(patterns), note, now or datetime.now(UTC)
        with self._database.transaction() as connection:
            tables.insert(connection, tables.key, [(key[:10], _digest(key), *texts)])
        return key

    def remove(self, id: str) -> bool:  # noqa: A002
        """Take a key back, given by its first ten characters; whether there was one."""
        with self._database.transaction() as connection:
            return tables.delete(connection, tables.key, [(id,)]) > 0

    def all(self) -> list[Key]:
        """Return every key, the oldest first."""
        return [key for _, key in self._database.rows(_ALL, _row)]

    def exist(self) -> bool:
        """Return whether there is one."""
        return bool(self._database.rows(sa.select(_K.id).limit(1), str))

    def find(self, text: str) -> Key | None:
        """Return whose key that is; None if it is nobody's.

        It takes as long where there is no such key.
        """
        match = _KEY.fullmatch(text)
        found = self._database.rows(_ONE, _row, {"id": match[1]}) if match else []
        digest, key = found[0] if found else (bytes(32), None)
        return key if hmac.compare_digest(digest, _digest(text)) else None


def _digest(key: str) -> bytes:
    """Return a plain digest will do: nobody can try all of 62^43 keys."""
    return hashlib.sha256(key.encode()).digest()
