"""Reading an object store against reading a disk: ``python bench/object_store.py [MILLISECONDS]``.

A server on this machine waits before each answer, 20 ms unless MILLISECONDS says otherwise. Two
workers profile the same JPEGs from a folder, from a tar, and over HTTP as addresses, as a folder
and as a tar. It needs ``pip install 'lightmeter[cloud]' 'fsspec[http]'`` and a C compiler.

What makes it fair: the server is a small C program, as one in Python would take a processor for
itself. Its share of the processors is still printed, as it is not the client's. The sources are
measured in turns, and the fastest run of each counts. There are pictures for more than a second,
so that the first answers and the listing, which nothing overlaps, do not count for much.
``share`` is the rate against the folder's. ``of CPU`` is the share that the processor time allows:
what the folder took against what the client and the server took.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import lightmeter as lm
import numpy as np
from PIL import Image

SETS = {"640x480": (640, 480, 1500), "1920x1080": (1920, 1080, 200)}
RUNS = 5


def draw(folder: Path, width: int, height: int, count: int) -> None:
    """Smooth pictures with noise, which take as long to decode as photographs."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    rough = rng.integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))
    for number in range(count):
        noisy = smooth.astype(int) + rng.integers(-8, 8, (height, width, 1))
        picture = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        picture.save(folder / f"{number:04}.jpg", quality=88)
    with tarfile.open(folder.with_suffix(".tar"), "w") as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)


class Server:
    """The C program, and what it took of the processors."""

    def __init__(self, root: str, milliseconds: str) -> None:
        program = f"{root}/server"
        source = Path(__file__).with_name("object_store") / "server.c"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, source], check=True)
        command = [program, root, milliseconds]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def seconds(self) -> float:
        with open(f"/proc/{self.process.pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9


class Run(NamedTuple):
    """What one profile took for each picture, in milliseconds."""

    wall: float
    client: float
    server: float


def run(source: Any, server: Server) -> Run:
    before = time.perf_counter(), time.process_time(), server.seconds()
    view = lm.profile_images(source, workers=2)
    after = time.perf_counter(), time.process_time(), server.seconds()
    assert not view.failures, view.failures[0]
    return Run(*(1000 * (b - a) / view.images for a, b in zip(before, after, strict=True)))


def compare(sources: dict[str, Any], name: str, server: Server) -> None:
    runs: dict[str, list[Run]] = {what: [] for what in sources}
    for _ in range(RUNS):
        for what, source in sources.items():
            runs[what].append(run(source, server))
    local = None
    for what, of in runs.items():
        best = Run(*map(min, zip(*of, strict=True)))
        local = local or best
        share = local.wall / best.wall
        allowed = local.client / (best.client + (best.server if "elsewhere" in what else 0))
        print(
            f"{name:9} {what:20} {1000 / best.wall:6.0f}/s  share {share:4.0%}  of CPU "
            f"{allowed:4.0%}  client {best.client:6.2f} ms  server {best.server:5.2f} ms"
        )


def main() -> None:
    milliseconds = sys.argv[1] if len(sys.argv) > 1 else "20"
    with tempfile.TemporaryDirectory() as root:
        server = Server(root, milliseconds)
        try:
            for name, size in SETS.items():
                draw(Path(root, name), *size)
                files = sorted(Path(root, name).iterdir())
                elsewhere = f"{server.address}/{name}"
                sources = {
                    "folder": f"{root}/{name}",
                    "tar": f"{root}/{name}.tar",
                    "addresses elsewhere": [f"{elsewhere}/{file.name}" for file in files],
                    "folder elsewhere": f"{elsewhere}/",
                    "tar elsewhere": f"{elsewhere}.tar",
                }
                compare(sources, name, server)
        finally:
            server.process.terminate()


if __name__ == "__main__":
    main()
