"""Jobs of the server, each run in a process of its own, so that requests stay quick."""

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

_JUDGED = 0, 3, 4  # codes of a run; 1 may be that of an alert
_TICK = 0.5  # seconds
_EVERY = 300.0
_SETTLE = 2.0  # after the first new profile: others come with it
_LEAST = 60.0  # from one run to the next that new profiles begin
_LONGEST = 1800.0
_MARK = "lightmeter: "  # of a complaint
_FRAME = re.compile("[\u2500-\u257f]")  # that Typer draws

_log = logging.getLogger("lightmeter.serve")


class Outcome(NamedTuple):
    """How a run of the monitors ended.

    Attributes
    ----------
    began
        When it began.
    code
        Its exit code, as of ``lightmeter monitor run``; None where it took too long.
    error
        The first thing that went wrong; empty for nothing.
    """

    began: datetime
    code: int | None
    error: str = ""

    @property
    def judged(self) -> bool:
        """Return whether the buckets were judged; their alerts may still have failed."""
        return self.code in _JUDGED or self.error.startswith("alert ")


class Schedule:
    """Runs commands at once, every few minutes, and when there is news; one at a time.

    What they are is in the keys of `commands`; the run of `MONITORS` is remembered.

    Attributes
    ----------
    last
        How the last run ended; None before that.
    is_running
        Whether one goes on.
    is_asked
        Whether somebody asked for a run that has not begun.
    """

    def __init__(
        self,
        commands: Callable[[], Mapping[str, Sequence[str]]],
        environment: Mapping[str, str] = {},
    ) -> None:
        """Run nothing yet."""
        self._commands, self._environment = commands, environment
        self._news = math.inf  # when the first profile came that no run has seen
        self.last: Outcome | None = None
        self.is_running = self.is_asked = False

    def notice(self) -> None:
        """Say that a profile has come."""
        self._news = min(self._news, time.monotonic())

    async def run(self) -> None:
        """Go on until it is cancelled, which ends the run that goes on, too."""
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
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        environment = {**os.environ, **self._environment}
        child = await asyncio.create_subprocess_exec(
            *command, stdin=nothing, stdout=nothing, stderr=pipe, env=environment
        )
        with contextlib.suppress(AttributeError, OSError):  # where there are no priorities
            os.setpriority(os.PRIO_PROCESS, child.pid, 5)  # requests come first
        try:
            async with asyncio.timeout(_LONGEST):
                _, written = await child.communicate()
        except TimeoutError:
            return Outcome(began, None, f"took more than {_LONGEST / 60:g} minutes")
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                child.kill()  # which loses nothing of a store
                await child.communicate()
        error = _first_error(child.returncode, written.decode(errors="replace"))
        return Outcome(began, child.returncode, error)


def _first_error(code: int | None, written: str) -> str:
    """Return the first complaint of a run, or else the end of what it wrote, such as of a
    traceback.
    """
    errors = [line.removeprefix(_MARK) for line in written.splitlines() if line.startswith(_MARK)]
    if not errors and code not in _JUDGED:
        end = " ".join(_FRAME.sub(" ", written).split())[-400:]
        errors = [f"ended with code {code}: {end}"]
    return shorten(errors[0], 500) if errors else ""
