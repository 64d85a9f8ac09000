"""Transactions, snapshots and the lock for monitors, on SQLite and on PostgreSQL.

Threads share a database, and no fork can harm it.
"""

import contextlib
import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from os.path import samestat
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import filelock
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from lightmeter.errors import StoreError
from lightmeter.store.tables import VERSION, metadata, version

_BUSY_SECONDS = 30
# An acknowledged profile survives a power cut too; a service writes a few a minute.
SYNCHRONOUS = "FULL"
_PAUSE = 0.001, 0.02  # seconds between two tries to write
_BUSY = sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL
_DAMAGE = sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB
_PATIENCE = 600  # seconds for the lock for monitors
_LOCK = int.from_bytes(b"LMdb", "big")  # of PostgreSQL's advisory locks, which are a database's own
_WRITE = "BEGIN IMMEDIATE"
_SNAPSHOT: Any = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_READ = "BEGIN", "PRAGMA user_version"  # of which the second is the moment that is read
_TOGETHER = 32  # rows that are fetched at once
_REFUSED = SQLAlchemyError, sqlite3.Error, UnicodeDecodeError, OSError
_NONSENSE = TypeError, ValueError, LookupError, OverflowError  # in whoever reads a damaged row
_T = TypeVar("_T")


class DamagedError(StoreError):
    """What is in a store is not what was written."""


class _Held(NamedTuple):
    """A connection by which a thread reads what there was at one moment, or writes."""

    connection: sa.Connection
    lock: Any  # held while a statement reads


class _Mine(threading.local):
    held: _Held | None = None


