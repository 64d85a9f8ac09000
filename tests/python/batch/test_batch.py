"""profile_images: the same bytes for any number of workers, and no file that stops it."""

import os
from pathlib import Path
from typing import Any

import pytest
from conftest import encoded, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import profile_images
from memory import profile_and_weigh
from PIL import Image


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small JPEGs with Exif, PNGs of several modes, larger pictures, damaged files."""
    folder = tmp_path_factory.mktemp("mixed")
    for n in range(60):
        image, tags = picture(12 + n % 3, 10, seed=n // 2), {272: f"camera {n % 4}"}
        data = [
            encoded("JPEG", image, tags=tags),
            encoded("PNG", image.convert(("L", "P", "RGBA", "1")[n // 4 % 4])),
            encoded("JPEG", picture(200, 130, seed=n)),
            encoded("JPEG", image)[: 10 * n],
        ][n % 4]
        (folder / f"{n // 4 % 2}{n:02}.{'png' if n % 4 == 1 else 'jpg'}").write_bytes(data)
    return folder


@settings(max_examples=15)
@given(st.data())
def test_the_size_of_blocks_does_not_change_the_bytes(mixed: Path, data: Any) -> None:
    """Also of one, where each picture is measured alone: small ones are measured together."""
    options = {"exemplars": data.draw(st.integers(0, 2)), "sample": data.draw(st.integers(0, 8))}
    segment_by = data.draw(st.sampled_from([None, {"half": "path:^(.)"}]))
    views = []
    for most in (1, data.draw(st.integers(2, 70))):
        with pytest.MonkeyPatch.context() as patch:
            for name in ("_FEWEST", "_MOST"):
                patch.setattr(f"lightmeter.batch.block.{name}", most)
            patch.setattr("lightmeter.batch.block._PICTURE_BYTES", 16 << 20)
            found: Any = profile_images(mixed, workers=2, segment_by=segment_by, **options)
        parts = [found.whole, *found.values()] if segment_by else [found]
        views.append([view.to_bytes() for view in parts])
    assert views[0] == views[1]


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """5000 files may cost what their paths and a full sketch of each feature take, no more."""
    for seed in range(50):
        Image.new("RGB", (4, 4), (seed, 2 * seed, 5 * seed)).save(tmp_path / f"{seed}.ppm")
    for folder, count in ("few", 1000), ("many", 5000):
        (tmp_path / folder).mkdir()
        for index in range(count):
            os.link(tmp_path / f"{index % 50}.ppm", tmp_path / folder / f"{index}.ppm")
    (few,), peak_of_few = profile_and_weigh(tmp_path / "few")
    (many,), peak_of_many = profile_and_weigh(tmp_path / "many")
    assert (few, many) == ("1000", "5000")
    # Measured of 20 000: 4.5 MB, of which the paths are 3.
    assert peak_of_many - peak_of_few < 5
