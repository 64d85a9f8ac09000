"""A logger that profiles the images of a service in the background, into a store."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import NoReturn, Unpack

from lightmeter.errors import ConflictError
from lightmeter.files import AnyPath
from lightmeter.image.failure import Failure
from lightmeter.image.measure import ImageLike, Measured
from lightmeter.image.reading import LoggedOptions, Reading, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.columns import GroupName, group_named
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.times import bucket_start, to_duration
from lightmeter.writers import endings
from lightmeter.writers.rows import Rows, target_of
from lightmeter.writers.waiting import Waiting, attempt, keep, measure_kept, warm_up, weight

_log = logging.getLogger("lightmeter.writers")
_MEASURING_SHARE = 2 / 3  # of the time to close; the rest is for storing
_ANSWER_SHARE = 1 / 3  # of either time, for a server; then the profiles go to the spool
_PAUSE = 0.25  # seconds between two tries to store at the end
_MOST = 256  # buckets that are stored at once; while a store fails, twice as many wait
_DROPPED = Failure(None, "dropped", "the queue was full, or the time to close was over")


class _Flush:
    """A mark in the queue: store everything before it. `stored` is None until that was tried."""

    stored: bool | None = None


class RollingLogger(AbstractContextManager["RollingLogger"]):
    """A logger for a service: `track` returns at once, and a thread measures and stores.

    Threads may share it. After a fork, the child has an empty queue and a thread of its own; images
    tracked before the fork belong to the parent.

    Every process is a new writer, so a restart within a bucket adds to the stored profiles.

    How many images a process loses depends on how it ends:

    - **Normally**: none. The logger closes itself when the program returns, calls `sys.exit` or
      ends with an exception or KeyboardInterrupt, and when a worker of `multiprocessing` or
      `ProcessPoolExecutor` returns. Waiting images are measured for at most 20 seconds; the rest is
      counted as dropped.
    - **By SIGTERM or SIGHUP**: none, if `handle_signals` is set. `Process.terminate` sends SIGTERM,
      and so do `Pool.terminate` (at the end of ``with Pool()``) and a parent that ends before its
      daemon child.
    - **At once**, by SIGKILL, `os._exit`, `os.abort`, `os.exec*` or a crash, or by one of the
      signals above without a handler: the images since the last checkpoint, unless `flush` has
      returned True. A checkpoint takes place every 30 seconds (`checkpoint`) and after each second
      without an image.

    Attributes
    ----------
    tracked
        The number of images accepted by `track` in this process; a batch or a file with several
        frames counts as one.
    dropped
        The number of images that are not measured: `track` did not accept them because the queue
        was full or the logger was closed, or they still waited when the time to close was over. All
        except those tracked after closing are also in the profile, as failures with the reason
        ``dropped``.

    Examples
    --------
    >>> log = lm.logger("drift.db", "cells")
    >>> log.track(frame)
    """

    def __init__(
        self,
        store: Store | AnyPath | None = None,
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
        """Open the store. The thread starts with the first image.

        Parameters
        ----------
        store
            A store or the address of one. The logger opens the store for itself. While a server is
            unavailable, profiles wait on the disk of this machine.
        dataset
            The name of the dataset.
        inbox
            An inbox, or its address, in place of a store. Every put writes an object there, so
            profiles are put at the end of a bucket and every ten minutes, unless `checkpoint` gives
            another interval.
        every
            The length of the buckets of the dataset. None takes the length that the store knows, or
            an hour for a new dataset and for an inbox. An image belongs to the bucket of the time
            at which it was tracked, unless `track` gets another time.
        checkpoint
            The longest interval between two puts; the default is 30 seconds. A profile is also put
            when its bucket ends, and after a second without an image.
        segment
            A segment such as ``{"camera": "left"}``; None for the whole dataset.
        reading
            How images are read; None takes the default.
        sample
            The number of images whose numbers are kept for `lightmeter.check_image`, such as 256;
            see `lightmeter.Profile`.
        tags
            Tags of the profiles, such as ``{"model": "v7"}``.
        queue_bytes
            The memory for waiting images, in bytes. When it is full, further images are dropped and
            counted. A path counts as 1 MiB, for the work of reading the file.
        handle_signals
            Whether SIGTERM and SIGHUP store the remaining images, for at most 8 seconds, before
            they end the process. A second signal ends the process at once. Handlers that the
            program has set stay in place. Without this option and without such a handler, these
            signals end the process at once. Like all Python handlers, it runs in the main thread.
        options
            Options of `lightmeter.Reading` that differ from `reading`.

        Raises
        ------
        StoreError
            The store cannot be opened, the dataset has buckets of another length, or a server is
            unavailable and `every` is neither given nor known from an earlier call on this machine.
        TypeError
            A duration is neither a string nor a timedelta, or an option is unknown.
        ValueError
            There is no dataset, or not exactly one of `store` and `inbox`; a duration, the segment
            or an option is invalid; `sample` or `queue_bytes` is out of range; `ignore` names a
            column; or `handle_signals` is set outside the main thread.
        """
        reading = reading_of(reading, options)
        if queue_bytes < 0:
            raise ValueError(f"got {queue_bytes} as queue_bytes; expected 0 or more")
        if reading.ignored.column:
            raise ValueError(
                "got a column of masks as `ignore`; expected a rectangle, a mask or a condition, "
                "because images of a logger have no columns"
            )
        self._empty = Profile(reading=reading, sample=sample, tags=tags)
        length = None if every is None else to_duration(every)
        self._queue_bytes = queue_bytes
        self._rows = Rows(target_of(store, inbox), dataset, segment_text(segment))
        self._interval = self._rows.checkpoint
        if checkpoint is not None:
            self._interval = to_duration(checkpoint).total_seconds()
        warm_up()
        if handle_signals:
            endings.handle_signals()
        self._every = self._rows.define(length, timedelta(hours=1))
        self._start_over()
        endings.open_loggers.add(self)

    def _start_over(self) -> None:
        """Set the state for a new process.

        One thread at a time takes images from the queue, measures and stores: the thread of the
        logger, or the thread that closes the logger if there is no other or an image blocks it.
        """
        self._lock = threading.Condition()  # held while any of these changes
        self._thread: threading.Thread | None = None
        self._queue: deque[Waiting | _Flush] = deque()
        self._waiting = 0  # bytes
        self._measuring: Waiting | None = None
        self._profiles: dict[datetime, Profile] = {}  # of images measured since the last put
        self._unstored: dict[datetime, ProfileView] = {}  # of images measured before it
        self.tracked = self.dropped = self._given_up = 0
        self._last, self._due = math.inf, time.monotonic() + self._interval
        self._closed = False
        self._complete: bool | None = None  # when finished: whether nothing was lost
        self._until = self._end = math.inf  # when to stop measuring and storing after closing

    def track(
        self, image: ImageLike, *, at: datetime | None = None, group: GroupName = None
    ) -> bool:
        """Queue an image to be profiled. The caller may change or close it when this returns.

        An image that cannot be measured raises no error here, but is counted in ``image.Failure``.
        A path is read later. Arrays and loaded PIL images are copied, and a PIL image that is not
        loaded is decoded now. A file object, a bytearray, a tensor, or a PIL image of which all
        frames count is measured now.

        Parameters
        ----------
        image
            An image as for `lightmeter.log_image`.
        at
            The time of the image, local without a time zone; None takes the clock.
        group
            The name of a group of dependent images, as for `lightmeter.log_image`.

        Returns
        -------
        bool
            Whether the image was accepted; otherwise it is counted in `dropped`.

        Raises
        ------
        TypeError
            `at` is neither a datetime nor a date, or `group` is neither a string nor a number.
        ValueError
            The bucket of `at` reaches beyond the year 9999.

        Examples
        --------
        >>> with lm.logger("drift.db", "camera") as log:
        ...     log.track(frame)
        """
        if self._closed:  # while the interpreter ends, even date arithmetic is unavailable
            with self._lock:
                self.dropped += 1
            return False
        start = bucket_start(datetime.now(UTC) if at is None else at, self._every)
        of_group = None if group is None else group_named(group)
        size = weight(image)
        with self._lock:  # an empty queue accepts any size
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
        """Measure and store all images tracked so far, and wait until that is done.

        Flushed images survive any end of the process. Call this where the process may end at once,
        such as at the end of each task of a pool.

        Parameters
        ----------
        timeout
            The longest time to wait, in seconds; 0 does not wait, and None sets no limit.

        Returns
        -------
        bool
            True if the images are stored; False if storing failed (it is tried again) or took too
            long.

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
        """Measure and store the remaining images, and stop. Later images are dropped.

        Images that still wait after two thirds of `timeout` are dropped: they count in `dropped`
        and in ``image.Failure``. The rest of the time is for storing, which is tried until it
        succeeds. An error in the log reports losses.

        Parameters
        ----------
        timeout
            The longest time that this may take, in seconds; None sets no limit.

        Returns
        -------
        bool
            Whether all images that `track` accepted are measured and stored.

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

    def __exit__(self, *error: object) -> None:
        """Close the logger."""
        self.close()

    def __reduce__(self) -> NoReturn:
        """Raise TypeError, because a copy would share the thread."""
        raise TypeError("a logger cannot be copied or pickled; create one in each process")

    # With the lock held

    def _append(self, item: Waiting | _Flush) -> None:
        self._queue.append(item)
        if self._thread is None:  # not earlier, because servers fork after loading
            thread = threading.Thread(target=self._work, name="lightmeter", daemon=True)
            with suppress(RuntimeError):  # while the interpreter ends, `close` does the work
                thread.start()
                self._thread = thread
        self._lock.notify_all()

    def _add(
        self, start: datetime, result: Measured | Profile | Failure, group: str | None = None
    ) -> bool:
        """Add to the profile of a bucket; return False if there are too many buckets."""
        profile = self._profiles.get(start)
        if profile is None:
            if len(self._profiles) + len(self._unstored) >= 2 * _MOST:
                return False
            profile = self._profiles[start] = copy(self._empty)
        with profile._in_group(getattr(result, "group", None) if group is None else group) as part:
            part._add("image", result)
        return True

    def _give_up(self) -> None:
        """Drop the waiting images."""
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
                text = "%s is closed with losses: %d images were dropped or refused, and %d images "
                text += "and failures are not stored"
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
        except BaseException:  # such as KeyboardInterrupt in `close`; another `close` continues
            self._thread = None
            raise

    def _next(self) -> Waiting | _Flush | None:
        """Return the next image, or a mark when it is time to store; None at the end."""
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
        """Add an image to its profile; return False if it was dropped meanwhile."""
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
        """Put the measured profiles; return whether all are stored.

        A profile whose put failed is put again unchanged, before newer ones of the same bucket. A
        profile is lost if `gc` has deleted its bucket.
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
                except Exception as error:  # the service continues, and the put is tried again
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
