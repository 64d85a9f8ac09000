"""Profiling what passes through a service, into a store, without holding it up."""

import atexit
import logging
import os
import platform
import secrets
import threading
import time
import weakref
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import util
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from PIL import Image

from lightmeter.exif import DEFAULT_POLICY, ExifPolicy, ExifTags
from lightmeter.failure import Failure
from lightmeter.header import Facts
from lightmeter.images import ImageLike, Measured, copy_image, measure_image
from lightmeter.meter import ImageMeter
from lightmeter.monitor.buckets import Segment, bucket_start, parse_duration
from lightmeter.monitor.store import Store
from lightmeter.profile import Profile

__all__ = ["RollingLogger", "logger"]

_log = logging.getLogger("lightmeter")
_SMALL = 1 << 10  # what a path in the queue is taken to weigh, in bytes
_CLOSING_SECONDS = 30.0
_DROPPED = Failure(None, "dropped", "more images waited than the queue holds")


@dataclass(slots=True)
class _Open:
    """A bucket being filled. Opened again later it has another writer, so that both count."""

    profile: Profile
    writer: str
    seq: int = 0
    changed: bool = False


class _Copy(NamedTuple):
    image: Image.Image
    exif: ExifTags | None
    facts: Facts | None


@dataclass(slots=True, eq=False)
class _Flush:
    """A mark in the queue: all that came before it is to be stored."""

    done: threading.Event = field(default_factory=threading.Event)
    stored: bool = False


def logger(
    store: Store | str | os.PathLike[str],
    dataset: str,
    *,
    every: str | timedelta = "1h",
    checkpoint: str | timedelta = "30s",
    segment: Segment | None = None,
    channels: str = "RGB",
    exif: ExifPolicy = DEFAULT_POLICY,
    queue_bytes: int = 256 << 20,
) -> "RollingLogger":
    """A logger for a service: `RollingLogger.track` returns at once, a thread does the work.

    >>> log = lm.logger("drift.db", "cells")
    >>> log.track(frame)

    Args:
        store: the store, or the path of one, which the logger then opens and closes.
        dataset: name of what is watched.
        every: length of the dataset's buckets. An image belongs to the bucket of the time at which
            it was tracked.
        checkpoint: how often the profile is stored; a crash loses what came since.
        segment: such as ``{"camera": "left"}``.
        channels: order of the colour channels of arrays, ``"RGB"`` or ``"BGR"`` (OpenCV).
        exif: which Exif tags to track; by default none that are personal.
        queue_bytes: memory for images that wait; beyond it images are dropped and counted.

    Raises:
        StoreError: the store cannot be opened, or the dataset has buckets of another length.
        ValueError: a duration, the segment or `channels` is not understood.
    """
    return RollingLogger(
        store,
        dataset,
        every=every,
        checkpoint=checkpoint,
        segment=segment,
        channels=channels,
        exif=exif,
        queue_bytes=queue_bytes,
    )


