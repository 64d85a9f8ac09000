"""The store in an object store."""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from lightmeter.errors import StoreError
from lightmeter.store.cloud.checking import check_objects
from lightmeter.store.cloud.profiles import CloudProfiles
from lightmeter.store.cloud.session import Session
from lightmeter.store.cloud.state import CloudState
from lightmeter.store.cloud.tables import drop_tables
from lightmeter.store.damage import Damage
from lightmeter.store.store import Store

__all__ = ["CloudStore"]


class CloudStore(Store):
    """A store in an object store, such as ``s3://bucket/prefix``: any address of fsspec.

    Its objects never change, and they are all that counts: a file on this machine
    (``LIGHTMETER_CACHE``, or ~/.cache/lightmeter) is an index of them, which can be deleted at any
    time. Each call that reads lists the objects, and reads those that are new; calls in a snapshot
    or a turn go by what was there at its beginning. Credentials are those of the environment.
    """

    def __init__(
        self, address: str | os.PathLike[str], *, key: str | None = None, create: bool = True
    ) -> None:
        """Open the store at an address, or start one there.

        Raises:
            ValueError: there is a key, which an object store has no use for.
            StoreError: a package is missing, the address has credentials in it, the service or the
                folder of the index cannot be used, or there is no store and `create` is False.
        """
        if key is not None:
            raise ValueError(
                "got a key for an object store; keys are for servers, such as https://host, and "
                "an object store takes the credentials of the environment"
            )
        text = os.fspath(address).rstrip("/")
        self._session = Session(text, create=create)
        self.address = text
        self.profiles = CloudProfiles(self._session)
        self.state = CloudState(self._session)

    def verify(self) -> list[Damage]:
        """See `Store.verify`: reads every object, and names those that no store writes."""
        damage = self._session.read(lambda: check_objects(self._session))
        return damage + self.state.verify()

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the store as it is at this moment to a new file, a store of its own.

        Raises:
            StoreError: there is something at `path` already, it cannot be written, or the store
                cannot be read.
        """
        copy = Path(path).absolute()
        part = copy.with_name(f".{copy.name}-{secrets.token_hex(4)}.copy")
        if os.path.lexists(copy):
            raise StoreError(f"there is something at {copy} already; name a file that is not there")
        try:
            with self._session.snapshot():
                self._session.database.copy_to(part)
            with contextlib.closing(sqlite3.connect(part)) as sql, sql:
                drop_tables(sql)
            os.replace(part, copy)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot copy {self.address} to {copy}: {error}") from error
        finally:
            for rest in ("", "-wal", "-shm", "-journal"):
                with contextlib.suppress(OSError):
                    Path(f"{part}{rest}").unlink()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """See `Store.turn`. Whoever is killed inside keeps other machines waiting for a minute."""
        with self._session.turn():
            yield

    def close(self) -> None:
        """Close the index."""
        self._session.close()

    def __reduce__(self) -> "tuple[Callable[[str], CloudStore], tuple[str]]":
        """Pickle and copy by the address, where the store must be."""
        return _opened, (self.address,)


def _opened(address: str) -> CloudStore:
    return CloudStore(address, create=False)
