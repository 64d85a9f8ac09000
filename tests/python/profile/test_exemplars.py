"""Exemplars: which images, off by default, kept mergeably, bounded, and shown."""

import io
import itertools
import re
import typing
from datetime import date
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, picture
from lightmeter import Profile, Store, compare, log_image, profile_images
from lightmeter.profile.features import Meaning, Origin, Role
from lightmeter.profile.scalars import is_hue, scalar_of
from lightmeter.profile.view import Exemplars
from lightmeter.report.charts.features import chart_of
from lightmeter.report.report import html_page
from PIL import Image


def shade(value: int, *, seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(-9, 10, (20, 30, 3))
    return Image.fromarray((value + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of rising brightness, named by it."""
    root = tmp_path_factory.mktemp("photos")
    for value in range(20, 240, 5):
        shade(value, seed=value).save(root / f"{value:03}.png")
    return root


def names(exemplars: Exemplars) -> list[list[str]]:
    return [[Path(exemplar.path).stem for exemplar in part] for part in exemplars]


def test_both_ends_and_some_at_random(photos: Path) -> None:
    view = profile_images(photos, exemplars=2)
    low, high, random = names(view.exemplars("image.Brightness.mean"))
    assert (low, high) == (["020", "025"], ["235", "230"])
    assert len(random) == 2
    for feature in ("image.entropy", "image.Hue.circular_mean", "image.ImagePixelWidth"):
        exemplars = view.exemplars(feature)
        assert names(exemplars)[2] == random
        assert [len(end) for end in exemplars[:2]] == [2, 2]
    column, lowest = view["image.Brightness.mean"], view.exemplars("image.Brightness.mean").low[0]
    assert lowest.value == column.min
    assert view.exemplars("image.Make") == view.exemplars("image.Nothing") == ([], [], [])


def test_thumbnails_are_small_pictures(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 500, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    shade(90).save(tmp_path / "small.png")
    shade(90).convert("P").save(tmp_path / "palette.gif", comment="patient Jane Doe")
    shade(90).convert("CMYK").save(tmp_path / "cmyk.jpg", comment="patient Jane Doe" * 400)
    shade(90).convert("LA").save(tmp_path / "alpha.png")
    Image.fromarray(np.full((5, 5), 40000, np.uint16)).save(tmp_path / "deep.png")
    view = profile_images(tmp_path, exemplars=8)
    assert view.images == 6
    assert b"Jane" not in view.to_bytes()  # a thumbnail shows no comment
    shown = {}
    for exemplar in view.exemplars("image.Brightness.mean").low:
        assert len(exemplar.thumbnail) <= 4096
        with Image.open(io.BytesIO(exemplar.thumbnail)) as opened:
            shown[Path(exemplar.path).name] = opened.convert("RGB")
    assert "deep.png" not in shown  # 16 bits
    assert shown["noise.png"].size == (57, 80)
    assert shown["small.png"].size == (30, 20)
    for small in ("small.png", "palette.gif", "cmyk.jpg", "alpha.png"):
        assert np.asarray(shown[small]).mean() == pytest.approx(90, abs=6), small


def test_what_fails_and_what_has_no_pixels_of_its_own_keeps_none() -> None:
    profile = Profile(exemplars=2)
    profile.track_many([b"junk", np.zeros((4, 4, 3), np.uint8)])
    assert profile.view().exemplars("image.Brightness.mean") == ([], [], [])
    profile.track(shade(100))
    (only,) = profile.view().exemplars("image.Brightness.mean").low
    assert only.path == ""


def test_the_report_shows_which_images(photos: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark"
    dark.mkdir()
    for value in range(12):
        shade(10 + value, seed=value).save(dark / f"<b>dark{value:02}.png")
    reference = profile_images(photos, exemplars=3)
    report = compare(target=profile_images(dark, exemplars=3), reference=reference)
    page = html_page(report)
    head = page[: page.index("<figure")]
    assert "darker" in head
    assert "Target, images with the lowest " in head
    assert "Target, images with the highest " not in head
    shown = re.findall(r'alt="thumbnail of ([^"]+)"', head)
    assert [Path(path).name for path in shown[:3]] == [f"&lt;b&gt;dark{i:02}.png" for i in range(3)]
    assert "<b>dark" not in page
    assert 'src="' not in html_page(compare(target=reference, reference=reference))


# Repeats: a frozen camera, copies of files, and what cannot be proven.


PIXELS, LOOKS = "image.PixelHash", "image.PerceptualHash"


def frame(seed: int) -> np.ndarray:
    """A picture in which every pixel of 18 x 16 boxes is random."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 9), dtype=np.uint8)
    return coarse.repeat(2, axis=0).repeat(2, axis=1)


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 photos in three blocks: the camera is frozen in 38."""
    root = tmp_path_factory.mktemp("photos")
    for at in range(150):
        pixels = frame(0 if at % 4 == 1 else at + 1)
        Image.fromarray(pixels).save(root / f"{at:03}.png")
    return root


def test_repeats_are_found_across_blocks(yard: Path) -> None:
    view = profile_images(yard, metrics="camera")
    frozen = [f"{at:03}" for at in range(150) if at % 4 == 1]
    pixels, looks = view.repeats(PIXELS), view.repeats(LOOKS)
    assert pixels.at_least == len(frozen) - 1
    assert [(item.times, Path(item.path).stem) for item in pixels.hashes] == [(len(frozen), "001")]
    assert [item.times for item in looks.hashes] == [len(frozen)]
    assert pixels.hashes[0].path == str(yard / "001.png")
    assert (view[PIXELS].kind, view[PIXELS].distinct) == ("hash", 150 - pixels.at_least)
    assert "frequent_items/frequent_strings" not in view[PIXELS].to_summary_dict()
    assert profile_images(yard, metrics="camera", workers=3) == view


def test_without_hashes_there_are_none() -> None:
    view = log_image([frame(1), frame(1)]).view()
    assert view.repeats(PIXELS) == (0, [])
    assert view.repeats("image.entropy") == (0, [])
    flat = log_image([np.zeros((20, 20), np.uint8)] * 3, metrics="camera").view()
    assert flat.repeats(PIXELS).at_least == 2
    assert flat.repeats(LOOKS) == (0, [])
    assert flat[LOOKS].missing == 3


def test_no_distance_and_no_verdict_of_hashes() -> None:
    sides = (log_image(list(map(frame, range(at, at + 30))), metrics="camera") for at in (0, 50))
    report = compare(target=next(sides), reference=next(sides))
    assert any("Grid" in line.feature for line in report.features)
    assert all("Hash" not in line.feature for line in report.features)


def test_every_way_of_logging_knows_the_path(yard: Path, store: Store) -> None:
    path = str(yard / "001.png")
    with lm.logger(store, "logged", metrics="camera") as logger:
        for image in (frame(0), yard / "001.png", path, Image.open(path)):
            logger.track(image)
    lm.log_folder(store, yard, "folder", at=date(2022, 9, 7), metrics="camera")
    views = [store.read("logged"), store.read("folder")]
    views.append(log_image([frame(0), Image.open(path)], metrics="camera").view())
    views.append(lm.log(columns={"image": [Image.open(path)] * 2}, metrics="camera").view())
    for view in views:
        assert view.repeats(PIXELS).hashes[0].path == path


# What a feature means stands in its column: names say nothing, merges agree in any order.


ROLES: tuple[Role, ...] = typing.get_args(Role)
ORIGINS: tuple[Origin, ...] = typing.get_args(Origin)
LOOKALIKES = ["dead.pixels", "wind.Hue.mean", "wind.Hue.stddev", "robot.Hue.circular_mean"]
LOOKALIKES += ["robot.Hue.pixels", "order.DateTime", "image.Failure", "image.Colorspace"]


def look_alikes(shift: float = 0.0) -> lm.ProfileView:
    rng = np.random.default_rng(int(shift))
    return lm.log(columns={name: rng.normal(250 + shift, 3, 60) for name in LOOKALIKES}).view()


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_name_gives_no_meaning(name: str) -> None:
    """As numbers they get a verdict; nothing about them turns, and no day is named."""
    target, reference = look_alikes(20), look_alikes()
    column = target.get_column(name)
    assert (column.kind, column.meaning, column.meaning.family) == ("number", Meaning(), "values")
    line = lm.compare(target=target, reference=reference)[name]
    assert (line.kind, line.role, line.verdict, line.name) == ("number", "plain", "drift", name)
    assert line.level_target == pytest.approx(270, abs=2)
    assert not is_hue(column, "mean")
    assert scalar_of(column, "mean") == line.level_target
    assert scalar_of(column, "median") == pytest.approx(270, abs=2)


def test_the_features_of_an_image() -> None:
    profile = lm.Profile(exif=lm.ExifPolicy(allow={"Artist"}), metrics="all")
    tags = {271: "SONY", 306: "2022:09:07 10:00:00", 315: "somebody"}
    profile.track_many([encoded("JPEG", picture(8, 8), tags=tags), b"junk"])
    profile.log(row={"glare": 1.5})
    found = {name: column.meaning for name, column in profile.view().items()}
    assert found["image.FileSize"] == Meaning("plain", "image")
    assert found["image.DateTime"] == Meaning("date", "exif")
    assert found["image.Make"] == Meaning("plain", "exif")
    assert found["image.Artist"] == Meaning("plain", "personal exif")
    assert found["glare"] == Meaning("plain", "value")
    assert {each.family for each in found.values()} == {"image", "Exif", "values"}


def of_meaning(role: Role, origin: Origin, values: list[float]) -> lm.ProfileView:
    profile = lm.Profile()
    profile._core.log_numbers("image.x", np.array(values), role, origin)
    return profile.view()


def test_a_merge_has_the_later_role_and_origin() -> None:
    sides = [(each, of_meaning(*each, [])) for each in itertools.product(ROLES, ORIGINS)]
    for (one, left), (other, right) in itertools.product(sides, repeat=2):
        roles, origins = zip(one, other, strict=True)
        expected = Meaning(max(roles, key=ROLES.index), max(origins, key=ORIGINS.index))
        assert left.merge(right)["image.x"].meaning == Meaning(*one).join(Meaning(*other))
        assert Meaning(*one).join(Meaning(*other)) == expected


def test_every_meaning_can_be_compared_drawn_and_followed() -> None:
    """Whatever a file says, also of columns that no version of lightmeter would write."""
    texts = lm.log(columns={"image.x": ["a", "b"] * 20}).view()
    for role, origin in itertools.product(ROLES, ORIGINS):
        side = of_meaning(role, origin, [1.0, 2.0, 250.0] * 20)
        for other in (side, of_meaning("plain", "value", [5.0] * 20), texts, lm.Profile().view()):
            report = lm.compare(target=side, reference=other)
            assert {line.role for line in report.features} == ({role} - {"hash"})
            for line in report.features:
                chart_of(line, report)
        column = side.get_column("image.x")
        assert (scalar_of(column, "median") is None) == column.meaning.is_circular
