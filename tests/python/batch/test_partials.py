"""Blocks in pieces on several machines give the bytes of one process."""

import random
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from lightmeter import Profile, ProfileView, Reading, profile_images
from lightmeter.batch.block import profile_block
from lightmeter.batch.partials import WHOLE, Partial, Placed, folded, partials
from lightmeter.batch.segments import SegmentOf
from lightmeter.batch.sources.item import Item
from lightmeter.image.exif import ExifPolicy
from PIL import Image

SEGMENTS = {"end": r"path:(\d)\.png"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """More than 1024, so that sketches sample."""
    folder = tmp_path_factory.mktemp("pieces")
    rng = np.random.default_rng(1)
    for number in range(1300):
        samples = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(samples).save(folder / f"{number:04}.png")
    (folder / "0071.png").write_bytes(b"no picture, only some text")
    return sorted(map(str, Path(folder).iterdir()))


@pytest.mark.parametrize("seed", range(2))
def test_pieces_give_the_bytes_of_the_whole(files: list[str], seed: int) -> None:
    draw = random.Random(seed)
    cuts = [0, *sorted(draw.sample(range(1, len(files)), 6)), 71, 72, len(files)]
    reading = Reading()
    segment_of = SegmentOf(SEGMENTS, root=None, exif=ExifPolicy())
    work = partial(profile_block, reading=reading, segment_of=segment_of)
    rows: list[Partial] = []
    for first, end in zip(sorted(cuts), sorted(cuts)[1:], strict=False):
        placed = (Placed(0, place, Item(files[place], files[place])) for place in range(first, end))
        rows += partials(work, placed)
    draw.shuffle(rows)
    views = {
        segment: ProfileView.from_bytes(data)
        for _, segment, data in folded(Profile(reading=reading), sorted(rows))
    }
    wanted = profile_images(files, segment_by=SEGMENTS)
    assert views.pop(WHOLE).to_bytes() == wanted.whole.to_bytes()
    assert {segment: view.to_bytes() for segment, view in views.items()} == {
        segment: view.to_bytes() for segment, view in wanted.items()
    }