class Database:
    """A SQLite file, or a PostgreSQL database.

    Attributes
    ----------
    address
        Without a password.
    path
        Of the file; None for PostgreSQL.
    environment
        Variables by which another process opens the address: the password.
    """

    def __init__(self, address: str | os.PathLike[str], *, create: bool) -> None:
        """Open it, and make its tables if there are none and `create` says so.

        Raises
        ------
        StoreError
            It cannot be opened, is no store or one of a newer version.
        """
        self._writing = threading.RLock()  # held by the one writer of a file, and by a fork
        self._opening = threading.RLock()  # held while a connection is opened or closed
        self._turns = threading.RLock()
        self._turn: contextlib.ExitStack | None = None
        self._locking: sa.Connection | None = None  # holds PostgreSQL's lock
        self._mine, self._open, self._closed = _Mine(), set[_Held](), False
        self.path: Path | None = None
        self.environment: dict[str, str] = {}
        of_server = str(address).startswith("postgresql:")
        self._engine = (self._of_server if of_server else self._of_file)(address, create)
        weakref.finalize(self, self._engine.dispose)  # where nobody closes it
        with _forks:
            _databases.add(self)
        try:
            found = list[int]()
            with contextlib.suppress(StoreError):  # there are none yet, or others make them
                found = self.rows(sa.select(version), int)
            if (found := found or [self._made(create)]) != [VERSION]:
                is_old = found < [VERSION]
                who = "an earlier lightmeter; make it again" if is_old else "a newer one; update"
                words = f"{self.address} was made by {who} (its tables are {found}, not {VERSION})"
                raise StoreError(words)
        except BaseException:
            self.close()
            raise

    def _of_server(self, address: Any, _: bool) -> sa.Engine:
        url = sa.make_url(str(address)).set(drivername="postgresql+psycopg")
        public = url._replace(drivername="postgresql", password=None)
        self.address = public.difference_update_query(["password"]).render_as_string()
        if password := url.password or url.query.get("password"):
            self.environment = {"PGPASSWORD": str(password)}
        try:
            level = "READ COMMITTED"
            return sa.create_engine(url, isolation_level=level, pool_pre_ping=True, max_overflow=-1)
        except ModuleNotFoundError as error:
            text = "for PostgreSQL, lightmeter needs psycopg: pip install 'lightmeter[postgres]'"
            raise ImportError(text) from error

    def _of_file(self, address: Any, create: bool) -> sa.Engine:
        self.path = path = Path(address).absolute()
        self.address = os.fspath(path)
        with self._reported():
            if create and not path.exists():
                path.touch()  # what vanishes later is not begun again
            if not create and not (path.exists() and path.stat().st_size):
                raise StoreError(f"there is no store at {path}; check the path, or log into it")
            if path.is_dir():
                raise StoreError(
                    f"{path} is a folder; expected a file, such as {path / 'drift.db'}"
                )
            self._status = os.stat(path)
        real = os.path.realpath(path)
        places = real, os.path.dirname(real)
        fixed = not all(os.access(place, os.W_OK, effective_ids=True) for place in places)
        connect = partial(_connect, path, f"{real}-wal" if fixed else "")
        if fixed:  # it may change under a connection that takes it as it is
            return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
        pool: dict[str, Any] = {"poolclass": sa.QueuePool, "max_overflow": -1}
        return sa.create_engine("sqlite://", creator=connect, **pool)

    def _made(self, create: bool) -> int:
        """Return the version of the tables, which are made if there are none."""
        with self.transaction() as connection:
            if self.path is None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            names = set(sa.inspect(connection).get_table_names())
            if version.name in names:  # somebody else has just made it
                return connection.scalar(sa.select(version)) or 0
            if taken := names if self.path else names & metadata.tables.keys():
                raise StoreError(
                    f"{self.address} is a database, but not a store of lightmeter: it has the table"
                    f" {min(taken)!r}; name a database of its own"
                )
            if not create:
                raise StoreError(f"there is no store at {self.address}; check it, or log into it")
            metadata.create_all(connection, checkfirst=False)
            connection.execute(sa.insert(version).values(version=VERSION))
            return VERSION

    # Reading and writing

    def rows(self, query: sa.Executable, make: Callable[..., _T], said: Any = None) -> list[_T]:
        """Return what `make` makes of the values of each row of a query that says some values.

        It is read in this thread's snapshot or transaction if it is in one.

        Raises
        ------
        StoreError
            The database refused; its error is the cause.
        DamagedError
            `make` can make nothing of a row, or the file is damaged.
        """
        with self.snapshot() as held, self._reported(*_NONSENSE), held.lock:
            return [make(*row) for row in held.connection.execute(query, said)]

    def stream(self, statement: sa.Executable) -> Iterator[Any]:
        """Give the rows of a query, some at a time; the thread reads nothing else until the end."""
        options = {"yield_per": _TOGETHER}
        with self.snapshot() as held:
            with self._reported(), held.lock:
                found = held.connection.execute(statement, execution_options=options)
            with contextlib.closing(found):
                part: Sequence[Any] = [None]
                while part:
                    with self._reported(*_NONSENSE), held.lock:
                        part = found.fetchmany(_TOGETHER)
                    yield from part

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[_Held]:
        """Let all that this thread reads inside be of the moment at which it begins to read.

        Nobody waits for its end: neither other threads nor writers nor a fork, which ends it.
        """
        if self._mine.held is not None:
            yield self._mine.held
            return
        with self._connected(is_read=True) as held:
            yield held

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Write all or nothing. Other writers of a file wait; readers see what was before."""
        try:
            with self._connected(is_read=False) as held:
                yield held.connection
                path = self.path
                if path and not (path.exists() and samestat(self._status, os.stat(path))):
                    raise StoreError(
                        f"the store {self.address!r} was moved, deleted or replaced while it was "
                        "open; put it back, or open the store again"
                    )
                held.connection.commit()
        except _REFUSED as error:
            raise self._error(error) from error

    @contextlib.contextmanager
    def _connected(self, *, is_read: bool) -> Iterator[_Held]:
        """Give a connection, which is this thread's within the block.

        A file has one writer at a time. While that is another process nothing is held, so that a
        fork need not wait.
        """
        before, until, pause = self._mine.held, time.monotonic() + _BUSY_SECONDS, 0.0
        alone = contextlib.nullcontext() if is_read or self.path is None else self._writing
        while True:
            if pause:
                time.sleep(pause)
            held = None
            with alone:
                try:
                    try:
                        with self._opening:
                            if self._closed:
                                raise StoreError(f"the store {self.address!r} is closed")
                            held = _Held(self._engine.connect(), threading.RLock())
                            self._open.add(held)
                            if self.path is not None:
                                for statement in _READ if is_read else [_WRITE]:
                                    held.connection.exec_driver_sql(statement)
                            elif is_read:
                                held.connection.execution_options(**_SNAPSHOT)
                    except _REFUSED as error:
                        if _sqlite_code(error) not in _BUSY or time.monotonic() > until:
                            raise self._error(error) from error
                        pause = random.uniform(*_PAUSE)
                        continue
                    self._mine.held = held
                    yield held
                    return
                finally:
                    if held is not None:
                        self._mine.held = before
                        with self._opening:
                            self._open.discard(held)
                            held.connection.close()

    # The lock for monitors

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process or thread is inside; the same thread may enter again.

        The lock is one of the operating system or of PostgreSQL, on a connection of its own. It
        goes with the process that holds it.

        Raises
        ------
        StoreError
            Somebody is inside for 10 minutes, or the lock cannot be made.
        """
        with self._turns:
            if self._turn is not None:
                yield
                return
            turn = self._turn = self._locked()
            try:
                yield
            finally:
                if self._turn is turn:  # not in a child that was forked inside
                    self._turn = None
                    turn.close()

    def _locked(self) -> contextlib.ExitStack:
        place = f"{os.path.realpath(self.path)}-turn" if self.path else self.address
        try:
            with contextlib.ExitStack() as stack:
                if self.path is not None:
                    stack.enter_context(filelock.FileLock(place, _PATIENCE, poll_interval=0.05))
                else:
                    own = self._engine.execution_options(isolation_level="AUTOCOMMIT").connect()
                    own.detach()  # closing it ends it, which unlocks
                    self._locking = stack.enter_context(own)
                    own.exec_driver_sql(f"SET lock_timeout = '{_PATIENCE}s'")
                    own.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
                return stack.pop_all()
        except (filelock.Timeout, SQLAlchemyError, OSError) as error:
            raise StoreError(
                f"another run has held {place} for more than {_PATIENCE / 60:g} minutes, or it "
                f"cannot be locked: {error}; wait for it, or end it"
            ) from error

    def check_turn(self) -> None:
        """Raise StoreError if the lock that this process holds was lost with its connection."""
        if self._turn is not None and self._locking is not None:
            with self._reported(what="the lock of the monitors was lost; run them again:"):
                self._locking.exec_driver_sql("SELECT 1")

    # The file

    def shrink(self) -> None:
        """Give free pages of a file back to the file system, and the room of the log."""
        if self.path is not None:
            script = (
                f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}; PRAGMA incremental_vacuum; "
                "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout=0"
            )
            with self._reported(), self._writing, self._opening, self._engine.connect() as it:
                # The driver runs a pragma to its end.
                it.connection.driver_connection.executescript(script)  # type: ignore[union-attr]

    def close(self) -> None:
        """Close it; later use raises StoreError."""
        with self._writing, self._opening:
            self._closed = True
            self._engine.dispose()

    @contextlib.contextmanager
    def _reported(self, *more: Any, what: str = "the store") -> Iterator[None]:
        try:
            yield
        except _REFUSED + more as error:
            raise self._error(error, what) from error

    def _error(self, error: Exception, what: str = "the store") -> StoreError:
        """Return an error of the engine as one of a store, with advice."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        words = (
            f"{what} {self.address!r}: {' '.join(str(cause).partition(chr(10))[0].split()):.300}"
        )
        if isinstance(cause, _NONSENSE) or _sqlite_code(error) in _DAMAGE:
            return DamagedError(f"{words}; it is damaged, see `lightmeter store verify`")
        if isinstance(cause, PendingRollbackError):
            words = f"{what} {self.address!r}: its connection was lost, as by a fork; try again"
        if self.path is not None and not self.path.parent.is_dir():
            words += f"; there is no folder {os.fspath(self.path.parent)!r}"
        return StoreError(words)


def _connect(path: Path, log: str) -> sqlite3.Connection:
    """Open a file that is there.

    Where it cannot be written, nobody can make the file that readers share. So a file without a
    `log` is read as it is.
    """
    mode = "ro" if log and os.path.exists(log) and os.path.getsize(log) else "ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode if log else 'rw'}",
        uri=True,
        timeout=0,  # SQLite would wait longer than need be: see `_connected`
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        if not path.stat().st_size:  # others may do it at the same time, for which nobody waits
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _sqlite_code(error: BaseException) -> int:
    """Return SQLite's primary result code; errors of Python's module itself have none."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF


