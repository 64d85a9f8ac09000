"""The store: profiles by dataset, time bucket and segment, wherever its address leads.

Its halves are `Store.profiles`, and `Store.state`: what monitors and alerts remember.
"""

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from types import TracebackType
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar, cast

from lightmeter.errors import StoreError
from lightmeter.store.damage import Damage
from lightmeter.store.profiles import Profiles
from lightmeter.store.state import State

__all__ = ["Store", "store_at"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

# What an address begins with, and where the kind of store is; they are imported when one is asked
# for, as some need packages that others do without.
_FILE = "file_store", "FileStore"
_SERVER = "remote.store", "RemoteStore"
_OBJECTS = "cloud", "CloudStore"
_SCHEME = re.compile(r"([a-z][a-z0-9+.:-]*)://", re.IGNORECASE)
_SPOILT = re.compile(r"([a-z][a-z0-9+.-]+):/+(?=[^/])", re.IGNORECASE)


def _short(
    method: Callable[Concatenate[Profiles, _P], _R],
) -> "Callable[Concatenate[Store, _P], _R]":
    """The short way to a method of `Store.profiles`, whichever kind of profiles they are."""

    @functools.wraps(method)
    def short(store: "Store", /, *arguments: _P.args, **keywords: _P.kwargs) -> _R:
        own: Callable[_P, _R] = getattr(store.profiles, method.__name__)
        return own(*arguments, **keywords)

    return short


class Store:
    """Profiles by dataset, UTC time bucket and segment.

    `Store(address)` gives a store of the kind that the address names, as `pathlib.Path` does:

    - a path, such as ``drift.db``: one file of this machine (`FileStore`);
    - ``https://host``: a server, which asks for a `key` (`RemoteStore`);
    - another URL, such as ``s3://bucket/prefix``: objects of a service (`CloudStore`).

    Threads may share a store, processes may open the same one, and it survives a fork.

    Attributes:
        address: where it is.
        profiles: one half of it; most of its methods are also methods of the store.
        state: the other half: results of monitors, and what alerts told.
        reads_late: whether what was put may be read only later, as it waits for a server.

    >>> with lm.Store("drift.db") as store:
    ...     store.put("cells", view, at=date(2022, 9, 7), writer="microscope 1")
    ...     store.read("cells", date(2022, 9, 1), date(2022, 9, 8))
    """

    address: str
    profiles: Profiles
    state: State
    reads_late: ClassVar[bool] = False

    def __new__(
        cls,
        address: str | os.PathLike[str],
        *,
        key: str | None = None,
        create: bool = True,
        exemplars: bool | None = None,
    ) -> Self:
        """A store of the kind of the address; see `__init__` of that kind for what can be wrong.

        Args:
            address: path or URL.
            key: what a server knows the caller by.
            create: whether to start a store where there is none.
            exemplars: whether a server is sent pictures and paths, too; by default not.

        Raises:
            StoreError: this kind of store cannot be had.
        """
        kind = _kind_of(address) if cls is Store else cls
        return cast(Self, object.__new__(kind))

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

        It reads all bytes of profiles, what is said of them (time, segment, writer, counts), and
        what monitors and alerts keep as far as it can be told.

        Raises:
            StoreError: the store is closed or out of reach.
        """
        raise NotImplementedError

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy a store that is a file; others raise StoreError."""
        raise StoreError(
            f"{self.address} is no file to copy to {os.fspath(path)!r}; see `lightmeter store copy`"
        )

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Wait until no other process or thread is inside a turn on this store.

        For judging, keeping results and telling as one: a run that waited sees what the one before
        it has stored and told. Nothing else waits for it; a turn ends with its process.

        Raises:
            StoreError: somebody is inside for 10 minutes, or nobody can have a turn.
        """
        raise NotImplementedError

    def hurry(self, seconds: float) -> None:
        """Let no call, not one under way either, wait longer than so many seconds for a server.

        The last call of this counts.
        """

    def close(self) -> None:
        """Close it. A closed store raises StoreError when used."""
        raise NotImplementedError

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the address: the copy is the same store, opened anew."""
        raise NotImplementedError

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
        return f"<{type(self).__name__} {self.address!r}>"


def _kind_of(address: str | os.PathLike[str]) -> type[Store]:
    """The class for an address.

    Raises:
        StoreError: there is none.
    """
    text = os.fspath(address)
    scheme = _SCHEME.match(text) if isinstance(address, str) else None
    if scheme is None:
        if not isinstance(address, str) and (spoilt := _SPOILT.match(os.fsdecode(text))):
            raise StoreError(
                f"got the path {text!r}; an address such as {spoilt[1]}://... must be a text, as a "
                "path loses a slash of it"
            )
        place, name = _FILE
    elif scheme[1].lower() in ("http", "https"):
        place, name = _SERVER
    else:
        place, name = _OBJECTS
    try:
        kind: type[Store] = getattr(import_module(f"lightmeter.store.{place}"), name)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("lightmeter.store"):
            raise
        raise StoreError(f"got the address {text!r}; stores of this kind are not yet") from None
    return kind


@contextlib.contextmanager
def store_at(store: Store | str | os.PathLike[str], *, create: bool) -> Iterator[Store]:
    """The store itself, or the one at an address, which is closed at the end."""
    if isinstance(store, Store):
        yield store
        return
    with Store(store, create=create) as opened:
        yield opened
