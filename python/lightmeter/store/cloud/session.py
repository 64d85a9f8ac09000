"""An open store of objects: who reads is shown what is in the objects, by way of the index."""

import contextlib
import functools
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.store.buckets import bucket_start
from lightmeter.store.cloud.cache import Cache
from lightmeter.store.cloud.chain import Chain
from lightmeter.store.cloud.contents import dataset_of, pack_dataset
from lightmeter.store.cloud.index import Index, Moved
from lightmeter.store.cloud.layout import dataset_name
from lightmeter.store.cloud.lease import Lease, spent_turn
from lightmeter.store.cloud.objects import Objects
from lightmeter.store.cloud.sealed import seal_object, unseal
from lightmeter.store.cloud.tables import count_of
from lightmeter.store.database import Database
from lightmeter.times import MILLISECOND, duration_text

__all__ = ["HasSession", "Session", "fresh"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_TRIES = 50


class _Mine(threading.local):
    """Of a thread: in how many calls, snapshots and turns it is, and what it wrote in them."""

    depth = 0
    stale = False
    snapshot = False


class Session:
    """The objects of a store, its index, and the state's chain."""

    def __init__(self, address: str, *, create: bool) -> None:
        """Open the store at an address, or start one there."""
        self.objects = Objects(address)
        self.id = self._identify(create)
        self.cache = Cache(self.objects.address, self.id)
        self.chain = Chain(lambda: self.database, self.objects)
        self.lease = Lease(self.objects, lambda: self.cache.machine)
        self.chain.check = self._check_turn
        self._mine = _Mine()
        self._lengths: dict[str, int] = {}
        self._closed = False

    @property
    def database(self) -> Database:
        """The index."""
        if self._closed:
            raise StoreError(f"the store {self.objects.address} is closed")
        return self.cache.database

    def close(self) -> None:
        """Close it."""
        if not self._closed:
            self._closed = True
            self.cache.database.close()

    def _identify(self, create: bool) -> str:
        data = self.objects.read("v1/store")
        if data is None:
            if not create:
                raise StoreError(
                    f"there is no store at {self.objects.address}; check it, or log into it first"
                )
            data = self._start()
        try:
            header, _ = unseal(data)
            if header.get("kind") != "store":
                raise DecodeError("it is of another kind")
        except DecodeError as error:
            raise StoreError(
                f"{self.objects.address}: the object v1/store is damaged: {error}"
            ) from None
        if header.get("format") != 1:
            raise StoreError(
                f"{self.objects.address} was made by a newer version of lightmeter (format "
                f"{header.get('format')}, this one knows 1); update lightmeter"
            )
        self.objects.exclusive = header.get("exclusive") is True
        return str(header.get("store"))

    def _start(self) -> bytes:
        exclusive = self.objects.can_refuse(spent_turn())
        header = {"kind": "store", "format": 1, "store": secrets.token_hex(16)}
        data = seal_object({**header, "exclusive": exclusive})
        if exclusive:
            self.objects.exclusive = True
            self.objects.put("v1/store", data)
        else:
            self.objects.replace("v1/store", data)
        return self.objects.read("v1/store") or data  # another may have been first

    # Datasets

    def length_of(self, dataset: str, span: timedelta | None, *, enter: bool = True) -> timedelta:
        """Length of a dataset's buckets; a new one is entered, or with `enter` false only told.

        Raises:
            ValueError: no bucket can have the length.
            StoreError: the dataset has buckets of another length.
        """
        length_ms = self._lengths.get(dataset)
        if length_ms is None:
            length_ms = self._enter(dataset, span or timedelta(days=1), enter)
            if enter:
                self._lengths[dataset] = length_ms
        length = length_ms * MILLISECOND
        if span not in (None, length):
            raise ConflictError(
                f"dataset {dataset!r} has buckets of {duration_text(length)}, not of "
                f"{duration_text(span or length)}; leave `every` out, or use another dataset"
            )
        return length

    def _enter(self, dataset: str, span: timedelta, enter: bool) -> int:
        name = dataset_name(dataset)
        data = self.objects.read(name)
        if data is None and not enter:
            return span // MILLISECOND
        if data is None:
            bucket_start(datetime.now(UTC), span)  # refuses a length that no bucket can have
            new = pack_dataset(dataset, span // MILLISECOND)
            if not self.objects.exclusive:
                self.objects.replace(name, new)
            elif self.objects.put(name, new) is not None:
                return span // MILLISECOND
            data = self.objects.read(name) or new
        try:
            return dataset_of(name, data)[1]
        except DecodeError as error:
            raise StoreError(
                f"{self.objects.address}: the object {name} is damaged: {error}; delete it, and "
                "the next profile enters the dataset anew"
            ) from None

    # Reading

    def refresh(self, *, state_only: bool = False) -> None:
        """Bring the index up to what is in the objects now."""
        for _ in range(_TRIES):
            database = self.database
            index = None if state_only else Index(database, self.objects).begin()
            position = count_of(database, "state")
            listed = self.objects.list("v1/state" if state_only else "v1")
            with contextlib.suppress(Moved):
                if index is not None:
                    profiles = {
                        name: each
                        for name, each in listed.items()
                        if name.startswith(("v1/dataset/", "v1/profile/"))
                    }
                    index(profiles)
                self.chain.refresh(
                    position,
                    {name: each for name, each in listed.items() if name.startswith("v1/state/")},
                )
                return
        raise StoreError(f"{self.objects.address}: objects come and go faster than they are read")

    def wrote(self) -> None:
        """What this thread wrote it reads next, also in a turn."""
        self._mine.stale = True

    def read(self, method: Callable[[], _R], *, state_only: bool = False) -> _R:
        """Call something that reads, once the index is fresh; again if the index was damaged."""
        mine = self._mine
        if mine.depth and (mine.snapshot or not mine.stale):
            return method()
        for last in (False, False, True):
            database = self.database
            try:
                self.refresh(state_only=state_only)
                mine.stale = mine.stale and state_only
                mine.depth += 1
                try:
                    return method()
                finally:
                    mine.depth -= 1
            except StoreError as error:
                if last or mine.depth or not self.cache.is_bad(database, error):
                    raise
                self.cache.replace(database)
        raise AssertionError("the last try returns or raises")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """What this thread reads inside is of one moment."""
        if self._mine.snapshot:
            yield
            return
        self.read(lambda: None)
        self._mine.depth += 1
        try:
            with self.database.snapshot():
                self._mine.snapshot = True
                try:
                    yield
                finally:
                    self._mine.snapshot = False
        finally:
            self._mine.depth -= 1

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else is inside; the index is fresh at its beginning."""
        with self.cache.turns.taken(), self.lease.taken():
            self.read(lambda: None)
            self._mine.depth += 1
            try:
                yield
            finally:
                self._mine.depth -= 1

    def _check_turn(self) -> None:
        if self.lease.is_held:
            self.lease.check()


class HasSession(Protocol):
    """A half of a store of objects."""

    _session: Session


def fresh(
    method: Callable[Concatenate[Any, _P], _R], *, state_only: bool = False
) -> Callable[Concatenate[Any, _P], _R]:
    """A method that reads what is in the objects now."""

    @functools.wraps(method)
    def read(half: HasSession, /, *arguments: _P.args, **keywords: _P.kwargs) -> _R:
        call = functools.partial(method, half, *arguments, **keywords)
        return half._session.read(call, state_only=state_only)

    return read
