"""Profiles on this machine's disk that wait for their server: a SQLite file, bounded."""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from lightmeter.errors import StoreError
from lightmeter.store.buckets import bucket_start
from lightmeter.times import MILLISECOND, from_ms, to_ms

__all__ = ["DamagedError", "Entry", "Spool"]

MOST_BYTES = 256 << 20
MOST_PROFILES = 10_000
_MOST_REFUSED = 1000  # that are kept to look at
_BUSY_SECONDS = 30
_DAMAGED = sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB
_T = TypeVar("_T")
_log = logging.getLogger("lightmeter.store")

# A row is the newest of a writer for a bucket; `sha256` is of its other values. What the server did
# not take is in `refused`, with the reason. `length` is that of the buckets of a dataset, in
# milliseconds.
_TABLES = """
CREATE TABLE waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT,
  segment TEXT, writer TEXT, start INTEGER, at INTEGER, seq INTEGER, every INTEGER, sha256 TEXT,
  body BLOB, UNIQUE (dataset, segment, writer, start));
CREATE TABLE refused (id INTEGER PRIMARY KEY, dataset TEXT, segment TEXT, writer TEXT,
  at INTEGER, seq INTEGER, every INTEGER, reason TEXT, body BLOB);
CREATE TABLE length (dataset TEXT PRIMARY KEY, every INTEGER);
"""
_FORGET = """DELETE FROM refused WHERE id <= (SELECT max(id) FROM (SELECT id,
  row_number() OVER newest AS place, sum(length(body)) OVER newest AS bytes
  FROM refused WINDOW newest AS (ORDER BY id DESC)) WHERE place > ? OR bytes > ?)"""


class DamagedError(Exception):
    """A row that is not what was written."""


class Entry(NamedTuple):
    """A profile to put.

    Attributes:
        dataset: its name.
        segment: as text.
        writer: who writes.
        at: a time in the bucket, in UTC.
        seq: None for the next.
        every: length of the buckets; None for that of the dataset.
        body: bytes of the profile.
    """

    dataset: str
    segment: str
    writer: str
    at: datetime
    seq: int | None
    every: timedelta | None
    body: bytes

    def digest(self, start: int) -> str:
        """Return the SHA-256 of what its row says."""
        values = (
            *self[:3],
            start,
            to_ms(self.at),
            self.seq,
            self.every and self.every.total_seconds(),
        )
        return hashlib.sha256(repr(values).encode() + self.body).hexdigest()


