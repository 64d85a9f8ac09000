"""What the endpoints of a server share: the store, the settings, and what is counted."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException

from lightmeter.dashboard.site import LivePages
from lightmeter.profile import ProfileView
from lightmeter.serve.monitors_file import MonitorsFile
from lightmeter.serve.proxy import Failures, Proxy
from lightmeter.serve.schedule import MONITORS, Schedule
from lightmeter.store.store import Store

_R = TypeVar("_R")
_CALLS = 9  # for each thread, of which one runs


class Threads:
    """Some threads, for each of which eight calls may wait."""

    def __init__(self, most: int) -> None:
        """Start none yet."""
        self._pool, self._left = ThreadPoolExecutor(most), most * _CALLS

    async def do(self, function: Callable[..., _R], *args: Any, **kwargs: Any) -> _R:
        """Call `function` in a thread. It goes on there if whoever waits for it is cancelled.

        Raises
        ------
        HTTPException
            503, too many calls wait.
        """
        if not self._left:
            raise busy("the server has too much to do now; ask again in a moment")
        self._left -= 1
        try:
            call = partial(function, *args, **kwargs)
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        finally:
            self._left += 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a server takes of others.

    Attributes
    ----------
    body
        Bytes of a profile.
    features
        Of a profile, and of profiles that are merged for somebody.
    name
        Characters of the name of a feature, which pages show many times.
    json
        Bytes of any other body.
    buffered
        Bytes of all bodies that are being received.
    seconds
        Until a body is here, whole.
    operations
        How many threads work on the store at once, for each of which 8 requests wait.
    failures
        How many wrong keys an address may send a minute.
    """

    body: int = 16 * 2**20
    features: int = 10_000
    name: int = 1000
    json: int = 2**16
    buffered: int = 2**28
    seconds: float = 60
    operations: int = 16
    failures: int = 20

    def check_profile(self, view: ProfileView) -> None:
        """Refuse a profile of which a report or a page would take too much.

        Raises
        ------
        HTTPException
            413.
        """
        longest = max(map(len, view), default=0)
        if len(view) > self.features or longest > self.name:
            words = f"got {len(view)} features with names of up to {longest} characters; "
            raise HTTPException(413, f"{words}expected {self.features} and {self.name} at most")


@dataclass(kw_only=True)
class Server:
    """One server; endpoints find it at ``request.app.state.server``.

    Attributes
    ----------
    store
        What it serves.
    monitors
        The file of monitors that it runs and writes; None where there is none.
    pull
        The address of an inbox that it empties into the store; None where there is none.
    public_url
        Its address as others see it, such as ``https://drift.example.com/base``.
    hosts
        The names under which it may be asked, in small letters.
    proxy
        That has people log in.
    limits
        How much it takes.
    has_keys
        Whether the store has or had a key. Without the last one nobody gets in before a new start,
        which is checked: to take a key back must not let others in.
    buffered
        Bytes of bodies that are being received.
    schedule
        Runs the jobs.
    """

    store: Store
    monitors: MonitorsFile | None = None
    pull: str | None = None
    public_url: str | None = None
    hosts: frozenset[str] = frozenset()
    proxy: Proxy | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        threads = self.limits.operations
        # Reports and pages can take seconds, which puts must not wait for.
        self.work, self.slow = Threads(threads), Threads(max(1, threads // 4))
        self.failures = Failures(self.limits.failures)
        self.has_keys, self.buffered = self.store.state.keys.exist(), 0
        self.pages = LivePages(self.store)
        self.switching = threading.Lock()  # held while monitors are switched on
        if self.monitors is None and self.store.path is not None:
            self.monitors = MonitorsFile(Path(f"{self.store.path}.monitors.toml").absolute())
        self.schedule = Schedule(self._commands, self.store.environment)

    def _commands(self) -> dict[str, list[str]]:
        """Return what is to be run now."""
        commands = {}
        # Not from the folder that the server was started in, where anybody may have put files.
        program = [sys.executable, "-P", "-m", "lightmeter"]
        if self.pull is not None:
            words = ["store", "pull", self.pull, self.store.address, "--delete"]
            commands["store pull"] = program + words
        if self.monitors is not None and any(self.monitors.read()):
            words = ["monitor", "run", str(self.monitors.path), "--store", self.store.address]
            words += [] if self.public_url is None else ["--dashboard", self.public_url]
            commands[MONITORS] = program + words
        return commands

    @contextlib.asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Yield the jobs run for as long as the app does."""
        jobs = asyncio.create_task(self.schedule.run())
        try:
            yield
        finally:
            jobs.cancel()
            await asyncio.gather(jobs, return_exceptions=True)

    def watching_elsewhere(self, dataset: str) -> list[str]:
        """Return names of the monitors of a dataset that are in another file, which is still there.

        Two files with a monitor of the same name and dataset cannot be run.
        """
        own = os.fspath(self.monitors.path) if self.monitors is not None else ""
        sources = [each for each in self.store.state.sources() if each.dataset == dataset]
        others = (each for each in sources if each.path not in ("", own))
        return [each.monitor for each in others if os.path.exists(each.path)]

    def public(self, text: str) -> str:
        """Return a text without the folders of this server."""
        file = "" if self.monitors is None else os.fspath(self.monitors.path)
        for folder in map(os.path.dirname, (os.path.realpath(file), file, self.store.address)):
            text = text.replace(f"{folder}{os.sep}", "") if len(folder) > 1 else text
        return text


def busy(words: str, *, status: int = 503, after: float = 1) -> HTTPException:
    """Too much is asked for now; it can be asked again after so many seconds."""
    return HTTPException(status, words, {"Retry-After": str(max(1, round(after)))})
