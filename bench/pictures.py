"""Writes the pictures of the bench: the same ones on every machine, or made of a user's JPEGs.

    python pictures.py TARGET [FOLDER]

TARGET gets `folder/*.jpg` (640x480, or links to those of FOLDER), `large.jpg` (4000x3000) and
`small.png` (64x64).
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

_FOLDER_PICTURES = 128
_LARGE = (4000, 3000)
_SMALL = (64, 64)


def field(size: tuple[int, int], cells: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise around 0, with about `cells` hills across."""
    grid = random.standard_normal((max(2, cells * size[1] // size[0]), cells), dtype=np.float32)
    return np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC))


def photo(size: tuple[int, int], seed: int) -> Image.Image:
    """Gradients of colour, things with soft edges, texture, sensor noise; parts gray or clipped."""
    random = np.random.default_rng(seed)
    light = 0.75 * field(size, 3, random) + 0.15 * field(size, 40, random)
    tint = [0.5 * field(size, 4, random) for _ in range(3)]
    things = field(size, 9, random) > 0.6
    texture = field(size, size[0] // 4, random)
    exposure = random.uniform(95, 150)
    bands = []
    for band in range(3):
        value = exposure + 55 * (light + tint[band]) + 4 * texture
        value = np.where(things, value * random.uniform(0.3, 1.0), value)
        bands.append(value + 4 * random.standard_normal(value.shape, dtype=np.float32))
    rgb = np.clip(np.stack(bands, axis=2), 0, 255).astype(np.uint8)
    return Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(0.6))


def mosaic(pictures: list[Path]) -> Image.Image:
    large = Image.new("RGB", _LARGE)
    tile = (_LARGE[0] // 5, _LARGE[1] // 5)
    for place in range(25):
        with Image.open(pictures[place % len(pictures)]) as picture:
            fitted = ImageOps.fit(picture.convert("RGB"), tile)
        large.paste(fitted, (place % 5 * tile[0], place // 5 * tile[1]))
    return large


def write(target: Path, source: Path | None) -> None:
    folder = target / "folder"
    folder.mkdir(parents=True)
    if source is None:
        for seed in range(_FOLDER_PICTURES):
            photo((640, 480), seed).save(folder / f"{seed:04}.jpg", quality=88)
        large = photo(_LARGE, _FOLDER_PICTURES)
        small = photo(_SMALL, _FOLDER_PICTURES + 1)
    else:
        for path in sorted(source.iterdir()):
            if path.suffix.lower() in (".jpg", ".jpeg"):
                (folder / path.name).symlink_to(path.resolve())
        pictures = sorted(folder.iterdir())
        if not pictures:
            raise SystemExit(f"{source} holds no *.jpg")
        large = mosaic(pictures)
        with Image.open(pictures[0]) as first:
            small = first.convert("RGB").resize(_SMALL)
    large.save(target / "large.jpg", quality=90)
    small.save(target / "small.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    arguments = parser.parse_args()
    write(arguments.target, arguments.folder)
