"""Profiles that wait for their server on the disk of this machine, in a bounded SQLite table.

Beside them are the lengths of buckets, with which profiles can wait before the server answers.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from lightmeter.errors import StoreError

MOST_BYTES = 256 << 20
MOST_PROFILES = 10_000
_MOST_REFUSED = 1000  # refused profiles that are kept for inspection
_BUSY = 30.0  # seconds to wait for another process
_TABLE = """CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT, segment TEXT, writer TEXT, at TEXT,
    seq INTEGER, is_time INTEGER, every TEXT, body BLOB, refused TEXT,
    UNIQUE (dataset, segment, writer, at))"""
_LENGTHS = "CREATE TABLE IF NOT EXISTS length (dataset TEXT PRIMARY KEY, every TEXT)"
# Writes nothing, and so does not wait for the disk, if the length is known.
_REMEMBER = "INSERT OR REPLACE INTO length SELECT ?, ? EXCEPT SELECT * FROM length"
_PLACE = "dataset = ? AND segment = ? AND writer = ? AND at = ?"
_COUNT = "SELECT count(*), coalesce(sum(length(body)), 0) FROM waiting WHERE refused IS NULL"
_ADD = "INSERT OR REPLACE INTO waiting VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
_NEXT = "SELECT * FROM waiting WHERE number > ? AND refused IS NULL ORDER BY number LIMIT 1"
_REFUSED = "SELECT {} FROM waiting WHERE refused IS NOT NULL ORDER BY number"

# Held while a file is open: a child would inherit SQLite's record of locks (see `engine`).
_using = threading.RLock()
os.register_at_fork(
    before=_using.acquire, after_in_parent=_using.release, after_in_child=_using.release
)


class Entry(NamedTuple):
    """A profile to send, with the parameters of the API.

    `is_time` is true if `seq` is a time of this machine, because the caller gave no number.
    """

    dataset: str
    segment: str
    writer: str
    at: str
    seq: int
    is_time: int
    every: str | None
    body: bytes


class Spool:
    """The profiles that wait for one server.

    Threads and processes may share it, and a fork is safe, because no connection stays open.

    Attributes
    ----------
    path
        The path of the SQLite file, which is made for the first length or waiting profile.
    """

    def __init__(self, address: str) -> None:
        """Find the path of the file for the address of a server."""
        root = os.environ.get("LIGHTMETER_SPOOL")
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        folder = Path(root or f"{state}/lightmeter/spool", quote(address, safe=""))
        self.path = folder.expanduser().absolute() / "spool.db"

    def add(self, entry: Entry) -> bool:
        """Keep a profile in place of the waiting one of the same place and time.

        When this returns, the whole profile is on disk. A `seq` that is a time is raised above that
        of the waiting profile, because a clock may go back.

        Returns
        -------
        bool
            True if the profile was kept; False if the waiting one has the same `seq` or a higher
            one.

        Raises
        ------
        StoreError
            The spool is full (10 000 profiles or 256 MiB), or it cannot be written.
        """
        place = entry[:4]
        with self._opened() as database:
            count, size = database.execute(f"{_COUNT} AND NOT ({_PLACE})", place).fetchone()
            if count >= MOST_PROFILES or size + len(entry.body) > MOST_BYTES:
                raise StoreError(
                    f"the spool {self.path} is full: {count} profiles of {size / 2**20:.1f} MiB "
                    f"wait in it; expected at most {MOST_PROFILES} profiles and "
                    f"{MOST_BYTES / 2**20:g} MiB"
                )
            found = database.execute(f"SELECT seq FROM waiting WHERE {_PLACE}", place).fetchone()
            if found and entry.seq <= found[0]:
                if not entry.is_time:
                    return False
                entry = entry._replace(seq=found[0] + 1)
            database.execute(_ADD, entry)
        return True

    def count(self) -> int:
        """Return the number of waiting profiles."""
        return sum(count for count, _ in self._do(_COUNT))

    def waiting(self) -> Iterator[tuple[int, Entry]]:
        """Yield waiting profiles with their numbers in order, also those added meanwhile."""
        number = 0
        while found := self._do(_NEXT, number):
            ((number, *entry, _),) = found
            yield number, Entry(*entry)

    def forget(self, entry: Entry) -> None:
        """Delete the waiting profile of the same place and time as an entry."""
        self._do(f"DELETE FROM waiting WHERE {_PLACE}", *entry[:4])

    def drop(self, number: int) -> None:
        """Delete an entry by its number; a profile that has replaced it has another number."""
        self._do("DELETE FROM waiting WHERE number = ?", number)

    def refuse(self, number: int, reason: str) -> None:
        """Set an entry aside with the reason; only the latest 1000 of these are kept."""
        self._do("UPDATE waiting SET refused = ? WHERE number = ?", reason, number)
        newest = f"{_REFUSED.format('number')} DESC LIMIT {_MOST_REFUSED}"
        self._do(f"DELETE FROM waiting WHERE refused IS NOT NULL AND number NOT IN ({newest})")

    def refused(self) -> list[str]:
        """Return the reason for each refused profile."""
        return [reason for (reason,) in self._do(_REFUSED.format("refused"))]

    def remember(self, dataset: str, every: str) -> None:
        """Keep the length of the buckets of a dataset, as far as the spool can be used."""
        with suppress(StoreError), self._opened() as database:
            database.execute(_REMEMBER, (dataset, every))

    def length(self, dataset: str) -> str | None:
        """Return the length that `remember` has kept; None if there is none."""
        with suppress(StoreError):
            for (every,) in self._do("SELECT every FROM length WHERE dataset = ?", dataset):
                return str(every)
        return None

    def _do(self, statement: str, *values: Any) -> list[Any]:
        if not os.path.exists(self.path):
            return []
        with self._opened() as database:
            return database.execute(statement, values).fetchall()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection in a transaction; both end with the block."""
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid != os.geteuid():
                raise PermissionError(f"{folder} belongs to another user")
            how: Any = {"timeout": _BUSY, "isolation_level": None}
            with _using, closing(sqlite3.connect(self.path, **how)) as opened:
                opened.text_factory = lambda text: text.decode(errors="replace")
                self.path.chmod(0o600)
                opened.execute("PRAGMA synchronous = EXTRA")  # the end of its journal is on disk
                opened.execute("BEGIN IMMEDIATE")
                opened.execute(_TABLE)
                opened.execute(_LENGTHS)
                yield opened
                opened.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the spool {self.path} cannot be used: {error}") from error