class Spool:
    """The file for one server. Threads and processes may share it.

    A connection is open only while a statement runs, and a fork waits for its end: what SQLite
    notes of locks in the memory of a process must not reach a child.
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
        self._lengths: dict[str, timedelta] = {}

    def add(self, entry: Entry, length: timedelta) -> bool:
        """Keep an entry in place of what waits for the same bucket of the same writer.

        Once this returns it is on the disk, whole.

        Returns:
            Whether it was kept; False if what waits has the same `seq` or a higher one.

        Raises:
            StoreError: there is no room for it, or it cannot be written.
        """
        start = to_ms(bucket_start(entry.at, length))
        key, size = (*entry[:3], start), len(entry.body)
        every = entry.every and entry.every // MILLISECOND

        def add(database: sqlite3.Connection) -> bool:
            query = (
                "SELECT seq, length(body) FROM waiting WHERE (dataset, segment, writer, start) = "
            )
            seq, replaced = database.execute(f"{query}(?, ?, ?, ?)", key).fetchone() or (None, None)
            if seq is not None and entry.seq is not None and entry.seq <= seq:
                return False
            query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM waiting"
            count, total = database.execute(query).fetchone()
            if count - (replaced is not None) >= MOST_PROFILES or (
                total - (replaced or 0) + size > MOST_BYTES
            ):
                raise StoreError(
                    f"{count} profiles of {total / 2**20:.1f} MB wait in {self.path} already, and "
                    "no more is kept there"
                )
            insert = "INSERT OR REPLACE INTO waiting VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            values = to_ms(entry.at), entry.seq, every, entry.digest(start), entry.body
            database.execute(insert, (*key, *values))
            return True

        try:
            self._make()
            return self._run(add)
        except OSError as error:
            raise StoreError(f"it cannot wait in {self.path} either: {error}") from error

    def count(self) -> int:
        """Return how many profiles wait."""
        row = self._row("SELECT count(*) FROM waiting")
        return row[0] if row else 0

    def waits(self, entry: Entry) -> bool:
        """Return whether something waits that an entry may replace.

        Only the server surely knows which times are of one bucket.
        """
        query = "SELECT 1 FROM waiting WHERE (dataset, segment, writer) = (?, ?, ?)"
        return self._row(query, *entry[:3]) is not None

    def next(self, last: int) -> tuple[int, Entry | DamagedError] | None:
        """Return what waits behind the number of another one, with its own number."""
        row = self._row("SELECT * FROM waiting WHERE id > ? ORDER BY id LIMIT 1", last)
        if row is None:
            return None
        number, dataset, segment, writer, start, at, seq, every, digest, body = row
        try:
            length = None if every is None else every * MILLISECOND
            entry = Entry(dataset, segment, writer, from_ms(at), seq, length, body)
            if entry.digest(start) == digest:
                return number, entry
        except (TypeError, ValueError, OverflowError):
            pass
        return number, DamagedError("its row is damaged")

    def drop(self, number: int) -> None:
        """Forget an entry, which the server has."""
        delete = "DELETE FROM waiting WHERE id = ?"
        self._run(lambda database: database.execute(delete, (number,)).rowcount)

    def refuse(self, number: int, reason: str) -> None:
        """Keep an entry aside, with the reason. Of many the oldest are deleted."""

        def refuse(database: sqlite3.Connection) -> None:
            columns = "dataset, segment, writer, at, seq, every"
            database.execute(
                f"INSERT INTO refused SELECT NULL, {columns}, ?, body FROM waiting WHERE id = ?",
                (reason, number),
            )
            database.execute("DELETE FROM waiting WHERE id = ?", (number,))
            database.execute(_FORGET, (_MOST_REFUSED, MOST_BYTES))

        self._run(refuse)

    def refused(self) -> list[str]:
        """Return the reasons why the server did not take what is kept aside."""
        row = self._row(
            "SELECT json_group_array(reason) FROM (SELECT reason FROM refused ORDER BY id)"
        )
        return json.loads(row[0]) if row else []

    def remember(self, dataset: str, every: timedelta) -> None:
        """Remember the length of the buckets of a dataset, if that can be written."""
        if self._lengths.get(dataset) != every:
            self._lengths[dataset] = every
            insert = "INSERT OR REPLACE INTO length VALUES (?, ?)"
            values = dataset, every // MILLISECOND
            with contextlib.suppress(OSError, StoreError):
                self._make()
                self._run(lambda database: database.execute(insert, values).rowcount)

    def length(self, dataset: str) -> timedelta | None:
        """Return the length of the buckets that is remembered."""
        if dataset not in self._lengths:
            row = self._row("SELECT every FROM length WHERE dataset = ?", dataset)
            return None if row is None else row[0] * MILLISECOND
        return self._lengths[dataset]

    @contextlib.contextmanager
    def sending(self) -> Iterator[bool]:
        """Give whether this thread is the one that sends; others leave it to that one.

        Two could send an older profile behind the newer one. The lock of the operating system goes
        with its process, and not with a child. It does not keep the threads of a process apart,
        which another lock does.
        """
        thread_lock = _sending.setdefault(os.fspath(self.path), threading.Lock())
        if not thread_lock.acquire(blocking=False):
            yield False
            return
        try:
            place = self.path.with_name("sending.lock")
            handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                try:
                    fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except (BlockingIOError, PermissionError):
                    yield False
                    return
                yield True
            finally:
                os.close(handle)
        finally:
            thread_lock.release()

    def _make(self) -> None:
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to somebody else")
        folder.chmod(0o700)
        with _using:  # to close a file gives up the locks that SQLite holds on it
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def _row(self, query: str, *values: Any) -> Any:
        """Return the first row of a query; None where there is none, or it is somebody else's."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        if not status.st_size or status.st_uid != os.geteuid():
            return None
        return self._run(lambda database: database.execute(query, values).fetchone(), begin="BEGIN")

    def _run(
        self, work: Callable[[sqlite3.Connection], _T], *, begin: str = "BEGIN IMMEDIATE"
    ) -> _T:
        """Return what some work gives in a transaction of its own.

        A file that is damaged is put aside, as it must not hold up what comes.

        Raises:
            StoreError: the file cannot be used.
        """
        with _using:
            for attempt in (0, 1):
                try:
                    return self._transact(work, begin)
                except sqlite3.Error as error:
                    if attempt or error.sqlite_errorcode & 0xFF not in _DAMAGED:
                        raise StoreError(f"{self.path} cannot be used: {error}") from error
                    aside = self.path.with_name(f"damaged-{time.time_ns()}.db")
                    _log.error("%s: %s; what waited there is now in %s", self.path, error, aside)
                    # A log of the damaged file would be played back into the next one.
                    for suffix in ("-journal", ""):
                        with contextlib.suppress(FileNotFoundError):
                            os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
                    self._make()
                    begin = "BEGIN IMMEDIATE"
        raise AssertionError("the second attempt returns or raises")

    def _transact(self, work: Callable[[sqlite3.Connection], _T], begin: str) -> _T:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        with contextlib.closing(connection) as database:
            database.execute("PRAGMA synchronous=EXTRA")  # the end of a transaction is synced, too
            database.execute(begin)
            with database:
                if not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
                    for table in _TABLES.split(";")[:-1]:
                        database.execute(table)
                return work(database)


_sending: dict[str, threading.Lock] = {}  # by path
_using = threading.RLock()  # held while a connection is open


def _after_fork_in_child() -> None:
    _sending.clear()  # of threads that it does not have
    _using.release()


os.register_at_fork(
    before=_using.acquire, after_in_parent=_using.release, after_in_child=_after_fork_in_child
)
