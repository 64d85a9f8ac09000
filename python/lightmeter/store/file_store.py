"""The store in one SQLite file."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lightmeter.store.damage import Damage, found_damage
from lightmeter.store.database import Database
from lightmeter.store.profiles import Profiles
from lightmeter.store.schema import table_texts
from lightmeter.store.state import State
from lightmeter.store.store import Store

__all__ = ["FileStore"]


class FileStore(Store):
    """A store in one file.

    Threads may share it, processes may open the same file, and it survives a fork. It is one file
    only when nobody has it open: until then the latest profiles may lie in files beside it. To copy
    it while it is in use, call `backup`. A process that has a store open must not open the file by
    other means: to close it there gives up the locks that SQLite holds on it.

    Attributes:
        path: of the file.
    """

    def __init__(
        self,
        address: str | os.PathLike[str],
        *,
        key: str | None = None,
        create: bool = True,
        exemplars: bool | None = None,
    ) -> None:
        """Open the store at a path, or start one there.

        A file keeps what a profile holds, whatever `exemplars` says: nothing is sent.

        Raises:
            ValueError: there is a key, which a file has no use for.
            StoreError: it is on a network file system, cannot be opened, is no store or of a newer
                version, or there is none and `create` is False.
        """
        if key is not None:
            raise ValueError(
                f"got a key for {os.fspath(address)!r}, which is a file; keys are for servers, such"
                " as https://host"
            )
        self._database = Database(address, create=create)
        self.path = self._database.path
        self.address = os.fspath(self.path)
        self.profiles = Profiles(self._database)
        self.state = State(self._database)

    def verify(self) -> list[Damage]:
        """See `Store.verify`; the structure of the file is looked at too.

        Raises:
            StoreError: the file is closed or out of reach, or so damaged that it cannot be opened.
        """
        with self._database.snapshot():
            damage = found_damage(self._database, [self._check_file])
            return damage + self.profiles.verify() + self.state.verify()

    def _check_file(self) -> Iterator[Damage]:
        for (text,) in self._database.all("PRAGMA integrity_check"):
            if text != "ok":
                yield Damage(None, str(text))
        query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"
        if {text for (text,) in self._database.all(query)} != table_texts():
            yield Damage(None, "its tables are not those of a store")

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the store as it is at this moment to a new file, while others use it.

        The copy is a store in one file. It appears whole or not at all.

        Raises:
            StoreError: there is something at `path` already, it cannot be written, or the store
                cannot be read.
        """
        self._database.copy_to(Path(path).absolute())

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """See `Store.turn`. The lock is a file beside the store, and goes with its process."""
        with self._database.turns.taken():
            yield

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __reduce__(self) -> "tuple[Callable[[Path], FileStore], tuple[Path]]":
        """Pickle and copy by the path, where the file must be."""
        return _opened, (self.path,)


def _opened(path: Path) -> FileStore:
    return FileStore(path, create=False)
