"""lm.profile_rows: the profile of rows is that of the images they were measured of."""

import math
import os
from datetime import date
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.batch.row_files import write_rows
from numpy.typing import NDArray
from PIL import Image

FORMATS = ["csv", "jsonl", "parquet"]


def moody(image: NDArray[np.uint8]) -> object:
    """Anything that a function may return."""
    answers = [
        7,
        0.1,
        "=text",
        True,
        None,
        math.nan,
        {"a": 1, "b": None, "c d": "\ud800"},
    ]
    answers += [{"mean": 2**70}, np.float32(0.1), b"bytes", {}]
    answer = answers[int(image.sum()) % len(answers)]
    if answer == {}:
        raise LookupError
    return answer


def bright(image: Image.Image) -> bool:
    return image.getpixel((0, 0)) > (99, 99, 99)  # type: ignore[operator]


def draw(kind: int, seed: int, file: Path) -> None:
    """A file of some kind, by number."""
    exif = Image.Exif()
    exif[271], exif[306], exif[315] = f"Maker {seed % 3}", f"2024:01:0{seed % 9 + 1}", "=A, B"
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0), 3: "E", 4: (4.0, 5.0, 6.0)}
    image = picture(16 + seed, 12, seed=seed)
    match kind:
        case 0:
            image.save(file.with_suffix(".jpg"), exif=exif if seed % 2 else Image.Exif())
        case 1:
            image.convert("L").save(file.with_suffix(".png"))
        case 2:
            image.save(file.with_suffix(".gif"), save_all=True, append_images=[image.rotate(90)])
        case 3:
            image.save(file.with_suffix(".tif"), tiffinfo={271: "Maker", 315: "=A, B"})
        case 4:
            image.save(file.with_suffix(".bmp"))
        case 5:
            image.save(file.with_suffix(".webp"))
        case 6:
            file.with_suffix(".png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(seed))
        case _:
            Image.fromarray(np.full((4, 4), seed, np.uint16)).save(file.with_suffix(".png"))


def assert_same(rows: lm.ProfileView, images: lm.ProfileView) -> None:
    """Column by column, but for what rows do not hold."""
    assert set(rows) == {name for name in images if not name.endswith(".pixels")}
    for name, column in rows.get_columns().items():
        known = images[name]
        assert column.meaning == known.meaning, name
        assert column.to_summary_dict() == known.to_summary_dict(), name
        assert column.numbers.to_bytes() == known.numbers.to_bytes(), name
        assert (column.n, column.missing) == (known.n, known.missing), name
        assert rows.repeats(name) == images.repeats(name)
    assert rows.images == images.images
    assert rows.exif_policies == images.exif_policies
    assert rows._core.image_prefixes == images._core.image_prefixes
    whys = [(failure.reason, failure.detail) for failure in rows.failures]
    assert whys == [(failure.reason, failure.detail) for failure in images.failures]
    assert [os.path.basename(str(failure.path)) for failure in rows.failures] == [
        os.path.basename(str(failure.path)) for failure in images.failures
    ]


def round_trip(rows: list[Any], row_format: str, reading: lm.Reading, folder: Path) -> Path:
    file = folder / f"rows.{row_format}"
    with file.open("wb") as opened:
        write_rows(rows, opened, row_format, reading=reading, with_exif=True)  # type: ignore[arg-type]
    return file


@settings(max_examples=30, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 40)), max_size=9, unique=True),
    st.sampled_from(["first", "all"]),
    st.sampled_from([lm.ExifPolicy(), lm.ExifPolicy(["GPSLatitude", "Artist"], ["has_gps"])]),
    st.sampled_from(FORMATS),
    st.sampled_from(["whylogs", "default", "camera", "all"]),
)
def test_the_profile_of_rows_is_that_of_their_images(
    tmp_path_factory: pytest.TempPathFactory,
    kinds: list[tuple[int, int]],
    frames: Any,
    policy: lm.ExifPolicy,
    row_format: str,
    metrics: Any,
) -> None:
    folder = tmp_path_factory.mktemp("photos")
    for number, (kind, seed) in enumerate(kinds):
        draw(kind, seed, folder / f"{number}")
    reading = lm.Reading(frames=frames, exif=policy, metrics=[metrics, moody, bright])
    images = lm.profile_images(folder, reading=reading)
    rows = list(lm.measure(folder, with_exif=True, reading=reading))
    assert_same(lm.profile_rows(rows, exif=policy), images)
    assert_same(
        lm.profile_rows(
            round_trip(rows, row_format, reading, tmp_path_factory.mktemp("rows")), exif=policy
        ),
        images,
    )


def test_files_of_rows_stand_for_profiles(folder: Path, tmp_path: Path) -> None:
    file, merged = tmp_path / "rows.CSV", tmp_path / "merged.lmp"
    assert lightmeter("measure", folder, "-o", file, "--exif").returncode == 0
    view = lm.profile_images(folder)
    report = lm.compare(target=file, reference=view)
    assert not any(line.effect for line in report.features)
    assert_same(report.target, view)
    with lm.Store(tmp_path / "a.db") as store:
        store.put("photos", file, at=date(2024, 1, 1), writer="rows")
    result = lightmeter("drift", "--reference", file, "--target", folder)
    assert result.returncode == 0, result.stderr
    assert lightmeter("show", file).stdout.startswith("8 images measured, 0 files failed")
    assert lightmeter("merge", file, file, "-o", merged).returncode == 0
    assert lm.ProfileView.read(merged).images == 16
    file.write_text("path,image.entropy\na,nan\n")
    result = lightmeter("show", file)
    assert (result.returncode, result.stdout) == (1, "")
    assert "line 2: image.entropy is nan; expected a finite number" in result.stderr


GOOD = {"path": "a", "image.entropy": 1.5}
