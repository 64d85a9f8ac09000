"""A writer of profiles that may take its store from the environment, like those of whylogs."""

import logging
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from lightmeter.errors import StoreError
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.times import DAY, bucket_start, to_duration
from lightmeter.writers.rows import Rows, target_of

_log = logging.getLogger("lightmeter.writers")


class LightmeterWriter:
    """A writer that adds profiles to a store.

    Each `write` adds to the earlier ones of this object, so images may be written one by one.
    Threads may share it, and after a fork the child is a new writer.

    Parameters that are not given come from the environment:

    - `inbox`: ``LIGHTMETER_INBOX``, an address, unless `store` is given;
    - `store`: ``LIGHTMETER_STORE``, an address or a path;
    - `key`: ``LIGHTMETER_KEY``;
    - `dataset`: ``LIGHTMETER_DATASET``;
    - `segment`: ``LIGHTMETER_SEGMENT``, such as ``camera=left``; the default is the whole dataset.

    Examples
    --------
    >>> writer = LightmeterWriter("drift.db", dataset="cells")
    >>> writer.write(view)
    """

    def __init__(
        self,
        store: Store | str | os.PathLike[str] | None = None,
        *,
        inbox: Inbox | str | None = None,
        key: str | None = None,
        dataset: str | None = None,
        segment: Segment | None = None,
        every: str | timedelta | None = None,
    ) -> None:
        """Open the store, if an address is given.

        Parameters
        ----------
        store
            A store or its address.
        inbox
            An inbox, or its address, in place of a store.
        key
            The key with which a server identifies the caller.
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
        dataset = _given(dataset, "dataset", "LIGHTMETER_DATASET")
        segment = os.environ.get("LIGHTMETER_SEGMENT") if segment is None else segment
        self._segment = segment_text(segment)
        self._length = None if every is None else to_duration(every)
        self._asked = False
        self._owned = not isinstance(store, Store)
        if store is None:
            inbox = inbox or os.environ.get("LIGHTMETER_INBOX") or None
        if inbox is None:
            store = store or _given(None, "store", "LIGHTMETER_STORE")
        self._rows = Rows(target_of(store, inbox, key), dataset, self._segment)
        self._lock, self._process = threading.Lock(), os.getpid()

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
        if os.getpid() != self._process:  # another thread may have held the lock at the fork
            self._lock, self._process = threading.Lock(), os.getpid()
        with self._lock:
            if self._length is None and not self._asked:
                self._asked = True
                with suppress(StoreError):  # without a length, each time has its own bucket
                    self._length = self._rows.define(None, DAY)
            try:
                if self._length is not None:
                    start = bucket_start(start, self._length)
                self._rows.put(start, view, self._length)
            except StoreError as error:
                _log.warning("a profile of %s is not stored: %s", self._rows.dataset, error)
                return False, str(error)
        place = " ".join(filter(None, (self._rows.dataset, self._segment)))
        return True, f"{place} {start:%Y-%m-%d %H:%M} saved to {self._rows.address}"

    def close(self) -> None:
        """Close the store, unless the caller has opened it.

        Examples
        --------
        >>> writer = lm.LightmeterWriter("drift.db", dataset="cells")
        >>> writer.close()
        """
        if self._owned:
            self._rows.close()


def _given(value: object, name: str, variable: str) -> str:
    text = os.environ.get(variable) if value is None else os.fspath(value)  # type: ignore[call-overload]
    if not text:
        raise ValueError(f"there is no {name}; give it, or set {variable}")
    return str(text)
