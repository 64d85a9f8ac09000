"""The local file that is the index of a store's objects, and its cache: it can be made again."""

import contextlib
import hashlib
import os
import platform
import re
import secrets
import sqlite3
import threading
from pathlib import Path

from lightmeter.errors import StoreError
from lightmeter.store.cloud.tables import add_tables
from lightmeter.store.database import Database, is_damage
from lightmeter.store.turns import Turns

__all__ = ["Cache"]

_INDEX = re.compile(r"index-([0-9]{1,9})\.db")


class Cache:
    """The index of one store on this machine, which processes share.

    One that is damaged is left for one of a higher number, as others may have it open.

    Attributes:
        folder: where it is.
        machine: names those who share it.
        turns: a lock that they share.
    """

    def __init__(self, address: str, store: str) -> None:
        """That of the store at an address and of an id.

        Raises:
            StoreError: there is no place for it.
        """
        self.folder = (
            cache_root() / "stores" / hashlib.sha256(f"{address} {store}".encode()).hexdigest()[:24]
        )
        self.machine = self._make()
        self._address = address
        self.turns = Turns(self.folder / "store")
        self._lock = threading.Lock()
        self._database = self._open(self._last())

    @property
    def database(self) -> Database:
        """The file, open."""
        return self._database

    def replace(self, bad: Database) -> None:
        """Go on with another file, unless somebody in this process has done so already."""
        with self._lock:
            if self._database is bad:
                bad.close()
                self.machine = self._make()
                own = _INDEX.fullmatch(bad.path.name)
                last = self._last()
                number = last if own is None or last != int(own[1]) else last + 1
                self._database = self._open(number)

    def is_bad(self, database: Database, error: BaseException) -> bool:
        """Whether an error is of a file that is damaged or gone."""
        cause = error.__cause__
        return (
            database is not self._database
            or is_damage(cause)
            or not database.path.exists()
            or (isinstance(cause, sqlite3.OperationalError) and "no such" in str(cause))
            or "was moved, deleted or replaced" in str(error)
        )

    def _make(self) -> str:
        """Make the folder, if it is not there; its machine."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return _machine(self.folder / "machine")
        except OSError as error:
            raise StoreError(f"cannot make {self.folder}: {error}; {_ADVICE}") from error

    def _open(self, number: int) -> Database:
        for tries in (number, number + 1):
            path = self.folder / f"index-{tries}.db"
            try:
                database = Database(path, create=True)
                try:
                    add_tables(database)
                except BaseException:
                    database.close()
                    raise
            except StoreError as error:
                # Whatever the first is, the next is a new file.
                if tries > number or path.parent.is_symlink():
                    raise StoreError(f"{error}; {_ADVICE}") from error
                continue
            database.turns, database.called = self.turns, self._address
            self._forget_before(tries)
            return database
        raise AssertionError("the last try returns or raises")

    def _last(self) -> int:
        numbers = [_INDEX.fullmatch(name) for name in os.listdir(self.folder)]
        return max((int(match[1]) for match in numbers if match), default=1)

    def _forget_before(self, number: int) -> None:
        for name in os.listdir(self.folder):
            match = _INDEX.match(name)
            if match and int(match[1]) < number:
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink()


_ADVICE = "set LIGHTMETER_CACHE to a folder on a local disk"


def cache_root() -> Path:
    """The folder for what can be made again."""
    if own := os.environ.get("LIGHTMETER_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "lightmeter"


def _machine(path: Path) -> str:
    """This machine until it starts anew, and the folder; a copy of either is another."""
    running = platform.node()
    with contextlib.suppress(OSError):
        running += Path("/proc/sys/kernel/random/boot_id").read_text()
    return hashlib.sha256(f"{_folder_id(path)} {running}".encode()).hexdigest()[:32]


def _folder_id(path: Path) -> str:
    """What the file says, which the first makes."""
    part = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    with contextlib.suppress(FileNotFoundError):
        if re.fullmatch(r"[0-9a-f]{32}", text := path.read_text(errors="replace")):
            return text
        path.unlink()
    part.write_text(secrets.token_hex(16))
    try:
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()
    return path.read_text()
