"""The rows of one process in the buckets of a dataset, in a store or an inbox.

`LightmeterWriter` does so for the store that the environment names, as whylogs' writers do.
"""

import logging
import os
import platform
import secrets
import threading
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from typing import Any

from lightmeter.errors import ConflictError, StoreError
from lightmeter.files import AnyPath
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.times import DAY, bucket_start, to_duration

_log = logging.getLogger("lightmeter.writers")
_MOST = 64  # rows that can still grow, whose profiles are in memory


def target_of(store: Store | AnyPath | None, inbox: Inbox | str | None) -> Store | Inbox:
    """Return the given inbox, a copy of the given store, or that at the given address.

    The caller closes the store.

    Raises
    ------
    ValueError
        Neither or both of `store` and `inbox` are given.
    """
    if (store is None) == (inbox is None):
        raise ValueError(f"got store={store!r} and inbox={inbox!r}; expected exactly one of them")
    if inbox is not None:
        return Inbox(inbox) if isinstance(inbox, str) else inbox
    return copy(store) if isinstance(store, Store) else Store(store or "")


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
        self.checkpoint, self.quiet = (30.0, 1.0) if isinstance(target, Store) else (600.0, inf)
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
        every = every or self._target.length(self.dataset) or default
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
            text = f"{self.address} refuses seq {row.seq} of {row.writer!r}"
            raise StoreError(f"{text}: not above the stored one")
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


class LightmeterWriter:
    """A writer that adds profiles to a store.

    Each `write` adds to the earlier ones of this object, so images may be written one by one.
    Threads may share it, and after a fork the child is a new writer.

    Parameters that are not given come from the environment:

    - `inbox`: ``LIGHTMETER_INBOX``, an address, unless `store` is given;
    - `store`: ``LIGHTMETER_STORE``, an address or a path, with ``LIGHTMETER_KEY`` for a server;
    - `dataset`: ``LIGHTMETER_DATASET``;
    - `segment`: ``LIGHTMETER_SEGMENT``, such as ``camera=left``; the default is the whole dataset.

    Examples
    --------
    >>> writer = LightmeterWriter("drift.db", dataset="cells")
    >>> writer.write(view)
    """

    def __init__(
        self,
        store: Store | AnyPath | None = None,
        *,
        inbox: Inbox | str | None = None,
        dataset: str | None = None,
        segment: Segment | None = None,
        every: str | timedelta | None = None,
    ) -> None:
        """Open the store, and create the dataset if the store can be reached and has none.

        Parameters
        ----------
        store
            A store, to which the writer has a connection of its own, or its address.
        inbox
            An inbox, or its address, in place of a store.
        dataset
            The name of the dataset.
        segment
            The segment of all profiles.
        every
            The length of the buckets of a new dataset. None takes that of the dataset, or a day for
            a new dataset and for an inbox.

        Raises
        ------
        ValueError
            Neither the arguments nor the environment give a store or dataset, or an argument is
            invalid.
        StoreError
            The store cannot be opened.
        """
        dataset = dataset or os.environ.get("LIGHTMETER_DATASET", "")
        segment = os.environ.get("LIGHTMETER_SEGMENT") if segment is None else segment
        self._segment = segment_text(segment)
        if store is None:
            inbox = inbox or os.environ.get("LIGHTMETER_INBOX") or None
        if inbox is None:
            store = store or os.environ.get("LIGHTMETER_STORE")
        for name, given in {"dataset": dataset, "store": store or inbox}.items():
            if not given:
                raise ValueError(f"there is no {name}; give it, or set LIGHTMETER_{name.upper()}")
        self._rows = Rows(target_of(store, inbox), dataset, self._segment)
        self._lock, self._process = threading.Lock(), os.getpid()
        self._length = None if every is None else to_duration(every)
        with suppress(StoreError):  # without a length, each time has its own bucket
            self._length = self._rows.define(self._length, DAY)

    def write(self, profile: ProfileLike) -> tuple[bool, str]:
        """Add a profile to the bucket of its dataset timestamp, or of the clock if it has none.

        Parameters
        ----------
        profile
            A `ProfileView`, a `Profile`, a `ResultSet`, or the path of a profile file.

        Returns
        -------
        tuple[bool, str]
            Whether the profile is on disk (that of the store, or that of this machine while a
            server is unavailable), and a message.

        Raises
        ------
        TypeError
            `profile` is not a profile.
        ValueError
            No bucket can contain its timestamp.

        Examples
        --------
        >>> lm.LightmeterWriter("drift.db", dataset="cells").write(view)
        """
        view = view_of(profile)
        start = view.dataset_timestamp or datetime.now(UTC)
        if self._length is not None:
            start = bucket_start(start, self._length)
        if os.getpid() != self._process:  # another thread may have held the lock at the fork
            self._lock, self._process = threading.Lock(), os.getpid()
        try:
            with self._lock:
                self._rows.put(start, view, self._length)
        except StoreError as error:
            _log.warning("a profile of %s is not stored: %s", self._rows.dataset, error)
            return False, str(error)
        place = " ".join(filter(None, (self._rows.dataset, self._segment)))
        return True, f"{place} {start:%Y-%m-%d %H:%M} saved to {self._rows.address}"

    def close(self) -> None:
        """Close the connection to the store; a store that was given stays open.

        Examples
        --------
        >>> writer = lm.LightmeterWriter("drift.db", dataset="cells")
        >>> writer.close()
        """
        self._rows.close()
