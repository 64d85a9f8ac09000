"""Writers that fork, and are killed at any moment. What they were told is stored must be there.

Some hold the store open across forks, some end before their children do, and one process that has
nothing to do with them writes and closes all the time.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lightmeter import Store
from row import Row
from where import fresh_store

NAME = "kill -9 of writers that fork"
REPEATS = 200

# Every line says that the writer's profile with so many images is stored. Lines of less than a
# page are written whole.
WRITER = """
import os, random, sys
from datetime import date
import numpy as np
from lightmeter import Profile, Store
path, name, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng, image = random.Random(seed), np.full((4, 4), 9, np.uint8)
store, profile, seq, forks = Store(path), Profile(), 0, 0
while True:
    profile.track(image)
    seq += 1
    assert store.put("cells", profile, at=date(2022, 9, 7), writer=name, seq=seq)
    os.write(1, f"{name} {seq}\\n".encode())
    if rng.random() < 0.2 and forks < 8:
        forks += 1
        if os.fork() == 0:  # the child becomes a writer of its own
            name, profile, seq, rng = f"{name}/{forks}", Profile(), 0, random.Random(seed + forks)
        elif rng.random() < 0.5:
            store.close()
            os._exit(0)
    elif rng.random() < 0.1:
        store.close()
        store = Store(path)
"""
BYSTANDER = """
import os, sys, time
from datetime import date
import numpy as np
from lightmeter import Profile, Store
profile, seq = Profile(), 0
while True:
    time.sleep(0.02)
    with Store(sys.argv[1]) as store:
        for _ in range(3):
            profile.track(np.full((4, 4), 9, np.uint8))
            seq += 1
            assert store.put("cells", profile, at=date(2022, 9, 7), writer="bystander", seq=seq)
            os.write(1, f"bystander {seq}\\n".encode())
"""


def _start(
    folder: str, number: int, code: str, *arguments: object
) -> tuple["subprocess.Popen[bytes]", Path]:
    """A writer, and the file of what it was told is stored."""
    output = Path(folder, f"{number}.out")
    with open(output, "wb") as stdout, open(Path(folder, "errors"), "ab") as stderr:
        command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, start_new_session=True)
    return process, output


def _kill(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)  # with all that it forked, in a session of their own
    process.wait()


def run(repeats: int) -> Row:
    """`repeats` kills, each of a writer and all that it forked."""
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as path:
        Store(path).close()
        bystander, output = _start(folder, -1, BYSTANDER, path)
        outputs = [output]
        begun = 0
        while begun < repeats:
            writers = []  # often one alone, so that nobody else keeps the log in place
            for number in range(begun, min(begun + rng.choice([1, 1, 3]), repeats)):
                writers.append(_start(folder, number, WRITER, path, number, 1000 * number))
                begun += 1
            until = time.monotonic() + 120
            while not all(output.stat().st_size for _, output in writers):
                if time.monotonic() > until:
                    raise RuntimeError(Path(folder, "errors").read_text())
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 1))
            for writer, output in writers:
                _kill(writer)
                outputs.append(output)
        _kill(bystander)
        acknowledged: dict[str, int] = {}
        for output in outputs:
            for line in output.read_text().split("\n")[:-1]:
                name, seq = line.split(" ")
                acknowledged[name] = max(int(seq), acknowledged.get(name, 0))
        with Store(path, create=False) as store:
            damage = store.verify()
            kept = {row.writer: row.seq for row in store.stored("cells")}
        errors = Path(folder, "errors").read_text().strip().split("\n")[-1]
    total = sum(acknowledged.values())
    lost = sum(max(0, seq - kept.get(name, 0)) for name, seq in acknowledged.items())
    forked = sum("/" in name for name in acknowledged)
    note = f"{len(acknowledged)} writers, {forked} of them forked; {len(damage)} damaged {errors}"
    return Row(NAME, repeats, total, lost + len(damage), note.strip())
