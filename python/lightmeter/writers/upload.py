"""Writing profiles to the store that the environment names, as whylogs' writers do."""

import logging
import os
import platform
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lightmeter.errors import StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.load import ProfileLike, view_of
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.store import Store
from lightmeter.times import to_duration
from lightmeter.writers.filling import put_next

__all__ = ["LightmeterWriter"]

_log = logging.getLogger("lightmeter")
_MOST = 256  # buckets of which it is remembered what they hold
_ASK_AGAIN = 600.0  # seconds after which a length that could not be had is asked for


@dataclass(slots=True)
class _Row:
    """What was written to a bucket: by which name, in how many tries, and what in all."""

    writer: str
    seq: int = 0
    view: ProfileView | None = None


class LightmeterWriter:
    """Writes profiles into a store. Threads may share it; a forked child writes as another writer.

    Each `write` adds to what this object has written before. So pictures may be written one by one.

    What is not given comes from the environment:

    - `store`: ``LIGHTMETER_STORE``, an address or a path;
    - `key`: ``LIGHTMETER_KEY``;
    - `dataset`: ``LIGHTMETER_DATASET``;
    - `segment`: ``LIGHTMETER_SEGMENT``, such as ``camera=left``; without it the dataset as a whole.

    >>> writer = LightmeterWriter("drift.db", dataset="cells")
    >>> writer.write(view)
    """

    def __init__(
        self,
        store: Store | str | os.PathLike[str] | None = None,
        *,
        key: str | None = None,
        dataset: str | None = None,
        segment: Segment | None = None,
        every: str | timedelta | None = None,
    ) -> None:
        """Open the store, unless it is one.

        Args:
            store: the store or its address.
            key: what a server knows the caller by.
            dataset: name of what is watched.
            segment: of all that is written.
            every: length of the buckets of a new dataset; None takes that of the dataset, or a day.

        Raises:
            ValueError: there is no store or dataset, here or in the environment, or an argument is
                not understood.
            StoreError: the store cannot be opened.
        """
        self._dataset = _given(dataset, "dataset", "LIGHTMETER_DATASET")
        if segment is None:
            segment = os.environ.get("LIGHTMETER_SEGMENT")
        self._segment = segment_text(segment)
        self._every = None if every is None else to_duration(every)
        if isinstance(store, Store):
            self._store, self._owned = store, False
        else:
            address = _given(store, "store", "LIGHTMETER_STORE")
            self._store, self._owned = Store(address, key=key), True
        self._begin()

    def _begin(self) -> None:
        """In a new process."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._name = f"{platform.node()}-{self._process}-{secrets.token_hex(8)}"
        self._rows = 0
        self._written: dict[datetime, _Row] = {}
        self._length = self._every
        self._asked = -_ASK_AGAIN

    def write(self, profile: ProfileLike) -> tuple[bool, str]:
        """Add a profile to the bucket of its dataset timestamp, or else to that of now.

        Args:
            profile: a `ProfileView`, a `Profile`, a `ResultSet`, or the path of a profile file.

        Returns:
            Whether it is on a disk: the store's, or this machine's while a server is away. And what
            became of it, in words.

        Raises:
            TypeError: it is no profile.
            ValueError: its time is in no bucket.
        """
        view = view_of(profile)
        at = view.dataset_timestamp or datetime.now(UTC)
        if os.getpid() != self._process:
            self._begin()
        with self._lock:
            try:
                start, length = self._bucket(at)
                self._put(start, view, length)
            except StoreError as error:
                _log.warning("%s is not written: %s", self._dataset, error)
                return False, str(error)
        place = " ".join(filter(None, (self._dataset, self._segment)))
        return True, f"{place} {start:%Y-%m-%d %H:%M} is kept for {self._store.address}"

    def close(self) -> None:
        """Close the store, unless it was given."""
        if self._owned:
            self._store.close()

    def _bucket(self, at: datetime) -> tuple[datetime, timedelta | None]:
        """Start and length of a bucket. Where the length is unknown a time has one of its own."""
        if self._length is None and time.monotonic() - self._asked >= _ASK_AGAIN:
            self._asked = time.monotonic()
            try:
                lengths = self._store.datasets()
                self._length = lengths.get(self._dataset, timedelta(days=1))
            except StoreError as error:
                _log.info("the length of the buckets of %s is unknown: %s", self._dataset, error)
        return (at if self._length is None else bucket_start(at, self._length)), self._length

    def _put(self, start: datetime, view: ProfileView, length: timedelta | None) -> None:
        """All that was written to a bucket has one row, unless it was forgotten meanwhile."""
        row = self._written.pop(start, None)
        if row is None:
            self._rows += 1
            row = _Row(f"{self._name}/{self._rows}")
        self._written[start] = row  # also if this fails, as it may have arrived all the same
        if len(self._written) > _MOST:
            del self._written[next(iter(self._written))]
        if row.view is not None:
            view = row.view.merge(view)
        put_next(
            self._store,
            self._dataset,
            view,
            row,
            at=start,
            segment=self._segment,
            every=length,
        )
        row.view = view

    def __repr__(self) -> str:
        """Where it writes to."""
        return f"<LightmeterWriter of {self._dataset!r} to {self._store.address!r}>"


def _given(value: object, name: str, variable: str) -> str:
    text = os.environ.get(variable) if value is None else os.fspath(value)  # type: ignore[call-overload]
    if not text:
        raise ValueError(f"there is no {name}; give it, or set {variable}")
    return str(text)
