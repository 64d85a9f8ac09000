"""The store behind a server."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from sqlalchemy import Connection, Executable

from lightmeter.errors import StoreError
from lightmeter.store.engine import Database
from lightmeter.store.remote.address import checked_key, parse_address
from lightmeter.store.remote.client import Client
from lightmeter.store.remote.profiles import RemoteProfiles
from lightmeter.store.remote.sending import Sender, Sent
from lightmeter.store.remote.spool import Spool, spool_folder
from lightmeter.store.state import State
from lightmeter.store.store import Store

__all__ = ["RemoteStore"]

_BRIEF = 5.0  # seconds for a profile that waited, when a store is opened or closed


class RemoteStore(RemoteProfiles, Store):
    """A store behind a server, by the server's HTTP API.

    What is put while the server is away waits on the disk of this machine, see `spool`. What
    monitors and alerts remember is the server's, which runs them: `state` and `turn` raise
    StoreError.

    Attributes:
        spool: what waits, in a folder of this machine: below that of ``LIGHTMETER_SPOOL``, or else
            ``~/.local/state/lightmeter/spool``.
    """

    reads_late = True

    def __init__(
        self,
        address: str | os.PathLike[str],
        *,
        key: str | None = None,
        create: bool = True,
        exemplars: bool | None = None,
    ) -> None:
        """A store behind the server at an address. The server is asked when there is something to.

        Args:
            address: such as ``https://host`` or ``https://host/prefix``. Without TLS it must be of
                this machine, unless ``LIGHTMETER_INSECURE_HTTP`` is 1.
            key: what the server knows the caller by; None takes that of ``LIGHTMETER_KEY``.
            create: of no meaning here.
            exemplars: whether pictures, the list of files that could not be measured, and paths are
                sent with profiles; None takes ``LIGHTMETER_SEND_EXEMPLARS``, which is 1 or not.

        Raises:
            StoreError: the address is none of a server, or not safe.
            TypeError, ValueError: the key is none.
        """
        where = parse_address(os.fspath(address))
        self.address = str(where)
        self._key = checked_key(key)
        if exemplars is None:
            exemplars = os.environ.get("LIGHTMETER_SEND_EXEMPLARS") == "1"
        self._pictures = exemplars
        self._client = Client(where, self._key)
        self.spool = Spool(spool_folder(self.address, where.place))
        self._sender = Sender(self._client, self.spool)
        self.state = State(_Elsewhere(self.address))
        self._before: Sent | None = None
        self._send_quietly()

    def send(
        self, *, seconds: float = float("inf"), progress: "Callable[[int, int], None] | None" = None
    ) -> Sent:
        """Send what waits; what became of it since the store was opened.

        Args:
            seconds: after which no more is begun.
            progress: called as ``progress(done, total)`` after each.

        Raises:
            StoreError: the server does not take the key.
        """
        self._sender.wake()
        try:
            done = self._sender.send_waiting(patience=5.0, seconds=seconds, progress=progress)
        except OSError as error:
            text = f"what waits in {self.spool.folder} cannot be sent: {error}"
            raise StoreError(text) from error
        before, self._before = self._before, None
        if before is not None:
            sent, refused = done.sent + before.sent, done.refused + before.refused
            return done._replace(sent=sent, refused=refused)
        return done

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Raises StoreError: a server's store is no file of this machine."""
        raise StoreError(f"{self.address} is no file to copy to {os.fspath(path)!r}")

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Raises StoreError: monitors of a server run in it."""
        _refuse(self.address)

    def hurry(self, seconds: float) -> None:
        """See `Store.hurry`: what the server has not taken then waits on the disk."""
        self._client.hurry(time.monotonic() + seconds)

    def close(self) -> None:
        """Send what waits, for two seconds at most, and end the connections."""
        if not self._client.closed:
            self._send_quietly()
            self._client.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the address and the key: whoever reads a pickle can use the key."""
        return _opened, (self.address, self._key, self._pictures)

    def _send_quietly(self) -> None:
        with contextlib.suppress(StoreError, OSError):
            self._before = self._sender.send_waiting(whole=_BRIEF)


def _opened(address: str, key: str | None, exemplars: bool) -> RemoteStore:
    return RemoteStore(address, key=key, exemplars=exemplars)


def _refuse(address: str) -> NoReturn:
    raise StoreError(
        f"the monitors of {address} run in the server, which keeps what they find and what was "
        "told; look at its pages, or run monitors where the store is"
    )


class _Elsewhere(Database):
    """What stands for the database of a state that is not here."""

    def __init__(self, address: str) -> None:
        self._address = address

    def rows(self, statement: Executable) -> NoReturn:
        _refuse(self._address)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Any]:
        _refuse(self._address)
        yield

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        _refuse(self._address)
        yield
