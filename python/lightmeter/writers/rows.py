"""The rows of one process in the buckets of a dataset, in a store or an inbox."""

import math
import os
import platform
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from lightmeter.errors import ConflictError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store

_MOST = 64  # rows that can still grow, whose profiles are in memory


def target_of(
    store: Store | str | os.PathLike[str] | None, inbox: Inbox | str | None, key: str | None = None
) -> Store | Inbox:
    """Return the given store or inbox, or open the one at the given address.

    Raises
    ------
    ValueError
        Neither or both of `store` and `inbox` are given.
    """
    if (store is None) == (inbox is None):
        raise ValueError(f"got store={store!r} and inbox={inbox!r}; expected exactly one of them")
    if inbox is not None:
        return Inbox(inbox) if isinstance(inbox, str) else inbox
    return store if isinstance(store, Store) else Store(store or "", key=key)


@dataclass(slots=True)
class _Row:
    """A row: `view` is stored, and the last put, numbered `seq`, tried to add `tried` to it."""

    writer: str
    seq: int = 0
    view: ProfileView | None = None
    tried: ProfileView | None = None


class Rows:
    """The rows of a process. Only one thread at a time may use them; a forked child has its own.

    A bucket is the merge of its rows. If a row can no longer grow, because it was rolled up or too
    many others have grown since, the bucket gets a further row.

    Attributes
    ----------
    dataset
        The name of the dataset.
    address
        The address of the store or inbox.
    checkpoint
        Seconds between two puts.
    quiet
        Seconds without an image after which to put.
    """

    def __init__(self, target: Store | Inbox, dataset: str, segment: str) -> None:
        """Begin without rows."""
        self.dataset, self._target, self._segment = dataset, target, segment
        self.address = target.address
        # Puts into an inbox are rarer, because each one writes an object that stays until a pull.
        in_store = isinstance(target, Store)
        self.checkpoint, self.quiet = (30.0, 1.0) if in_store else (600.0, math.inf)
        self._process = 0

    def define(self, every: timedelta | None, default: timedelta) -> timedelta:
        """Return the length of the buckets: as given, that of the dataset, or else the default.

        Raises
        ------
        StoreError
            The dataset has buckets of another length, or a server is unavailable.
        """
        if isinstance(self._target, Inbox):  # does not know the dataset; objects name the length
            return every or default
        every = every or self._target.datasets().get(self.dataset, default)
        self._target.define(self.dataset, every)
        return every

    def put(self, start: datetime, view: ProfileView, every: timedelta | None) -> None:
        """Add a profile to a bucket. When this returns, the profile is stored.

        After an error, call this again with the same profile. A put that failed may have arrived,
        and may have been rolled up since, so the same profile is put with the same number, by which
        the store recognizes it. A different profile replaces the one that failed.

        Raises
        ------
        StoreError
            The profile cannot be stored now.
        """
        if os.getpid() != self._process:
            self._process, self._numbers = os.getpid(), count(1)
            self._name = f"{platform.node()}-{self._process}-{secrets.token_hex(8)}"
            self._rows: dict[datetime, _Row] = {}  # by the start of the bucket; the last grew last
        row = self._rows.pop(start, None) or _Row(f"{self._name}/{next(self._numbers)}")
        self._rows[start] = row
        is_again = row.tried is not None and row.tried == view
        if not is_again:
            row.seq, row.tried = row.seq + 1, view
        whole = view if row.view is None else row.view.merge(view)
        place: Any = {"at": start, "every": every, "segment": self._segment, "writer": row.writer}
        try:
            kept = self._target.put(self.dataset, whole, seq=row.seq, **place)
        except ConflictError:
            del self._rows[start]
            if row.view is None:
                raise
            self.put(start, view, every)
            return
        if not kept and not is_again:
            raise StoreError(
                f"{self.address} refuses seq {row.seq} of {row.writer!r}: not above the stored one"
            )
        row.view, row.tried = whole, None
        # Keep rows whose last put may have arrived: a further row would count that twice.
        sure = [at for at, row in self._rows.items() if row.tried is None]
        for at in sure[:-_MOST]:
            del self._rows[at]

    def hurry(self, seconds: float) -> None:
        """Limit how long calls wait for a server, as `Store.hurry`."""
        if isinstance(self._target, Store):  # obstore has a limit of its own
            self._target.hurry(seconds)

    def close(self) -> None:
        """Close the store."""
        if isinstance(self._target, Store):
            self._target.close()
