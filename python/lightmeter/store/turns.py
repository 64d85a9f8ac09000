"""One run at a time on a store, also of several processes."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from lightmeter.errors import StoreError

__all__ = ["Turns"]

_PATIENCE = 600.0
_PAUSE = 0.05


class Turns:
    """A lock beside a store's file.

    It is one of the operating system's, which goes with the process that holds it: a lease would
    keep everybody waiting after its holder was killed, or end while a slow one is still sending. A
    child that is forked inside is outside, and waits as everybody does.
    """

    def __init__(self, store: Path) -> None:
        """Of the store at this path; nothing happens yet."""
        self.lock = threading.RLock()  # held while SQLite is at work, so that a fork can wait
        file = Path(os.path.realpath(store))  # the same through every link
        self._path = file.with_name(f"{file.name}-turn")
        self._threads = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for everybody else to leave; the same thread may enter again.

        Raises:
            StoreError: somebody is inside for 10 minutes, or the lock cannot be made.
        """
        with self._threads:
            if self._connection is not None:
                yield
                return
            connection = self._wait()
            try:
                yield
            finally:
                with self.lock:
                    connection.close()
                    if self._connection is connection:  # not in a child that was forked inside
                        self._connection = None

    def start_over(self) -> None:
        """In a child, which has inherited what SQLite notes about the lock, but not the lock.

        Closing it changes nothing for the parent: the file is empty and has no journal.
        """
        self._threads = threading.RLock()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wait(self) -> sqlite3.Connection:
        """A connection to an empty database, which nobody else can open a transaction on."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                with self.lock:
                    self._connection = _exclusive(self._path)
                    return self._connection
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise StoreError(f"cannot lock {self._path}: {error}") from error
            if time.monotonic() > until:
                raise StoreError(
                    f"another run has held {self._path} for more than {_PATIENCE / 60:g} minutes;"
                    " wait for it, or end it"
                )
            time.sleep(_PAUSE)


def _exclusive(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except BaseException:
        connection.close()
        raise
    return connection
