"""What a store's file is reached through: a connection that comes back, and one of a moment."""

import os
import sqlite3
import threading
import time
from pathlib import Path

from lightmeter.errors import StoreError
from lightmeter.store.schema import connect, connect_again

__all__ = ["Shared", "Snapshot", "abandon"]

# For so long a snapshot may keep writers waiting where there is no WAL; they give up after 30 s.
_PATIENCE = 5.0
_unusable: set[tuple[int, int]] = set()  # device and inode


class Shared:
    """The connection that the threads of a process take turns with, opened when it is needed."""

    def __init__(self, path: Path, create: bool) -> None:
        """Nothing is opened yet; `create` is for the first time."""
        self.lock = threading.RLock()
        self.calls = 0  # of the thread that holds the lock
        self.connection: sqlite3.Connection | None = None
        self.create = create
        self._path = path
        self._file: tuple[int, int] | None = None

    def ready(self) -> sqlite3.Connection:
        """The connection, open."""
        if self.connection is None:
            _check_usable(self._path)
            self.connection = connect(self._path, create=self.create)
            self._file = _file_at(self._path)
        return self.connection

    def check_place(self) -> None:
        """What is stored in a file that has lost its name is lost.

        Raises:
            StoreError: the file is no longer the one at its path.
        """
        if _file_at(self._path) != self._file:
            raise StoreError(
                f"the store {os.fspath(self._path)!r} was moved, deleted or replaced while it was "
                "open; put it back, or open the store again"
            )

    def close(self) -> None:
        """Close it; it can be opened again."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def let_go(self) -> None:
        """Leave the file before a fork."""
        self.close()


class Snapshot:
    """A connection in a read transaction of its own, or a private copy of what that sees."""

    def __init__(self, path: Path) -> None:
        """Of what the store holds now."""
        self.lock = threading.RLock()
        self.calls = 0  # of the thread that holds the lock
        _check_usable(path)
        self.connection: sqlite3.Connection | None = connect_again(path)
        self._lost = ""
        self._copied = False
        try:
            (mode,) = self.connection.execute("PRAGMA journal_mode").fetchone()
            self.connection.execute("BEGIN")
            self.connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # its moment
        except BaseException:
            self.connection.close()
            raise
        self._until = float("inf") if mode == "wal" else time.monotonic() + _PATIENCE

    def ready(self) -> sqlite3.Connection:
        """The connection, or a copy where writers have waited long enough."""
        if self.connection is None:
            raise StoreError(self._lost)
        if time.monotonic() > self._until:
            self._copy()
        return self.connection

    def close(self) -> None:
        """End it."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def lose(self, why: str) -> None:
        """End it early; whoever reads on gets a StoreError that says why."""
        self._lost = why
        self.close()

    def let_go(self) -> None:
        """Leave the file before a fork; the snapshot goes on with a copy."""
        try:
            if self.connection is not None:
                self._copy()
        except sqlite3.Error as error:
            self.lose(
                f"there was a fork while the store was being read, and no room for a copy of it "
                f"({error}); read again, or set SQLITE_TMPDIR to a folder with more room"
            )

    def _copy(self) -> None:
        """Go on with a private copy.

        It is a temporary database of SQLite's: a file without a name, which nobody else can open
        and on which SQLite keeps no locks.
        """
        if self._copied:
            return
        assert self.connection is not None
        copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        copy.text_factory = self.connection.text_factory
        try:
            self.connection.backup(copy)
        except BaseException:
            copy.close()
            raise
        self.connection.close()
        self.connection, self._copied, self._until = copy, True, float("inf")


def abandon(path: Path, handle: Shared | Snapshot) -> None:
    """In a child: never use the file, by whatever path, nor ever close the connection to it."""
    import ctypes  # hardly ever

    if (file := _file_at(path)) is not None:
        _unusable.add(file)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle.connection))
    handle.connection = None


def _check_usable(path: Path) -> None:
    if _file_at(path) in _unusable:
        raise StoreError(
            f"this process cannot use the store {os.fspath(path)!r}: it was forked in the middle "
            "of a call on the store; start it with multiprocessing's 'spawn', or fork earlier"
        )


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
