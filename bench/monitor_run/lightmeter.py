import io
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from lightmeter import Profile, Store
from lightmeter.store import engine
from PIL import Image

BUCKETS = int(os.environ.get("BENCH_BUCKETS", "12500"))
DISTINCT = 40  # profiles, of which buckets hold copies
PICTURES = 100
MONITORS = '[[monitor]]\nname = "drift"\ndataset = "cells"\ntype = "drift"\n'
MONITORS += '[[alert]]\nname = "here"\nto = "stdout"\n'


def picture(rng):
    """A JPEG, so that there are also the features of files."""
    colour, noise = rng.normal(128, 20, 3), rng.uniform(5, 30)
    samples = rng.normal(colour, noise, (24, 32, 3)).clip(0, 255).astype(np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(samples).save(file, "JPEG")
        return file.getvalue()


def profile(rng):
    pictures = Profile()
    pictures.track_many([picture(rng) for _ in range(PICTURES)])
    return pictures.view()


def prepare(case, data):
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name)
    (path / "monitors.toml").write_text(MONITORS)
    engine.SYNCHRONOUS = "OFF"  # for making the store
    rng = np.random.default_rng(0)
    profiles = [profile(rng) for _ in range(DISTINCT)]
    start = datetime(2021, 1, 1, tzinfo=UTC)
    with Store(path / "drift.db") as store:
        for hour in range(BUCKETS):
            at, view = start + timedelta(hours=hour), profiles[rng.integers(DISTINCT)]
            store.put("cells", view, at=at, writer="bench", every="1h")
    return folder


def run(folder):
    """CPU seconds and peak memory of two runs."""
    command = [sys.executable, "-m", "lightmeter", "monitor", "run", "monitors.toml"]
    runs = []
    for _ in range(2):
        process = subprocess.Popen(
            [*command, "--store", "drift.db"], cwd=folder.name, stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in (0, 3, 4)
        runs.append((used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
    return runs


def answer(folder, runs):
    (first, first_peak), (again, again_peak) = runs
    return {
        "buckets": BUCKETS,
        "first run, CPU s": first,
        "no news, CPU s": again,
        "peak MB": max(first_peak, again_peak),
    }
