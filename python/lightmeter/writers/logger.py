"""Profiling what passes through a service, into a store, without holding it up."""

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import NoReturn, Self, Unpack

from lightmeter.errors import ConflictError
from lightmeter.image.failure import Failure
from lightmeter.image.measure import ImageLike, Measured
from lightmeter.image.reading import LoggedOptions, Reading, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.columns import GroupName, group_of
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.times import bucket_start, to_duration
from lightmeter.writers import endings
from lightmeter.writers.rows import Rows, target_of
from lightmeter.writers.waiting import Waiting, attempt, keep, measure_kept, warm_up, weight

_log = logging.getLogger("lightmeter.writers")
_NEW_BUCKETS = timedelta(hours=1)  # of a dataset that the store does not hold yet
_MEASURING_SHARE = 2 / 3  # of the time to close; the rest is for storing
_ANSWER_SHARE = 1 / 3  # of either, for a server; what it has not taken then goes to the disk
_PAUSE = 0.25  # seconds between two tries to store at the end
_MOST = 256  # buckets whose profiles are stored at once; twice as many wait for a store that fails
_DROPPED = Failure(None, "dropped", "more images waited than the queue holds, or than time allowed")


class _Flush:
    """A mark in the queue: all that came before it is to be stored; None until that was tried."""

    stored: bool | None = None


