"""What sentences say of pictures that were changed on purpose."""

import re
from functools import cache
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from changes import CHANGES, drawn
from conftest import encoded
from lightmeter.demo import draw_cells
from lightmeter.drift.describe.sentences import findings
from lightmeter.drift.row import CHANGED
from truth import is_true

MANY = 120  # of a batch of which a part changed
METRICS = "camera"

PARTS: list[tuple[str, float, str]] = [
    ("resized", 0.5, "width is 240 in 50 % of images instead of 100 %"),
    ("glare", 0.15, "1[4-7] % of images have (more glare|higher .*) than 99 % of the reference"),
    ("darker", 0.1, "(9|1[0-2]) % of images have lower brightness than 99 % of the reference"),
    ("out of focus", 0.25, "2[4-7] % of images have lower sharpness than 99 % of the reference"),
    ("noise", 1 / 6, "1[6-9] % of images have higher noise than 99 % of the reference"),
    ("hue turned", 0.3, "hue is distributed differently"),
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
            words = line.words
            assert is_true(words, line.name, target[line.feature], before[line.feature]), words


@pytest.mark.parametrize("stripped", [20, 50])
def test_exif_that_went_missing_is_one_line_and_the_first(stripped: int) -> None:
    tags = {271: "Maker", 272: "Model", 305: "firmware 1"}
    image = draw_cells(np.random.default_rng(0))
    tagged, bare = encoded("JPEG", image, tags=tags), encoded("JPEG", image, tags={})
    target = lm.log_image([bare] * stripped + [tagged] * (50 - stripped)).view()
    report = lm.compare(target=target, reference=lm.log_image([tagged] * 50).view())
    words = f"3 Exif tags went missing in up to {2 * stripped} % of images"
    assert report.findings[0].words == words
    assert report.summary().startswith(words)


def test_files_that_fail_come_first() -> None:
    target = lm.log_image([*drawn("darker", 1, 35), *[b"no picture"] * 15]).view()
    report = lm.compare(target=target, reference=lm.log_image(drawn("", 0, 50)).view())
    assert report.summary().startswith("files that cannot be measured went from 0 % to 30 %")
    assert report.findings[1].cause == "darker"
