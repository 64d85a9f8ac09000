"""Pictures larger than memory: ``python bench/large.py [FOLDER]``.

Each file is decoded by tifffile alone, tile by tile, and then read and measured by lightmeter, in
turns, with as many threads. The ratio is that of CPU times; above 1 lightmeter is faster although
it also measures. Then a picture of 4 gigapixels is measured in a process of its own, whose memory
is told. It needs ``pip install 'lightmeter[large]' tifffile``. FOLDER gets the files (1.5 GB);
without it they are in a temporary folder.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import tifffile
from pictures import photo

SIDE = 4096
TILE = 256
ROUNDS = 5
GIGAPIXELS = 65_536  # a side of the picture of 4 gigapixels
KINDS: dict[str, dict[str, Any]] = {
    "JPEG 4:4:4 q85": {
        "compression": "jpeg", "compressionargs": {"level": 85}, "subsampling": (1, 1),
    },
    "JPEG 4:2:0 q85": {
        "compression": "jpeg", "compressionargs": {"level": 85}, "subsampling": (2, 2),
    },
    "deflate, predictor": {"compression": "zlib", "predictor": True},
    "LZW, predictor": {"compression": "lzw", "predictor": True},
    "Zstandard": {"compression": "zstd"},
    "no compression": {},
}  # fmt: skip
MEASURE = """
import resource, sys, time
import lightmeter as lm
began = time.time()
view = lm.profile_images(sys.argv[1], workers=int(sys.argv[2]), metrics=sys.argv[3])
assert view.images == 1, view.failures
pixels = view["image.ImagePixelWidth"].mean * view["image.ImagePixelHeight"].mean
used = resource.getrusage(resource.RUSAGE_SELF)
# ru_maxrss would be that of the process that started this one, if that is more.
memory = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(pixels, time.time() - began, used.ru_utime + used.ru_stime, memory // 1024)
"""


def decode(file: Path, threads: int) -> None:
    with tifffile.TiffFile(file) as tiff:
        for _ in tiff.pages[0].segments(maxworkers=threads):
            pass


def measure(file: Path, threads: int, metrics: Any) -> None:
    view = lm.profile_images(file, pyramid_level=0, workers=threads, metrics=metrics)
    assert view.images == 1


def cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def ratios(file: Path, threads: int) -> dict[str, tuple[float, float]]:
    """Nanoseconds a pixel of decoding alone, and the ratio to it, of each set of metrics."""
    costs = {}
    for metrics in ("whylogs", "default"):
        rounds = []
        for _ in range(ROUNDS + 1):
            alone = cpu(lambda: decode(file, threads))
            rounds.append((alone, alone / cpu(lambda m=metrics: measure(file, threads, m))))
        alone, ratio = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
        costs[metrics] = alone / SIDE**2 * 1e9, ratio
    return costs


def write_gigapixels(source: Path, target: Path) -> None:
    """A BigTIFF of 4 gigapixels, whose tiles are those of a small file again and again."""
    with tifffile.TiffFile(source) as tiff, open(source, "rb") as file:
        page = tiff.pages[0]
        tiles = []
        for at, size in zip(page.dataoffsets, page.databytecounts, strict=True):
            file.seek(at)
            tiles.append(file.read(size))
    small = SIDE // TILE
    places = range(GIGAPIXELS // TILE)
    again = (tiles[row % small * small + column % small] for row in places for column in places)
    form: dict[str, Any] = {"shape": (GIGAPIXELS, GIGAPIXELS, 3), "dtype": np.uint8}
    form |= {"photometric": "ycbcr", "subsampling": (2, 2), "compression": "jpeg"}
    tifffile.imwrite(target, again, **form, tile=(TILE, TILE), bigtiff=True, metadata=None)


def main(folder: Path) -> None:
    threads = len(os.sched_getaffinity(0))
    quarter = np.asarray(photo((SIDE // 2, SIDE // 2), 1))
    picture = np.tile(quarter, (2, 2, 1))
    print(f"{SIDE}x{SIDE} RGB in tiles of {TILE}, {threads} threads")
    print(f"{'':20}{'MB':>6}{'tifffile ns/pixel':>20}{'ratio whylogs':>16}{'default':>10}")
    for name, options in KINDS.items():
        file = folder / f"{name.split(',')[0].replace(' ', '-').replace(':', '')}.tif"
        tifffile.imwrite(file, picture, photometric="rgb", tile=(TILE, TILE), **options)
        (alone, small), (_, usual) = ratios(file, threads).values()
        megabytes = file.stat().st_size / 1e6
        print(f"{name:20}{megabytes:>6.0f}{alone:>20.2f}{small:>16.2f}{usual:>10.2f}", flush=True)
    large = folder / "gigapixels.tif"
    write_gigapixels(folder / "JPEG-420-q85.tif", large)
    for metrics in ("whylogs", "default"):
        run = [sys.executable, "-c", MEASURE, str(large), str(threads), metrics]
        said = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
        pixels, wall, used, memory = map(float, said)
        print(
            f"{pixels / 1e9:.1f} gigapixels, {metrics}: {wall:.1f} s, {used / pixels * 1e9:.2f} ns "
            f"of CPU a pixel, at most {memory:.0f} MB"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
