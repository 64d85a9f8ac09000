"""Transactions, snapshots and the lock for monitors, on SQLite and on PostgreSQL."""

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
# FULL: an acknowledged profile survives a power failure. Writes are few, so its cost is small.
SYNCHRONOUS = "FULL"
_PAUSE = 0.001, 0.02  # seconds between two tries to write
_BUSY = sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL
_DAMAGE = sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB
_PATIENCE = 600  # seconds for the lock for monitors
_LOCK = int.from_bytes(b"LMdb", "big")  # a PostgreSQL advisory lock, local to each database
_WRITE = "BEGIN IMMEDIATE"
_SNAPSHOT: Any = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_READ = "BEGIN", "PRAGMA user_version"  # the second statement fixes the moment of the snapshot
_TOGETHER = 32  # rows per fetch
_REFUSED = SQLAlchemyError, sqlite3.Error, UnicodeDecodeError, OSError
_NONSENSE = TypeError, ValueError, LookupError, OverflowError  # raised by readers of damaged rows
_T = TypeVar("_T")


class DamagedError(StoreError):
    """The contents of a store are damaged."""


class _Held(NamedTuple):
    """A connection with which a thread reads a snapshot or writes."""

    connection: sa.Connection
    lock: Any  # held while a statement reads


class _Mine(threading.local):
    held: _Held | None = None


class Database:
    """A SQLite file, or a PostgreSQL database.

    Threads may share it. A fork is safe: it waits for the statements and transactions of other
    threads, and the child opens its own connections.

    Attributes
    ----------
    address
        The address, without a password.
    path
        The path of the file; None for PostgreSQL.
    """

    def __init__(self, address: str | os.PathLike[str], *, create: bool) -> None:
        """Open the database; make its tables if there are none and `create` is true.

        Raises
        ------
        StoreError
            It cannot be opened, is not a store, or its tables belong to another version.
        """
        self._writing = threading.RLock()  # held by the one writer of a file, and by a fork
        self._opening = threading.RLock()  # held while a connection is opened or closed
        self._turns = threading.RLock()
        self._turn: contextlib.ExitStack | None = None
        self._locking: sa.Connection | None = None  # holds PostgreSQL's lock
        self._mine, self._open, self._closed = _Mine(), set[_Held](), False
        self.path: Path | None = None
        of_server = str(address).lower().startswith("postgresql:")
        self._engine = (self._of_server if of_server else self._of_file)(address, create)
        weakref.finalize(self, self._engine.dispose)  # if no one closes it
        with _forks:
            _databases.add(self)
        try:
            found = list[int]()
            with contextlib.suppress(StoreError):  # there are none yet, or others make them
                found = self.rows(sa.select(version), int)
            if (found := found or [self._made(create)]) != [VERSION]:
                raise StoreError(
                    f"{self.address} has tables of version {found[0]}, expected {VERSION}: update "
                    "lightmeter if this is newer, otherwise make the store again"
                )
        except BaseException:
            self.close()
            raise

    def _of_server(self, address: Any, _: bool) -> sa.Engine:
        try:
            url = sa.make_url(str(address)).set(drivername="postgresql+psycopg")
            if "@" in (url.host or ""):
                raise ValueError
        except (sa.exc.ArgumentError, ValueError):  # which may hold the password
            raise StoreError(
                "got an address of PostgreSQL that cannot be read; expected such as "
                "postgresql://user:password@host/name, with %40 for an @ in the password"
            ) from None
        public = url._replace(drivername="postgresql", password=None)
        secret = [name for name in url.query if "password" in name.lower()]
        self.address = public.difference_update_query(secret).render_as_string()
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
                raise StoreError(f"there is no store at {path}; check the path, or log data first")
            if path.is_dir():
                raise StoreError(
                    f"{path} is a folder; expected a file, such as {path / 'drift.db'}"
                )
            self._status = os.stat(path)
        real = os.path.realpath(path)
        places = real, os.path.dirname(real)
        fixed = not all(os.access(place, os.W_OK, effective_ids=True) for place in places)
        connect = partial(_connect, path, f"{real}-wal" if fixed else "")
        pool: dict[str, Any] = {"poolclass": sa.QueuePool, "max_overflow": -1}
        if fixed:  # no pool, because the file may change under an immutable connection
            pool = {"poolclass": sa.NullPool}
        return sa.create_engine("sqlite://", creator=connect, **pool)

    def _made(self, create: bool) -> int:
        """Return the version of the tables, which are made if there are none."""
        with self.transaction() as connection:
            if self.path is None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            names = set(sa.inspect(connection).get_table_names())
            if version.name in names:  # another process has just made it
                return connection.scalar(sa.select(version)) or 0
            if taken := names if self.path else names & metadata.tables.keys():
                raise StoreError(
                    f"{self.address} is a database, but not a store of lightmeter: it has the table"
                    f" {min(taken)!r}; use a separate database"
                )
            if not create:
                raise StoreError(
                    f"there is no store at {self.address}; check it, or log data first"
                )
            metadata.create_all(connection, checkfirst=False)
            connection.execute(sa.insert(version).values(version=VERSION))
            return VERSION

    # Reading and writing

    def rows(self, query: sa.Executable, make: Callable[..., _T], values: Any = None) -> list[_T]:
        """Return what `make` makes of the values of each row of a query with parameters `values`.

        The query runs in the current snapshot or transaction of this thread, if there is one.

        Raises
        ------
        StoreError
            The database raised an error, which is the cause.
        DamagedError
            `make` does not accept a row, or the file is damaged.
        """
        with self.snapshot() as held, self._reported(*_NONSENSE), held.lock:
            return [make(*row) for row in held.connection.execute(query, values)]

    def stream(self, statement: sa.Executable) -> Iterator[Any]:
        """Yield the rows of a query; until the end, the thread must not read anything else."""
        options = {"yield_per": _TOGETHER}
        with self.snapshot() as held:
            with self._reported(), held.lock:
                found = held.connection.execute(statement, execution_options=options)
            try:
                part: Sequence[Any] = [None]
                while part:
                    with self._reported(*_NONSENSE), held.lock:
                        if held.connection.invalidated:  # by a fork
                            raise PendingRollbackError
                        part = found.fetchmany(_TOGETHER)
                    yield from part
            finally:
                if not held.connection.invalidated:  # else SQLAlchemy would log a traceback
                    found.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[_Held]:
        """Read inside the block the state at the moment of the first read.

        It blocks neither other threads nor writers. A fork does not wait either, and ends it.
        """
        if self._mine.held is not None:
            yield self._mine.held
            return
        with self._connected(is_read=True) as held:
            yield held

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Write all or nothing. Other writers of a file wait; readers see the state before."""
        with self._reported(), self._connected(is_read=False) as held:
            yield held.connection
            path = self.path
            if path and not (path.exists() and samestat(self._status, os.stat(path))):
                raise StoreError(
                    f"the store {self.address!r} was moved, deleted or replaced while it was "
                    "open; put it back, or open the store again"
                )
            held.connection.commit()

    @contextlib.contextmanager
    def _connected(self, *, is_read: bool) -> Iterator[_Held]:
        """Yield a connection that belongs to this thread within the block.

        A file has one writer at a time. While another process writes, this thread waits without
        holding a lock, so that a fork need not wait for it.
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
        """Hold the lock for monitors within the block; the same thread may enter again.

        It is a lock of the operating system, or of PostgreSQL on a connection of its own. It is
        released when its process ends.

        Raises
        ------
        StoreError
            Another holder keeps the lock for 10 minutes, or the lock cannot be made.
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
                    own.detach()  # so that closing it ends the connection, which unlocks
                    self._locking = stack.enter_context(own)
                    own.exec_driver_sql(f"SET lock_timeout = '{_PATIENCE}s'")
                    own.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
                return stack.pop_all()
        except (filelock.Timeout, SQLAlchemyError, OSError) as error:
            words = "if another run holds the lock, wait for it, or end it"
            raise StoreError(f"cannot lock {place}: {error}; {words}") from error

    def check_turn(self) -> None:
        """Raise StoreError if the lock was lost because its connection broke."""
        if self._turn is not None and self._locking is not None:
            with self._reported(what="the lock of the monitors was lost; run them again:"):
                self._locking.exec_driver_sql("SELECT 1")

    # The file

    def shrink(self) -> None:
        """Return the free pages and the log of a file to the file system."""
        if self.path is not None:
            script = (
                f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}; PRAGMA incremental_vacuum; "
                "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout=0"
            )
            with self._reported(), self._writing, self._opening, self._engine.connect() as it:
                # The driver runs a pragma to its end.
                it.connection.driver_connection.executescript(script)  # type: ignore[union-attr]

    def close(self) -> None:
        """Close the database; later use raises StoreError."""
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
        """Return an error of the engine as a StoreError with advice."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        words = (
            f"{what} {self.address!r}: {' '.join(str(cause).partition(chr(10))[0].split()):.300}"
        )
        if isinstance(cause, _NONSENSE) or _sqlite_code(error) in _DAMAGE:
            return DamagedError(
                f"{words}; it is damaged, or not a store: see `lightmeter store verify`"
            )
        if isinstance(cause, PendingRollbackError):
            words = f"{what} {self.address!r}: its connection was lost, e.g. by a fork; try again"
        if self.path is not None and not self.path.parent.is_dir():
            words += f"; there is no folder {os.fspath(self.path.parent)!r}"
        return StoreError(words)