# Why no connection to a file may be open across a fork. SQLite notes in the memory of the process
# which files it has locked. The locks themselves are the kernel's; they belong to one process and
# are not inherited, but the notes are. A child that opens the file again then finds a note, asks
# the kernel for nothing, and writes without a lock: whoever closes the file last elsewhere deletes
# the log it writes into, with what it and others were told is stored. Closing the inherited
# connection in the child is no cure, as closing may itself write to the log. So a fork waits for
# the statement or transaction of each other thread, and closes every connection first. A snapshot
# cannot be opened again, as it is of one moment, and may last for minutes: it is lost, and so is a
# transaction in which the forking thread itself is.
#
# The connections to PostgreSQL are sockets, which a child leaves to its parent. What the forking
# thread itself is in is lost all the same, as the child would end the parent's.
_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_forking: list[Database] = []
_forks = threading.RLock()
_abandoned: list[object] = []


def _before_fork() -> None:
    _forks.acquire()
    _forking.extend(_databases)
    for database in _forking:
        database._writing.acquire()
        database._opening.acquire()
        for held in database._open:
            if database.path is not None or held is database._mine.held:
                with held.lock:
                    held.connection.invalidate()
        if database.path is not None:
            database._engine.dispose()


def _after_fork() -> None:
    for database in _forking:
        database._opening.release()
        database._writing.release()
    _forking.clear()
    _forks.release()


def _after_fork_in_child() -> None:
    for database in _forking:
        _abandoned.append((database._turn, database._locking, *database._open))
        database._turns, database._turn = threading.RLock(), None
        database._engine.dispose(close=False)
        database._open.clear()
    _after_fork()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
)
