"""The store: profiles by dataset, time bucket and segment, in one SQLite file.

Its halves are `Store.profiles`, and `Store.state`: what monitors and alerts remember.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from lightmeter.store.damage import Damage, found_damage
from lightmeter.store.database import Database
from lightmeter.store.profiles import Profiles
from lightmeter.store.schema import table_texts
from lightmeter.store.state import State

__all__ = ["Store", "store_at"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _short(
    method: Callable[Concatenate[Profiles, _P], _R],
) -> "Callable[Concatenate[Store, _P], _R]":
    """The short way to a method of `Store.profiles`."""

    @functools.wraps(method)
    def short(store: "Store", /, *arguments: _P.args, **keywords: _P.kwargs) -> _R:
        return method(store.profiles, *arguments, **keywords)

    return short


class Store:
    """Profiles by dataset, UTC time bucket and segment, in one file.

    Threads may share a store, processes may open the same file, and a store survives a fork. It is
    one file only when nobody has it open: until then the latest profiles may lie in files beside
    it. To copy it while it is in use, call `backup`. A process that has a store open must not open
    the file by other means: to close it there gives up the locks that SQLite holds on it.

    Attributes:
        path: of the file.
        profiles: one half of it; most of its methods are also methods of the store.
        state: the other half: results of monitors, and what alerts told.

    >>> with lm.Store("drift.db") as store:
    ...     store.put("cells", view, at=date(2022, 9, 7), writer="microscope 1")
    ...     store.read("cells", date(2022, 9, 1), date(2022, 9, 8))
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        """Open the store at `path`, or start one there.

        Raises:
            StoreError: it is on a network file system, cannot be opened, is no store or of a newer
                version, or there is none and `create` is False.
        """
        self._database = Database(path, create=create)
        self.path = self._database.path
        self.profiles = Profiles(self._database)
        self.state = State(self._database)

    define = _short(Profiles.define)
    put = _short(Profiles.put)
    add = _short(Profiles.add)
    datasets = _short(Profiles.datasets)
    segments = _short(Profiles.segments)
    buckets = _short(Profiles.buckets)
    summary = _short(Profiles.summary)
    rolled_up = _short(Profiles.rolled_up)
    read = _short(Profiles.read)
    stored = _short(Profiles.stored)
    gc = _short(Profiles.gc)

    def verify(self) -> list[Damage]:
        """Read everything; what is damaged. An empty list means that nothing is.

        It reads all bytes of profiles, what is said of them (time, segment, writer, counts), the
        structure of the file, and what monitors and alerts keep as far as it can be told.

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
        """Wait until no other process or thread is inside a turn on this file.

        For judging, keeping results and telling as one: a run that waited sees what the one before
        it has stored and told. Nothing else waits for it; a turn ends with its process.

        Raises:
            StoreError: somebody is inside for 10 minutes, or the lock beside the file cannot be
                made.
        """
        with self._database.turns.taken():
            yield

    def close(self) -> None:
        """Close the file. A closed store raises StoreError when used."""
        self._database.close()

    def __reduce__(self) -> "tuple[Callable[[Path], Store], tuple[Path]]":
        """Pickle by the path: whoever reads the pickle opens the file anew, which must be there."""
        return _opened, (self.path,)

    def __enter__(self) -> Self:
        """The store itself, closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        """Where it is."""
        return f"<Store {os.fspath(self.path)!r}>"


def _opened(path: Path) -> Store:
    return Store(path, create=False)


@contextlib.contextmanager
def store_at(store: Store | str | os.PathLike[str], *, create: bool) -> Iterator[Store]:
    """The store itself, or the one at a path, which is closed at the end."""
    if isinstance(store, Store):
        yield store
        return
    with Store(store, create=create) as opened:
        yield opened
