"""What is said of a change: the direction, the size and the cause are those of the data."""

import re
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from changes import CHANGES, IMAGES, drawn, noisy, profile
from conftest import encoded, picture, with_rows
from lightmeter.demo import draw_cells
from lightmeter.drift.describe.causes import causes_of, change_of
from lightmeter.drift.describe.sentences import capitalised, causes, describe, findings, summary
from lightmeter.drift.row import fill, label_of
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile.features import Origin
from PIL import Image, ImageFilter

TEN = np.random.default_rng(0).normal(10, 1, 100)

EVEN = "averaged over all images, {} fell in all parts of the image"
CELL = "at row one, column one of the four by four grid"


def said(target: dict[str, Any], reference: dict[str, Any]) -> str:
    views = [lm.log(columns=columns).view() for columns in (target, reference)]
    return lm.compare(target=views[0], reference=views[1]).summary()


def test_long_values_are_shortened() -> None:
    words = said({"a": ["y\n" * 1500] * 50}, {"a": ["x" * 3000] * 50})
    assert len(words) < 200
    assert r"y\u000ay" in words


def test_plain_columns_go_by_their_whole_name() -> None:
    names = ("load.kg", "score v1.5", "weight.kg")
    columns = {name: TEN + at / 8 for at, name in enumerate(names)}
    words = said({name: 2 * values for name, values in columns.items()}, columns)
    assert words == ", ".join(f"{name} rose by 100 %" for name in reversed(names))


def test_images_are_told_apart_where_there_are_several() -> None:
    def view(gray: int, *prefixes: str) -> lm.ProfileView:
        profile = lm.Profile()
        for shade in range(gray, gray + 20):
            profile.log(row=dict.fromkeys(prefixes, np.full((8, 8, 3), shade, np.uint8)))
        return profile.view()

    single = lm.compare(target=view(190, "image"), reference=view(90, "image"))
    two = lm.compare(target=view(190, "left", "right"), reference=view(90, "left", "right"))
    words = "the {0}images are brighter: {0}brightness rose by 101 %; 4 other features"
    said = "; ".join(words.format(x) for x in ("", "left ", "right "))
    assert re.sub(r" \(such.*?reason", "", f"{single.summary()}; {two.summary()}") == said


@pytest.mark.parametrize(
    ("feature", "origin", "prefixes", "words"),
    [
        ("image.Hue.circular_mean", "image", ["image"], "hue"),
        ("cam.a.Make", "exif", ["cam", "cam.a"], "cam.a Make"),
        ("imagery.Hue.mean", "image", ["image"], "imagery.Hue.mean"),
        ("image.my_percent", "image", ["image"], "my_percent"),
        ("image.Grid.r0c3", "image", ["image"], f"brightness {CELL.replace('n one', 'n four')}"),
        ("left.Grid.r0c0", "image", ["image", "left"], f"left brightness {CELL}"),
    ],
)
def test_names(feature: str, origin: Origin, prefixes: list[str], words: str) -> None:
    assert label_of(feature, origin, prefixes).name == words


def test_every_number_of_an_image_has_a_name_of_words_of_its_own() -> None:
    names = [label_of(f"image.{name}", "image", ["image"]).name for name in IMAGE_NUMBERS]
    assert all(re.fullmatch(r"[a-z]+(?:,? [a-z]+)*", name) for name in reversed(names))
    # The mean hue has two, of which only the circular one is judged.
    assert len(names) == len(set(names)) + 1


def of_images(**levels: tuple[float, float]) -> list[lm.FeatureDrift]:
    """Rows that drifted from the first level to the second, the first the most."""
    known: dict[str, Any] = {"kind": "number", "n_target": 50, "n_reference": 50, "q_value": 0.0}
    rows = []
    for name, (before, after) in levels.items():
        label = vars(label_of(feature := f"image.{name}", "image", ["image"]))
        known |= {"feature": feature, "level_reference": before, "level_target": after}
        rows.append(lm.FeatureDrift(**known, **label, effect=1.0, verdict="drift"))
    for row in rows:
        fill(row, words=describe(row, lm.Thresholds()))
    return rows


