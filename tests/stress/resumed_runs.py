"""Runs that are killed at any moment and started again, some of them two at once.

In the end the profile and the store must be those of a run that nobody disturbed, and no worker
process may outlive the run that it belongs to.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from harness import Row
from lightmeter import Store
from PIL import Image

NAME = "kill -9 of runs that keep what is done"
REPEATS = 50

_PICTURES = 800
_COMMAND = [sys.executable, "-m", "lightmeter"]


def run(repeats: int) -> Row:
    """`repeats` kills, each of a run of its own."""
    rng = random.Random(1)
    lost = spared = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _draw(folder / "photos")
        began = time.monotonic()
        expected = _ended(folder, folder / "undisturbed", "threads")
        assert not isinstance(expected, int), f"the commands end with {expected}"
        seconds = time.monotonic() - began
        for number in range(repeats):
            place = folder / str(number)
            executor = rng.choice(["threads", "processes"])
            process = _begun(folder, place, executor)
            time.sleep(rng.uniform(0.1, 1.3 * seconds))
            if rng.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:  # the command alone; its workers must end by themselves
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
                for child in children.read_text().split():
                    os.kill(int(child), signal.SIGKILL)
            try:  # until nobody has its pipe any more
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                spared += 1
                os.killpg(process.pid, signal.SIGKILL)
            if rng.random() < 0.5:
                other = _begun(folder, place, executor)
                lost += _ended(folder, place, executor) != expected
                lost += other.wait() != 0 or _result(place) != expected
            else:
                lost += _ended(folder, place, executor) != expected
            temporary = len(list((place / "kept").glob(".*.tmp")))
            spared += temporary > 4  # a worker has one, and two runs were killed at most
    note = f"{spared} things left behind"
    return Row(NAME, repeats, repeats * _PICTURES, lost + spared, note)


def _draw(photos: Path) -> None:
    rng = np.random.default_rng(1)
    for number in range(_PICTURES):
        day = photos / f"2022-09-{number % 3 + 1:02}"
        day.mkdir(parents=True, exist_ok=True)
        mean, spread = rng.uniform(40, 220, 3), rng.uniform(4, 40)
        samples = np.clip(rng.normal(mean, spread, (40, 60, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(samples).save(day / f"{number % 7}-{number:05}.png")
    for number in range(5):
        (photos / f"2022-09-01/bad {number}.png").write_bytes(b"no picture" * number)


def _begun(folder: Path, place: Path, executor: str) -> "subprocess.Popen[bytes]":
    """A profile, and then a store, of the same pictures and with the same kept blocks."""
    place.mkdir(exist_ok=True)
    options = f"--executor {executor} --workers 2 --resume {place}/kept"
    profile = f"profile {folder}/photos -o {place}/p.lmp"
    log = f"log {folder}/photos --store {place}/drift.db --dataset cells --date-from path:%Y-%m-%d"
    command = " ".join(_COMMAND)
    script = (
        f"{command} {profile} {options} && {command} {log} --segment 'of=path:/([0-9])-' {options}"
    )
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(["sh", "-c", script], start_new_session=True, stdout=pipe, stderr=quiet)


def _ended(folder: Path, place: Path, executor: str) -> object:
    process = _begun(folder, place, executor)
    if process.wait() != 0:
        return process.returncode
    return _result(place)


def _result(place: Path) -> object:
    with Store(place / "drift.db") as store:
        damage = list(store.verify())
        rows = [
            (segment, row.bucket, row.writer, profile.to_bytes())
            for segment in [None, *store.segments("cells")]
            for row, profile in store.load("cells", segment=segment)
        ]
    return (place / "p.lmp").read_bytes(), rows, damage
