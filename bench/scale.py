"""A curve of cost over the number of pictures, for each executor.

    python bench/scale.py                                       # 100 to 100 000 pictures
    python bench/scale.py --counts 1000000 --runs threads
    python bench/scale.py --runs whylogs-spark --python PATH    # of an environment with whylogs

Each run has a process tree of its own. CPU is that of all its processes, also of those that left
the tree, and so it holds what an engine takes to start and end. Memory is the largest sum of their
proportional set sizes. It needs psutil. The pictures are 1000
JPEGs of 64 x 64 under as many names as are asked for.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

MARK = "LIGHTMETER_SCALE"
EVERY = 0.2  # seconds

LIGHTMETER = """
import sys
import lightmeter as lm
if __name__ == "__main__":
    view = lm.profile_images(sys.argv[2], executor=sys.argv[1], workers=2)
    assert view.images == int(sys.argv[3]), view
"""

# As whylogs' documents have it for images: rows in, serialized views out, merged.
WHYLOGS = """
import glob, os, sys
os.environ["WHYLOGS_NO_ANALYTICS"] = "True"
os.environ["PYSPARK_PYTHON"] = sys.executable
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
files = sorted(glob.glob(sys.argv[2] + "/*/*.jpg"))

def partial(paths):
    from PIL import Image
    from whylogs.extras.image_metric import log_image
    merged = None
    for path in paths:
        view = log_image(Image.open(path)).view()
        merged = view if merged is None else merged.merge(view)
    if merged is not None:
        yield merged.serialize()

from whylogs.core import DatasetProfileView
parts = spark.sparkContext.parallelize(files, 8).mapPartitions(partial)
view = parts.map(DatasetProfileView.deserialize).treeReduce(lambda a, b: a.merge(b))
count = view.get_column("image").to_summary_dict()["image/Hue.mean:counts/n"]
assert count == int(sys.argv[3]), count
spark.stop()
"""


def make(folder: Path, count: int) -> Path:
    """A folder with `count` names."""
    target = folder / str(count)
    if target.exists():
        return target
    import numpy as np
    from PIL import Image

    base = folder / "base"
    base.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(1000):
        samples = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(samples).resize((64, 64)).save(base / f"{number}.jpg")
    unfinished = folder / f"{count}.{os.getpid()}"
    for number in range(count):
        if number % 1000 == 0:
            part = unfinished / f"{number // 1000:05}"
            part.mkdir(parents=True)
        os.link(base / f"{number % 1000}.jpg", part / f"{number:08}.jpg")
    unfinished.rename(target)
    return target


def measure(command: list[str]) -> tuple[float, float, float]:
    """Wall time, CPU of all processes, and the largest memory in MB."""
    import psutil

    mark = uuid4().hex
    cpu: dict[tuple[int, float], float] = {}
    peak = 0
    began = time.monotonic()
    child = subprocess.Popen(command, env={**os.environ, MARK: mark}, stdout=subprocess.DEVNULL)
    while True:
        ended = child.poll() is not None
        memory = 0
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) != mark:
                    continue
                times = process.cpu_times()
                cpu[process.pid, process.create_time()] = times.user + times.system
                memory += process.memory_full_info().pss
            except psutil.Error:  # it has ended, or is not ours
                continue
        peak = max(peak, memory)
        if ended:
            break
        time.sleep(EVERY)
    wall = time.monotonic() - began
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}")
    return wall, sum(cpu.values()), peak / 2**20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--runs", nargs="+", default=["threads", "processes"])
    parser.add_argument("--python", default=sys.executable, help="of whylogs-spark")
    parser.add_argument("--folder", type=Path, default=Path(gettempdir()) / "lightmeter-scale")
    arguments = parser.parse_args()
    print("| pictures | run | CPU ms a picture | CPU s | wall s | peak MB |", flush=True)
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for count in arguments.counts:
        folder = str(make(arguments.folder, count))
        for run in arguments.runs:
            script = arguments.folder / f"run_{run}.py"  # not the name of a package
            script.write_text(WHYLOGS if run == "whylogs-spark" else LIGHTMETER)
            python = arguments.python if run == "whylogs-spark" else sys.executable
            wall, cpu, peak = measure([python, str(script), run, folder, str(count)])
            row = [f"{figure:.3g}" for figure in (1000 * cpu / count, cpu, wall)]
            print(f"| {count} | {run} | {' | '.join(row)} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
