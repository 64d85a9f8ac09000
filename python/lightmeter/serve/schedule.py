"""Monitors that run every few minutes, in a process of their own, so that requests stay quick."""

import contextlib
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from lightmeter.openmetrics import Gauge
from lightmeter.text import shorten, visible

__all__ = ["Outcome", "Schedule"]

_TICK = 0.5  # seconds
_SETTLE = 2.0  # after the first new profile: others come with it
_GRACE = 5.0  # to end by oneself
_MOST_ERROR = 2**16  # characters
_CHILD = "lightmeter.serve.child"

_log = logging.getLogger("lightmeter.serve")


@dataclass(frozen=True)
class Outcome:
    """How a run of the monitors ended.

    Attributes:
        began: when it began.
        seconds: how long it took.
        code: its exit code: 0, 3, 1 or 4 as of ``lightmeter monitor run``, 2 where it could not
            judge, and None where it took too long.
        error: the first thing that went wrong; empty for nothing.
    """

    began: datetime
    seconds: float
    code: int | None
    error: str = ""

    @property
    def judged(self) -> bool:
        """Whether the buckets were judged; their alerts may still have failed."""
        return self.code in (0, 1, 3, 4)

    @property
    def words(self) -> str:
        """What became of it."""
        if self.code is None:
            return "took too long and was ended"
        if not self.judged:
            return "could not judge"
        return {3: "found an anomaly", 4: "could not judge everything"}.get(
            self.code, "could not send an alert" if self.code == 1 else "found nothing unusual"
        )


class Schedule:
    """Runs the monitors of a file on a store: at once, every few minutes, and when there is news.

    One run at a time. A run ends with the server, also where that is killed.

    Attributes:
        monitors: the file.
        has_begun: whether it was ever started.
    """

    def __init__(
        self,
        address: str,
        monitors: Path,
        *,
        every: timedelta = timedelta(minutes=5),
        least: timedelta = timedelta(minutes=1),
        longest: timedelta = timedelta(minutes=30),
        is_wanted: Callable[[], bool] = lambda: True,
        arrivals: Callable[[], int] = lambda: 0,
        pages: str | None = None,
    ) -> None:
        """Nothing runs before `start`.

        Args:
            address: of the store.
            monitors: the file; while there is none nothing runs.
            every: how often.
            least: how long after the last one a run begins for new profiles.
            longest: how long one may take.
            is_wanted: whether the file has something to run, or to complain of.
            arrivals: how many profiles have come so far.
            pages: address of the server's pages, for links in alerts.
        """
        self._address, self.monitors = address, monitors
        self.has_begun = False
        self._pages = [] if pages is None else [pages]
        self._every, self._least = every.total_seconds(), least.total_seconds()
        self._longest = longest.total_seconds()
        self._is_wanted, self._arrivals = is_wanted, arrivals
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop, self._asked = threading.Event(), threading.Event()
        self._running_since: datetime | None = None
        self._last: Outcome | None = None
        self._runs = self._failed = 0

    def start(self) -> None:
        """Begin, if it has not begun or was stopped."""
        self.has_begun = True
        with self._lock:
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._loop, args=(self._stop,), name="lightmeter-monitors", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """End it, and the run that goes on."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            thread.join(2 * _GRACE)

    def run_now(self) -> None:
        """Begin a run as soon as the one that goes on is over."""
        self._asked.set()

    @property
    def last(self) -> Outcome | None:
        """How the last run ended; None before that."""
        return self._last

    @property
    def running_since(self) -> datetime | None:
        """When the run began that goes on; None where none does."""
        return self._running_since

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked for a run that has not begun."""
        return self._asked.is_set()

    @property
    def runs(self) -> int:
        """How many have ended."""
        return self._runs

    @property
    def failed(self) -> int:
        """In how many of them something went wrong."""
        return self._failed

    def gauges(self) -> list[Gauge]:
        """What machines are told of the runs."""
        runs = Gauge("lightmeter_monitor_runs", "Runs of the monitors since the server began.")
        failed = Gauge("lightmeter_monitor_runs_failed", "Those in which something went wrong.")
        began = Gauge(
            "lightmeter_monitor_run_timestamp_seconds", "When the last run began.", "seconds"
        )
        took = Gauge("lightmeter_monitor_run_seconds", "How long the last run took.", "seconds")
        code = Gauge("lightmeter_monitor_run_exit_code", "How the last run ended.")
        runs.set(self._runs)
        failed.set(self._failed)
        if (last := self._last) is not None:
            began.set(last.began.timestamp())
            took.set(last.seconds)
            code.set(last.code)
        return [runs, failed, began, took, code]

    def __enter__(self) -> Self:
        """Begin; stopped at the end of the block."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _loop(self, stop: threading.Event) -> None:
        began, seen, fresh = -float("inf"), self._arrivals(), float("inf")
        while not stop.wait(_TICK):
            now, arrived = time.monotonic(), self._arrivals()
            if arrived != seen:
                seen, fresh = arrived, min(fresh, now)
            news = now >= max(fresh + _SETTLE, began + self._least)
            due = news or now >= began + self._every or self._asked.is_set()
            if not due or not self.monitors.exists() or not self._is_wanted():
                continue
            began, fresh = now, float("inf")
            self._asked.clear()
            self._running_since = datetime.now(UTC)
            try:
                self._note(self._run(stop), stop)
            except Exception:
                _log.exception("the monitors could not be run")
            finally:
                self._running_since = None

    def _note(self, outcome: Outcome, stop: threading.Event) -> None:
        if stop.is_set():
            return
        self._last = outcome
        self._runs += 1
        self._failed += bool(outcome.error)
        log = _log.warning if outcome.error else _log.info
        log("monitors: %s %s", outcome.words, visible(outcome.error))

    def _run(self, stop: threading.Event) -> Outcome:
        began, clock = datetime.now(UTC), time.monotonic()
        # Not from the folder that the server was started in, where anybody may have put files.
        command = [sys.executable, "-P", "-m", _CHILD, str(self.monitors), self._address]
        command += self._pages
        # It ends when its input does, which is when this process ends, however that happens.
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            assert child.stderr is not None
            lines: list[str] = []
            reader = threading.Thread(target=_read, args=(child.stderr, lines), daemon=True)
            reader.start()
            while child.poll() is None and not stop.wait(_TICK / 5):
                if time.monotonic() - clock > self._longest:
                    break
            code = child.poll()
            if code is None:
                _end(child)
            reader.join(_GRACE)
        return Outcome(began, time.monotonic() - clock, code, _error(code, lines, self._longest))


def _read(stream: "object", lines: list[str]) -> None:
    """So that the child never waits for somebody to read; of very much only the first counts."""
    size = 0
    for line in stream:  # type: ignore[attr-defined]
        if size < _MOST_ERROR:
            lines.append(line)
        size += len(line)


def _end(child: "subprocess.Popen[str]") -> None:
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE)
        return
    child.kill()
    child.wait()


def _error(code: int | None, lines: list[str], longest: float) -> str:
    if code is None:
        return f"took more than {longest / 60:g} minutes"
    errors = [line.removeprefix("error: ").strip() for line in lines if line.startswith("error: ")]
    if errors:
        return shorten(errors[0], 500)
    return "" if code in (0, 3, 4) else f"ended with code {code}"
