"""Profiles on this machine's disk that wait for their server: one SQLite table, bounded."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from lightmeter.errors import StoreError

MOST_BYTES = 256 << 20
MOST_PROFILES = 10_000
_MOST_REFUSED = 1000  # that are kept to look at
_BUSY = 30.0  # seconds to wait for another process
_TABLE = """CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT, segment TEXT, writer TEXT, at TEXT,
    seq INTEGER, is_time INTEGER, every TEXT, body BLOB, refused TEXT,
    UNIQUE (dataset, segment, writer, at))"""
_PLACE = "dataset = ? AND segment = ? AND writer = ? AND at = ?"
_COUNT = "SELECT count(*), coalesce(sum(length(body)), 0) FROM waiting WHERE refused IS NULL"
_ADD = "INSERT OR REPLACE INTO waiting VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
_NEXT = "SELECT * FROM waiting WHERE number > ? AND refused IS NULL ORDER BY number LIMIT 1"
_REFUSED = "SELECT {} FROM waiting WHERE refused IS NOT NULL ORDER BY number"

# Held while a file is used: a child would inherit what SQLite knows of locks of a file in use.
_using = threading.RLock()
os.register_at_fork(
    before=_using.acquire, after_in_parent=_using.release, after_in_child=_using.release
)


class Entry(NamedTuple):
    """A profile to send, in the words of the API.

    `is_time` says that `seq` is a time of this machine, as nobody gave another number.
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
    """What waits for one server. Threads and processes may share it.

    Attributes
    ----------
    path
        Of the file.
    """

    def __init__(self, address: str) -> None:
        """Nothing is made before something has to wait."""
        root = os.environ.get("LIGHTMETER_SPOOL")
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        folder = Path(root or f"{state}/lightmeter/spool", quote(address, safe=""))
        self.path = folder.expanduser().absolute() / "spool.db"

    def add(self, entry: Entry) -> bool:
        """Keep a profile in place of what waits for the same time of the same writer.

        Once this returns it is on the disk, whole. A `seq` that is a time is raised to be above
        that of what waits: a clock may go back.

        Returns
        -------
        bool
            Whether it was kept; False if what waits has the same `seq` or a higher one.

        Raises
        ------
        StoreError
            There is no room for it, or it cannot be written.
        """
        place = entry[:4]
        with self._opened() as database:
            count, size = database.execute(f"{_COUNT} AND NOT ({_PLACE})", place).fetchone()
            if count >= MOST_PROFILES or size + len(entry.body) > MOST_BYTES:
                raise StoreError(
                    f"{count} profiles of {size / 2**20:.1f} MB wait in {self.path} already, and "
                    "no more is kept there"
                )
            found = database.execute(f"SELECT seq FROM waiting WHERE {_PLACE}", place).fetchone()
            if found and entry.seq <= found[0]:
                if not entry.is_time:
                    return False
                entry = entry._replace(seq=found[0] + 1)
            database.execute(_ADD, entry)
        return True

    def count(self) -> int:
        """Return how many profiles wait."""
        found = self._do(_COUNT)
        return int(found[0][0]) if found else 0

    def waiting(self) -> Iterator[tuple[int, Entry]]:
        """Give what waits in order, also what comes meanwhile, and the number of each."""
        number = 0
        while found := self._do(_NEXT, number):
            ((number, *entry, _),) = found
            yield number, Entry(*entry)

    def forget(self, entry: Entry) -> None:
        """Forget what waits for the place of an entry, which the server has now."""
        self._do(f"DELETE FROM waiting WHERE {_PLACE}", *entry[:4])

    def drop(self, number: int) -> None:
        """Forget an entry. What has replaced it has another number."""
        self._do("DELETE FROM waiting WHERE number = ?", number)

    def refuse(self, number: int, reason: str) -> None:
        """Let an entry wait no longer, and keep it with the reason; the oldest are deleted."""
        self._do("UPDATE waiting SET refused = ? WHERE number = ?", reason, number)
        newest = f"{_REFUSED.format('number')} DESC LIMIT {_MOST_REFUSED}"
        self._do(f"DELETE FROM waiting WHERE refused IS NOT NULL AND number NOT IN ({newest})")

    def refused(self) -> list[str]:
        """Return the reasons why the server did not take what is kept."""
        return [reason for (reason,) in self._do(_REFUSED.format("refused"))]

    def _do(self, statement: str, *values: Any) -> list[Any]:
        if not os.path.exists(self.path):
            return []
        with self._opened() as database:
            return database.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Give a connection in a transaction, which ends with the block.

        None stays open, so a fork has none of its own.
        """
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid != os.geteuid():
                raise PermissionError(f"{folder} belongs to somebody else")
            with (
                _using,
                contextlib.closing(
                    sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)
                ) as database,
            ):
                database.text_factory = lambda text: text.decode(errors="replace")
                self.path.chmod(0o600)
                database.execute("PRAGMA synchronous = EXTRA")  # the end of its journal is on disk
                database.execute("BEGIN IMMEDIATE")
                database.execute(_TABLE)
                yield database
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"nothing can wait in {self.path}: {error}") from error
