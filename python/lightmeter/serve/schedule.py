"""Jobs of the server, each run in a process of its own, so that requests stay quick."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lightmeter.openmetrics import Gauge
from lightmeter.text import shorten, visible

MONITORS = "monitors"

_TICK = 0.5  # seconds
_EVERY = 300.0
_SETTLE = 2.0  # after the first new profile: others come with it
_LEAST = 60.0  # from one run to the next that new profiles begin
_LONGEST = 1800.0
_GRACE = 5.0  # to end by oneself
_COULD_NOT = 2

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
        return {
            0: "found nothing unusual",
            1: "could not send an alert",
            3: "found an anomaly",
            4: "could not judge everything",
        }.get(self.code, "could not judge")


class Schedule:
    """Runs commands at once, every few minutes, and when there is news; one at a time.

    What they are is in the keys of `commands`; the run of `MONITORS` is remembered.

    Attributes:
        last: how the last run ended; None before that.
        running_since: when the run began that goes on; None where none does.
        is_asked: whether somebody asked for a run that has not begun.
        runs: how many have ended.
        failed: in how many of them something went wrong.
    """

    def __init__(
        self,
        commands: Callable[[], Mapping[str, Sequence[str]]],
        environment: Mapping[str, str] = {},
    ) -> None:
        """Nothing runs before `start`, and as long as there are no commands."""
        self._commands, self._environment = commands, environment
        self._task: asyncio.Task[None] | None = None
        self._news: float | None = None  # when the first profile came that no run has seen
        self.last: Outcome | None = None
        self.running_since: datetime | None = None
        self.is_asked = False
        self.runs = self.failed = 0

    def start(self) -> None:
        """Begin, if it has not begun or was stopped."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._loop(), name="lightmeter-monitors")

    async def stop(self) -> None:
        """End it, and the run that goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def notice(self) -> None:
        """Say that a profile has come."""
        self._news = self._news or time.monotonic()

    async def _loop(self) -> None:
        began = -float("inf")
        while True:
            await asyncio.sleep(_TICK)
            now, news = time.monotonic(), self._news
            is_new = news is not None and now >= max(news + _SETTLE, began + _LEAST)
            due = is_new or self.is_asked or now >= began + _EVERY
            if not due or not (commands := await asyncio.to_thread(self._commands)):
                continue
            began, self._news, self.is_asked = now, None, False
            self.running_since = datetime.now(UTC)
            try:
                for name, command in commands.items():
                    self._note(name, await self._run(command))
            except OSError:
                _log.exception("a job could not be run")
            finally:
                self.running_since = None

    async def _run(self, command: Sequence[str]) -> Outcome:
        began, clock = datetime.now(UTC), time.monotonic()
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=nothing,
            stdout=nothing,
            stderr=pipe,
            env={**os.environ, **self._environment},
        )
        with contextlib.suppress(AttributeError, OSError):  # where there are no priorities
            os.setpriority(os.PRIO_PROCESS, child.pid, 5)  # requests come first
        code, error = None, f"took more than {_LONGEST / 60:g} minutes"
        try:
            async with asyncio.timeout(_LONGEST):
                _, written = await child.communicate()
            code, error = _ending(child.returncode or 0, written.decode(errors="replace"))
        except TimeoutError:
            pass
        finally:
            for end in (child.terminate, child.kill):  # which fail where it has ended
                with contextlib.suppress(ProcessLookupError, TimeoutError):
                    end()
                    await asyncio.wait_for(child.communicate(), _GRACE)
        return Outcome(began, time.monotonic() - clock, code, error)

    def _note(self, name: str, outcome: Outcome) -> None:
        words = ""
        if name == MONITORS:
            self.last, words = outcome, f" {outcome.words}"
            self.runs += 1
            self.failed += bool(outcome.error)
        log = _log.warning if outcome.error else _log.info
        log("%s:%s %s", name, words, visible(outcome.error))

    def gauges(self) -> list[Gauge]:
        """What machines are told of the runs."""
        gauges = [
            Gauge("lightmeter_monitor_runs", "Runs of the monitors since the server began."),
            Gauge("lightmeter_monitor_runs_failed", "Those in which something went wrong."),
            Gauge("lightmeter_monitor_run_timestamp_seconds", "Start of the last run.", "seconds"),
            Gauge("lightmeter_monitor_run_seconds", "How long the last run took.", "seconds"),
            Gauge("lightmeter_monitor_run_exit_code", "How the last run ended."),
        ]
        values: list[float | None] = [self.runs, self.failed]
        if (last := self.last) is not None:
            values += [last.began.timestamp(), last.seconds, last.code]
        for gauge, value in zip(gauges, values, strict=False):
            gauge.set(value)
        return gauges


def _ending(code: int, written: str) -> tuple[int, str]:
    """The code of a run and its first complaint; that of an alert says that it has judged."""
    mark = "lightmeter: "
    errors = [line.removeprefix(mark) for line in written.splitlines() if line.startswith(mark)]
    error = shorten(errors[0], 500) if errors else ""
    if code in (0, 3, 4) or (code == 1 and error.startswith("alert ")):
        return code, error
    return _COULD_NOT, error or f"ended with code {code}"
