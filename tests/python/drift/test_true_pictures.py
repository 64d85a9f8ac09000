"""What sentences say of pictures that were changed on purpose."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from changes import CHANGES, drawn
from lightmeter.demo import draw_cells
from lightmeter.drift.describe import finding, findings
from lightmeter.drift.verdict import CHANGED
from PIL import Image
from truth import is_true

MANY = 120  # of a batch of which a part changed
METRICS = "camera"

PARTS: list[tuple[str, float, str]] = [
    ("resized", 0.5, "width is 240 in 50 % of images instead of 100 %"),
    ("glare", 0.15, "1[4-7] % of images have (more glare|higher .*) than 99 % of the reference"),
    ("darker", 0.1, "(9|1[0-2]) % of images have lower brightness than 99 % of the reference"),
    ("out of focus", 0.25, "2[4-7] % of images have lower sharpness than 99 % of the reference"),
    ("noise", 1 / 6, "1[6-9] % of images have higher noise than 99 % of the reference"),
    ("hue turned", 0.3, r"hue: .* (rose|fell) from .*"),
]


def values_of(files: list[bytes]) -> dict[str, list[Any]]:
    """Every number of every picture, from a profile of its own."""
    columns: dict[str, list[Any]] = {}
    for file in files:
        view = lm.log_image(file, metrics=METRICS).view()
        for name in view:
            column = view[name]
            value = column.mean if column.kind in ("number", "hue") else None
            if column.frequent:
                value = column.frequent[0].value
            columns.setdefault(name, []).append(value)
    return columns


@cache
def reference() -> tuple[dict[str, list[Any]], lm.ProfileView]:
    files = drawn("", 0, MANY)
    return values_of(files), lm.log_image(files, metrics=METRICS).view()


CASES = [*((change, 1.0, "") for change in CHANGES), *PARTS]


@pytest.mark.parametrize(("change", "share", "expected"), CASES)
def test_what_was_done_to_pictures_is_said_and_nothing_untrue(
    change: str, share: float, expected: str
) -> None:
    files = drawn(change, 1, MANY if share < 1 else 40, share)
    report = lm.compare(
        target=lm.log_image(files, metrics=METRICS).view(), reference=reference()[1]
    )
    told = [each.words for each in findings(report.drifted)]
    assert not expected or any(re.fullmatch(expected, words) for words in told), told
    target, before = values_of(files), reference()[0]
    for line in report.features:
        if line.verdict in CHANGED and line.kind in ("number", "hue", "category"):
            words = finding(line)
            assert is_true(words, line.name, target[line.feature], before[line.feature]), words


def photo(folder: Path, name: str, exif: bool, broken: bool) -> None:
    tags = Image.Exif()
    for tag, value in ((271, "Maker"), (272, "Model"), (305, "firmware 1"), (315, "Somebody")):
        if exif:
            tags[tag] = value
    draw_cells(np.random.default_rng(0)).save(folder / name, exif=tags)
    if broken:
        (folder / name).write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("stripped", "words"),
    [(20, "3 Exif tags went missing in 40 % of images"),
     (50, "3 Exif tags went missing in 100 % of images")],
)  # fmt: skip
def test_all_exif_that_went_missing_is_one_line_and_the_first(
    tmp_path: Path, stripped: int, words: str
) -> None:
    views = []
    for side, bare in (("target", stripped), ("reference", 0)):
        (tmp_path / side).mkdir()
        for at in range(50):
            photo(tmp_path / side, f"{at:02}.jpg", exif=at >= bare, broken=False)
        views.append(lm.profile_images(tmp_path / side))
    report = lm.compare(target=views[0], reference=views[1])
    assert report.findings[0].words == words
    assert report.summary().startswith(words)


def test_files_that_fail_come_first(tmp_path: Path) -> None:
    views = []
    for side, broken in (("target", 15), ("reference", 0)):
        (tmp_path / side).mkdir()
        for at in range(50):
            photo(tmp_path / side, f"{at:02}.jpg", exif=True, broken=at < broken)
            if side == "target" and at >= broken:
                file = tmp_path / side / f"{at:02}.jpg"
                image = Image.open(file)
                image.point(lambda sample: sample // 2).save(file, exif=image.getexif())
        views.append(lm.profile_images(tmp_path / side))
    report = lm.compare(target=views[0], reference=views[1])
    assert report.summary().startswith("files that cannot be measured went from 0 % to 30 %")
