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
from collections.abc import Iterator, Sequence
from os.path import samestat
from pathlib import Path
from sqlite3 import SQLITE_BUSY
from typing import Any, NoReturn

import filelock
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from lightmeter.errors import StoreError
from lightmeter.store import sqlite_file
from lightmeter.store.sqlite_file import sqlite_code
from lightmeter.store.tables import VERSION, DamagedError, metadata, version

_BUSY = 1000 * sqlite_file.BUSY_SECONDS
_PAUSE = 0.001, 0.02  # seconds between two tries to write
_PATIENCE = 600  # seconds for the lock for monitors
_LOCK = int.from_bytes(b"LMdb", "big")  # of PostgreSQL's advisory locks, which are a database's own
_REFUSED = SQLAlchemyError, sqlite3.Error, UnicodeDecodeError


class _Snapshot:
    """A connection that reads what there was at one moment."""

    def __init__(self, connection: sa.Connection) -> None:
        self.lock = threading.RLock()  # held while a statement runs
        self.connection = connection


class _Mine(threading.local):
    """What one thread reads from: its transaction, or else its snapshot."""

    writer: sa.Connection | None = None
    snapshot: _Snapshot | None = None


class Database:
    """A SQLite file, or a PostgreSQL database.

    Attributes:
        address: without a password.
        path: of the file; None for PostgreSQL.
        environment: variables by which another process opens the address: the password.
    """

    def __init__(self, address: str | os.PathLike[str], *, create: bool) -> None:
        """Open it, and make its tables if there are none and `create` says so.

        Raises:
            StoreError: it cannot be opened, is no store or one of a newer version.
        """
        self._writing = threading.RLock()  # held by the one writer of a file, and by a fork
        self._opening = threading.RLock()  # held while a connection is opened or closed
        self._turns = threading.RLock()
        self._turn: sa.Connection | filelock.BaseFileLock | None = None
        self._mine = _Mine()
        self._snapshots = set[_Snapshot]()
        self._closed, self._create = False, create
        self.path: Path | None = None
        self.environment: dict[str, str] = {}
        if str(address).startswith("postgresql:"):
            url = sa.make_url(str(address)).set(drivername="postgresql+psycopg")
            password = url.password or url.query.get("password")
            public = url._replace(drivername="postgresql", password=None)
            self.address = public.difference_update_query(["password"]).render_as_string()
            self.environment = {"PGPASSWORD": str(password)} if password else {}
            try:
                self._engine: sa.Engine = sa.create_engine(
                    url, isolation_level="READ COMMITTED", pool_pre_ping=True, max_overflow=-1
                )
            except ModuleNotFoundError as error:
                text = (
                    "for PostgreSQL, lightmeter needs psycopg: pip install 'lightmeter[postgres]'"
                )
                raise ImportError(text) from error
            self._reader: sa.Engine = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            self.path = path = Path(address).absolute()
            self.address = os.fspath(path)
            sqlite_file.check_file_system(path)
            if not create and not (path.exists() and path.stat().st_size):
                raise StoreError(f"there is no store at {path}; check the path, or log into it")
            # What cannot be written may change under a connection that takes it as it is.
            pool: dict[str, Any] = {"poolclass": sa.QueuePool, "max_overflow": -1}
            if sqlite_file.is_read_only(path):
                pool = {"poolclass": sa.NullPool}
            self._engine = self._reader = sa.create_engine(
                "sqlite://", creator=lambda: sqlite_file.connect(path, self._create), **pool
            )
        with _forks:
            _databases.add(self)
        try:
            with self._reported("cannot open the store"), self._opening:  # a fork waits for it
                self._make_tables()
        except BaseException:
            self._engine.dispose()
            raise
        self._create = False  # what vanishes later is not begun again
        self._status = None if self.path is None else os.stat(self.path)

    def _make_tables(self) -> None:
        found = sa.select(version.c.version)
        with contextlib.suppress(DBAPIError), self._engine.connect() as connection:
            self._check_version(connection.scalar(found))
            return
        begin = "BEGIN IMMEDIATE" if self.path else f"SELECT pg_advisory_xact_lock({_LOCK})"
        with self._engine.connect() as connection:
            connection.exec_driver_sql(begin)
            names = set(sa.inspect(connection).get_table_names())
            if version.name in names:  # somebody else has just made it
                self._check_version(connection.scalar(found))
                return
            if taken := names if self.path else names & metadata.tables.keys():
                raise StoreError(
                    f"{self.address} is a database, but not a store of lightmeter: it has the table"
                    f" {min(taken)!r}; name a database of its own"
                )
            if not self._create:
                raise StoreError(f"there is no store at {self.address}; check it, or log into it")
            metadata.create_all(connection, checkfirst=False)
            connection.execute(sa.insert(version).values(version=VERSION))
            connection.commit()

    def _check_version(self, found: int | None) -> None:
        if found != VERSION:
            raise StoreError(
                f"{self.address} was made by a newer version of lightmeter (tables {found}, this "
                f"one knows {VERSION}); update lightmeter"
            )

    # Reading and writing

    def rows(self, statement: sa.Executable) -> Sequence[Any]:
        """Return the rows of a query, in this thread's snapshot or transaction if it is in one.

        Raises:
            StoreError: the database refused; its error is the cause.
            DamagedError: a value is none that was written, or the file is damaged.
        """
        if self._mine.writer is not None:
            with self._reported():
                return self._mine.writer.execute(statement).all()
        with self.snapshot() as snapshot, self._reported(), snapshot.lock:
            return snapshot.connection.execute(statement).all()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[_Snapshot]:
        """Let all that this thread reads inside be of the moment at which it begins to read.

        Nobody waits for its end: neither other threads nor writers nor a fork, which ends it.
        """
        if self._mine.snapshot is not None:
            yield self._mine.snapshot
            return
        with self._reported(), self._opening:
            snapshot = _Snapshot(self._connected(self._reader))
            if self.path is not None:
                snapshot.connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY}")
                snapshot.connection.exec_driver_sql("BEGIN")
            self._snapshots.add(snapshot)
        self._mine.snapshot = snapshot
        try:
            yield snapshot
        finally:
            self._mine.snapshot = None
            with self._opening:
                self._snapshots.discard(snapshot)
                snapshot.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Write all or nothing. Other writers of a file wait; readers see what was before."""
        until = time.monotonic() + sqlite_file.BUSY_SECONDS
        with self._writing if self.path is not None else contextlib.nullcontext():
            with self._opening:
                connection = self._connected(self._engine)
            try:
                while self.path is not None:  # SQLite waits, too, but for longer than need be
                    try:
                        connection.exec_driver_sql("PRAGMA busy_timeout=0")
                        connection.exec_driver_sql("BEGIN IMMEDIATE")
                        break
                    except DBAPIError as error:
                        if sqlite_code(error.orig) != SQLITE_BUSY or time.monotonic() > until:
                            raise
                    time.sleep(random.uniform(*_PAUSE))
                self._mine.writer = connection
                yield connection
                path, status = self.address, self._status
                if status and not (os.path.exists(path) and samestat(status, os.stat(path))):
                    raise StoreError(
                        f"the store {path!r} was moved, deleted or replaced while it was open; put "
                        "it back, or open the store again"
                    )
                connection.commit()
            except _REFUSED as error:
                self._raise(error)
            finally:
                self._mine.writer = None
                with self._opening:
                    connection.close()

    def _connected(self, engine: sa.Engine) -> sa.Connection:
        if self._closed:
            raise StoreError(f"the store {self.address!r} is closed")
        return engine.connect()

    # The lock for monitors

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process or thread is inside; the same thread may enter again.

        The lock is one of the operating system or of PostgreSQL, on a connection of its own. It
        goes with the process that holds it.

        Raises:
            StoreError: somebody is inside for 10 minutes, or the lock cannot be made.
        """
        with self._turns:
            if self._turn is not None:
                yield
                return
            held = self._turn = self._locked()
            try:
                yield
            finally:
                if self._turn is held:  # not in a child that was forked inside
                    self._turn = None
                    if isinstance(held, sa.Connection):
                        _end(held)  # which unlocks
                    else:
                        held.release()

    def _locked(self) -> sa.Connection | filelock.BaseFileLock:
        place = f"{os.path.realpath(self.path)}-turn" if self.path else self.address
        connection = None
        try:
            if self.path is not None:
                lock = filelock.FileLock(place, timeout=_PATIENCE, poll_interval=0.05)
                lock.acquire()
                return lock
            with self._opening:
                own = self._engine.execution_options(isolation_level="AUTOCOMMIT")
                connection = self._connected(own)
            connection.exec_driver_sql(f"SET lock_timeout = '{_PATIENCE}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
            return connection
        except (filelock.Timeout, SQLAlchemyError, OSError) as error:
            if connection is not None:
                _end(connection)
            raise StoreError(
                f"another run has held {place} for more than {_PATIENCE / 60:g} minutes, or it "
                f"cannot be locked: {error}; wait for it, or end it"
            ) from error

    def check_turn(self) -> None:
        """Raise StoreError if the lock that this process holds was lost with its connection."""
        if isinstance(self._turn, sa.Connection):
            with self._reported("the lock of the monitors was lost; run them again:"):
                self._turn.exec_driver_sql("SELECT 1")

    # The file

    def shrink(self) -> None:
        """Give free pages of a file back to the file system, and the room of the log."""
        if self.path is not None:
            script = (
                f"PRAGMA busy_timeout={_BUSY}; PRAGMA incremental_vacuum; "
                "PRAGMA wal_checkpoint(TRUNCATE)"
            )
            connected = self._connected
            with self._reported(), self._writing, self._opening, connected(self._engine) as it:
                _driver(it).executescript(script)  # which runs a pragma to its end

    def copy_to(self, copy: Path) -> None:
        """Write a file of one moment to a new file, while others go on writing."""
        if self.path is None:
            raise StoreError(f"{self.address} is no file to copy to {copy}; use pg_dump")
        if os.path.lexists(copy):
            raise StoreError(f"there is something at {copy} already; name a file that is not there")
        part = copy.with_name(f".{copy.name}-{os.urandom(4).hex()}")
        with self.snapshot() as snapshot, self._reported("cannot copy the store"), snapshot.lock:
            try:
                made = contextlib.closing(sqlite3.connect(part, isolation_level=None))
                with made as target:
                    _driver(snapshot.connection).backup(target)
                part.replace(copy)
            finally:
                part.unlink(missing_ok=True)

    def close(self) -> None:
        """Close it; later use raises StoreError."""
        with self._writing, self._opening:
            self._closed = True
            self._engine.dispose()

    @contextlib.contextmanager
    def _reported(self, what: str = "store") -> Iterator[None]:
        try:
            yield
        except _REFUSED as error:
            self._raise(error, what)

    def _raise(self, error: Exception, what: str = "store") -> NoReturn:
        """Raise an error of the engine as one of a store, with advice."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        words = f"{what} {self.address!r}: {str(cause).partition(chr(10))[0]}"
        damage = sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB
        if isinstance(cause, UnicodeDecodeError) or sqlite_code(cause) in damage:
            raise DamagedError(f"{words}; see `lightmeter store verify`") from cause
        if isinstance(cause, PendingRollbackError):
            words = f"{what} {self.address!r}: its connection was lost, as by a fork; try again"
        if self.path is not None and not self.path.parent.is_dir():
            words += f"; there is no folder {os.fspath(self.path.parent)!r}"
        raise StoreError(words) from cause


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection


def _end(connection: sa.Connection) -> None:
    """Close a connection that is not given back to others."""
    connection.invalidate()
    connection.close()


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
# The connections to PostgreSQL are sockets, which a child leaves to its parent. Snapshots are lost
# all the same, as the child would end the parent's.
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
        for snapshot in database._snapshots:
            snapshot.lock.acquire()
            snapshot.connection.invalidate()
        if database._mine.writer is not None:
            database._mine.writer.invalidate()
        if database.path is not None:
            database._engine.dispose()


def _after_fork() -> None:
    for database in _forking:
        for snapshot in database._snapshots:
            snapshot.lock.release()
        database._opening.release()
        database._writing.release()
    _forking.clear()
    _forks.release()


def _after_fork_in_child() -> None:
    for database in _forking:
        _abandoned.append(database._turn)
        database._turns, database._turn = threading.RLock(), None
        database._engine.dispose(close=False)
    _after_fork()
    for database in list(_databases):
        database._snapshots.clear()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
)
