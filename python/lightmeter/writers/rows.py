"""What one process puts into the buckets of a dataset, whether a store or an inbox takes it."""

import math
import os
import platform
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from lightmeter.errors import ConflictError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.store.store import Store

__all__ = ["Inbox", "Rows"]

_MOST = 64  # rows that can still grow; their profiles are in memory


class Inbox(Protocol):
    """Takes profiles as objects in a bucket of a service, from where a store pulls them."""

    address: str

    def put(self, view: ProfileView, **place: Any) -> object:
        """Put an object; raises StoreError where that fails."""


@dataclass(slots=True)
class _Row:
    """A row: `seq` is that of the last try, and `view` is what was stored by `stored`."""

    writer: str
    seq: int = 0
    stored: int = 0
    view: ProfileView | None = None


class Rows:
    """The rows of a process; a forked child has others. One thread uses them at a time.

    A bucket is the merge of its rows. So a row that can no longer grow, as it was rolled up or too
    many others have grown since, stays as it is, and the bucket gets another one.

    Attributes:
        dataset: name of what is watched.
        address: of the store or the inbox.
        checkpoint: seconds after which what is new is worth a put.
        quiet: the same, if nothing comes meanwhile.
    """

    def __init__(self, target: Store | Inbox, dataset: str, segment: str) -> None:
        """Begin without rows."""
        self.dataset, self._target, self._segment = dataset, target, segment
        self.address = target.address
        self._store = target if isinstance(target, Store) else None
        # Every put into an inbox is an object until it is pulled.
        self.checkpoint, self.quiet = (30.0, 1.0) if self._store else (600.0, math.inf)
        self._process = 0

    def define(self, every: timedelta | None, default: timedelta) -> timedelta:
        """Return the length of the buckets: as given, that of the dataset, or else the default.

        Raises:
            StoreError: the dataset has buckets of another length, or a server is away.
        """
        if self._store:
            every = every or self._store.datasets().get(self.dataset, default)
            self._store.define(self.dataset, every)
        return every or default

    def put(self, start: datetime, view: ProfileView, every: timedelta | None) -> None:
        """Add a profile to a bucket; once this returns it is stored.

        A try that fails may have arrived all the same, so its number is not used again: by that the
        store would hold less than what is put by the next try, and would not take it.

        Raises:
            StoreError: it cannot be stored now.
        """
        if os.getpid() != self._process:
            self._process, self._count = os.getpid(), 0
            self._name = f"{platform.node()}-{self._process}-{secrets.token_hex(8)}"
            self._rows: dict[datetime, _Row] = {}  # by the start of the bucket; the last grew last
        row = self._rows.pop(start, None)
        if row is None:
            self._count += 1
            row = _Row(f"{self._name}/{self._count}")
        self._rows[start] = row
        row.seq += 1
        whole = view if row.view is None else row.view.merge(view)
        put: Callable[..., object] = partial(self._target.put, dataset=self.dataset)
        if self._store:
            put = partial(self._store.put, self.dataset)
        place = {"at": start, "every": every, "segment": self._segment}
        try:
            kept = put(whole, writer=row.writer, seq=row.seq, **place)
        except ConflictError:
            del self._rows[start]
            if row.view is None:
                raise
            self.put(start, view, every)
            return
        if kept is False:
            refused = f"keeps nothing of {row.writer!r} by the number {row.seq}"
            raise StoreError(f"{self.address} {refused}")
        row.view, row.stored = whole, row.seq
        # Of others the last try may have arrived: another row would count that twice.
        sure = [at for at, row in self._rows.items() if row.stored == row.seq]
        for at in sure[:-_MOST]:
            del self._rows[at]

    def hurry(self, seconds: float) -> None:
        """Let no call wait longer than so many seconds for a server."""
        if self._store:
            self._store.hurry(seconds)

    def close(self) -> None:
        """Close the store."""
        if self._store:
            self._store.close()
