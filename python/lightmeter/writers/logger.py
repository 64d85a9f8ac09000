"""Profiling what passes through a service, into a store, without holding it up."""

import logging
import math
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import NoReturn, Self, Unpack

from lightmeter.errors import StoreError
from lightmeter.image.failure import Failure
from lightmeter.image.measure import ImageLike
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import Profile
from lightmeter.profile.grouping import GroupName, group_of
from lightmeter.profile.segments import Segment, parse_segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.store import Store
from lightmeter.times import to_duration
from lightmeter.writers import endings
from lightmeter.writers.filling import Filling
from lightmeter.writers.waiting import Waiting, keep, measure_kept, warm_up, weight

__all__ = ["RollingLogger", "logger"]

_log = logging.getLogger("lightmeter")
_QUIET = 1.0  # seconds without an image after which those before are stored
_MEASURING_SHARE = 2 / 3  # of the time to close; the rest is for storing
_ANSWER_SHARE = 1 / 3  # of either, for a server; what it has not taken then goes to the disk
_LONGEST_PAUSE = 1.0  # between two tries to store at the end
_DROPPED = Failure(None, "dropped", "more images waited than the queue holds, or than time allowed")


@dataclass(slots=True, eq=False)
class _Flush:
    """A mark in the queue: all that came before it is to be stored."""

    done: threading.Event = field(default_factory=threading.Event)
    stored: bool = False

    def answer(self, stored: bool) -> None:
        self.stored = stored
        self.done.set()


_NEW_BUCKETS = timedelta(hours=1)  # of a dataset that the store does not hold yet

_Item = Waiting | _Flush


def logger(
    store: Store | str | os.PathLike[str],
    dataset: str,
    *,
    every: str | timedelta | None = None,
    checkpoint: str | timedelta = "30s",
    segment: Segment | None = None,
    reading: Reading | None = None,
    sample: int = 0,
    tags: Mapping[str, str] | None = None,
    queue_bytes: int = 256 << 20,
    handle_signals: bool = False,
    **options: Unpack[ReadingOptions],
) -> "RollingLogger":
    """A logger for a service: `RollingLogger.track` returns at once, a thread does the work.

    >>> log = lm.logger("drift.db", "cells")
    >>> log.track(frame)

    Args:
        store: the store, or the address of one. The logger opens it for itself. While a server is
            away, what is stored waits on the disk of this machine.
        dataset: name of what is watched.
        every: length of the dataset's buckets; None takes that of the dataset, or an hour for a new
            one. An image belongs to the bucket of the time at which it was tracked.
        checkpoint: how often the profile is stored at least. It is also stored whenever no image
            came for a second.
        segment: such as ``{"camera": "left"}``.
        reading: how pictures are read.
        sample: of how many images to keep the numbers for `lightmeter.check_image`, as for
            `lightmeter.Profile`, such as 256.
        tags: what to say of the profiles, likewise, such as ``{"model": "v7"}``.
        queue_bytes: memory for images that wait; beyond it images are dropped and counted. A path
            counts as 1 MB, for the work that it stands for.
        handle_signals: store what is left when SIGTERM or SIGHUP comes, for 8 seconds at most,
            and end the process then, by the same signal. A second signal ends it at once. Handlers
            that others have set stay in place. Without it, and without such a handler, these
            signals end the process at once. As all handlers of Python it runs in the main thread,
            between two of its instructions.
        options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises:
        StoreError: the store cannot be opened, the dataset has buckets of another length, or a
            server is away and `every` is not given.
        TypeError: a duration is neither a text nor a timedelta, or an option is unknown.
        ValueError: a duration, the segment or an option is not understood, `sample` is out of
            range, or `handle_signals` is asked for outside the main thread.
    """
    return RollingLogger(
        store,
        dataset,
        every=every,
        checkpoint=checkpoint,
        segment=segment,
        reading=reading_of(reading, options),
        sample=sample,
        tags=tags,
        queue_bytes=queue_bytes,
        handle_signals=handle_signals,
    )


