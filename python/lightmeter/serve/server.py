"""What the handlers of a server share: the store, the settings, and what is counted."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from lightmeter.serve.rates import Rates
from lightmeter.serve.schedule import Schedule
from lightmeter.serve.work import Work
from lightmeter.store.store import Store

__all__ = ["Limits", "Server"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a server takes of others.

    Attributes:
        body: bytes of a profile.
        json: bytes of any other body.
        buffered: bytes of all bodies that are being received.
        seconds: until a body is here, whole.
        operations: how many threads work on the store at once.
        wait: seconds until a thread is free.
        failures: how many wrong keys an address may send a minute.
        requests: how many requests a key may make a second, for longer than a moment.
    """

    body: int = 16 * 2**20
    json: int = 2**16
    buffered: int = 2**28
    seconds: float = 60
    operations: int = 16
    wait: float = 10
    failures: int = 20
    requests: int = 500


@dataclass(kw_only=True)
class Server:
    """One server; handlers find it at ``request.app.state.server``.

    Attributes:
        store: what it serves.
        keys: whether it asks for keys. If the store has none, whoever is on the same machine may
            do everything, and nobody else anything.
        monitors: the file of monitors that it runs and writes.
        public_url: its address as others see it, such as ``https://drift.example.com/base``.
        hosts: the names under which it may be asked, in small letters.
        limits: how much it takes.
        secret: what it signs with. A restart makes a new one.
        arrivals: how many profiles were stored, after which the monitors run.
        schedule: that runs them; None where there is no file of monitors.
    """

    store: Store
    keys: bool = True
    monitors: Path | None = None
    public_url: str | None = None
    hosts: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    buffered: int = field(default=0, init=False)
    arrivals: int = field(default=0, init=False)
    schedule: Schedule | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Start counting."""
        limits = self.limits
        self.work = Work("lightmeter-serve", limits.operations, limits.wait)
        self.slow = Work("lightmeter-slow", max(1, limits.operations // 4), limits.wait)
        # Every request waits for one, if only for a tenth of a millisecond.
        self.checks = Work("lightmeter-keys", 4, limits.wait, waiting=1000)
        self.failures = Rates(limits.failures / 60, limits.failures)
        self.requests = Rates(limits.requests, 4 * limits.requests)
