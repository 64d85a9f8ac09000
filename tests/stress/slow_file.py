"""One file that takes as long as all others: the others go on, and memory stays flat.

The first of 100 000 pictures holds its block up until 40 000 others are measured, and the peak of
memory is compared with that of a run in which no file is slow.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from row import Row

NAME = "one slow file among 100 000"
REPEATS = 1

_PICTURES = 100_000
_MEANWHILE = 40_000
_MOST_KILOBYTES = 20 << 10

# VmHWM: the ru_maxrss of getrusage begins at that of the process that started this one.
_MEASURED = """
import re, sys, threading
from lightmeter import profile_images

photos, meanwhile = sys.argv[1], int(sys.argv[2])
measured, lock, enough = 0, threading.Lock(), threading.Event()

def slow(image):
    global measured
    with lock:
        measured += 1
        if measured >= meanwhile:
            enough.set()
    if image.shape[:2] == (3, 5):
        enough.wait(3000)
    return 1

view = profile_images(photos, workers=2, metrics=slow)
peak, = re.findall(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(view.images, peak, int(enough.is_set()))
"""


def run(repeats: int) -> Row:
    """`repeats` pairs of runs."""
    lost = 0
    grown = 0
    with tempfile.TemporaryDirectory() as name:
        photos = _draw(Path(name))
        for _ in range(repeats):
            images, even, _ = _measure(photos, 1)
            slow_images, held, waited = _measure(photos, _MEANWHILE)
            grown = max(grown, held - even)
            lost += 2 * _PICTURES - images - slow_images
            lost += (held - even > _MOST_KILOBYTES) + (not waited)
    note = f"{grown / 1024:.1f} MB more while {_MEANWHILE} others are measured"
    return Row(NAME, repeats, repeats * 2 * _PICTURES, lost, note)


def _draw(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    photos = folder / "photos"
    photos.mkdir()
    Image.new("RGB", (5, 3)).save(photos / "000000.ppm")
    for number in range(50):
        samples = rng.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(samples).save(folder / f"{number}.ppm")
    for number in range(1, _PICTURES):
        os.link(folder / f"{number % 50}.ppm", photos / f"{number:06}.ppm")
    return photos


def _measure(photos: Path, meanwhile: int) -> tuple[int, ...]:
    command = [sys.executable, "-c", _MEASURED, str(photos), str(meanwhile)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(map(int, output.split()))
