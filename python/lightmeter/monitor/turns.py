"""One run at a time on a store, also of several processes."""

import contextlib
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
    child that is forked inside cannot enter.
    """

    def __init__(self, store: Path) -> None:
        """Of the store at this path; nothing happens yet."""
        self._path = store.with_name(f"{store.name}-turn")
        self._threads = threading.RLock()
        self._taken = False

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for everybody else to leave; the same thread may enter again.

        Raises:
            StoreError: somebody is inside for 10 minutes, or the lock cannot be made.
        """
        with self._threads:
            if self._taken:
                yield
                return
            with contextlib.closing(_locked(self._path)):
                self._taken = True
                try:
                    yield
                finally:
                    self._taken = False


def _locked(path: Path) -> sqlite3.Connection:
    """A connection to an empty database, which nobody else can open a transaction on."""
    until = time.monotonic() + _PATIENCE
    try:
        connection = sqlite3.connect(path, timeout=0.0, isolation_level=None)
        try:
            while True:
                try:
                    connection.execute("BEGIN EXCLUSIVE")
                    return connection
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                        raise
                    if time.monotonic() > until:
                        raise StoreError(
                            f"another run has held {path} for more than {_PATIENCE / 60:g} minutes;"
                            " wait for it, or end it"
                        ) from None
                time.sleep(_PAUSE)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreError(f"cannot lock {path}: {error}") from error
