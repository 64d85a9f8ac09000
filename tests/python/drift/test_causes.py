"""What happened to pictures is named first: what only follows from it comes behind."""

from collections.abc import Callable
from functools import cache
from io import BytesIO

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.demo import draw_cells
from PIL import Image, ImageDraw, ImageFilter

IMAGES = 30
Change = Callable[[Image.Image], Image.Image]


def by_factors(*factors: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        samples = np.asarray(image) * np.array(factors)
        return Image.fromarray(samples.round().clip(0, 255).astype(np.uint8))

    return change


def noisy(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(image.size[0]).normal(0, 10, (*image.size[::-1], 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def turned(image: Image.Image, degrees: float = 12) -> Image.Image:
    hsv = np.asarray(image.convert("HSV")).astype(int)
    hsv[..., 0] = (hsv[..., 0] + round(degrees * 255 / 360)) % 255
    return Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB")


def covered(image: Image.Image) -> Image.Image:
    image.paste((20, 18, 16), (0, 0, image.width // 2, image.height // 2))
    return image


def glaring(image: Image.Image) -> Image.Image:
    spot = Image.new("L", image.size)
    ImageDraw.Draw(spot).ellipse((60, 40, 150, 130), fill=255)
    spot = spot.filter(ImageFilter.GaussianBlur(12))
    return Image.composite(Image.new("RGB", image.size, "white"), image, spot)


def hazy(image: Image.Image) -> Image.Image:
    return Image.blend(image, Image.new("RGB", image.size, (200, 200, 200)), 0.4)


CHANGES: dict[str, Change] = {
    "out of focus": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "darker": by_factors(0.7, 0.7, 0.7),
    "brighter": by_factors(1.12, 1.12, 1.12),
    "covered": covered,
    "colour cast": by_factors(1.04, 1, 0.9),
    "hue turned": turned,
    "noise": noisy,
    "compressed": lambda image: image,  # saved with another quality
    "resized": lambda image: image.resize((180, 135)),
    "glare": glaring,
    "faded": hazy,
    "pale": lambda image: Image.blend(image, image.convert("L").convert("RGB"), 0.5),
}


@cache
def profile(change: str, metrics: str, seed: int) -> lm.ProfileView:
    files = []
    for at in range(IMAGES):
        image = draw_cells(np.random.default_rng([seed, at]))
        image = CHANGES[change](image) if change else image
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=30 if change == "compressed" else 92)
        files.append(buffer.getvalue())
    return lm.log_image(files, metrics=metrics).view()


@pytest.mark.parametrize(
    ("change", "metrics"), [*((change, "default") for change in CHANGES), ("covered", "camera")]
)
def test_the_cause_is_named_first(change: str, metrics: str) -> None:
    report = lm.compare(target=profile(change, metrics, 1), reference=profile("", metrics, 0))
    assert [each.cause for each in report.causes] == [change], report.summary()
    assert report.findings[0] is report.causes[0]
    assert report.summary().startswith(report.causes[0].words)


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
    assert first.lines[0].feature == "image.Sharpness"
    assert "image.Noise" in [line.feature for line in first.lines]
    assert first.certainty.startswith("noise, ")
    assert report.to_dict()["causes"][0]["features"][0] == "image.Sharpness"
    said = [line.feature for each in report.findings for line in each.lines]
    assert len(said) == len(set(said))
    assert not any(each.cause for each in others)


def test_other_data_has_no_cause() -> None:
    rng = np.random.default_rng(0)
    low, high = (
        lm.log(columns={"image.Sharpness": rng.normal(at, 1, 99), "Noise": rng.normal(at, 1, 99)})
        for at in (5, 9)
    )
    assert lm.compare(target=low, reference=high).causes == []
    two = lm.log_image(Image.new("RGB", (8, 8))), lm.log_image(Image.new("RGB", (8, 8), "white"))
    assert lm.compare(target=two[0], reference=two[1]).causes == []


@cache
def sampled() -> lm.ProfileView:
    reference = lm.Profile(sample=64)
    for at in range(60):
        buffer = BytesIO()
        draw_cells(np.random.default_rng([0, at])).save(buffer, "JPEG", quality=92)
        reference.track(buffer.getvalue())
    return reference.view()


@pytest.mark.parametrize("change", sorted(set(CHANGES) - {"hue turned", "pale", "glare"}))
def test_a_check_names_the_cause_first(change: str) -> None:
    buffer = BytesIO()
    image = CHANGES[change](draw_cells(np.random.default_rng([1, 0])))
    image.save(buffer, "JPEG", quality=30 if change == "compressed" else 92)
    check = lm.check_image(buffer.getvalue(), sampled())
    assert check.verdict == "unusual"
    assert check.findings[0].cause == change, check
    assert check.findings[0].sentence.startswith("the image ")
