"""What sentences say of pictures that were changed on purpose."""

import re
from functools import cache

import lightmeter as lm
import numpy as np
import pytest
from changes import drawn
from conftest import encoded
from lightmeter.demo import draw_cells
from lightmeter.drift.describe.sentences import findings

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


@cache
def reference() -> lm.ProfileView:
    return lm.log_image(drawn("", 0, MANY), metrics=METRICS).view()


@pytest.mark.parametrize(("change", "share", "expected"), PARTS)
def test_what_was_done_to_a_part_is_said(change: str, share: float, expected: str) -> None:
    target = lm.log_image(drawn(change, 1, MANY, share), metrics=METRICS).view()
    report = lm.compare(target=target, reference=reference())
    told = [each.words for each in findings(report.drifted)]
    assert any(re.fullmatch(expected, words) for words in told), told


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
