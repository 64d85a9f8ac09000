"""Folders of JPEGs or PNGs of one size, made of the pictures of the bench."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image


def folder_of(case: str, data: Path) -> Path:
    """The folder of a case, which is made once."""
    if case == "640x480":
        return data / "folder"
    return _made_once(data / f"folder {case}", lambda folder: _fill(folder, case, data))


def png_folder(data: Path) -> Path:
    """The pictures of 640x480 as PNG files, as Pillow writes them."""
    return _made_once(data / "folder png", lambda folder: _fill_with_png(folder, data))


def _made_once(target: Path, fill: Callable[[Path], None]) -> Path:
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        unfinished.mkdir()
        fill(unfinished)
        try:
            unfinished.rename(target)
        except OSError:  # another competitor was faster
            shutil.rmtree(unfinished)
    return target


def _fill_with_png(folder: Path, data: Path) -> None:
    for path in sorted((data / "folder").iterdir())[:48]:
        with Image.open(path) as picture:
            picture.convert("RGB").save(folder / f"{path.stem}.png")


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
