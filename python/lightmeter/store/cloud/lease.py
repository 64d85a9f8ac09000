"""Turns: one run at a time on a store, also of several machines.

Who has the turn is what the highest object of ``v1/turn/`` says. Its holder writes it anew every
few seconds. Others watch it by their own clocks, which may show any time: one that has not changed
for a minute is of somebody who is gone.
"""

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator

from lightmeter.errors import DecodeError, StoreError
from lightmeter.store.cloud.layout import parse_numbered
from lightmeter.store.cloud.objects import Objects
from lightmeter.store.cloud.sealed import MOST_BYTES, seal_object, unseal
from lightmeter.store.cloud.services import Listed

__all__ = ["Lease", "spent_turn"]

EXPIRY = 60.0  # seconds without a change
_BEAT = 10.0
_PATIENCE = 600.0
_PAUSE = 1.0
_FOLDER = "v1/turn"


class Lease:
    """The turns on a store. Who enters has a lock of this machine, and may enter again."""

    def __init__(self, objects: Objects, machine: Callable[[], str]) -> None:
        """Nobody has one yet. `machine` names those who share that lock."""
        self._objects = objects
        self._machine = machine
        self._held: tuple[str, str] | None = None  # name and id
        self._process = -1
        self._listed: dict[str, Listed] = {}

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for everybody else to leave.

        Raises:
            StoreError: somebody is inside for 10 minutes, or the objects cannot be written.
        """
        if self.is_held:
            self.check()
            yield
            return
        name, mark = self._wait()
        self._held, self._process = (name, mark), os.getpid()
        ended = threading.Event()
        beat = threading.Thread(target=self._renew, args=(name, mark, ended), daemon=True)
        beat.start()
        try:
            yield
        finally:
            if self._process == os.getpid():
                ended.set()
                beat.join()
                self._held = None
                with contextlib.suppress(StoreError):  # others wait for its end instead
                    self._objects.replace(name, _packed("", "", 0))

    @property
    def is_held(self) -> bool:
        """Whether this process is inside."""
        return self._held is not None and self._process == os.getpid()

    def check(self) -> None:
        """Nobody has taken it meanwhile.

        Raises:
            StoreError: this process was stopped for so long that somebody has.
        """
        assert self._held is not None
        last = self._last()
        if last is None or last[0] != self._held[0]:
            raise StoreError(
                f"{self._objects.address}: this run stood still for more than {EXPIRY:g} seconds,"
                " and another took its turn; run it again"
            )

    def _wait(self) -> tuple[str, str]:
        until = time.monotonic() + _PATIENCE
        seen: tuple[str, str, bytes] | None = None
        since = time.monotonic()
        while True:
            if time.monotonic() > until:
                raise StoreError(
                    f"another run has had the turn on {self._objects.address} for more than "
                    f"{_PATIENCE / 60:g} minutes; wait for it, or end it"
                )
            last = self._last()
            number = 0 if last is None else last[1]
            state = None
            if last is not None:
                ((_, state),) = self._objects.read_many({last[0]: self._listed[last[0]]})
                if state is None and self._listed[last[0]].size <= MOST_BYTES:
                    time.sleep(_PAUSE)
                    continue  # it was written anew, or deleted by one with a higher number
            holder, machine = _holder(state)
            now = time.monotonic()
            sight = last[0] if last else "", holder, state or b""
            if sight != seen:
                seen, since = sight, now
            # The lock of this machine is ours: who held the turn from here is no more.
            if not holder or machine == self._machine() or now - since > EXPIRY:
                if parse_numbered(str(number + 1)) is None:  # it is of nobody, and leaves none
                    self._objects.remove(self._listed)
                    continue
                mark = secrets.token_hex(8)
                name = f"{_FOLDER}/{number + 1}"
                own = self._objects.put(name, _packed(mark, self._machine(), 0))
                if own is not None:
                    self._tidy()
                    return own, mark
                continue
            time.sleep(_PAUSE)

    def _last(self) -> tuple[str, int] | None:
        """Name and number of the highest."""
        listed = self._objects.list(_FOLDER)
        numbers = {
            name: parsed.number
            for name in listed
            if (parsed := parse_numbered(name.rpartition("/")[2])) is not None
        }
        self._listed = {name: listed[name] for name in numbers}
        return max(numbers.items(), key=lambda pair: pair[::-1], default=None)

    def _tidy(self) -> None:
        with contextlib.suppress(StoreError):  # it takes the right to delete, and can wait
            self._objects.remove(self._listed)

    def _renew(self, name: str, mark: str, ended: threading.Event) -> None:
        count = 0
        while not ended.wait(_BEAT):
            count += 1
            with contextlib.suppress(StoreError):  # the next may arrive
                self._objects.replace(name, _packed(mark, self._machine(), count))


def spent_turn() -> tuple[str, bytes]:
    """Name and bytes of an object that the next turn deletes."""
    return f"{_FOLDER}/0.{secrets.token_hex(8)}", _packed("", "", 0)


def _packed(holder: str, machine: str, count: int) -> bytes:
    return seal_object({"kind": "turn", "holder": holder, "machine": machine, "count": count})


def _holder(data: bytes | None) -> tuple[str, str]:
    """Who has the turn, and on what machine; empty for nobody."""
    if data is None:
        return "", ""
    try:
        header, _ = unseal(data)
    except DecodeError:
        return "damaged", ""  # nobody renews it
    return json.dumps(header.get("holder")) if header.get("holder") else "", str(
        header.get("machine")
    )
