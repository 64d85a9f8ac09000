"""Buckets being filled by one writer: their profiles in memory and their rows in the store."""

import logging
import os
import platform
import secrets
import threading
import time
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from lightmeter.errors import StoreError
from lightmeter.image.failure import Failure
from lightmeter.image.measure import Measured
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.grouping import Group
from lightmeter.profile.segments import Segment
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND

__all__ = ["Filling", "put_next"]

_log = logging.getLogger("lightmeter")
_MOST_OPEN = 256  # buckets whose profiles stay in memory once stored
_MOST_LEFT = 10_000  # buckets that are remembered to have a row of this writer


@dataclass(slots=True)
class _Open:
    """A bucket being filled.

    Attributes:
        profile: what came since it was opened.
        unstored: images and failures in it that are not stored yet.
        writer: of the row in the store; empty until that was looked for.
        seq: of the last try to store.
        before: what the row held when the bucket was opened again.
        put: whether the row holds this profile too.
    """

    profile: Profile
    unstored: int = 0
    writer: str = ""
    seq: int = 0
    before: ProfileView | None = None
    put: bool = False


class Filling:
    """One thread at a time adds, and one stores.

    A bucket has one row of this writer. One that is over, or too many, leaves the memory once it is
    stored, and late images are merged into its row.

    Attributes:
        lock: held while a profile changes.
        error: of the last try to store that failed.
    """

    def __init__(
        self,
        store: Store,
        dataset: str,
        *,
        every: timedelta,
        segment: Segment,
        empty: Profile,
    ) -> None:
        """A writer that has stored nothing; `empty` is how the profile of a bucket starts."""
        self.lock = threading.Lock()
        self.error: Exception | None = None
        self._store = store
        self._dataset = dataset
        self._every = every
        self._segment = segment
        self._empty = empty
        self._open: dict[datetime, _Open] = {}
        self._rename()

    def _rename(self) -> None:
        """A name that no row has been written by."""
        host = platform.node()
        self._name = f"{host}-{os.getpid()}-{time.time_ns()}-{secrets.token_hex(4)}"
        self._rows = 0
        self._left: set[datetime] = set()  # no longer open, and with a row

    @property
    def crowded(self) -> bool:
        """Whether it is time to store, so that the memory does not fill."""
        return len(self._open) > _MOST_OPEN

    @property
    def unstored(self) -> int:
        """Images and failures that are in no row."""
        return sum(opened.unstored for opened in self._open.values())

    def add(
        self,
        start: datetime,
        result: Measured | Profile | Failure,
        count: int = 1,
        group: Group | None = None,
    ) -> bool:
        """Add to a bucket, with `lock` held; whether there is room for another bucket."""
        opened = self._open.get(start)
        if opened is None:
            if len(self._open) >= 2 * _MOST_OPEN:  # as storing fails
                return False
            opened = self._open[start] = _Open(copy(self._empty))
        for _ in range(count):
            if isinstance(result, Failure):
                opened.profile._log_failure("image", result, group)
            else:
                opened.profile._add("image", result, group)
        opened.unstored += count
        return True

    def store(self) -> bool:
        """Put every changed bucket, and forget those that are over; whether all are stored."""
        with self.lock:
            buckets = list(self._open.items())
        crowded = len(buckets) > _MOST_OPEN
        now = datetime.now(UTC)
        for start, opened in buckets:
            if opened.unstored:
                self._store_bucket(start, opened)
            with self.lock:
                if not opened.unstored and (crowded or start + self._every <= now):
                    del self._open[start]
                    self._left.add(start)
        if len(self._left) > _MOST_LEFT:
            self._rename()
        return not any(opened.unstored for _, opened in buckets)

    def _store_bucket(self, start: datetime, opened: _Open) -> None:
        try:
            with self.lock:
                view, count = opened.profile.view(), opened.unstored
            self._find_row(start, opened)
            if opened.before is not None:
                view = opened.before.merge(view)
            put_next(
                self._store,
                self._dataset,
                view,
                opened,
                at=start,
                segment=self._segment,
                every=self._every,
            )
        except Exception as error:  # the service goes on, and this is tried again
            self.error = error
            _log.warning("%s is not stored yet: %s", self._dataset, error)
            return
        opened.put = True
        with self.lock:
            opened.unstored -= count

    def _find_row(self, start: datetime, opened: _Open) -> None:
        """Go on with the row that the bucket has of this writer, or take a new one.

        A row that was rolled up since it was read holds what it held, and cannot be replaced.
        """
        if opened.put:
            return
        # What is read of a row that waits for a server would be older than the row.
        if not opened.writer and start in self._left and not self._store.reads_late:
            rows = self._store.profiles.load(
                self._dataset, start, start + MILLISECOND, segment=self._segment
            )
            for row, content in rows:
                if row.writer.startswith(self._name) and isinstance(content, ProfileView):
                    opened.writer, opened.seq, opened.before = row.writer, row.seq, content
        if opened.before is not None and start in self._store.rolled_up(
            self._dataset, writer=opened.writer, segment=self._segment
        ):
            opened.writer, opened.seq, opened.before = "", 0, None
        if not opened.writer:
            self._rows += 1
            opened.writer = f"{self._name}/{self._rows}"


class _Row(Protocol):
    """Of one writer in a bucket; `seq` is of the last try to put what he has in all."""

    writer: str
    seq: int


def put_next(
    store: Store,
    dataset: str,
    view: ProfileView,
    row: _Row,
    *,
    at: datetime,
    segment: Segment,
    every: timedelta | None,
) -> None:
    """Put what a writer has in all, by the next number.

    A try that failed keeps its number, as it may have arrived all the same: by that number the
    store would hold less than what is put now, and would not take it.

    Raises:
        StoreError: the store cannot be written, or does not take it.
    """
    row.seq += 1
    if not store.put(
        dataset, view, at=at, writer=row.writer, segment=segment, seq=row.seq, every=every
    ):
        raise StoreError(f"{store.address} keeps nothing of {row.writer!r} by the number {row.seq}")
