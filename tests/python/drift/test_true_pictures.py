"""What sentences say of pictures that were changed on purpose."""

import re
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.drift.describe import finding, findings
from lightmeter.drift.verdict import CHANGED
from PIL import Image, ImageEnhance, ImageFilter
from truth import is_true

Rng = np.random.Generator
Change = Callable[[Image.Image, int, Rng], Image.Image]

PICTURES = 60  # of a batch that changed as a whole
MANY = 200  # of one of which a part changed
METRICS = "camera"


def picture(rng: Rng) -> Image.Image:
    """Soft blobs of colour, mostly orange, with fine grain; light varies from one to another."""
    coarse = rng.normal(0, 1, (6, 6, 3))
    rows, columns = np.meshgrid(np.linspace(0, 5, 64), np.linspace(0, 5, 64), indexing="ij")
    at, along = rows.astype(int).clip(0, 4), columns.astype(int).clip(0, 4)
    down, right = (rows - at)[..., None], (columns - along)[..., None]
    blobs = (
        coarse[at, along] * (1 - down) * (1 - right)
        + coarse[at + 1, along] * down * (1 - right)
        + coarse[at, along + 1] * (1 - down) * right
        + coarse[at + 1, along + 1] * down * right
    )
    samples = [150, 110, 70] + 18 * blobs + rng.normal(0, 6, (64, 64, 3)) + rng.normal(0, 6)
    return Image.fromarray(samples.clip(0, 255).astype(np.uint8))


def each(change: Callable[[Image.Image, Rng], Image.Image]) -> Change:
    return lambda image, at, rng: change(image, rng)


def some(share: float, change: Callable[[Image.Image, Rng], Image.Image]) -> Change:
    """In this share of the pictures."""
    return lambda image, at, rng: change(image, rng) if at < share * MANY else image


def blurred(image: Image.Image, rng: Rng) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1))


def light(factor: float) -> Callable[[Image.Image, Rng], Image.Image]:
    return lambda image, rng: ImageEnhance.Brightness(image).enhance(factor)


def gray(image: Image.Image, rng: Rng) -> Image.Image:
    return image.convert("L").convert("RGB")


def pale(image: Image.Image, rng: Rng) -> Image.Image:
    return ImageEnhance.Color(image).enhance(0.5)


def flat(image: Image.Image, rng: Rng) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(0.5)


def noisy(image: Image.Image, rng: Rng) -> Image.Image:
    samples = np.asarray(image) + rng.normal(0, 20, (64, 64, 3))
    return Image.fromarray(samples.clip(0, 255).astype(np.uint8))


def turned(degrees: float) -> Callable[[Image.Image, Rng], Image.Image]:
    def turn(image: Image.Image, rng: Rng) -> Image.Image:
        hsv = np.asarray(image.convert("HSV")).astype(int)
        hsv[..., 0] = (hsv[..., 0] + round(degrees * 255 / 360)) % 255
        return Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB")

    return turn


def any_colour(image: Image.Image, rng: Rng) -> Image.Image:
    return turned(rng.uniform(0, 360))(image, rng)


def covered(image: Image.Image, rng: Rng) -> Image.Image:
    copy = image.copy()
    copy.paste((0, 0, 0), (0, 0, 16, 16))
    return copy


def cropped(image: Image.Image, rng: Rng) -> Image.Image:
    return image.crop((8, 8, 56, 40))


def enlarged(image: Image.Image, rng: Rng) -> Image.Image:
    return image.resize((128, 128), Image.Resampling.BILINEAR)


def squeezed(image: Image.Image, rng: Rng) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=8)
    return Image.open(file).convert("RGB")


WHOLE: list[tuple[str, Change, str]] = [
    ("blurred", each(blurred), r"sharpness fell by (8|9)\d %"),
    ("darker", each(light(0.6)), r"(luma|brightness) fell by (39|40|41) %"),
    ("brighter", each(light(1.4)), r"(luma|brightness) rose by (39|40|41) %"),
    ("pale", each(pale), r"saturation fell by [45]\d %"),
    ("gray", each(gray), r"saturation fell by 100 %"),
    ("flat", each(flat), r"contrast fell by (49|50|51) %"),
    ("noisy", each(noisy), r"noise rose by \d+ %"),
    ("turned", each(turned(60)), r"hue turned by \+(5\d|6\d) degrees"),
    ("turned back", each(turned(-90)), r"hue turned by -(8|9)\d degrees"),
    ("any colour", each(any_colour), r"hue: orange fell from .*"),
    ("cropped", each(cropped), r"width fell from 64 to 48"),
    ("enlarged", each(enlarged), r"width rose from 64 to 128"),
    ("a covered corner", each(covered), r"brightness at the top left fell by 100 %"),
    ("light from the side", each(lambda image, rng: shaded(image)),
     r"the picture darkened most at the (top |bottom )?right.*"),
    ("squeezed", each(squeezed), r"blockiness rose .*"),
]  # fmt: skip

