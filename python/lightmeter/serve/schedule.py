"""The jobs of the server, each in a process of its own, so that requests stay fast."""

import asyncio
import contextlib
import logging
import math
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from lightmeter.text import shorten, visible

MONITORS = "monitors"

_JUDGED = 0, 3, 4  # exit codes of a run; 1 may be due to an alert
_TICK = 0.5  # seconds
_EVERY = 300.0
_SETTLE = 2.0  # after the first new profile, because others follow it
_LEAST = 60.0  # between two runs for new profiles
_LONGEST = 1800.0
_MARK = "lightmeter: "  # the beginning of an error message
_FRAME = re.compile("[\u2500-\u257f]")  # frames that Typer draws

_log = logging.getLogger("lightmeter.serve")


class Outcome(NamedTuple):
    """The outcome of a run of the monitors.

    Attributes
    ----------
    began
        The time at which it began.
    code
        The exit code of ``lightmeter monitor run``; None if it took too long.
    error
        The first error; empty without errors.
    """

    began: datetime
    code: int | None
    error: str = ""

    @property
    def judged(self) -> bool:
        """Return whether the buckets were judged; their alerts may still have failed."""
        return self.code in _JUDGED or self.error.startswith("alert ")


class Schedule:
    """A schedule that runs commands at the start, every 5 minutes, and after new profiles.

    Commands run one at a time, under the names in `commands`; the outcome of `MONITORS` is kept.

    Attributes
    ----------
    last
        The outcome of the last run of the monitors; None before the first.
    is_running
        Whether a command runs.
    is_asked
        Whether a run has been requested that has not begun.
    """

    def __init__(
        self,
        commands: Callable[[], Mapping[str, Sequence[str]]],
        environment: Mapping[str, str] = {},
    ) -> None:
        """Keep the commands, without running them."""
        self._commands, self._environment = commands, environment
        self._news = math.inf  # the time of the first profile that no run has seen
        self.last: Outcome | None = None
        self.is_running = self.is_asked = False

    def notice(self) -> None:
        """Note that a profile was put."""
        self._news = min(self._news, time.monotonic())

    async def run(self) -> None:
        """Run the schedule until it is cancelled, which also ends the current command."""
        began = -math.inf
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            is_new = now >= max(self._news + _SETTLE, began + _LEAST)
            due = is_new or self.is_asked or now >= began + _EVERY
            if not due or not (commands := await asyncio.to_thread(self._commands)):
                continue
            began, self._news, self.is_asked, self.is_running = now, math.inf, False, True
            try:
                for name, command in commands.items():
                    outcome = await self._run(command)
                    self.last = outcome if name == MONITORS else self.last
                    level = logging.WARNING if outcome.error else logging.INFO
                    _log.log(
                        level, "%s ended with %s %s", name, outcome.code, visible(outcome.error)
                    )
            except OSError:
                _log.exception("a job could not be run")
            finally:
                self.is_running = False

    async def _run(self, command: Sequence[str]) -> Outcome:
        began = datetime.now(UTC)
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | self._environment,
        )
        with contextlib.suppress(AttributeError, OSError):  # not on all systems
            os.setpriority(os.PRIO_PROCESS, child.pid, 5)  # requests have priority
        try:
            async with asyncio.timeout(_LONGEST):
                _, written = await child.communicate()
        except TimeoutError:
            return Outcome(began, None, f"took more than {_LONGEST / 60:g} minutes")
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                child.kill()  # a store loses nothing by that
                await child.communicate()
        error = _first_error(child.returncode, written.decode(errors="replace"))
        return Outcome(began, child.returncode, error)


def _first_error(code: int | None, written: str) -> str:
    """Return the first error message of a run, or else the end of its output."""
    errors = [line.removeprefix(_MARK) for line in written.splitlines() if line.startswith(_MARK)]
    if not errors and code not in _JUDGED:
        end = " ".join(_FRAME.sub(" ", written).split())[-400:]
        errors = [f"ended with code {code}: {end}"]
    return shorten(errors[0], 500) if errors else ""
