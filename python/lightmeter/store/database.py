"""SQLite connections to one file: threads share them, and no fork can harm them."""

import contextlib
import os
import random
import re
import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lightmeter.errors import LightmeterError, StoreError
from lightmeter.store.handles import Shared, Snapshot, abandon
from lightmeter.store.schema import BUSY_SECONDS
from lightmeter.store.turns import Turns

__all__ = ["Database", "is_damage", "is_full"]

_PAUSE = 0.001, 0.02  # between two tries to write

# What SQLite says where tables are not those of this version.
_OTHER_TABLES = re.compile("no such (?:table|column)|has (?:no column|[0-9]+ columns)")


class _Mine(threading.local):
    """What the calls of one thread read from: a snapshot, or where it writes."""

    snapshot: Snapshot | None = None
    writing = False


class Database:
    """The file of a store: reading, snapshots and transactions. Threads may share it."""

    def __init__(self, path: str | os.PathLike[str], *, create: bool) -> None:
        """Open it; see `connect` for what can be wrong."""
        self.path = Path(path).absolute()
        self.called = os.fspath(self.path)  # what messages on what is in it call it
        self.turns = Turns(self.path)
        self._mine = _Mine()
        self._closed = False
        self._shared = Shared(self.path, create)
        self._snapshots: list[Snapshot] = []  # changed with the lock of `_shared` held
        with _one_fork:
            _databases.add(self)
        with self._used(self._shared):
            self._shared.create = False  # what vanishes later is not begun again

    def all(self, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query. Its values are in order, or a mapping of those that it names.

        Raises:
            StoreError: SQLite refused; its error is the cause.
        """
        with self._used(self._mine.snapshot or self._shared) as sql:
            return sql.execute(
                query, values if isinstance(values, Mapping) else tuple(values)
            ).fetchall()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that this thread reads inside is of one moment, whoever writes meanwhile.

        Nobody waits for its end: neither other threads nor a fork nor, for more than a few seconds
        and the time it takes to copy the store, a writer.
        """
        if self._mine.writing or self._mine.snapshot is not None:
            yield
            return
        with self._used(self._shared):
            snapshot = Snapshot(self.path)
            self._snapshots.append(snapshot)
        self._mine.snapshot = snapshot
        try:
            yield
        finally:
            self._mine.snapshot = None
            with self._shared.lock:
                self._snapshots = [other for other in self._snapshots if other is not snapshot]
                snapshot.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Other writers wait; readers go on with what was there before."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            with self._used(self._shared) as sql:
                if _began(sql, until):
                    with self._written(sql):
                        yield sql
                    return
            time.sleep(random.uniform(*_PAUSE))

    @contextlib.contextmanager
    def _written(self, sql: sqlite3.Connection) -> Iterator[None]:
        outer, self._mine.snapshot, self._mine.writing = self._mine.snapshot, None, True
        try:
            yield
            if self._shared.connection is not sql:
                raise StoreError("this process was forked inside a transaction of its parent")
            self._shared.check_place()
            sql.execute("COMMIT")
        except BaseException:
            if self._shared.connection is sql:
                sql.rollback()
            raise
        finally:
            self._mine.snapshot, self._mine.writing = outer, False

    @contextlib.contextmanager
    def parsing(self) -> Iterator[None]:
        """For making something of rows: what is not as it was written is damage, a StoreError."""
        try:
            yield
        except LightmeterError:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            text = f"the store {self.called!r} is damaged: {error}"
            raise StoreError(f"{text}; see `lightmeter store verify`") from error

    def shrink(self) -> None:
        """Give free pages back to the file system, and the room of the log."""
        with self._used(self._shared) as sql:  # as a script, which runs a pragma to its end
            sql.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")

    def copy_to(self, copy: Path) -> None:
        """Write the store of one moment to a new file, while others go on writing."""
        if os.path.lexists(copy):
            raise StoreError(f"there is something at {copy} already; name a file that is not there")
        part = copy.with_name(f".{copy.name}-{secrets.token_hex(4)}")
        with self.snapshot():
            assert self._mine.snapshot is not None
            with self._used(self._mine.snapshot) as sql:
                try:
                    with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as target:
                        sql.backup(target)
                    os.replace(part, copy)
                except (OSError, sqlite3.Error) as error:
                    raise StoreError(f"cannot copy {self.path} to {copy}: {error}") from error
                finally:
                    with contextlib.suppress(OSError):
                        part.unlink()

    def close(self) -> None:
        """Close the file; later use raises StoreError."""
        with self._shared.lock:
            self._closed = True
            self._shared.close()

    def _handles(self) -> list[Shared | Snapshot]:
        return [self._shared, *self._snapshots]

    @contextlib.contextmanager
    def _used(self, handle: Shared | Snapshot) -> Iterator[sqlite3.Connection]:
        with handle.lock:
            if self._closed:
                raise StoreError(f"the store {os.fspath(self.path)!r} is closed")
            handle.calls += 1
            try:
                yield handle.ready()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise StoreError(
                    f"store {os.fspath(self.path)!r}: {error}{_advice(error)}"
                ) from error
            finally:
                handle.calls -= 1


def _began(sql: sqlite3.Connection, until: float) -> bool:
    """Begin a transaction, or say that somebody else is in one.

    SQLite would wait for his end within one call, and a fork and other threads for that call.
    """
    sql.execute("PRAGMA busy_timeout=0")
    try:
        sql.execute("BEGIN IMMEDIATE")
        return True
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
            raise
        return False
    finally:
        sql.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _advice(error: Exception) -> str:
    if is_damage(error):
        return "; see `lightmeter store verify`"
    if _OTHER_TABLES.search(str(error)):
        return (
            "; its tables are those of another version of lightmeter: use that version, or log the "
            "images into a new store"
        )
    return ""


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite found the file damaged, rather than busy, full or out of reach."""
    if isinstance(error, UnicodeDecodeError):  # in the words of SQLite's own message
        return True
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_full(error: BaseException | None) -> bool:
    """Whether SQLite found no room on the disk."""
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: BaseException | None) -> int:
    """SQLite's primary result code; errors of Python's module itself have none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


# Why no connection may be open across a fork. SQLite notes in the memory of the process which files
# it has locked. The locks themselves are the kernel's; they belong to one process and are not
# inherited, but the notes are. A child that opens the file again then finds a note, asks the kernel
# for nothing, and writes without a lock: whoever closes the file last elsewhere deletes the log it
# writes into, with what it and others were told is stored. Closing the inherited connection in the
# child is no cure, as closing may itself write to the log. So a fork waits for the statement or
# transaction that runs, closes every connection first, and both sides open the file again when they
# need it. All openings hold a lock, so that no thread can be in the middle of one.
#
# A snapshot cannot be opened again, as it is of one moment, and it may last for minutes. Before a
# fork it moves to a private copy. The child's copy of that holds no lock on anything and is closed.
#
# What remains is a fork by a thread that is itself in the middle of a call (in a signal handler or
# finalizer). There the connection stays open for the parent, and the child must never use the file,
# by whatever path, nor close what it inherited: so it is never freed.
_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_forking: list[Database] = []
_held: list[Any] = []  # locks, in the order in which they were taken
_one_fork = threading.RLock()


def _before_fork() -> None:
    _one_fork.acquire()
    _forking.extend(_databases)
    for database in _forking:
        _hold(database.turns.lock)
        _hold(database._shared.lock)
        for snapshot in database._snapshots:
            _hold(snapshot.lock)
        for handle in database._handles():
            if not handle.calls:
                handle.let_go()


def _hold(lock: Any) -> None:
    lock.acquire()
    _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()
    _forking.clear()
    _one_fork.release()


def _after_fork_in_child() -> None:
    for database in _forking:
        for handle in database._handles():
            if handle.calls:
                abandon(database.path, handle)
        for snapshot in database._snapshots:
            snapshot.lose("this process was forked while its parent was reading; read again")
        database._snapshots = []
    turns = [database.turns for database in _forking]
    _after_fork()
    for turn in turns:
        turn.start_over()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