class RollingLogger:
    """Made by `lightmeter.logger`. Threads may share it; after a fork the child has one of its own.

    Every process, and every start of one, writes as another writer: a restart within a bucket adds
    to what is there.

    What a process loses depends on how it ends:

    - In order: nothing. The logger closes itself. That is so when the program returns, calls
      `sys.exit` or fails with an exception or KeyboardInterrupt, and when a worker of
      `multiprocessing` or a `ProcessPoolExecutor` returns. What is left is measured for 20 seconds
      at most; the rest is counted as dropped.
    - By SIGTERM or SIGHUP: nothing with `handle_signals`. `Process.terminate` sends SIGTERM; so do
      `Pool.terminate` (at the end of ``with Pool()``) and a parent that ends before a daemon child.
    - At once, by SIGKILL, `os._exit`, `os.abort`, `os.exec*` or a crash, or by these signals
      without a handler: what was tracked since the last checkpoint, unless `flush` returned True.
      A checkpoint comes every 30 seconds (`checkpoint`) and after each second without an image.
    """

    def __init__(
        self,
        store: Store | str | os.PathLike[str],
        dataset: str,
        *,
        every: str | timedelta | None,
        checkpoint: str | timedelta,
        segment: Segment | None,
        reading: Reading,
        sample: int,
        tags: Mapping[str, str] | None,
        queue_bytes: int,
        handle_signals: bool,
    ) -> None:
        """See `lightmeter.logger`."""
        length = None if every is None else to_duration(every)
        self._interval = to_duration(checkpoint).total_seconds()
        self._reading = reading
        self._empty = Profile(reading=reading, sample=sample, tags=tags)
        self._segment = parse_segment(segment_text(segment))
        self._dataset = dataset
        self._queue_bytes = queue_bytes
        warm_up()
        if handle_signals:
            endings.handle_signals()
        # A connection of its own, so that it can store while others read in theirs.
        self._store = copy(store) if isinstance(store, Store) else Store(store)
        try:
            self._every = length or self._known_length(dataset)
            self._store.define(dataset, self._every)
        except BaseException:
            self._store.close()
            raise
        self._start_over()
        endings.remember(self)

    def _known_length(self, dataset: str) -> timedelta:
        try:
            return self._store.datasets().get(dataset, _NEW_BUCKETS)
        except StoreError as error:
            if not self._store.reads_late:
                raise
            raise StoreError(
                f"how long the buckets of {dataset!r} are cannot be told: {error}. With `every` the"
                " logger begins without that"
            ) from error

    def _start_over(self) -> None:
        """The state of a new process."""
        self._tracked = self._dropped = 0
        self._untold: Counter[datetime] = Counter()  # dropped, not yet in a profile
        self._queue: deque[_Item] = deque()
        self._waiting = 0  # bytes
        self._closed = False
        self._until = math.inf  # when to stop measuring, once closed
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()  # guards everything above
        self._profiles = Filling(
            self._store,
            self._dataset,
            every=self._every,
            segment=self._segment,
            empty=self._empty,
        )  # its lock guards the next two as well, and is taken after `_changed`
        self._measuring: Waiting | None = None
        self._over = False  # nothing is added to a profile any more
        self._storing = threading.Lock()  # one thread at a time
        self._closing = threading.RLock()
        self._given_up = 0  # images, by closing
        self._finished = self._complete = False
        self._last: float | None = None  # time of the last image, unless stored since

    @property
    def tracked(self) -> int:
        """Images accepted by `track` in this process; a batch or a file of frames is one."""
        return self._tracked

    @property
    def dropped(self) -> int:
        """Images that are not measured.

        `track` did not accept them, as the queue was full or the logger closed, or they still
        waited when the time to close was over. Unless `track` found it closed they are also in the
        profile, as failures with the reason ``dropped``.
        """
        return self._dropped

    def track(
        self, image: ImageLike, *, at: datetime | None = None, group: GroupName = None
    ) -> bool:
        """Profile an image soon; it may be changed or closed as soon as this returns.

        Nothing about the image raises here. One that cannot be measured is counted in
        ``image.Failure``. Arrays and loaded PIL images are copied; a PIL image that is not loaded
        yet is decoded here, which it would have to be anyway, and a file, a tensor or a PIL image
        of which all frames count is measured here. A path is read later.

        Args:
            image: whatever `lightmeter.log_image` takes one of.
            at: when it is from; without a time zone it is local time. None takes the time it is.

            group: what it has in common with others, as for `lightmeter.log_image`.

        Returns:
            Whether it was accepted; if not it is counted in `dropped`.

        Raises:
            TypeError: `at` is neither a datetime nor a date, or `group` neither a string nor a
                number.
            ValueError: the bucket of `at` reaches beyond the year 9999.
        """
        if self._closed:  # at the end of the interpreter, even the arithmetic of dates is gone
            with self._changed:
                self._dropped += 1
            return False
        start = bucket_start(datetime.now(UTC) if at is None else at, self._every)
        of_group = group_of(group)
        with self._changed:
            if self._refused(start, weight(image)):
                return False
        try:
            kept = keep(image, self._reading)
        except Exception as error:
            kept = error
        item = Waiting(start, kept, weight(kept), of_group)
        with self._changed:
            if self._refused(start, item.weight):
                return False
            self._tracked += 1
            self._waiting += item.weight
            self._put(item)
        return True

    def flush(self, timeout: float | None = None) -> bool:
        """Store all that was tracked before, and wait until it is.

        What was flushed outlives any end of the process. Call it where one may come at once, such
        as at the end of each task of a pool.

        Args:
            timeout: seconds to wait at most; 0 only asks for it, None waits as long as it takes.

        Returns:
            Whether it is stored; False if storing failed, which is tried again, or took too long.
        """
        mark = _Flush()
        with self._changed:
            if not self._over:
                self._put(mark)
        if self._thread is None:
            self._work_off()
        if self._over and not mark.done.is_set():
            with self._closing:
                return self._complete
        return mark.done.wait(timeout) and mark.stored

    def close(self, timeout: float | None = endings.CLOSING_SECONDS) -> bool:
        """Measure and store what is left, and stop. Later images are dropped.

        Images that still wait after two thirds of `timeout` are given up: counted in `dropped` and
        in ``image.Failure``. The rest of the time is for storing, which is tried until it succeeds.
        What is lost is told to the log.

        Args:
            timeout: seconds that this may take; None takes as long as it takes. While another
                process holds the store locked, storing can take 30 seconds more.

        Returns:
            Whether all that `track` accepted is measured and stored.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        if timeout is not None:  # its thread may be waiting for a server
            self._store.hurry(_ANSWER_SHARE * timeout)
        with self._changed:
            self._closed = True
            if timeout is not None:
                self._until = min(self._until, end - (1 - _MEASURING_SHARE) * timeout)
            self._changed.notify_all()
        with self._closing:
            if not self._finished:
                self._finish(end)
        return self._complete

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

    def __reduce__(self) -> NoReturn:
        """A copy would share the thread."""
        raise TypeError("a logger cannot be copied or pickled; make one in each process")

    def __repr__(self) -> str:
        """What it did so far."""
        return f"<RollingLogger {self._dataset!r}: {self.tracked} tracked, {self.dropped} dropped>"

    # In the thread of the caller

    def _refused(self, start: datetime, size: int) -> bool:
        """Count an image that there is no room for. An empty queue takes an image of any size."""
        full = bool(self._queue) and self._waiting + size > self._queue_bytes
        if full or self._closed:
            self._dropped += 1
            if not self._closed:
                self._untold[start] += 1
        return full or self._closed

    def _put(self, item: _Item) -> None:
        self._queue.append(item)
        if self._thread is None and not self._closed:  # not before: servers fork after loading
            thread = threading.Thread(target=self._work, name="lightmeter", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending: whoever flushes or closes does it
                return
            self._thread = thread
        self._changed.notify_all()

    def _finish(self, end: float) -> None:
        """Started again where an interrupt ended it."""
        if self._thread is None:
            self._work_off()
        else:
            self._thread.join(_seconds_to(self._until))
        with self._changed, self._profiles.lock:
            self._over = True
            left = [item for item in self._queue if isinstance(item, Waiting)]
            if self._measuring is not None:
                left.append(self._measuring)
                self._measuring = None
            marks = [item for item in self._queue if isinstance(item, _Flush)]
            self._queue.clear()
            self._dropped += len(left)
            self._given_up += len(left)
            self._untold.update(item.start for item in left)
        if left:
            _log.warning(
                "%s: %d images still waited when the time to close was over; they are dropped, and "
                "counted as failures",
                *(self._dataset, len(left)),
            )
        stored = False
        try:
            stored = self._stored_by(end)
        finally:  # nobody waits for ever, if this is interrupted
            self._complete = stored and not self._given_up
            for mark in marks:
                mark.answer(self._complete)
        if not stored:
            _log.error(
                "%s is closed without %d images and failures, which could not be stored: %s",
                *(self._dataset, self._profiles.unstored + self._untold.total()),
                self._profiles.error or "storing took too long",
            )
        self._finished = True
        endings.forget(self)

    def _stored_by(self, end: float) -> bool:
        """Try to store all until it is time, and close the store.

        It stays open where the thread of the logger uses it still: that one closes it then.
        """
        seconds = _seconds_to(end)
        if seconds is not None:
            self._store.hurry(_ANSWER_SHARE * seconds)
        if not self._storing.acquire(timeout=-1 if seconds is None else seconds):
            return False
        try:
            pause = 0.05
            while not (stored := self._store_open()) and time.monotonic() + pause < end:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            self._store.close()
        finally:
            self._storing.release()
        return stored

    def _work_off(self) -> None:
        """Do what the thread would do, where none can be started."""
        with self._closing:
            while (item := self._next(0.0)) is not None:
                self._handle(item)

    # In the thread of the logger

    def _work(self) -> None:
        due = time.monotonic() + self._interval
        while True:
            item = self._next(due)
            if item is not None:
                self._handle(item)
            elif self._ended():
                break
            if item is None or time.monotonic() >= due or self._profiles.crowded:
                self._store_all()
                due = time.monotonic() + self._interval
        if self._over:  # closing did not wait for this thread
            self._store_all()
            self._store.close()

    def _next(self, due: float) -> _Item | None:
        """Wait for an item; None when there is something else to do."""
        with self._changed:
            while not self._ended():
                if self._queue:
                    item = self._queue.popleft()
                    if isinstance(item, Waiting):
                        self._measuring = item
                    return item
                wake = due if self._last is None else min(due, self._last + _QUIET)
                if time.monotonic() >= wake:
                    return None
                self._changed.wait(_seconds_to(wake))
        return None

    def _ended(self) -> bool:
        """Whether no more is to be measured."""
        with self._changed:
            return self._closed and (not self._queue or time.monotonic() >= self._until)

    def _handle(self, item: _Item) -> None:
        if isinstance(item, _Flush):
            item.answer(self._store_all())
            return
        result = measure_kept(item.kept, self._reading)
        with self._profiles.lock:
            if self._over:  # given up meanwhile
                return
            self._measuring = None
            added = self._profiles.add(item.start, result, group=item.group)
        with self._changed:
            self._waiting -= item.weight
            if not added:
                self._dropped += 1
                self._untold[item.start] += 1
        self._last = time.monotonic()

    def _store_all(self) -> bool:
        with self._storing:
            return self._store_open()

    def _store_open(self) -> bool:
        """Store what was dropped and measured, with `_storing` held; whether all of it is."""
        self._last = None
        with self._changed:
            untold, self._untold = self._untold, Counter()
        with self._profiles.lock:
            for start, count in list(untold.items()):
                if self._profiles.add(start, _DROPPED, count):
                    del untold[start]
        with self._changed:
            self._untold.update(untold)
        return self._profiles.store() and not untold

    # Around a fork

    def _before_fork(self) -> None:
        self._profiles.lock.acquire()

    def _after_fork(self) -> None:
        self._profiles.lock.release()


def _seconds_to(end: float) -> float | None:
    """None for never, as threads have it."""
    return None if end == math.inf else min(max(0.0, end - time.monotonic()), threading.TIMEOUT_MAX)