def _connect(path: Path, log: str) -> sqlite3.Connection:
    """Open an existing file.

    SQLite cannot create the index that readers share in a folder without write access. There, a
    file with an empty `log` or none is opened as immutable.
    """
    mode = "ro" if log and os.path.exists(log) and os.path.getsize(log) else "ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode if log else 'rw'}",
        uri=True,
        timeout=0,  # `_connected` retries at shorter intervals than SQLite
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        # The first pragma makes a file that is not in WAL mode yet. If another process made tables
        # in it then, it would never be, and readers would lock out writers.
        if connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is None:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _sqlite_code(error: BaseException) -> int:
    """Return the primary result code of SQLite; 0 for errors without one."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF


# Why no connection to a file may be open across a fork: SQLite records in process memory which
# files it has locked. A child inherits these records, but not the locks, which the kernel keeps per
# process. The child would find a record, not ask the kernel, and write without a lock. Another
# process that closes the file last would then delete the log that the child writes into, together
# with acknowledged profiles. Closing the inherited connection in the child does not help, because
# closing may write to the log. Therefore a fork waits for the statements and transactions of other
# threads and closes every connection first. A snapshot shows one moment, so it cannot be reopened,
# and it may last for minutes, so a fork cannot wait for it: it is lost. A transaction of the
# forking thread itself is lost, too.
#
# Connections to PostgreSQL are sockets, which the child leaves to its parent. A snapshot or
# transaction of the forking thread itself is lost, because the child would end that of its parent.
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
