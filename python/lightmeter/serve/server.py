"""The state that the endpoints of a server share: the store, settings and counters."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, HTTPException

from lightmeter.dashboard.site import LivePages
from lightmeter.profile import ProfileView
from lightmeter.serve.monitors_file import MonitorsFile
from lightmeter.serve.proxy import Failures, Proxy
from lightmeter.serve.schedule import MONITORS, Schedule
from lightmeter.store.store import Store

_R = TypeVar("_R")
_CALLS = 9  # for each thread: one runs, and eight wait


class Threads:
    """A group of threads, for each of which eight calls may wait."""

    def __init__(self, most: int) -> None:
        """Start none yet."""
        self._limiter, self._left = CapacityLimiter(most), most * _CALLS

    async def do(self, function: Callable[..., _R], *args: Any, **kwargs: Any) -> _R:
        """Call `function` in a thread. It continues there if its caller is cancelled.

        Raises
        ------
        HTTPException
            503, if too many calls wait.
        """
        if not self._left:
            raise busy("the server is busy; try again in a moment")
        self._left -= 1
        try:
            call = partial(function, *args, **kwargs)
            return await to_thread.run_sync(call, limiter=self._limiter)
        finally:
            self._left += 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a server for requests. They are frozen, so threads may share them.

    Attributes
    ----------
    body
        Bytes of a profile.
    features
        Features of a profile, and of a merge that is requested.
    name
        Characters of the name of a feature, because pages show it many times.
    json
        Bytes of any other body.
    buffered
        Bytes of all bodies that are being received.
    seconds
        Seconds in which a body must arrive.
    operations
        Threads that work on the store at once; for each of them, 8 requests may wait.
    failures
        Wrong keys that an address may send per minute.
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
        """Refuse a profile that is too large for reports and pages.

        Raises
        ------
        HTTPException
            413, if it has too many features or too long names.
        """
        longest = max(map(len, view), default=0)
        if len(view) > self.features or longest > self.name:
            words = f"got {len(view)} features with names of up to {longest} characters; "
            raise HTTPException(413, f"{words}expected at most {self.features} and {self.name}")


@dataclass(kw_only=True)
class Server:
    """The state of one server; endpoints find it at ``request.app.state.server``.

    Threads may share it. It belongs to the process that made it; a forked child must not use it.

    Attributes
    ----------
    store
        The store that it serves.
    monitors
        The file of monitors that it runs and extends; None without any.
    pull
        The address of an inbox that it empties into the store; None without any.
    public_url
        Its public address, such as ``https://drift.example.com/base``.
    hosts
        Its host names, in lower case.
    proxy
        A proxy that logs users in.
    limits
        The limits of requests.
    has_keys
        Whether the store has or had a key. After the last key is removed, no one has access until
        the server restarts, because removing a key must not give access to others.
    buffered
        The number of bytes of bodies that are being received.
    schedule
        The schedule of the jobs.
    """

    store: Store
    monitors: MonitorsFile | None = None
    pull: str | None = None
    public_url: str | None = None
    hosts: frozenset[str] = frozenset()
    proxy: Proxy | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Make the shared state, without starting anything."""
        threads = self.limits.operations
        # Pages can take seconds, so they have threads of their own, and puts need not wait.
        self.work, self.slow = Threads(threads), Threads(max(1, threads // 4))
        self.failures = Failures(self.limits.failures)
        self.has_keys, self.buffered = self.store.state.keys.exist(), 0
        self.pages = LivePages(self.store)
        self.switching = threading.Lock()  # held while monitors are switched on
        if self.monitors is None and self.store.path is not None:
            self.monitors = MonitorsFile(Path(f"{self.store.path}.monitors.toml").absolute())
        address = os.fspath(self.store.path or self.store._address)  # may contain a password
        self.schedule = Schedule(self._commands, {"LIGHTMETER_STORE": address})

    def _commands(self) -> dict[str, list[str]]:
        """Return the commands to run now."""
        commands = {}
        # -P: import no modules from the current folder, where others may have put files.
        program = [sys.executable, "-P", "-m", "lightmeter"]
        if self.pull is not None:
            commands["store pull"] = [*program, "store", "pull", self.pull, "--delete"]
        if self.monitors is not None and any(self.monitors.read()):
            words = ["monitor", "run", str(self.monitors.path)]
            words += [] if self.public_url is None else ["--dashboard", self.public_url]
            commands[MONITORS] = program + words
        return commands

    @contextlib.asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Run the jobs for as long as the app runs."""
        jobs = asyncio.create_task(self.schedule.run())
        try:
            yield
        finally:
            jobs.cancel()
            await asyncio.gather(jobs, return_exceptions=True)

    def watching_elsewhere(self, dataset: str) -> list[str]:
        """Return the names of the monitors of a dataset that are in other existing files.

        Two files must not have a monitor of the same name and dataset.
        """
        own = os.fspath(self.monitors.path) if self.monitors is not None else ""
        sources = [each for each in self.store.state.sources() if each.dataset == dataset]
        others = (each for each in sources if each.path not in ("", own))
        return [each.monitor for each in others if os.path.exists(each.path)]

    def public(self, text: str) -> str:
        """Return a text without the names of folders of this server."""
        file = "" if self.monitors is None else os.fspath(self.monitors.path)
        for folder in map(os.path.dirname, (os.path.realpath(file), file, self.store.address)):
            text = text.replace(f"{folder}{os.sep}", "") if len(folder) > 1 else text
        return text


def busy(words: str, *, status: int = 503, after: float = 1) -> HTTPException:
    """Return the error for too many requests, which may be repeated after some seconds."""
    return HTTPException(status, words, {"Retry-After": str(max(1, round(after)))})
