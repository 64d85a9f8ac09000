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

MOST_BYTES = 256 << 20
MOST_PROFILES = 10_000
_MOST_REFUSED = 1000  # that are kept to look at
_BUSY_SECONDS = 5
_DAMAGED = sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB
_T = TypeVar("_T")
_log = logging.getLogger("lightmeter.store")

# A row is the newest of a writer for a bucket, as far as that is known; `sha256` is of its other
# values, of which `own` says whether the number is ours. What the server did not take is in
# `refused`, with the reason.
_TABLES = """
CREATE TABLE waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT,
  segment TEXT, writer TEXT, start INTEGER, at INTEGER, seq INTEGER, own INTEGER,
  every INTEGER, sha256 TEXT, body BLOB, UNIQUE (dataset, segment, writer, start));
CREATE TABLE refused (id INTEGER PRIMARY KEY, dataset TEXT, segment TEXT, writer TEXT,
  at INTEGER, seq INTEGER, every INTEGER, reason TEXT, body BLOB);
"""
_FORGET = """DELETE FROM refused WHERE id <= (SELECT max(id) FROM (SELECT id,
  row_number() OVER newest AS place, sum(length(body)) OVER newest AS bytes
  FROM refused WINDOW newest AS (ORDER BY id DESC)) WHERE place > ? OR bytes > ?)"""


class SpoolError(StoreError):
    """A spool that cannot be used. The server may be well all the same."""


class DamagedError(Exception):
    """A row that is not what was written."""


class Entry(NamedTuple):
    """A profile to put.

    Attributes:
        dataset: its name.
        segment: as text.
        writer: who writes.
        at: a time in the bucket, in UTC.
        seq: its number.
        own: whether the number is a time of this machine, as nobody gave another.
        every: length of the buckets; None for that of the dataset.
        body: bytes of the profile.
    """

    dataset: str
    segment: str
    writer: str
    at: datetime
    seq: int
    own: bool
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

    def add(self, entry: Entry) -> bool:
        """Keep an entry in place of what waits for the same bucket of the same writer.

        Once this returns it is on the disk, whole. Where nobody said how long a bucket is, only
        what is of the same time is surely of the same bucket; of others the server keeps the one
        with the highest number.

        Returns:
            Whether it was kept; False if what waits has the same `seq` or a higher one.

        Raises:
            StoreError: there is no room for it, or it cannot be written.
        """
        at = entry.at if entry.every is None else bucket_start(entry.at, entry.every)
        key, size = (*entry[:3], to_ms(at)), len(entry.body)
        every = entry.every and entry.every // MILLISECOND

        def add(database: sqlite3.Connection) -> bool:
            where = "WHERE (dataset, segment, writer, start) = (?, ?, ?, ?)"
            query = f"SELECT seq, length(body) FROM waiting {where}"
            seq, replaced = database.execute(query, key).fetchone() or (None, None)
            number = entry.seq
            if seq is not None and number <= seq:
                if not entry.own:
                    return False
                number = seq + 1  # the clock went back
            query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM waiting"
            count, total = database.execute(query).fetchone()
            is_full = count - (replaced is not None) >= MOST_PROFILES
            if is_full or total - (replaced or 0) + size > MOST_BYTES:
                raise StoreError(
                    f"{count} profiles of {total / 2**20:.1f} MB wait in {self.path} already, and "
                    "no more is kept there"
                )
            insert = "INSERT OR REPLACE INTO waiting VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            digest = entry._replace(seq=number).digest(key[3])
            values = to_ms(entry.at), number, entry.own, every, digest, entry.body
            database.execute(insert, (*key, *values))
            return True

        try:
            self._make()
            return self._run(add)
        except OSError as error:
            raise SpoolError(f"it cannot wait in {self.path} either: {error}") from error

    def count(self) -> int:
        """Return how many profiles wait."""
        row = self._row("SELECT count(*) FROM waiting")
        return row[0] if row else 0

    def waits(self, entry: Entry) -> bool:
        """Return whether something waits that an entry may replace."""
        query = "SELECT 1 FROM waiting WHERE (dataset, segment, writer) = (?, ?, ?)"
        return self._row(query, *entry[:3]) is not None

    def next(self, last: int) -> tuple[int, Entry | DamagedError] | None:
        """Return what waits behind the number of another one, with its own number."""
        row = self._row("SELECT * FROM waiting WHERE id > ? ORDER BY id LIMIT 1", last)
        if row is None:
            return None
        number, dataset, segment, writer, start, at, seq, own, every, digest, body = row
        try:
            length = None if every is None else every * MILLISECOND
            entry = Entry(dataset, segment, writer, from_ms(at), seq, bool(own), length, body)
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

    def sending(self) -> contextlib.AbstractContextManager[bool]:
        """Give whether this thread is the one that sends; others leave it to that one."""
        return self._locked("sending", wait=False)

    @contextlib.contextmanager
    def _locked(self, what: str, *, wait: bool) -> Iterator[bool]:
        """Hold a lock of the operating system, which goes with its process and not with a child.

        It does not keep the threads of a process apart, which another lock does.
        """
        place = self.path.with_name(f"{what}.lock")
        thread_lock = _locks.setdefault(os.fspath(place), threading.Lock())
        if not thread_lock.acquire(blocking=wait):
            yield False
            return
        try:
            try:
                handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise SpoolError(f"{place} cannot be used: {error}") from error
            try:
                try:
                    fcntl.lockf(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
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
            SpoolError: the file cannot be used.
        """
        try:
            try:
                return self._transact(work, begin)
            except sqlite3.Error as error:
                if not _is_damaged(error):
                    raise
            with self._locked("damage", wait=True):
                try:  # another process may have put it aside meanwhile
                    return self._transact(work, begin)
                except sqlite3.Error as error:
                    if not _is_damaged(error):
                        raise
                    self._put_aside(error)
                return self._transact(work, "BEGIN IMMEDIATE")
        except (OSError, sqlite3.Error) as error:
            raise SpoolError(f"{self.path} cannot be used: {error}") from error

    def _put_aside(self, error: sqlite3.Error) -> None:
        aside = self.path.with_name(f"damaged-{time.time_ns()}.db")
        _log.error("%s: %s; what waited there is now in %s", self.path, error, aside)
        with _using:
            for suffix in ("-journal", ""):  # which would be played back into the next file
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        self._make()

    def _transact(self, work: Callable[[sqlite3.Connection], _T], begin: str) -> _T:
        with (
            _using,
            contextlib.closing(
                sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
            ) as database,
        ):
            database.text_factory = lambda raw: raw.decode(errors="replace")
            database.execute("PRAGMA synchronous=EXTRA")  # the end of a transaction is synced, too
            database.execute(begin)
            with database:
                if not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
                    for table in _TABLES.split(";")[:-1]:
                        database.execute(table)
                return work(database)


def _is_damaged(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


_locks: dict[str, threading.Lock] = {}  # by path
_using = threading.RLock()  # held while a connection is open


def _after_fork_in_child() -> None:
    _locks.clear()  # of threads that it does not have
    _using.release()


os.register_at_fork(
    before=_using.acquire, after_in_parent=_using.release, after_in_child=_after_fork_in_child
)
