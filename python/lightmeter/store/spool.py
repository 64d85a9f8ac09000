"""Profiles on this machine's disk that wait for their server: one SQLite table, bounded."""

import contextlib
import hashlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import filelock

from lightmeter.errors import StoreError

MOST_BYTES = 256 << 20
MOST_PROFILES = 10_000
_MOST_REFUSED = 1000  # that are kept to look at
_BUSY = 30.0  # seconds to wait for another process
_TABLE = """CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT, segment TEXT, writer TEXT, at INTEGER,
    seq INTEGER, every INTEGER, body BLOB, UNIQUE (dataset, segment, writer, at))"""
_PLACE = "dataset = ? AND segment = ? AND writer = ? AND at = ?"
_COUNT = f"SELECT count(*), coalesce(sum(length(body)), 0) FROM waiting WHERE NOT ({_PLACE})"
_FIELDS = str, str, str, int, int, int | None, bytes
_RANGE = range(-(2**53), 2**53)  # of times and lengths
_ADD = "INSERT OR REPLACE INTO waiting VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"


# Held while a file is used: a child would inherit what SQLite knows of locks of a file in use.
_using = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_using.acquire, after_in_parent=_using.release, after_in_child=_using.release
    )


class Entry(NamedTuple):
    """A profile to send, as the API takes it; times and lengths are in milliseconds."""

    dataset: str
    segment: str
    writer: str
    at: int
    seq: int
    every: int | None
    body: bytes

    @property
    def is_damaged(self) -> bool:
        """Whether nobody has put it so."""
        are_known = all(map(isinstance, self, _FIELDS))
        return not are_known or not (self.at in _RANGE and (self.every or 0) in _RANGE)


class Spool:
    """What waits for one server. Threads and processes may share it.

    Attributes:
        path: of the file.
        aside: the folder of the profiles that the server did not take.
    """

    def __init__(self, address: str) -> None:
        """Nothing is made before something has to wait."""
        root = os.environ.get("LIGHTMETER_SPOOL")
        if not root:
            state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
            root = os.path.join(state, "lightmeter", "spool")
        name = re.sub(r"[^a-z0-9.-]", "-", urlsplit(address).netloc.lower())[:64]
        name += f"-{hashlib.sha256(address.encode()).hexdigest()[:16]}"
        self.path = Path(os.path.expanduser(root)).absolute() / name / "spool.db"
        self.aside = self.path.with_name("refused")

    def add(self, entry: Entry, *, is_time: bool) -> bool:
        """Keep a profile in place of what waits for the same time of the same writer.

        Once this returns it is on the disk, whole.

        Args:
            entry: the profile.
            is_time: whether `seq` is a time of this machine, as nobody gave another. It is raised
                to be above that of what waits: a clock may go back.

        Returns:
            Whether it was kept; False if what waits has the same `seq` or a higher one.

        Raises:
            StoreError: there is no room for it, or it cannot be written.
        """
        place = entry[:4]
        with self._opened() as database:
            count, size = database.execute(_COUNT, place).fetchone()
            if count >= MOST_PROFILES or size + len(entry.body) > MOST_BYTES:
                raise StoreError(
                    f"{count} profiles of {size / 2**20:.1f} MB wait in {self.path} already, and "
                    "no more is kept there"
                )
            found = database.execute(f"SELECT seq FROM waiting WHERE {_PLACE}", place).fetchone()
            if found and entry.seq <= found[0]:
                if not is_time:
                    return False
                entry = entry._replace(seq=found[0] + 1)
            database.execute(_ADD, entry)
        return True

    def count(self) -> int:
        """Return how many profiles wait."""
        try:
            if not self.path.exists():
                return 0
        except OSError as error:  # a folder that may not be entered
            raise StoreError(f"nothing can wait in {self.path}: {error}") from error
        with self._opened() as database:
            return int(database.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def next(self, last: int) -> tuple[int, Entry] | None:
        """Return what waits behind the number of another one, with its own number."""
        query = "SELECT * FROM waiting WHERE number > ? ORDER BY number LIMIT 1"
        with self._opened() as database:
            found = database.execute(query, [last]).fetchone()
        return found and (found[0], Entry(*found[1:]))

    def forget(self, entry: Entry) -> None:
        """Forget what waits for the place of an entry, which the server has now."""
        if self.count():
            with self._opened() as database:
                database.execute(f"DELETE FROM waiting WHERE {_PLACE}", entry[:4])

    def drop(self, number: int) -> None:
        """Forget an entry. What has replaced it has another number."""
        with self._opened() as database:
            database.execute("DELETE FROM waiting WHERE number = ?", [number])

    def refuse(self, number: int, entry: Entry, reason: str) -> None:
        """Keep an entry aside as a file, with the reason beside it; the oldest are deleted.

        Raises:
            StoreError: it cannot be written, and goes on waiting.
        """
        file, body = self.aside / f"{time.time_ns()}.lmp", cast(object, entry.body)
        try:
            self.aside.mkdir(mode=0o700, exist_ok=True)
            file.write_bytes(body if isinstance(body, bytes) else repr(entry).encode())
            file.with_suffix(".txt").write_text(f"{reason}\n", errors="replace")
            for old in sorted(self.aside.iterdir(), reverse=True)[2 * _MOST_REFUSED :]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{reason}; it cannot be put aside: {error}") from None
        self.drop(number)

    def refused(self) -> list[str]:
        """Return the reasons why the server did not take what is kept aside."""
        return [file.read_text().strip() for file in sorted(self.aside.glob("*.txt"))]

    @contextlib.contextmanager
    def sending(self) -> Iterator[bool]:
        """Give whether this thread is the one that sends; others leave it to that one.

        Raises:
            StoreError: the file of the lock cannot be written.
        """
        try:
            with filelock.FileLock(self.path.with_name("sending.lock"), timeout=0):
                yield True
        except filelock.Timeout:
            yield False
        except OSError as error:
            raise StoreError(f"what waits in {self.path} cannot be sent: {error}") from error

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
