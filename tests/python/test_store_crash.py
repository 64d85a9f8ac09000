"""The store under several processes, some of which are killed."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lightmeter import Store

# Each round adds one image and puts the whole, then acknowledges it on stdout.
WRITER = """
import sys
from datetime import date
import numpy as np
from lightmeter import Profile, Store
path, writer, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
store, profile = Store(path), Profile()
for seq in range(1, rounds + 1):
    profile.track(np.full((4, 4), seq % 256, np.uint8))
    assert store.put("cells", profile, at=date(2022, 9, 7), writer=writer, seq=seq)
    store.add("extra", profile, at=date(2022, 9, 7))
    print(seq, flush=True)
"""
# Rolls up over and over what it adds itself.
COLLECTOR = """
import sys
from datetime import datetime, timedelta, UTC
import numpy as np
from lightmeter import Profile, Store
store, profile = Store(sys.argv[1]), Profile()
profile.track(np.zeros((4, 4), np.uint8))
for count in range(1, 100_000):
    for hour in (1, 2):
        store.put("cells", profile, at=datetime(2022, 9, 7, hour, tzinfo=UTC),
                  writer=f"{sys.argv[2]}/{count}", every="1h")
        print(2 * count - 2 + hour, flush=True)
    store.gc(now=datetime(2022, 9, 9, tzinfo=UTC), roll_up_after="1h")
"""


def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def acknowledged(output: str) -> int:
    """The last number whose line is whole."""
    return max((int(line) for line in output.split("\n")[:-1]), default=0)


def kill_and_read(process: "subprocess.Popen[str]") -> int:
    process.kill()
    output, errors = process.communicate(timeout=60)
    assert not errors
    return acknowledged(output)


def test_four_writers_lose_nothing(tmp_path: Path) -> None:
    path, rounds = tmp_path / "drift.db", 25
    writers = [start(WRITER, path, number, rounds) for number in range(4)]
    for writer in writers:
        output, errors = writer.communicate(timeout=120)
        assert (writer.returncode, errors) == (0, "")
        assert acknowledged(output) == rounds
    with Store(path, create=False) as store:
        assert store.read("cells").images == 4 * rounds
        assert store.read("extra").images == 4 * sum(range(1, rounds + 1))
        assert store.verify() == []


@pytest.mark.parametrize("wal", [True, False])
def test_killed_writers_lose_no_acknowledged_profile(tmp_path: Path, wal: bool) -> None:
    path = tmp_path / "drift.db"
    rng = random.Random(1)
    with Store(path) as store:
        if not wal:
            store._database.all("PRAGMA journal_mode=DELETE")
    known: dict[str, int] = {}
    for attempt in range(3):
        names = [f"{attempt}/{number}" for number in range(2)]
        writers = [start(WRITER, path, name, 100_000) for name in names]
        for writer in writers:  # until both are at it
            assert writer.stdout is not None
            assert writer.stdout.readline() == "1\n"
        time.sleep(rng.uniform(0, 0.1))
        known |= {
            name: max(1, kill_and_read(writer)) for name, writer in zip(names, writers, strict=True)
        }
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
        process = start(COLLECTOR, path, attempt)
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        time.sleep(rng.uniform(0, 0.15))
        total += max(1, kill_and_read(process))
        unsure += 1  # the put during which it was killed
    with Store(path, create=False) as store:
        assert store.verify() == []
        assert total <= store.read("cells").images <= total + unsure


def test_processes_can_create_one_store_at_once(tmp_path: Path) -> None:
    for attempt in range(3):
        path = tmp_path / f"{attempt}.db"
        writers = [start(WRITER, path, number, 1) for number in range(4)]
        for writer in writers:
            _, errors = writer.communicate(timeout=120)
            assert (writer.returncode, errors) == (0, "")
        with Store(path, create=False) as store:
            assert store.read("cells").images == 4
            assert store._database.all("PRAGMA journal_mode") == [("wal",)]
