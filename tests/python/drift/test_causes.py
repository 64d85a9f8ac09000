"""What happened to pictures is named first: what only follows from it comes behind."""

import re
from functools import cache

import lightmeter as lm
import numpy as np
import pytest
from changes import CHANGES, IMAGES, drawn, noisy, profile
from conftest import encoded
from lightmeter.demo import draw_cells
from lightmeter.drift.describe.causes import Change, causes_of
from lightmeter.drift.describe.sentences import findings
from PIL import Image, ImageEnhance, ImageFilter


@pytest.mark.parametrize(
    ("change", "metrics"), [*((change, "default") for change in CHANGES), ("covered", "camera")]
)
def test_the_cause_is_named_first(change: str, metrics: str) -> None:
    report = lm.compare(target=profile(change, metrics, 1), reference=profile("", metrics, 0))
    assert [each.cause for each in report.causes] == [change], report.summary()
    assert report.findings[0] is report.causes[0]
    assert report.summary().startswith(report.causes[0].words)


def test_a_lens_that_is_covered_entirely() -> None:
    """A darker scene loses contrast only as much as light."""
    plain = [draw_cells(np.random.default_rng([0, at])) for at in range(IMAGES)]
    lid = Image.new("RGB", plain[0].size, (38, 22, 18))
    for metrics in ("default", "camera"):
        reference, capped = (
            lm.log_image(images, metrics=metrics)
            for images in (plain, [Image.blend(image, lid, 0.95) for image in plain])
        )
        report = lm.compare(target=capped, reference=reference)
        assert [each.cause for each in report.causes] == ["covered"], report.summary()
        assert report.summary().startswith("the images look covered: brightness fell by")


@pytest.mark.parametrize(("texture", "noise"), [(15, 2), (8, 2), (8, 20)])
def test_blur_is_not_faded(texture: float, noise: float) -> None:
    """It smooths the noise of colours, and removes a little of the contrast of fine texture."""
    rng = np.random.default_rng(0)
    scene = np.linspace(60, 140, 160)[None, :, None] * (1, 0.7, 0.5)
    scene = scene + rng.normal(0, texture, (120, 160, 1))
    sides = []
    for radius in (0.0, 1.2):
        frames = [
            scene * rng.normal(1, 0.03) + rng.normal(0, noise, scene.shape) for _ in range(30)
        ]
        images = (Image.fromarray(each.clip(0, 255).astype(np.uint8)) for each in frames)
        sides.append(
            lm.log_image([each.filter(ImageFilter.GaussianBlur(radius)) for each in images])
        )
    report = lm.compare(target=sides[1], reference=sides[0])
    also = ["pale"] * (noise > 2)
    assert [each.cause for each in report.causes] == ["out of focus", *also], report.summary()


def test_the_number_that_is_named_moved_as_the_cause_says() -> None:
    """A coloured veil raises saturation, but what fades is contrast."""
    rng = np.random.default_rng(0)
    frames = []
    for at in range(120):
        image = draw_cells(np.random.default_rng([0, at])).convert("L").convert("RGB")
        frames.append(ImageEnhance.Contrast(image).enhance(rng.uniform(0.5, 1)))
    sand = Image.new("RGB", frames[0].size, (206, 150, 84))
    report = lm.compare(
        target=lm.log_image([Image.blend(each, sand, 0.3) for each in frames[60:]]),
        reference=lm.log_image(frames[:60]),
    )
    assert report.summary().startswith("the images look faded: contrast fell by ")
    moved = {
        name: Change(1, 0.3, 1.0, True, "compression") for name in ("JpegQuality", "Blockiness")
    }
    assert [lead for _, lead in causes_of(moved)] == ["Blockiness"], "a better quality is no fault"


def test_where_nothing_changed_no_cause_is_named() -> None:
    for seed in (1, 2, 3):
        report = lm.compare(
            target=profile("", "default", seed), reference=profile("", "default", 0)
        )
        assert report.causes == [], report.summary()


def test_two_causes_are_named_where_one_does_not_follow_from_the_other() -> None:
    def both(image: Image.Image) -> Image.Image:
        return noisy(CHANGES["darker"](image))

    dark = lm.log_image([both(draw_cells(np.random.default_rng([1, at]))) for at in range(IMAGES)])
    plain = lm.log_image([draw_cells(np.random.default_rng([0, at])) for at in range(IMAGES)])
    report = lm.compare(target=dark, reference=plain)
    assert {each.cause for each in report.causes} == {"darker", "noise"}


def test_what_follows_is_said_with_its_cause_and_only_there() -> None:
    report = lm.compare(
        target=profile("out of focus", "default", 1), reference=profile("", "default", 0)
    )
    first, *others = report.findings
    assert first.rows[0].feature == "image.Sharpness"
    assert "image.Noise" in [line.feature for line in first.rows]
    assert "; noise, " in first.sentence
    assert report.to_dict()["causes"][0]["features"][0] == "image.Sharpness"
    said = [line.feature for each in report.findings for line in each.rows]
    assert len(said) == len(set(said))
    assert not any(each.cause for each in others)


@cache
def sampled() -> lm.ProfileView:
    reference = lm.Profile(sample=64)
    reference.track_many(drawn("", 0, 60))
    return reference.view()


@pytest.mark.parametrize("change", sorted(set(CHANGES) - {"hue turned", "pale", "glare"}))
def test_a_check_names_the_cause_first(change: str) -> None:
    check = lm.check_image(drawn(change, 1, 1)[0], sampled())
    assert check.verdict == "unusual"
    assert check.findings[0].cause == change, check
    assert check.findings[0].sentence.startswith("the image ")


# What sentences say of pictures that were changed on purpose.


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