def grid(change: Callable[[int, int], float], before: float, ending: str = "") -> dict[str, Any]:
    cells = product(range(4), repeat=2)
    return {f"Grid.r{r}c{c}{ending}": (before, before + change(r, c)) for r, c in cells}


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"dark_percent": (1.0, 9.0)}, "nearly black pixels rose from 1 % to 9 %"),
        ({"Red.share": (0.33, 0.41)}, "share of red rose from 0.33 to 0.41"),
        (
            {"Sharpness": (9.0, 6.0), "Banding.rows": (2.0, 3.0), "Noise": (2.0, 2.5)},
            "sharpness fell by 33 %, banding of rows rose by 50 %, and 1 other feature drifted",
        ),
        (
            grid(lambda row, column: -10.0 if column else -70.0, 100, ".sharpness"),
            f"sharpness {CELL} fell by 70 %; 15 other parts of the images changed",
        ),
        (
            {"Luma.mean": (100.0, 80.0)} | grid(lambda row, column: -20.0 - row, 100),
            "luma fell by 20 %, and 16 other features drifted",
        ),
        (grid(lambda *_: -2, 10), EVEN.format("brightness")),
        (grid(lambda _, at: -99.0 if at else -70.0, 100, ".sharpness"), EVEN.format("sharpness")),
        ({"Grid.r0c0": (100.0, 80.0)}, f"brightness {CELL} fell by 20 %"),
    ],
)
def test_what_changed_for_one_reason_is_said_once(levels: dict[str, Any], words: str) -> None:
    lines = of_images(**levels)
    assert summary(lines, findings(lines)) == words


def test_cells_of_the_grid_are_one_finding() -> None:
    lines = of_images(**grid(lambda row, column: -99.0 if row else -70.0, 100), Noise=(1.0, 2.0))
    where, noise = findings(lines)
    assert where.sentence == f"Brightness {CELL} fell by 70 %; 15 other parts of the images changed"
    assert where.certainty == "image.Grid.r0c0"
    assert noise.rows == (lines[-1],)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            {"kind": "failure", "name": "Failure", "level_target": 0.5, "level_reference": 0.0},
            "files that cannot be measured went from 0 % to 50 %",
        ),
        (
            {"level_target": 2.0**62 + 2**20, "level_reference": 2.0**62, "stddev_target": 0.0}
            | {"stddev_reference": 0.0},
            "x rose from 4.611686018427e18 to 4.611686018428e18",
        ),
        ({"kind": "missing", "level_target": 0.4}, "x is missing in 40 % of rows instead of 0 %"),
        (
            {"kind": "not a number", "level_target": 0.2},
            "text or infinite values in x went from 0 % to 20 %",
        ),
        ({"kind": "vector", "effect": 0.5}, "x moved by 1.3 standard deviations"),
        ({"kind": "vector", "effect": 1.0}, "x moved by more than 16 standard deviations"),
    ],
)
def test_findings_are_worded(line: dict[str, Any], words: str) -> None:
    known = {"feature": "x", "name": "x", "kind": "number", "n_target": 20, "n_reference": 20}
    assert describe(lm.FeatureDrift(**known | line), lm.Thresholds()) == words


def test_a_sentence_leaves_the_names_of_users_alone() -> None:
    for feature in ("dead.pixels", "left.Brightness.mean"):
        words = f"{feature.split('.Br')[0]} fell by 50 %"
        assert capitalised(words, feature) == words
    assert capitalised("brightness fell", "image.Brightness.mean") == "Brightness fell"


def test_words_go_by_the_least_sizes_that_judged() -> None:
    """By these a spread is what happened: the shift is too small to matter."""
    rng = np.random.default_rng(1)
    sides = [rng.normal(*level_and_spread, 2000) for level_and_spread in ((10, 1), (10.5, 1.35))]
    views = [lm.log(columns={"x": values}).view() for values in sides]
    report = lm.compare(target=views[1], reference=views[0], effect=0.4, tail=1.0)
    assert (report["x"].verdict, report["x"].effect_name) == ("drift", "spread")
    assert report.summary() == "x varies 1.3 times as much between values as before"


# What happened to pictures is named first: what only follows from it comes behind.


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


def test_a_camera_that_moved() -> None:
    """Parts of its image gain detail, others lose it; a light on one side changes no detail."""
    rng = np.random.default_rng(0)
    squares = Image.fromarray(rng.integers(0, 256, (12, 16), np.uint8))
    yard = squares.resize((320, 240), Image.Resampling.NEAREST)

    def frames(left: int, light: float = 1.0) -> lm.ProfileView:
        view = np.asarray(yard.crop((left, 0, left + 240, 240))) * np.linspace(0.8, light, 240)
        noise = rng.normal(0, 2, (30, *view.shape))
        light_of_day = rng.normal(0.8, 0.05, (30, 1, 1))
        pixels = (view * light_of_day + noise).clip(0, 255).astype(np.uint8)
        return lm.log_image([*pixels], metrics="camera").view()

    report = lm.compare(target=frames(50), reference=frames(0))
    assert report.summary().startswith("the images show another view: sharpness at row ")
    assert [each.cause for each in report.causes] == ["moved"]
    assert [each for each in report.findings if each.rows[0].verdict == "drift"] == report.causes
    for light in (0.3, 1.2):
        lit = lm.compare(target=frames(0, light), reference=frames(0))
        assert "moved" not in {each.cause for each in lit.causes}


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