class RollingLogger:
    """A logger for a service: `track` returns at once, a thread does the work.

    Threads may share it; after a fork the child has one of its own.

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

    Attributes
    ----------
    tracked
        Images accepted by `track` in this process; a batch or a file of frames is one.
    dropped
        Images that are not measured. `track` did not accept them, as the queue was full or the
        logger closed, or they still waited when the time to close was over. Unless `track` found it
        closed they are also in the profile, as failures with the reason ``dropped``.

    Examples
    --------
    >>> log = lm.logger("drift.db", "cells")
    >>> log.track(frame)
    """

    def __init__(
        self,
        store: Store | str | os.PathLike[str] | None = None,
        dataset: str = "",
        *,
        inbox: Inbox | str | None = None,
        every: str | timedelta | None = None,
        checkpoint: str | timedelta | None = None,
        segment: Segment | None = None,
        reading: Reading | None = None,
        sample: int = 0,
        tags: Mapping[str, str] | None = None,
        queue_bytes: int = 256 << 20,
        handle_signals: bool = False,
        **options: Unpack[LoggedOptions],
    ) -> None:
        """Open the store; a thread begins with the first image.

        Parameters
        ----------
        store
            The store, or the address of one. The logger opens it for itself. While a server is
            away, what is stored waits on the disk of this machine.
        dataset
            Name of what is watched.
        inbox
            Takes the profiles in place of a store, or its address. Every profile is an object
            there, so they are put at the end of a bucket and every ten minutes, unless `checkpoint`
            says more.
        every
            Length of the dataset's buckets; None takes that of the dataset, or an hour for a new
            one, and for an inbox. An image belongs to the bucket of the time at which it was
            tracked.
        checkpoint
            How often the profile is stored at least, by default every 30 seconds. It is also stored
            when its bucket ends, and whenever no image came for a second.
        segment
            Such as ``{"camera": "left"}``.
        reading
            How pictures are read.
        sample
            Of how many images to keep the numbers for `lightmeter.check_image`, as for
            `lightmeter.Profile`, such as 256.
        tags
            What to say of the profiles, likewise, such as ``{"model": "v7"}``.
        queue_bytes
            Memory for images that wait; beyond it images are dropped and counted. A path counts as
            1 MB, for the work that it stands for.
        handle_signals
            Store what is left when SIGTERM or SIGHUP comes, for 8 seconds at most, and end the
            process then, by the same signal. A second signal ends it at once. Handlers that others
            have set stay in place. Without it, and without such a handler, these signals end the
            process at once. As all handlers of Python it runs in the main thread, between two of
            its instructions.
        options
            What differs from `reading`, or from the default: see `lightmeter.Reading`.

        Raises
        ------
        StoreError
            The store cannot be opened, the dataset has buckets of another length, or a server is
            away and `every` is not given.
        TypeError
            A duration is neither a text nor a timedelta, or an option is unknown.
        ValueError
            There is no dataset, or not one of `store` and `inbox`; a duration, the segment or an
            option is not understood; `sample` or `queue_bytes` is out of range; `ignore` names a
            column; or `handle_signals` is asked for outside the main thread.
        """
        reading = reading_of(reading, options)
        if queue_bytes < 0:
            raise ValueError(f"got {queue_bytes} as queue_bytes; expected 0 or more")
        if reading.ignored and reading.ignored.column:
            raise ValueError("got a column of masks to ignore; images of a logger have no columns")
        self._empty = Profile(reading=reading, sample=sample, tags=tags)
        length = None if every is None else to_duration(every)
        interval = None if checkpoint is None else to_duration(checkpoint).total_seconds()
        part = segment_text(segment)
        self._queue_bytes = queue_bytes
        warm_up()
        if handle_signals:
            endings.handle_signals()
        # A store of its own, which it closes.
        target = target_of(copy(store) if isinstance(store, Store) else store, inbox)
        self._rows = Rows(target, dataset, part)
        try:
            self._every = self._rows.define(length, _NEW_BUCKETS)
        except BaseException:
            self._rows.close()
            raise
        self._interval = self._rows.checkpoint if interval is None else interval
        self._start_over()
        endings.open_loggers.add(self)

    def _start_over(self) -> None:
        """The state of a new process.

        One thread at a time takes from the queue, measures and stores. It is one of the logger,
        or that which closes it where there is none, or where a picture holds it up.
        """
        self._lock = threading.Condition()  # held while any of these changes
        self._thread: threading.Thread | None = None
        self._queue: deque[Waiting | _Flush] = deque()
        self._waiting = 0  # bytes
        self._measuring: Waiting | None = None
        self._profiles: dict[datetime, Profile] = {}  # of what was measured since the last try
        self._unstored: dict[datetime, ProfileView] = {}  # of what was measured before it
        self.tracked = self.dropped = self._given_up = 0
        self._last, self._due = math.inf, time.monotonic() + self._interval
        self._closed = False
        self._complete: bool | None = None  # once it is finished: whether nothing was lost
        self._until = self._end = math.inf  # when to stop measuring and storing, once closed

    def track(
        self, image: ImageLike, *, at: datetime | None = None, group: GroupName = None
    ) -> bool:
        """Profile an image soon; it may be changed or closed as soon as this returns.

        Nothing about the image raises here. One that cannot be measured is counted in
        ``image.Failure``. Arrays and loaded PIL images are copied; a PIL image that is not loaded
        yet is decoded here, which it would have to be anyway, and a file, a tensor or a PIL image
        of which all frames count is measured here. A path is read later.

        Parameters
        ----------
        image
            Whatever `lightmeter.log_image` takes one of.
        at
            When it is from; without a time zone it is local time. None takes the time it is.
        group
            What it has in common with others, as for `lightmeter.log_image`.

        Returns
        -------
        bool
            Whether it was accepted; if not it is counted in `dropped`.

        Raises
        ------
        TypeError
            `at` is neither a datetime nor a date, or `group` neither a string nor a number.
        ValueError
            The bucket of `at` reaches beyond the year 9999.

        Examples
        --------
        >>> with lm.logger("drift.db", "camera") as log:
        ...     log.track(frame)
        """
        if self._closed:  # at the end of the interpreter, even the arithmetic of dates is gone
            with self._lock:
                self.dropped += 1
            return False
        start = bucket_start(datetime.now(UTC) if at is None else at, self._every)
        of_group = group_of(group)
        size = weight(image)
        with self._lock:  # an empty queue takes any size
            if self._waiting and self._waiting + size > self._queue_bytes:
                self.dropped += 1
                self._add(start, _DROPPED)
                return False
            self._waiting += size
        item = Waiting(start, attempt(keep, image, self._empty._reading), size, of_group)
        with self._lock:
            if self._closed:
                self.dropped += 1
                return False
            self.tracked += 1
            self._append(item)
        return True

    def flush(self, timeout: float | None = None) -> bool:
        """Store all that was tracked before, and wait until it is.

        What was flushed outlives any end of the process. Call it where one may come at once, such
        as at the end of each task of a pool.

        Parameters
        ----------
        timeout
            Seconds to wait at most; 0 only asks for it, None waits as long as it takes.

        Returns
        -------
        bool
            Whether it is stored; False if storing failed, which is tried again, or took too long.

        Examples
        --------
        >>> with lm.logger("drift.db", "camera") as log:
        ...     log.track(frame)
        ...     log.flush()
        """
        mark = _Flush()
        with self._lock:
            if self._complete is None:
                self._append(mark)
            if self._thread is not None:
                self._lock.wait_for(lambda: {mark.stored, self._complete} != {None}, timeout)
            return bool(self._complete if mark.stored is None else mark.stored)

    def close(self, timeout: float | None = endings.CLOSING_SECONDS) -> bool:
        """Measure and store what is left, and stop. Later images are dropped.

        Images that still wait after two thirds of `timeout` are given up: counted in `dropped` and
        in ``image.Failure``. The rest of the time is for storing, which is tried until it succeeds.
        What is lost is told to the log.

        Parameters
        ----------
        timeout
            Seconds that this may take; None takes as long as it takes.

        Returns
        -------
        bool
            Whether all that `track` accepted is measured and stored.

        Examples
        --------
        >>> log = lm.logger("drift.db", "camera")
        >>> log.close()
        True
        """
        seconds = math.inf if timeout is None else timeout
        now = time.monotonic()
        with self._lock:
            self._closed = True
            self._until = min(self._until, now + _MEASURING_SHARE * seconds)
            self._end = min(self._end, now + seconds)
            self._rows.hurry(_ANSWER_SHARE * seconds)  # the thread may be waiting for a server
            self._lock.notify_all()
            if self._thread is not None:
                self._wait_until_finished(self._until)
                if self._measuring is not None:
                    self._give_up()
                    self._thread = None
            mine = self._thread is None
            if mine:
                self._thread = threading.current_thread()
        if mine:
            self._work()
        with self._lock:
            self._wait_until_finished(self._end)
            return self._finish()

    def __enter__(self) -> Self:
        """Return the logger itself, closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def __reduce__(self) -> NoReturn:
        """A copy would share the thread."""
        raise TypeError("a logger cannot be copied or pickled; make one in each process")

    # With the lock held

    def _append(self, item: Waiting | _Flush) -> None:
        self._queue.append(item)
        if self._thread is None:  # not before: servers fork after loading
            thread = threading.Thread(target=self._work, name="lightmeter", daemon=True)
            with suppress(RuntimeError):  # the interpreter is ending: closing does the work
                thread.start()
                self._thread = thread
        self._lock.notify_all()

    def _add(
        self, start: datetime, result: Measured | Profile | Failure, group: str | None = None
    ) -> bool:
        """Add to the profile of a bucket; whether there is room for another bucket."""
        profile = self._profiles.get(start)
        if profile is None:
            if len(self._profiles) + len(self._unstored) >= 2 * _MOST:
                return False
            profile = self._profiles[start] = copy(self._empty)
        with profile._in_group(getattr(result, "group", None) if group is None else group) as part:
            part._add("image", result)
        return True

    def _give_up(self) -> None:
        """Drop what still waits."""
        items = [self._measuring, *self._queue]
        self._measuring = None
        self._queue.clear()
        for item in items:
            if isinstance(item, Waiting):
                self.dropped += 1
                self._given_up += 1
                self._add(item.start, _DROPPED)

    def _wait_until_finished(self, end: float) -> None:
        self._lock.wait_for(lambda: self._complete is not None, _seconds_to(end))

    def _finish(self) -> bool:
        if self._complete is None:
            self._give_up()
            views = [*self._unstored.values(), *(each.view() for each in self._profiles.values())]
            self._complete = not (views or self._given_up)
            endings.open_loggers.discard(self)
            self._lock.notify_all()
            if not self._complete:
                lost = sum(view["image.Failure"].n for view in views)
                text = "%s is closed: %d images were dropped or refused, and %d images and "
                text += "failures are not stored"
                _log.error(text, self._rows.dataset, self._given_up, lost)
        return self._complete

    # In the role of the thread

    def _work(self) -> None:
        try:
            while (item := self._next()) is not None:
                if isinstance(item, _Flush):
                    self._store(item)
                elif not self._measure(item):
                    return
            with self._lock:
                self._give_up()
            self._rows.hurry(_ANSWER_SHARE * (self._end - time.monotonic()))
            while not self._store(_Flush()) and time.monotonic() + _PAUSE < self._end:
                time.sleep(_PAUSE)
            self._rows.close()
            with self._lock:
                self._finish()
        except BaseException:  # such as an interrupt of who closes; the next who closes goes on
            self._thread = None
            raise

    def _next(self) -> Waiting | _Flush | None:
        """Wait for an image, or until it is time to store; None at the end."""
        with self._lock:
            while not self._closed or (self._queue and time.monotonic() < self._until):
                quiet = math.inf if self._queue else self._last + self._rows.quiet
                wake = min(self._due, quiet)
                if time.monotonic() >= wake or len(self._profiles) > _MOST:
                    return _Flush()
                if self._queue:
                    item = self._queue.popleft()
                    self._measuring = item if isinstance(item, Waiting) else None
                    return item
                self._lock.wait(_seconds_to(wake))
        return None

    def _measure(self, item: Waiting) -> bool:
        """Add an image to its profile; False where it was given up meanwhile."""
        result = attempt(measure_kept, item.kept, self._empty._reading)
        with self._lock:
            if self._thread is not threading.current_thread():
                return False
            self._measuring = None
            self._waiting -= item.weight
            self.dropped += not self._add(item.start, result, item.group)
            self._last = time.monotonic()
            left = (item.start + self._every - datetime.now(UTC)).total_seconds()
            if left > 0:  # when its bucket ends
                self._due = min(self._due, self._last + left)
        return True

    def _store(self, mark: _Flush) -> bool:
        """Put what was measured; whether all of it is stored.

        What fails is put again as it is, before what was measured since. What a bucket that `gc`
        has deleted does not take is lost.
        """
        lost = 0
        for _ in range(2):
            with self._lock:
                for start in self._profiles.keys() - self._unstored.keys():
                    self._unstored[start] = self._profiles.pop(start).view()
                self._last, self._due = math.inf, time.monotonic() + self._interval
            for start, view in list(self._unstored.items()):
                try:
                    self._rows.put(start, view, self._every)
                except ConflictError as error:
                    _log.error("%s loses images: %s", self._rows.dataset, error)
                    lost += self._unstored.pop(start)["image.Failure"].n
                except Exception as error:  # the service goes on, and this is tried again
                    _log.warning("%s is not stored yet: %s", self._rows.dataset, error)
                else:
                    del self._unstored[start]
            if self._unstored:
                break
        with self._lock:
            self._given_up += lost
            mark.stored = not (self._unstored or lost)
            self._lock.notify_all()
        return mark.stored


def _seconds_to(end: float) -> float:
    return min(max(0.0, end - time.monotonic()), threading.TIMEOUT_MAX)


logger = RollingLogger
