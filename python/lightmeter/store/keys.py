"""The keys of a server in its store: the rights and the digest of each."""

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
# The whylogs client accepts a key only if its eleventh character is a dot.
_KEY = re.compile(r"([0-9A-Za-z]{10})\.[0-9A-Za-z]{43}")
_FIELDS = "sha256, id, rights, datasets, note, created"
_ALL = sa.text(f"SELECT {_FIELDS} FROM key ORDER BY created, id")
_ONE = sa.text(f"SELECT {_FIELDS} FROM key WHERE id = :id")
_ANY = sa.text("SELECT id FROM key LIMIT 1")


class Key(NamedTuple):
    """A key of a server, without its secret part.

    Attributes
    ----------
    id
        The first ten characters of the key, which are not secret.
    rights
        A set of ``read``, ``write`` and ``admin``; ``admin`` includes the other two.
    datasets
        Patterns such as ``cells*``; the key is valid for datasets that match one of them.
    note
        A note about the purpose of the key.
    created
        The time at which the key was created.
    """

    id: str
    rights: Json[frozenset[Right]]
    datasets: Json[tuple[str, ...]]
    note: str
    created: Time

    def may(self, right: Right) -> bool:
        """Return whether the key has a right."""
        return right in self.rights or "admin" in self.rights

    def sees(self, dataset: str) -> bool:
        """Return whether the key is valid for a dataset."""
        return any(fnmatchcase(dataset, pattern) for pattern in self.datasets)

    @property
    def sees_all(self) -> bool:
        """Return whether the key is valid for every dataset."""
        return "*" in self.datasets


_read = TypeAdapter(tuple[bytes, Key]).validate_python  # the digest and the key


def _row(digest: bytes, *key: object) -> tuple[bytes, Key]:
    return _read((digest, key), strict=True)


class Keys:
    """The keys of a server, of which the store contains only the digests."""

    def __init__(self, database: Database) -> None:
        """Use the database of a store."""
        self._database = database

    def add(
        self,
        rights: Iterable[Right],
        *,
        datasets: Iterable[str] = ("*",),
        note: str = "",
    ) -> str:
        """Create a key and return it. It cannot be read again later.

        Parameters
        ----------
        rights
            One or more of ``read``, ``write`` and ``admin``.
        datasets
            Patterns such as ``cells*``; the default is all datasets.
        note
            A note about the purpose of the key.

        Raises
        ------
        ValueError
            There is no right, an unknown right, no pattern, or an empty pattern.
        StoreError
            The store cannot be written.
        """
        wanted, patterns = sorted(set(rights)), sorted(set(datasets))
        if not wanted or not set(wanted) <= set(RIGHTS):
            raise ValueError(
                f"got the rights {wanted}; expected one or more of {', '.join(RIGHTS)}"
            )
        if not patterns:
            raise ValueError("got no dataset; expected a pattern such as 'cells*', or '*' for all")
        for pattern in patterns:
            checked_name(dataset=pattern)
        key = ".".join("".join(secrets.choice(_LETTERS) for _ in range(size)) for size in (10, 43))
        texts = json.dumps(wanted), json.dumps(patterns), note, datetime.now(UTC)
        with self._database.transaction() as connection:
            tables.insert(connection, tables.key, [(key[:10], _digest(key), *texts)])
        return key

    def remove(self, id: str) -> bool:  # noqa: A002
        """Delete the key with these first ten characters; return whether it existed."""
        with self._database.transaction() as connection:
            return tables.delete(connection, tables.key, [(id,)]) > 0

    def all(self) -> list[Key]:
        """Return every key, the oldest first."""
        return [key for _, key in self._database.rows(_ALL, _row)]

    def exist(self) -> bool:
        """Return whether there is any key."""
        return bool(self._database.rows(_ANY, str))

    def find(self, text: str) -> Key | None:
        """Return the record of a key; None if the key is unknown.

        The comparison takes the same time for known and unknown keys.
        """
        match = _KEY.fullmatch(text)
        found = self._database.rows(_ONE, _row, {"id": match[1]}) if match else []
        digest, key = found[0] if found else (bytes(32), None)
        return key if hmac.compare_digest(digest, _digest(text)) else None


def _digest(key: str) -> bytes:
    """Return the SHA-256 of a key; no slow hash is needed, because there are 62^43 keys."""
    return hashlib.sha256(key.encode()).digest()
