"""What is said of a change: the direction, the size and the cause are those of the data."""

import re
from collections.abc import Callable
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.drift.describe.sentences import capitalised, describe, findings, summary
from lightmeter.drift.row import fill, label_of
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile.features import Origin

TEN = np.random.default_rng(0).normal(10, 1, 100)


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
            image = np.full((8, 8, 3), shade, np.uint8)
            profile.log(row=dict.fromkeys(prefixes, image))
        return profile.view()

    single = lm.compare(target=view(190, "image"), reference=view(90, "image"))
    assert single.summary() == (
        "the images are brighter: brightness rose by 101 %; blue and 3 more follow"
    )
    two = lm.compare(target=view(190, "left", "right"), reference=view(90, "left", "right"))
    words = "{0} images are brighter: {0} brightness rose by 101 %; {0} blue and 3 more follow"
    assert two.summary() == "; ".join(f"the {words.format(side)}" for side in ("left", "right"))


@pytest.mark.parametrize(
    ("feature", "origin", "prefixes", "words"),
    [
        ("image.Hue.circular_mean", "image", ["image"], "hue"),
        ("cam.a.Make", "exif", ["cam", "cam.a"], "cam.a Make"),
        ("imagery.Hue.mean", "image", ["image"], "imagery.Hue.mean"),
        ("image.my_percent", "image", ["image"], "my_percent"),
        ("image.Grid.r0c3", "image", ["image"], "brightness at the top right"),
        ("left.Grid.r0c1", "image", ["image", "left"], "left brightness at the top inner left"),
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
    rows = [
        lm.FeatureDrift(
            feature=f"image.{name}",
            kind="number",
            n_target=50,
            n_reference=50,
            q_value=0.0,
            effect=1.0,
            verdict="drift",
            level_reference=before,
            level_target=after,
            **vars(label_of(f"image.{name}", "image", ["image"])),
        )
        for name, (before, after) in levels.items()
    ]
    for row in rows:
        fill(row, words=describe(row, lm.Thresholds()))
    return rows


def grid(change: Callable[[int, int], float], before: float, ending: str = "") -> dict[str, Any]:
    return {
        f"Grid.r{row}c{column}{ending}": (before, before + change(row, column))
        for row in range(4)
        for column in range(4)
    }


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"dark_percent": (1.0, 9.0)}, "dark pixels rose from 1 % to 9 %"),
        ({"Red.share": (0.33, 0.41)}, "share of red rose from 0.33 to 0.41"),
        (
            {"Sharpness": (9.0, 6.0), "Banding.rows": (2.0, 3.0), "Noise": (2.0, 2.5)},
            "sharpness fell by 33 %, banding of rows rose by 50 %, and 1 more",
        ),
        (
            grid(lambda row, column: -70.0 if column else -10.0, 100, ".sharpness"),
            "the image lost sharpness most at the top inner left",
        ),
        (
            {"Luma.mean": (100.0, 80.0)} | grid(lambda row, column: -20.0 - row, 100),
            "luma fell by 20 %, and 16 more",
        ),
        (grid(lambda row, column: -20.0, 100), "the image darkened evenly everywhere"),
        ({"Grid.r0c0": (100.0, 80.0)}, "brightness at the top left fell by 20 %"),
    ],
)
def test_what_changed_for_one_reason_is_said_once(levels: dict[str, Any], words: str) -> None:
    lines = of_images(**levels)
    assert summary(lines, findings(lines)) == words


def test_cells_of_the_grid_are_one_finding() -> None:
    lines = of_images(**grid(lambda row, column: -60.0 / (1 + row), 100), Noise=(1.0, 2.0))
    where, noise = findings(lines)
    assert where.sentence == "The image darkened most at the top left"
    assert where.certainty == "image.Grid.r0c0; and 15 more features"
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
    views = [
        lm.log(columns={"x": rng.normal(*level_and_spread, 2000)}).view()
        for level_and_spread in ((10, 1), (10.5, 1.35))
    ]
    report = lm.compare(target=views[1], reference=views[0], effect=0.4, tail=1.0)
    assert (report["x"].verdict, report["x"].effect_name) == ("drift", "spread")
    assert report.summary() == "x varies 1.3 times as much"
