"""The store: profiles by dataset, time bucket and segment, wherever its address leads."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from lightmeter.errors import StoreError
from lightmeter.store import keeping
from lightmeter.store.engine import Database
from lightmeter.store.profiles import Profiles
from lightmeter.store.rows import Damage
from lightmeter.store.state import State

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class Store(Profiles):
    """Profiles by dataset, UTC time bucket and segment.

    `Store(address)` gives a store of the kind that the address names:

    - a path, such as ``drift.db``: one SQLite file of this machine;
    - ``postgresql://user@host/database``: the tables of a database; the password is best given as
      libpq takes it, in ``PGPASSWORD`` or ``~/.pgpass``;
    - ``https://host``: a server, which asks for a `key` (`RemoteStore`).

    Threads may share a store, processes may open the same one, and it survives a fork. A file is
    whole only when nobody has it open: until then the latest profiles may lie in files beside it.
    To copy it while it is in use, call `backup`. A process that has a store open must not open the
    file by other means: to close it there gives up the locks that SQLite holds on it.

    Attributes:
        address: where it is, without a password.
        path: of its file; None for others.
        state: results of monitors, and what alerts told.
        environment: what another process needs in its environment to open `address`.
        reads_late: whether what was put may be read only later, as it waits for a server.

    >>> with lm.Store("drift.db") as store:
    ...     store.put("cells", view, at=date(2022, 9, 7), writer="microscope 1")
    ...     store.read("cells", date(2022, 9, 1), date(2022, 9, 8))
    """

    address: str
    state: State
    path: Path | None = None
    environment: Mapping[str, str] = {}

    def __new__(
        cls,
        address: str | os.PathLike[str],
        *,
        key: str | None = None,
        create: bool = True,
    ) -> Self:
        """Make a store of the kind of the address."""
        if cls is Store and _scheme_of(address) in ("http", "https"):
            try:
                remote = import_module("lightmeter.store.remote")  # which builds on this module
            except ModuleNotFoundError as error:
                text = (
                    f"for a server, lightmeter needs {error.name}: pip install 'lightmeter[remote]'"
                )
                raise ImportError(text) from error
            return cast(Self, object.__new__(remote.RemoteStore))
        return object.__new__(cls)

    def __init__(
        self,
        address: str | os.PathLike[str],
        *,
        key: str | None = None,
        create: bool = True,
    ) -> None:
        """Open the store at an address, or start one there.

        Args:
            address: path or URL.
            key: what a server knows the caller by.
            create: whether to start a store where there is none.

        Raises:
            ValueError: there is a key, and no server.
            StoreError: it is on a network file system, cannot be opened, is no store or of a newer
                version, or there is none and `create` is False.
        """
        if key is not None:
            raise ValueError(
                f"got a key for {os.fspath(address)!r}, which is a file or database; keys are for "
                "servers, such as https://host"
            )
        if _scheme_of(address) not in ("", "postgresql"):
            raise StoreError(
                f"got the address {os.fspath(address)!r}; expected a path, postgresql://... or "
                "https://..."
            )
        self._address = address
        self._database = Database(address, create=create)
        self.address, self.path = self._database.address, self._database.path
        self.environment = self._database.environment
        self.state = State(self._database)

    def verify(self) -> list[Damage]:
        """Read everything; what is damaged. An empty list means that nothing is.

        It reads all bytes of profiles, what is said of them (time, segment, writer, counts), and
        what monitors and alerts keep as far as it can be told. Of a file it looks at the structure.

        Raises:
            StoreError: the store is closed or out of reach.
        """
        database = self._database
        with database.snapshot():
            return keeping.found_damage(database, self.state.verify)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy a store that is a file, as it is at this moment, to a new file, while others use it.

        The copy appears whole or not at all.

        Raises:
            StoreError: this store is no file, there is something at `path` already, it cannot be
                written, or the store cannot be read.
        """
        self._database.copy_to(Path(path).absolute())

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Wait until no other process or thread is inside a turn on this store.

        For judging, keeping results and telling as one: a run that waited sees what the one before
        it has stored and told. Nothing else waits for it; a turn ends with its process.

        Raises:
            StoreError: somebody is inside for 10 minutes, or nobody can have a turn.
        """
        return self._database.turn()

    def hurry(self, seconds: float) -> None:
        """Let no call, not one under way either, wait longer than so many seconds for a server.

        The last call of this counts.
        """

    def close(self) -> None:
        """Close it. A closed store raises StoreError when used."""
        self._database.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the address: the copy is the same store, opened anew."""
        return _opened, (self.path or self._address, self._tags)

    def __enter__(self) -> Self:
        """Return the store itself, which is closed at the end of the block."""
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
        """Return where it is."""
        return f"<{type(self).__name__} {self.address!r}>"


def _opened(address: str | os.PathLike[str], tags: Mapping[str, str]) -> Store:
    return Store(address, create=False).tagged(tags)


def _scheme_of(address: str | os.PathLike[str]) -> str:
    """Return what a URL begins with, in small letters; empty for a path."""
    scheme = _SCHEME.match(address) if isinstance(address, str) else None
    return scheme[1].lower() if scheme else ""


@contextlib.contextmanager
def store_at(store: Store | str | os.PathLike[str], *, create: bool) -> Iterator[Store]:
    """Give the store itself, or the one at an address, which is closed at the end."""
    if isinstance(store, Store):
        yield store
        return
    with Store(store, create=create) as opened:
        yield opened
