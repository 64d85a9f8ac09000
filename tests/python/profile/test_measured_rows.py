"""log(table=rows, roles="image"): the profile of rows is that of the images they describe."""

import io
import math
import os
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import exif_of, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.batch.rows import write_rows
from numpy.typing import NDArray
from PIL import Image

LIBRARIES = ["pandas", "polars", "pyarrow"]


def moody(image: NDArray[np.uint8]) -> object:
    """Anything that a function may return."""
    answers = [7, 0.1, "=text", True, None, math.nan, {"a": 1, "b": None, "c d": "\ud800"}]
    answers += [{"mean": 2**70}, np.float32(0.1), b"bytes", {}]
    answer = answers[int(image.sum()) % len(answers)]
    if answer == {}:
        raise LookupError
    return answer


def bright(image: Image.Image) -> bool:
    return image.getpixel((0, 0)) > (99, 99, 99)  # type: ignore[operator]


SUFFIXES = ["jpg", "png", "gif", "tif", "bmp", "webp"]


def draw_picture(kind: int, seed: int, file: Path) -> None:
    """A file of some kind, by number; the last are junk, and 16 bits deep."""
    tags = {271: f"Maker {seed % 3}", 306: f"2024:01:0{seed % 9 + 1}", 315: "=A, B"}
    place = {1: "N", 2: (1.0, 2.0, 3.0), 3: "E", 4: (4.0, 5.0, 6.0)}
    image = picture(16 + seed, 12, seed=seed).convert("L" if seed % 5 == 0 else "RGB")
    options: dict[str, dict[str, Any]] = {
        "gif": {"save_all": True, "append_images": [image.rotate(90)]},
        "tif": {"tiffinfo": {271: "Maker", 315: "=A, B"}},
    }
    if kind < len(SUFFIXES):
        usual = {"exif": exif_of({**tags, 0x8825: place})} if seed % 2 else {}
        image.save(file.with_suffix(f".{SUFFIXES[kind]}"), **options.get(SUFFIXES[kind], usual))
    elif kind == len(SUFFIXES):
        file.with_suffix(".png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(seed))
    else:
        Image.fromarray(np.full((4, 4), seed, np.uint16)).save(file.with_suffix(".png"))


def assert_same(rows: lm.ProfileView, images: lm.ProfileView) -> None:
    """Column by column, but for what rows do not hold."""
    assert set(rows) == {name for name in images if not name.endswith(".pixels")}
    for name, column in rows.items():
        known = images[name]
        assert column.meaning == known.meaning, name
        assert column.to_summary_dict() == known.to_summary_dict(), name
        assert column.numbers.to_bytes() == known.numbers.to_bytes(), name
        assert (column.n, column.missing) == (known.n, known.missing), name
        assert rows.repeats(name) == images.repeats(name)
    assert rows.images == images.images
    assert rows._core.exif_policies() == images._core.exif_policies()
    assert rows._core.image_prefixes == images._core.image_prefixes
    whys = [
        [(each.reason, each.detail, os.path.basename(str(each.path))) for each in view.failures]
        for view in (rows, images)
    ]
    assert whys[0] == whys[1]


def as_table(rows: list[Any], library: str) -> Any:
    """The rows as a library reads the file that they are written to."""
    file = io.BytesIO()
    write_rows(rows, file, "parquet")
    file.seek(0)
    if library == "pyarrow":
        return pytest.importorskip("pyarrow.parquet").read_table(file)
    return pytest.importorskip(library).read_parquet(file)


@settings(max_examples=30, derandomize=True)
@given(st.data())
def test_the_profile_of_rows_is_that_of_their_images(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    draw, folder = data.draw, tmp_path_factory.mktemp("photos")
    kinds = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 40)), max_size=9, unique=True)
    for number, (kind, seed) in enumerate(draw(kinds)):
        draw_picture(kind, seed, folder / f"{number}")
    policies = [lm.ExifPolicy(), lm.ExifPolicy(["GPSLatitude", "Artist"], ["has_gps"])]
    policy = draw(st.sampled_from(policies))
    metrics = draw(st.sampled_from(["whylogs", "default", "camera", "all"]))
    frames = draw(st.sampled_from(["first", "all"]))
    reading = lm.Reading(frames=frames, exif=policy, metrics=[metrics, moody, bright])
    images = lm.profile_images(folder, reading=reading)
    rows = list(lm.measure(folder, with_exif=True, reading=reading))
    assert_same(lm.log(table=iter(rows), roles="image", exif=policy).view(), images)
    table = as_table(rows, draw(st.sampled_from(LIBRARIES)))
    assert_same(lm.log(table=table, roles="image", exif=policy).view(), images)


def test_rows_of_bands(folder: Path) -> None:
    options: Any = {"bands": ["DAPI", "GFP", "Cy5"], "metrics": ["all", moody]}
    images = lm.profile_images(folder, **options)
    rows = lm.measure(folder, with_exif=True, **options)
    assert_same(lm.log(table=rows, roles="image").view(), images)
    assert "image.GFP.PixelHash" in images


GOOD = {"path": "a", "image.entropy": 1.5}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"path": "a"}, "row 2: got no number of an image"),
        ({**GOOD, "image.entropy": "high"}, "row 2: image.entropy is 'high'; expected float"),
        ({**GOOD, "image.ImagePixelWidth": 1.5}, "expected int"),
        ({**GOOD, "image.FileSize": 2**64}, "expected int"),
        ({**GOOD, "image.PixelHash": "0"}, "expected 16 hexadecimal digits"),
        ({**GOOD, "image.own": [1]}, "holds list"),
        ({**GOOD, "exif": "["}, "row 2: "),
        ({**GOOD, "metrics": "[" * 10_000}, "nested more than"),
        ({**GOOD, "missing": [3]}, "got 3 as a name"),
        ({"path": "a", "failure": "x" * 33}, "expected a reason such as 'corrupt'"),
        (5, "row 2 is a int; expected a dict"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_logged(row: Any, words: str) -> None:
    profile = lm.Profile()
    with pytest.raises((TypeError, ValueError), match=words):
        profile.log(table=[GOOD, row], roles="image")
    assert len(profile.view()) == 0


def test_rows_have_groups_segments_and_a_sample(folder: Path) -> None:
    rows = list(lm.measure(folder, with_exif=True))
    rows = [{**row, "half": index % 2} for index, row in enumerate(rows)]
    views = lm.log(table=rows, roles="image", group="half", segment_by="half", sample=9)
    assert {name: view.images for name, view in views.items()} == {"half=0": 4, "half=1": 4}
    assert (views.whole.groups, len(views.whole.sample)) == (2, 8)
    assert_same(views.whole, lm.profile_images(folder))
    assert lm.check_image(np.zeros((4, 4)), views.whole).rows == 8
    for names in ({"group": "side"}, {"segment_by": {"side": "column:side"}}):
        with pytest.raises(ValueError, match="got the column 'side'; expected one of"):
            lm.log(table=rows, roles="image", **names)
