"""What one process puts into the buckets of a dataset, whether a store or an inbox takes it."""

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

_MOST = 64  # rows that can still grow; their profiles are in memory


def target_of(
    store: Store | str | os.PathLike[str] | None, inbox: Inbox | str | None, key: str | None = None
) -> Store | Inbox:
    """Return the store or the inbox itself, or the one at an address.

    Raises
    ------
    ValueError
        There is none of them, or both.
    """
    if (store is None) == (inbox is None):
        raise ValueError(f"got store={store!r} and inbox={inbox!r}; expected one of them")
    if inbox is not None:
        return Inbox(inbox) if isinstance(inbox, str) else inbox
    return store if isinstance(store, Store) else Store(store or "", key=key)


@dataclass(slots=True)
class _Row:
    """A row: `seq` is that of the last try, `tried` what it adds to `view`, which is stored."""

    writer: str
    seq: int = 0
    view: ProfileView | None = None
    tried: ProfileView | None = None


class Rows:
    """The rows of a process; a forked child has others. One thread uses them at a time.

    A bucket is the merge of its rows. So a row that can no longer grow, as it was rolled up or too
    many others have grown since, stays as it is, and the bucket gets another one.

    Attributes
    ----------
    dataset
        Name of what is watched.
    address
        Of the store or the inbox.
    checkpoint
        Seconds after which what is new is worth a put.
    quiet
        The same, if nothing comes meanwhile.
    """

    def __init__(self, target: Store | Inbox, dataset: str, segment: str) -> None:
        """Begin without rows."""
        self.dataset, self._target, self._segment = dataset, target, segment
        self.address = target.address
        # Every put into an inbox is an object until it is pulled.
        in_store = isinstance(target, Store)
        self.checkpoint, self.quiet = (30.0, 1.0) if in_store else (600.0, math.inf)
        self._process = 0

    def define(self, every: timedelta | None, default: timedelta) -> timedelta:
        """Return the length of the buckets: as given, that of the dataset, or else the default.

        Raises
        ------
        StoreError
            The dataset has buckets of another length, or a server is away.
        """
        if isinstance(self._target, Inbox):  # which knows nothing: each object names the length
            return every or default
        every = every or self._target.datasets().get(self.dataset, default)
        self._target.define(self.dataset, every)
        return every

    def put(self, start: datetime, view: ProfileView, every: timedelta | None) -> None:
        """Add a profile to a bucket; once this returns it is stored.

        After an error call it again with the same profile. A try that seems to fail may have
        arrived, and may have been rolled up since: so the same is put by the same number, which
        what has arrived is known by. Another profile takes the place of the one that failed.

        Raises
        ------
        StoreError
            It cannot be stored now.
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
            raise StoreError(f"{self.address} keeps nothing of {row.writer!r} by {row.seq}")
        row.view, row.tried = whole, None
        # Of others the last try may have arrived: another row would count that twice.
        sure = [at for at, row in self._rows.items() if row.tried is None]
        for at in sure[:-_MOST]:
            del self._rows[at]

    def hurry(self, seconds: float) -> None:
        """Let no call wait longer than so many seconds for a server."""
        if isinstance(self._target, Store):  # obstore has a limit of its own
            self._target.hurry(seconds)

    def close(self) -> None:
        """Close the store."""
        if isinstance(self._target, Store):
            self._target.close()
