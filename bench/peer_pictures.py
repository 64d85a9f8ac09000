"""Writes what the peers are given: the same files and arrays for all.

python peer_pictures.py TARGET DATA
"""

import shutil
import sys
from pathlib import Path

import bites
import numpy as np
from peer_tasks import CASES
from PIL import Image


def write(target: Path, data: Path) -> None:
    def place(case: str) -> Path:
        (target / case).mkdir(parents=True, exist_ok=True)
        return target / case

    rng = np.random.default_rng(0)
    pictures = sorted((data / "folder").iterdir())
    for path in pictures[: CASES["640x480 JPEG"][0]]:
        shutil.copy(path, place("640x480 JPEG"))
    for number in range(CASES["12 MP JPEG"][0]):
        shutil.copy(data / "large.jpg", place("12 MP JPEG") / f"{number}.jpg")
    for path in pictures[: CASES["16-bit TIFF"][0]]:
        with Image.open(path) as picture:
            upper = np.asarray(picture.convert("L")).astype(np.uint16) * 256
        deep = upper + rng.integers(0, 256, upper.shape, np.uint16)
        Image.fromarray(deep).save(place("16-bit TIFF") / f"{path.stem}.tiff")
    small = [np.asarray(picture) for picture in bites.cut(data, CASES["64x64 arrays"][0])]
    np.save(target / "64x64 arrays.npy", np.stack(small))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
