"""The store under several processes, some of which are killed."""

import os
import random
import secrets
import signal
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forks import forked
from lightmeter import Profile, Store
from stores import sql

Tell = Callable[[int], object]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk() -> None:
    """Here it is waited for, as a user does."""


def write(path: Path, writer: str, rounds: int, tell: Tell) -> None:
    """Each round adds one image and puts the whole, then acknowledges it."""
    store, profile = Store(path), Profile()
    for seq in range(1, rounds + 1):
        profile.track(np.full((4, 4), seq % 256, np.uint8))
        assert store.put("cells", profile, at=date(2022, 9, 7), writer=writer, seq=seq)
        store.add("extra", profile, at=date(2022, 9, 7))
        tell(seq)


def collect(path: Path, writer: str, tell: Tell) -> None:
    """Roll up over and over what it adds itself."""
    store, profile = Store(path), Profile()
    profile.track(np.zeros((4, 4), np.uint8))
    for count in range(1, 100_000):
        for hour in (1, 2):
            at = datetime(2022, 9, 7, hour, tzinfo=UTC)
            store.put("cells", profile, at=at, writer=f"{writer}/{count}", every="1h")
            tell(2 * count - 2 + hour)
        store.gc(now=datetime(2022, 9, 9, tzinfo=UTC), roll_up_after="1h")


class Running:
    """A process whose acknowledgements go to a file, which outlives it."""

    def __init__(self, folder: Path, work: Callable[..., None], *arguments: Any) -> None:
        self.output = folder / f"{secrets.token_hex(4)}.out"
        self.output.touch()
        self.pid = forked(lambda: work(*arguments, self._tell))

    def _tell(self, number: int) -> None:
        file = os.open(self.output, os.O_WRONLY | os.O_APPEND)
        os.write(file, f"{number}\n".encode())
        os.close(file)

    def acknowledged(self) -> int:
        """The last number whose line is whole."""
        return max((int(line) for line in self.output.read_text().split("\n")[:-1]), default=0)

    def wait_for_the_first(self) -> None:
        deadline = time.monotonic() + 60
        while self.acknowledged() == 0:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def kill(self) -> int:
        os.kill(self.pid, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]) == -signal.SIGKILL
        return self.acknowledged()


@pytest.mark.parametrize("wal", [True, False])
def test_killed_writers_lose_no_acknowledged_profile(tmp_path: Path, wal: bool) -> None:
    path = tmp_path / "drift.db"
    rng = random.Random(1)
    Store(path).close()
    if not wal:
        sql(path, "PRAGMA journal_mode=DELETE")
    known: dict[str, int] = {}
    for attempt in range(3):
        names = [f"{attempt}/{number}" for number in range(2)]
        writers = [Running(tmp_path, write, path, name, 100_000) for name in names]
        for writer in writers:
            writer.wait_for_the_first()
        time.sleep(rng.uniform(0, 0.1))
        known |= {name: writer.kill() for name, writer in zip(names, writers, strict=True)}
    with Store(path, create=False) as store:
        assert store.verify() == []
        rows = {row.writer: row for row in store.stored("cells")}
        assert rows.keys() == known.keys()
        for name, seq in known.items():
            assert rows[name].seq in (seq, seq + 1)  # killed before it could acknowledge
            assert rows[name].images == rows[name].seq
        assert store.read("cells").images == sum(row.seq for row in rows.values())


def test_killed_roll_ups_lose_and_double_nothing(tmp_path: Path) -> None:
    path = tmp_path / "drift.db"
    rng = random.Random(2)
    total, unsure = 0, 0
    for attempt in range(4):
        collector = Running(tmp_path, collect, path, str(attempt))
        collector.wait_for_the_first()
        time.sleep(rng.uniform(0, 0.15))
        total += collector.kill()
        unsure += 1  # the put during which it was killed
    with Store(path, create=False) as store:
        assert store.verify() == []
        assert total <= store.read("cells").images <= total + unsure
