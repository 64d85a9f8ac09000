"""The state that the endpoints of a server share: the store, settings and counters."""

import asyncio
import ipaddress
import os
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, HTTPException, Request

from lightmeter.alerts import load_config
from lightmeter.dashboard.site import LivePages
from lightmeter.errors import ConfigError
from lightmeter.files import read_regular, write_atomically
from lightmeter.profile import ProfileView
from lightmeter.serve.schedule import MONITORS, Schedule
from lightmeter.store import Store
from lightmeter.store.keys import Key, Right

_MOST_USER = 100  # characters


class Proxy:
    """A proxy that logs users in and passes their names on. Threads may share it."""

    def __init__(
        self,
        networks: Sequence[str] = (),
        header: str = "X-Forwarded-User",
        rights: Sequence[Right] = ("read",),
    ) -> None:
        """Trust a header of requests that come from some networks.

        Parameters
        ----------
        networks
            The networks of the proxy, such as ``10.0.0.5/32``.
        header
            The header with the name of the user.
        rights
            The rights of all users who come through the proxy.

        Raises
        ------
        ValueError
            There is no network, one is invalid, or one contains every address.
        """
        self._networks = list(map(ipaddress.ip_network, networks))
        self._header, self._rights = header, frozenset(rights)
        if not networks or not all(each.prefixlen for each in self._networks):
            got = f"the networks {list(networks)}" if networks else "no network"
            text = "expected its address, such as 10.0.0.5/32 (option --proxy-from)"
            raise ValueError(f"got {got} of a proxy; {text}, because it can name any user")

    def user(self, request: Request) -> Key | None:
        """Return the user of a request as a key; None if it does not come from the proxy."""
        with suppress(TypeError, ValueError):  # not exactly one name, or no address
            peer = ipaddress.ip_address(request.scope["client"][0])
            peer = getattr(peer, "ipv4_mapped", None) or peer
            (name,) = request.headers.getlist(self._header)
            if any(peer in network for network in self._networks) and 0 < len(name) <= _MOST_USER:
                return Key(name, self._rights, ("*",), "", datetime.now(UTC))
        return None


class Failures:
    """The number of wrong keys that each address has sent in this minute."""

    def __init__(self, most: int) -> None:
        """Accept at most `most` wrong keys per address and minute."""
        self._most, self._end, self._counts = most, 0.0, Counter[str]()

    def wait(self, address: str) -> float:
        """Count a wrong key; return the seconds to wait, or 0 if there are not too many."""
        now = time.monotonic()
        if now >= self._end:
            self._end, self._counts = now + 60, Counter()
        self._counts[address] += 1
        return self._end - now if self._counts[address] > self._most else 0


_MOST_BYTES = 2**22


def monitors_in(file: Path | None) -> tuple[dict[str, list[str]], str]:
    """Return the names of the monitors of each dataset, and the error in the file.

    The file need not exist.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    try:
        for monitor in load_config(file).monitor if file is not None and file.exists() else ():
            found[monitor.dataset].append(monitor.name)
    except (ConfigError, OSError) as error:
        return {}, str(error)
    return dict(found), ""


def add_monitors(file: Path, text: str) -> None:
    """Add tables at the end of a file, all or nothing, in one thread at a time.

    People edit the file, too. Their text stays, byte for byte.

    Raises
    ------
    ConfigError
        The file is invalid, with or without the new tables.
    OSError
        The file cannot be read or written.
    """
    before = read_regular(file, _MOST_BYTES) if file.exists() else b""
    write_atomically(file, before + b"\n\n" * bool(before) + text.encode())
    if error := monitors_in(file)[1]:
        write_atomically(file, before)
        raise ConfigError(f"nothing was changed: {error}")


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
    monitors: Path | None = None
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
            self.monitors = Path(f"{self.store.path}.monitors.toml").absolute()
        address = os.fspath(self.store.path or self.store._address)  # may contain a password
        self.schedule = Schedule(self._commands, {"LIGHTMETER_STORE": address})

    def _commands(self) -> dict[str, list[str]]:
        """Return the commands to run now."""
        commands = {}
        # -P: import no modules from the current folder, where others may have put files.
        program = [sys.executable, "-P", "-m", "lightmeter"]
        if self.pull is not None:
            commands["store pull"] = [*program, "store", "pull", self.pull, "--delete"]
        if any(monitors_in(self.monitors)):
            pages = [] if self.public_url is None else ["--dashboard", self.public_url]
            commands[MONITORS] = [*program, "monitor", "run", str(self.monitors), *pages]
        return commands

    @asynccontextmanager
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
        others = (each for each in self.store.state.sources() if each.dataset == dataset)
        return [
            each.monitor
            for each in others
            if each.path not in ("", str(self.monitors)) and os.path.exists(each.path)
        ]

    def public(self, text: str) -> str:
        """Return a text without the names of folders of this server."""
        file = str(self.monitors or "")
        for folder in map(os.path.dirname, (os.path.realpath(file), file, self.store.address)):
            text = text.replace(f"{folder}{os.sep}", "") if len(folder) > 1 else text
        return text


def busy(words: str, *, status: int = 503, after: float = 1) -> HTTPException:
    """Return the error for too many requests, which may be repeated after some seconds."""
    return HTTPException(status, words, {"Retry-After": str(max(1, round(after)))})