PARTS: list[tuple[str, Change, str]] = [
    ("half cropped", some(0.5, cropped), r"width is 64 in 50 % of images instead of 100 %"),
    ("a tenth overexposed", some(0.1, light(3)),
     r"1[0-3] % of images have (higher brightness|more glare) than 99 % of the reference"),
    ("a tenth dark", some(0.1, light(0.3)),
     r"1[0-3] % of images have lower brightness than 99 % of .*"),
    ("a sixth blurred", some(1 / 6, blurred),
     r"1[7-9] % of images have lower sharpness than 99 % of .*"),
    ("a sixth noisy", some(1 / 6, noisy),
     r"1[7-9] % of images have higher noise than 99 % of .*"),
    ("a third green", some(0.3, turned(90)),
     r"hue: (green|yellow-green) rose from 0 % to \d+ %"),
]  # fmt: skip


def shaded(image: Image.Image) -> Image.Image:
    samples = np.asarray(image) * np.linspace(1, 0.4, 64)[None, :, None]
    return Image.fromarray(samples.astype(np.uint8))


def batch(seed: int, change: Change | None, size: int) -> list[Image.Image]:
    images = []
    for at in range(size):
        rng = np.random.default_rng([seed, at])
        image = picture(rng)
        images.append(image if change is None else change(image, at, rng))
    return images


@cache
def reference() -> tuple[dict[str, list[Any]], lm.ProfileView]:
    images = batch(0, None, MANY)
    return values_of(images), lm.log_image(images, metrics=METRICS).view()


def values_of(images: list[Image.Image]) -> dict[str, list[Any]]:
    """Every number of every picture, from a profile of its own."""
    columns: dict[str, list[Any]] = {}
    for image in images:
        view = lm.log_image(image, metrics=METRICS).view()
        for name in view:
            column = view[name]
            value = column.mean if column.kind in ("number", "hue") else None
            if column.frequent:
                value = column.frequent[0].value
            columns.setdefault(name, []).append(value)
    return columns


CASES = [(*case, PICTURES) for case in WHOLE] + [(*case, MANY) for case in PARTS]


@pytest.mark.parametrize(
    ("change", "expected", "size"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_what_was_done_to_pictures_is_said_and_nothing_untrue(
    change: Change, expected: str, size: int
) -> None:
    images = batch(1, change, size)
    changed = lm.log_image(images, metrics=METRICS).view()
    report = lm.compare(target=changed, reference=reference()[1])
    told = [each.words.replace("\N{MINUS SIGN}", "-") for each in findings(report.drifted)]
    assert any(re.fullmatch(expected, words) for words in told), told
    target, before = values_of(images), reference()[0]
    for line in report.features:
        if line.verdict in CHANGED and line.kind in ("number", "hue", "category"):
            words = finding(line)
            assert is_true(words, line.name, target[line.feature], before[line.feature]), words


def test_where_nothing_was_done_nothing_is_said() -> None:
    same = lm.log_image(batch(2, None, PICTURES), metrics=METRICS).view()
    assert lm.compare(target=same, reference=reference()[1]).summary().startswith("no drift in ")


def photo(folder: Path, name: str, exif: bool, broken: bool) -> None:
    tags = Image.Exif()
    for tag, value in ((271, "Maker"), (272, "Model"), (305, "firmware 1"), (315, "Somebody")):
        if exif:
            tags[tag] = value
    image = picture(np.random.default_rng(len(name)))
    image.save(folder / name, exif=tags)
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
                light(0.5)(image, np.random.default_rng(0)).save(file, exif=image.getexif())
        views.append(lm.profile_images(tmp_path / side))
    report = lm.compare(target=views[0], reference=views[1])
    assert report.summary().startswith("files that cannot be measured went from 0 % to 30 %")
