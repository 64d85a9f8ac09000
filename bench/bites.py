"""Small pictures cut out of the folder's: as many different ones as a scenario asks for."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

_SIDE = 64


def cut(data: Path, count: int) -> Iterator[Image.Image]:
    files = sorted((data / "folder").iterdir())
    while True:
        for file in files:
            with Image.open(file) as picture:
                for top in range(0, picture.height - _SIDE, _SIDE // 2):
                    for left in range(0, picture.width - _SIDE, _SIDE // 2):
                        if count == 0:
                            return
                        count -= 1
                        yield picture.crop((left, top, left + _SIDE, top + _SIDE))