@pytest.mark.parametrize(
    ("moves", "named"),
    [
        ({"Luma.mean": (100, 130), "Brightness.mean": (150, 140)}, "brighter"),
        ({"Luma.stddev": (40, 28), "Saturation.mean": (50, 70)}, "faded"),
        ({"Blockiness": (1, 1.3), "JpegQuality": (80, 92)}, "compressed"),
    ],
)
def test_a_larger_change_against_the_cause_is_not_named(moves: dict[str, Any], named: str) -> None:
    changes = {
        name: change_of(name, levels, place / 2, "light", True, True)
        for place, (name, levels) in enumerate(moves.items(), 1)
    }
    found = [(cause.name, lead) for cause, lead in causes_of(changes)]
    assert found == [(named, next(iter(moves)))]


def test_a_tail_opposite_to_the_mean_shows_no_cause() -> None:
    for below, named in ((0.24, []), (0.0, ["noise"])):
        rows = of_images(Noise=(1.44, 1.59))
        fill(rows[0], ks=0.3, tail_below=below, tail_above=0.24 - below)
        assert [each.cause for each in causes(rows, rows, 0.01)] == named


def test_where_nothing_changed_no_cause_is_named() -> None:
    for seed in (1, 2, 3):
        report = lm.compare(
            target=profile("", "default", seed), reference=profile("", "default", 0)
        )
        assert report.causes == [], report.summary()


def test_two_causes_are_named_where_one_does_not_follow_from_the_other() -> None:
    plain, others = (
        [draw_cells(np.random.default_rng([seed, at])) for at in range(IMAGES)] for seed in (0, 1)
    )
    dark = lm.log_image([noisy(CHANGES["darker"](image)) for image in others])
    report = lm.compare(target=dark, reference=lm.log_image(plain))
    assert {each.cause for each in report.causes} == {"darker", "noise"}


@pytest.mark.parametrize(
    ("moves", "cause"),
    [
        ({"Luma.mean": (100, 30), "Luma.stddev": (40, 6)}, "darker"),
        ({"Luma.mean": (100, 30), "Luma.stddev": (40, 4)}, "covered"),
        ({"Luma.stddev": (40, 28), "Sharpness": (100, 70), "Blockiness": (1, 1.1)}, "faded"),
        ({"Luma.stddev": (40, 38), "Sharpness": (100, 98), "Blockiness": (1, 1.1)}, "compressed"),
    ],
)
def test_lost_contrast_is_a_cover_or_hides_blocks(moves: dict[str, Any], cause: str) -> None:
    rows = of_images(**moves)
    assert [each.cause for each in causes(rows, rows, 0.01)] == [cause]


def test_words_without_a_direction_are_of_some_images() -> None:
    rows = of_images(Sharpness=(10.0, 8.0))
    fill(rows[0], words="it is not as before", stddev_target=9.0, stddev_reference=9.5)
    assert causes(rows, rows, 0.01)[0].words.startswith("at least some images look out of focus: ")


def test_what_shows_a_cause_follows_from_no_other() -> None:
    moves = {"Sharpness": (100.0, 30.0), "JpegQuality": (90.0, 60.0), "Blockiness": (1.2, 1.9)}
    rows = of_images(**moves, Noise=(2.0, 1.0))
    first, second = causes(rows, rows, 0.01)
    assert [row.short for row in first.rows] == ["Sharpness", "Noise"]
    assert [row.short for row in second.rows] == ["JpegQuality", "Blockiness"]


def test_what_follows_is_said_with_its_cause_and_only_there() -> None:
    report = lm.compare(
        target=profile("out of focus", "default", 1), reference=profile("", "default", 0)
    )
    first, *others = report.findings
    assert [row.short for row in first.rows[:2]] == ["Sharpness", "Noise"]
    words = " other features (such as Noise, FileSize, gray_percent) changed, perhaps for the same"
    assert first.sentence.endswith(f"{words} reason")
    assert report.to_dict()["causes"][0]["features"][0] == "image.Sharpness"
    said = [line.feature for each in report.findings for line in each.rows]
    assert len(said) == len(set(said))
    assert not any(each.cause for each in others)


