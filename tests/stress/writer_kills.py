"""Writers that fork, and are killed at any moment. What they were told is stored must be there.

Some hold the store open across forks, some end before their children do, and one process that has
nothing to do with them writes and closes all the time.
"""

import os
import random
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
from harness import Row, fresh_store, killed, lines, noted, started, wait_for
from lightmeter import Profile, Store

NAME = "kill -9 of writers that fork"
REPEATS = 200
DAY = date(2022, 9, 7)
IMAGE = np.full((4, 4), 9, np.uint8)


def _write(address: str, output: Path, number: int) -> None:
    rng, name = random.Random(1000 * number), str(number)
    store, profile, seq, forks = Store(address), Profile(), 0, 0
    while True:
        profile.track(IMAGE)
        seq += 1
        assert store.put("cells", profile, at=DAY, writer=name, seq=seq)
        noted(output, name, seq)
        if rng.random() < 0.2 and forks < 8:
            forks += 1
            if os.fork() == 0:  # the child becomes a writer of its own
                name, profile, seq = f"{name}/{forks}", Profile(), 0
                rng = random.Random(1000 * number + forks)
            elif rng.random() < 0.5:
                store.close()
                os._exit(0)
        elif rng.random() < 0.1:
            store.close()
            store = Store(address)


def _stand_by(address: str, output: Path) -> None:
    profile, seq = Profile(), 0
    while True:
        time.sleep(0.02)
        with Store(address) as store:
            for _ in range(3):
                profile.track(IMAGE)
                seq += 1
                assert store.put("cells", profile, at=DAY, writer="bystander", seq=seq)
                noted(output, "bystander", seq)


def run(repeats: int) -> Row:
    """`repeats` kills, each of a writer and all that it forked."""
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
        Store(address).close()
        output = Path(folder, "notes")
        bystander, begun = started(_stand_by, address, output), 0
        while begun < repeats:
            # Often one alone, so that nobody else keeps the log in place.
            numbers = range(begun, min(begun + rng.choice([1, 1, 3]), repeats))
            writers = [started(_write, address, output, number) for number in numbers]
            wait_for({str(number) for number in numbers}, output)
            time.sleep(rng.uniform(0, 1))
            for writer in writers:
                killed(writer)
            begun = numbers.stop
        killed(bystander)
        acknowledged = Counter({name: int(seq) for name, seq in lines(output)})  # the last counts
        with Store(address, create=False) as store:
            damage = store.verify()
            kept = Counter({row.writer: row.seq for row in store.stored("cells")})
    lost = (acknowledged - kept).total()
    forked = sum("/" in name for name in acknowledged)
    note = f"{len(acknowledged)} writers, {forked} of them forked; {len(damage)} damaged"
    return Row(NAME, repeats, acknowledged.total(), lost + len(damage), note)
