"""One SQLite connection that threads share and that survives a fork."""

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lightmeter.errors import StoreError
from lightmeter.monitor.schema import connect
from lightmeter.monitor.turns import Turns

__all__ = ["Database", "is_damage"]


class Database:
    """The file of a store: reading, snapshots and transactions, one thread at a time."""

    def __init__(self, path: str | os.PathLike[str], *, create: bool) -> None:
        """Open it; see `connect` for what can be wrong."""
        self.path = Path(path).absolute()
        self.turns = Turns(self.path)
        self._lock = threading.RLock()
        self._closed = False
        self._connection: sqlite3.Connection | None = connect(self.path, create=create)
        with _one_fork:
            _databases.add(self)

    def all(self, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            StoreError: SQLite refused; its error is the cause.
        """
        with self._used() as sql:
            return sql.execute(query, tuple(values)).fetchall()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one moment, whatever other processes write."""
        with self._used() as sql:
            if sql.in_transaction:
                yield
                return
            sql.execute("BEGIN")
            try:
                yield
            finally:
                sql.rollback()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Other writers wait; readers go on with what was there before."""
        with self._used() as sql:
            sql.execute("BEGIN IMMEDIATE")
            try:
                yield sql
                sql.execute("COMMIT")
            except BaseException:
                sql.rollback()
                raise

    def shrink(self) -> None:
        """Give free pages back to the file system."""
        with self._used() as sql:  # as a script, which runs a pragma to its end
            sql.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; later use raises StoreError."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()

    @contextlib.contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise StoreError(f"the store {os.fspath(self.path)!r} is closed")
            if self._connection is None:
                self._connection = connect(self.path, create=False)
            try:
                yield self._connection
            except sqlite3.Error as error:
                advice = "; see `lightmeter store verify`" if is_damage(error) else ""
                raise StoreError(f"store {os.fspath(self.path)!r}: {error}{advice}") from error


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite found the file damaged, rather than busy, full or out of reach."""
    return isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )


# A connection must not be used on both sides of a fork, nor forked in the middle of a call. So a
# fork waits for calls that run, and the child opens the file anew. What the child inherited is kept
# unused: closing it would write to the parent's log.
_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_inherited: list[sqlite3.Connection] = []
_forking: list[Database] = []
_one_fork = threading.Lock()


def _before_fork() -> None:
    _one_fork.acquire()
    _forking.extend(_databases)
    for database in _forking:
        database._lock.acquire()


def _after_fork() -> None:
    while _forking:
        _forking.pop()._lock.release()
    _one_fork.release()


def _after_fork_in_child() -> None:
    for database in _forking:
        if database._connection is not None:
            _inherited.append(database._connection)
            database._connection = None
        database.turns = Turns(database.path)
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