@cache
def sampled() -> lm.ProfileView:
    return with_rows(drawn("", 0, 60))


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
    ("resized", 0.5, "width is 180 in 50 % instead of 0 % of images"),
    ("glare", 0.15, ".* is unusually high [(]over .* %[)] in 1[4-7] % of images [(].*"),
    ("darker", 0.1, "brightness is unusually low [(]under .*[)] in (9|1[0-2]) % of images [(].*"),
    ("out of focus", 0.25, "sharpness is unusually low [(]under .*[)] in 2[4-7] % of images [(].*"),
    ("noise", 1 / 6, "noise is unusually high [(]over .*[)] in 1[6-9] % of images [(].*"),
    ("hue turned", 0.3, "hue is distributed differently"),
]


@cache
def reference() -> lm.ProfileView:
    return lm.log_image(drawn("", 0, MANY), metrics=METRICS).view()


@pytest.mark.parametrize(("change", "share", "expected"), PARTS)
def test_what_was_done_to_a_part_is_said(change: str, share: float, expected: str) -> None:
    target = lm.log_image(drawn(change, 1, MANY, share), metrics=METRICS).view()
    drifted = lm.compare(target=target, reference=reference()).drifted
    told = [each.words for each in findings(drifted)]
    pattern = expected.replace("images [(].*", r"images \([0-2][.\d]* % of the reference images\)")
    assert any(re.fullmatch(pattern, words) for words in told), told


def test_a_cause_of_a_part_has_no_share_because_a_batch_may_be_mixed() -> None:
    mixed = [*drawn("out of focus", 1, MANY // 2, 0.4), *drawn("compressed", 2, MANY // 2, 0.4)]
    found = lm.compare(target=lm.log_image(mixed, metrics=METRICS), reference=reference()).causes
    words = "at least some images look out of focus: sharpness is unusually low (under "
    assert [each.words.startswith(words) for each in found] == [True, False]


def test_a_larger_change_than_that_of_a_cause_of_a_part_is_first() -> None:
    scenes = [picture(seed=at, noise=6 + at % 7) for at in range(200)]
    dark = [Image.eval(scene, lambda x: x * 3 // 10) for scene in scenes[100:125]]
    soft = [scene.filter(ImageFilter.GaussianBlur(1)) for scene in scenes[125:155]]
    target, reference = (lm.log_image(x) for x in ([*dark, *soft, *scenes[155:]], scenes[:100]))
    first, second = lm.compare(target=target, reference=reference).findings[:2]
    assert first.words.startswith("sharpness fell by ")
    assert second.words.startswith("at least some images are darker: brightness is unusually low")


def test_a_name_of_images_may_have_the_words_of_a_share() -> None:
    sides = [lm.Profile(), lm.Profile()]
    for at in range(60):
        image = draw_cells(np.random.default_rng(at))
        for side, each in zip(sides, (CHANGES["darker"](image), image), strict=True):
            side.log(row={"a is unusually b": each, "other": image})
    target, reference = (side.view() for side in sides)
    cause = lm.compare(target=target, reference=reference).causes[0]
    assert cause.words.startswith("the a is unusually b images are darker: ")


@pytest.mark.parametrize("stripped", [20, 50])
def test_exif_that_went_missing_is_one_line_and_the_first(stripped: int) -> None:
    tags = {271: "Maker", 272: "Model", 305: "firmware 1"}
    image = draw_cells(np.random.default_rng(0))
    tagged, bare = encoded("JPEG", image, tags=tags), encoded("JPEG", image, tags={})
    target = lm.log_image([bare] * stripped + [tagged] * (50 - stripped)).view()
    report = lm.compare(target=target, reference=lm.log_image([tagged] * 50).view())
    words = f"3 Exif tags are missing more often, such as Model (in {2 * stripped} % of images"
    assert report.findings[0].words == f"{words} instead of 0 %)"
    assert report.summary().startswith(words)


def test_files_that_fail_come_first() -> None:
    target = lm.log_image([*drawn("darker", 1, 35), *[b"no picture"] * 15]).view()
    report = lm.compare(target=target, reference=lm.log_image(drawn("", 0, 50)).view())
    assert report.summary().startswith("files that cannot be measured went from 0 % to 30 %")
    assert report.findings[1].cause == "darker"


def test_a_share_that_is_often_zero_is_worded_by_the_images_that_have_some() -> None:
    dark = [np.repeat([0, 128], [n % 7 + 1, 19 - n % 7]).astype(np.uint8)[None] for n in range(40)]
    gray = [np.full((1, 20), 128, np.uint8)] * 40
    after, before = (lm.log_image(dark[:some] + gray[some:]).view() for some in (36, 8))
    row = lm.compare(target=after, reference=before)["image.dark_percent"]
    assert row.words == f"10 % instead of 80 % of images have no {row.name}"
