"""Folders of JPEGs of one size, made of the pictures of the bench."""

import os
import shutil
from pathlib import Path

from PIL import Image

CASES = ("16x16", "640x480", "12 MP")


def folder_of(case: str, data: Path) -> Path:
    """The folder of a case, which is made once."""
    if case == "640x480":
        return data / "folder"
    target = data / f"folder {case}"
    if not target.exists():
        unfinished = data / f"{target.name}.{os.getpid()}"
        unfinished.mkdir()
        _fill(unfinished, case, data)
        try:
            unfinished.rename(target)
        except OSError:  # another competitor was faster
            shutil.rmtree(unfinished)
    return target


def _fill(folder: Path, case: str, data: Path) -> None:
    if case == "12 MP":
        for place in range(16):
            shutil.copy(data / "large.jpg", folder / f"{place:04}.jpg")
        return
    for path in sorted((data / "folder").iterdir()):
        with Image.open(path) as picture:
            small = picture.convert("RGB").resize((16, 16))
        for place in range(4):
            small.save(folder / f"{path.stem}-{place}.jpg", quality=88)