class RollingLogger:
    """Made by `lightmeter.logger`. Threads may share it; after a fork the child has one of its own.

    Every process, and every start of one, writes as another writer: a restart within a bucket adds
    to what is there. It is closed at the end of the process if nobody did.
    """

    def __init__(
        self,
        store: Store | str | os.PathLike[str],
        dataset: str,
        *,
        every: str | timedelta,
        checkpoint: str | timedelta,
        segment: Segment | None,
        channels: str,
        exif: ExifPolicy,
        queue_bytes: int,
    ) -> None:
        """See `lightmeter.logger`."""
        self._every = parse_duration(every) if isinstance(every, str) else every
        interval = parse_duration(checkpoint) if isinstance(checkpoint, str) else checkpoint
        self._interval = interval.total_seconds()
        self._channels = channels
        self._exif = exif
        ImageMeter(channels=channels)  # refuses what is no order of channels
        self._segment = dict(segment or {})
        self._dataset = dataset
        self._queue_bytes = queue_bytes
        self._owned = not isinstance(store, Store)
        self._store = store if isinstance(store, Store) else Store(store)
        try:
            self._store.define(dataset, self._every)
        except BaseException:
            self._close_store()
            raise
        self._start_over()
        with _one_fork:
            _loggers.add(self)

    def _start_over(self) -> None:
        """The state of a new process."""
        host = platform.node()
        self._name = f"{host}-{os.getpid()}-{time.time_ns()}-{secrets.token_hex(4)}"
        self._tracked = self._dropped = 0
        self._untold: Counter[datetime] = Counter()  # dropped, not yet in a profile
        self._queue: deque[tuple[datetime, Any, int] | _Flush] = deque()
        self._waiting = 0  # bytes
        self._closed = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()  # guards everything above
        self._open: dict[datetime, _Open] = {}
        self._opened = 0
        self._profiles = threading.Lock()  # held while a profile changes

    @property
    def tracked(self) -> int:
        """Images accepted by `track` in this process."""
        return self._tracked

    @property
    def dropped(self) -> int:
        """Images not accepted, as the queue was full or the logger closed.

        Unless it was closed they are also in the profile, as failures with the reason ``dropped``.
        """
        return self._dropped

    def track(self, image: ImageLike, *, at: datetime | None = None) -> bool:
        """Profile an image soon; it may be changed or closed as soon as this returns.

        Nothing about the image raises here. One that cannot be measured is counted in
        ``image.Failure``. Arrays and loaded PIL images are copied; a PIL image that is not loaded
        yet is decoded here, which it would have to be anyway, and a file or a tensor is measured
        here. A path is read later.

        Args:
            image: whatever `lightmeter.log_image` takes one of.
            at: when it is from; None takes the time it is.

        Returns:
            Whether it was accepted; if not it is counted in `dropped`.

        Raises:
            ValueError: `at` has no time zone, or its bucket reaches beyond the year 9999.
        """
        bucket = bucket_start(at or datetime.now(UTC), self._every)
        size = _size(image)
        with self._changed:
            if self._refused(bucket, size):
                return False
        try:
            kept = _kept(image, self._channels, self._exif)
        except Exception as error:
            kept = error
        with self._changed:
            if self._refused(bucket, size):
                return False
            self._tracked += 1
            self._waiting += size
            self._put((bucket, kept, size))
        return True

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was tracked before is stored.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes.

        Returns:
            Whether it is; False if storing failed, which is tried again, or took too long.
        """
        mark = _Flush()
        with self._changed:
            if self._closed:
                return not self._open
            self._put(mark)
        return mark.done.wait(timeout) and mark.stored

    def close(self) -> None:
        """Store what is left and stop. Later images are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(_CLOSING_SECONDS)
        _loggers.discard(self)
        self._close_store()

    def __enter__(self) -> Self:
        """The logger itself, closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """What it did so far."""
        return f"<RollingLogger {self._dataset!r}: {self.tracked} tracked, {self.dropped} dropped>"

    # In the thread of the caller, with `_changed` held

    def _refused(self, bucket: datetime, size: int) -> bool:
        """Count an image that there is no room for. An empty queue takes an image of any size."""
        full = bool(self._queue) and self._waiting + size > self._queue_bytes
        if full or self._closed:
            self._dropped += 1
            if not self._closed:
                self._untold[bucket] += 1
        return full or self._closed

    def _put(self, item: tuple[datetime, Any, int] | _Flush) -> None:
        self._queue.append(item)
        if self._thread is None:  # not before the first image: servers fork after loading
            self._thread = threading.Thread(target=self._work, name="lightmeter", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    # In the thread of the logger

    def _work(self) -> None:
        due = time.monotonic() + self._interval
        while True:
            with self._changed:
                while not self._queue and not self._closed and time.monotonic() < due:
                    self._changed.wait(due - time.monotonic())
                item = self._queue.popleft() if self._queue else None
                last = self._closed and not self._queue
            if isinstance(item, tuple):
                self._measure(*item)
                del item  # the image, before waiting for the next
            elif isinstance(item, _Flush):
                item.stored = self._store_all()
                item.done.set()
            if last or time.monotonic() >= due:
                self._store_all()
                due = time.monotonic() + self._interval
            if last:
                return

    def _measure(self, bucket: datetime, image: Any, size: int) -> None:
        with self._profiles:
            opened = self._opened_bucket(bucket)
            try:
                measured = _measured(image, self._channels, self._exif)
                opened.profile._log_measured("image", measured)
            except Exception as error:
                opened.profile._log_failure("image", _failure(error))
            opened.changed = True
        with self._changed:
            self._waiting -= size

    def _opened_bucket(self, bucket: datetime) -> _Open:
        if bucket not in self._open:
            self._opened += 1
            self._open[bucket] = _Open(Profile(exif=self._exif), f"{self._name}/{self._opened}")
        return self._open[bucket]

    def _store_all(self) -> bool:
        """Put every changed bucket and forget those that are over; whether all are stored."""
        with self._changed:
            untold, self._untold = self._untold, Counter()
        with self._profiles:
            for bucket, count in untold.items():
                opened = self._opened_bucket(bucket)
                opened.changed = True
                for _ in range(count):
                    opened.profile._log_failure("image", _DROPPED)
        over = datetime.now(UTC) - self._every
        for bucket, opened in list(self._open.items()):
            if opened.changed and not self._stored(bucket, opened):
                continue
            if bucket <= over:
                del self._open[bucket]
        return not any(opened.changed for opened in self._open.values())

    def _stored(self, bucket: datetime, opened: _Open) -> bool:
        with self._profiles:
            view = opened.profile.view()
        try:
            self._store.put(
                self._dataset,
                view,
                at=bucket,
                writer=opened.writer,
                segment=self._segment,
                seq=opened.seq + 1,
                every=self._every,
            )
        except Exception as error:  # the service goes on, and this is tried again
            _log.warning("%s is not stored yet: %s", self._dataset, error)
            return False
        opened.seq += 1
        opened.changed = False
        return True

    def _close_store(self) -> None:
        if self._owned:
            self._store.close()


def _kept(image: Any, channels: str, exif: ExifPolicy) -> Any:
    """The image in a form that nobody else can change, as cheaply as it can be had."""
    if isinstance(image, np.ndarray):
        return image.copy()
    if isinstance(image, Image.Image):
        return _Copy(*copy_image(image, exif))
    if isinstance(image, str | os.PathLike | bytes):
        return image
    if isinstance(image, bytearray | memoryview):
        return bytes(image)
    return measure_image(image, channels=channels, exif=exif, threads=1)


def _measured(kept: Any, channels: str, exif: ExifPolicy) -> Measured:
    if isinstance(kept, Exception):
        raise kept
    if isinstance(kept, Measured):
        return kept
    if isinstance(kept, _Copy):
        meter = ImageMeter(threads=1)
        meter.update(kept.image)
        return Measured(meter, kept.exif, kept.facts)
    return measure_image(kept, channels=channels, exif=exif, threads=1)


def _size(image: Any) -> int:
    if isinstance(image, np.ndarray):
        return image.nbytes
    if isinstance(image, Image.Image):
        return image.width * image.height * (1 if image.mode in ("1", "L", "P") else 4)
    return max(_SMALL, len(image)) if isinstance(image, bytes | bytearray) else _SMALL


def _failure(error: Exception) -> Failure:
    if isinstance(error, TypeError):
        return Failure(None, "unsupported", str(error))
    return Failure.of(error)


# A fork waits until no profile is half changed. The child starts over: what was tracked before is
# the parent's to store.
_loggers: "weakref.WeakSet[RollingLogger]" = weakref.WeakSet()
_forking: list[RollingLogger] = []
_one_fork = threading.Lock()


def _before_fork() -> None:
    _one_fork.acquire()
    _forking.extend(_loggers)
    for one in _forking:
        one._profiles.acquire()


def _after_fork_in_parent() -> None:
    while _forking:
        _forking.pop()._profiles.release()
    _one_fork.release()


def _after_fork_in_child() -> None:
    for one in _forking:
        one._start_over()
    _forking.clear()
    _one_fork.release()


@atexit.register
def _close_all() -> None:
    for one in list(_loggers):
        one.close()


def _close_at_end_of_worker(_: object = None) -> None:
    util.Finalize(None, _close_all, exitpriority=-100)  # after those of others, who may track


# A forked process of multiprocessing ends without atexit, and begins by forgetting finalizers.
_close_at_end_of_worker()
util.register_after_fork(_close_all, _close_at_end_of_worker)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
