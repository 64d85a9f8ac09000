"""Profiles: merging, bytes, files, and what a damaged file does."""

import base64
import copy
import functools
import json
import math
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, lightmeter, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Failure, Profile, ProfileView, log, log_image, profile_images
from lightmeter.errors import DecodeError
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.testing import merge_trees
from PIL import Image

VIEWS = [log_image(picture(24, 18, seed=seed)).view() for seed in range(8)]


@functools.cache
def leaf(seed: int) -> ProfileView:
    """Everything that merges to the same bytes: a set without co-moments, which are rounded."""
    profile = Profile(metrics="whylogs", sample=5, exemplars=2)
    profile.track_many([picture(24, 18, seed=seed), b"junk"])
    for path in (f"{seed}.png", f"caf\udce9 {seed}.png"):
        profile._add("image", Failure(path, "corrupt", f"\udc80 {seed}"))
    return profile.view()


TREES = merge_trees(
    st.integers(0, 12).map(lambda seed: ([seed], leaf(seed))),
    lambda a, b: (a[0] + b[0], a[1].merge(b[1])),
)


@settings(max_examples=60, derandomize=True)
@given(TREES, st.randoms(use_true_random=False))
def test_any_order_and_tree_of_merges_gives_the_same_bytes(tree, random) -> None:  # type: ignore[no-untyped-def]
    seeds, merged = tree
    random.shuffle(seeds)
    assert merged == functools.reduce(ProfileView.merge, map(leaf, seeds))
    assert merged.images == len(seeds)  # no merge changes its sides
    assert merged.merge(Profile().view()) == Profile().view().merge(merged) == merged
    assert len(merged.sample) == min(5, len(set(seeds)))
    again = ProfileView.from_bytes(merged.to_bytes())
    assert (again, again.sample) == (merged, merged.sample)


def test_bytes_pickle_copy_and_equality() -> None:
    view = VIEWS[0]
    for again in (
        ProfileView.from_bytes(view.to_bytes()),
        pickle.loads(pickle.dumps(view)),
        copy.copy(view),
        copy.deepcopy(view),
    ):
        assert again == view
        assert again.to_bytes() == view.to_bytes()
        assert hash(again) == hash(view)
    assert view != VIEWS[1]
    assert view != "something else"
    column = view["image.entropy"]
    again = pickle.loads(pickle.dumps(column))
    assert (again.name, again.to_summary_dict()) == (column.name, column.to_summary_dict())


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda profile: pickle.loads(pickle.dumps(profile))]
)
def test_a_copy_of_a_profile_grows_by_itself(again: Callable[[Profile], Profile]) -> None:
    profile = Profile(exemplars=2, channels="BGR", frames="all")
    profile.set_dataset_timestamp(datetime(2022, 9, 7, tzinfo=UTC))
    files = [encoded("JPEG", picture(seed=seed)) for seed in range(40)]
    profile.track_many([*files[:20], b"junk"])
    profile.log(columns={"x": np.arange(5000.0)})
    before = profile.view()
    other = again(profile)
    assert other.view() == before
    other.track_many([*files[20:], np.asarray(picture())])
    assert profile.view() == before
    profile.track_many([*files[20:], np.asarray(picture())])
    assert profile.view() == other.view() != before


def test_the_timestamp_is_in_utc() -> None:
    profile, hour = Profile(), timedelta(hours=1)
    assert profile.view().dataset_timestamp is None
    first, last = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 30)
    for moment in (datetime(2022, 9, 7, 12, tzinfo=timezone(2 * hour)), last.replace(tzinfo=UTC)):
        profile.set_dataset_timestamp(moment)
        found = ProfileView.from_bytes(profile.view().to_bytes()).dataset_timestamp
        assert (found, found.utcoffset()) == (moment, timedelta(0))
    for moment in (first.replace(tzinfo=timezone(hour)), last.replace(tzinfo=timezone(-hour))):
        with pytest.raises(ValueError, match="expected a time in the years 1 to 9999"):
            profile.set_dataset_timestamp(moment)
    with pytest.raises(TypeError, match="expected a date or a datetime"):
        profile.set_dataset_timestamp("2022-09-07")  # type: ignore[arg-type]


def test_several_threads_may_log_into_one_profile() -> None:
    profile = Profile()
    values = np.random.default_rng(0).random(100_000)

    def add(_: int) -> int:
        for _ in range(60):
            profile.log(columns={"a": values})
        return profile.view().get_column("a").n

    with ThreadPoolExecutor(3) as pool:
        seen = max(pool.map(add, range(3)))
    assert seen == profile.view().get_column("a").n == 3 * 60 * len(values)


def test_a_view_is_seen_as_a_table() -> None:
    assert repr(log(row={"a": None}).view()["a"]) == "<ColumnView 'a': number, n=1, 1 missing>"
    profile = log_image(picture()).profile()
    assert repr(profile.view()) == f"<ProfileView: 1 image, {len(VIEWS[0])} features>"
    assert repr(profile) == repr(profile.view()).replace("View", "")
    columns = {
        "x": [1, 2, 4, None],
        "<b>\x1b": ["<script>", "a|b", "a|b", "c"],
        "z": np.ones((4, 9)),
    }
    columns["when"] = [date(2024, 1, 2)] * 4
    view = log(columns=columns).view()
    assert str(view).splitlines() == [
        "<ProfileView: 0 images, 4 features>",
        "feature    n  missing  values",
        "<b>\\u001b  4        0  a|b (2), <script> (1), c (1)",
        "when       4        0  mean 1.7e09, stddev 0, min 1.7e09, median 1.7e09, max 1.7e09",
        "x          4        1  mean 2.333, stddev 1.528, min 1, median 2, max 4",
        "z          4        0  9 numbers each",
    ]
    assert repr(view["x"]) == (
        "<ColumnView 'x': number, n=4, 1 missing, mean 2.333, stddev 1.528, min 1, median 2, max 4>"
    )
    page = view._repr_html_()
    assert "&lt;script&gt; (1)" in page
    assert not any(text in page for text in ("<script", "<b>", "\x1b"))
    many = log(row={f"{'long' * 40}{number}": number for number in range(200)}).view()
    lines = str(many).splitlines()
    assert len(lines) == 63
    assert lines[-1] == "and 140 features more: list(view) names them"
    assert max(map(len, lines)) < 120


@pytest.mark.parametrize("missing", ["image.Hue.maen", "image.Lens", 5])
def test_unknown_columns_are_named_with_similar_ones(missing: Any) -> None:
    is_near = missing == "image.Hue.maen"
    hint = r"did you mean image\.Hue\.mean" if is_near else r"see list\(view\)"
    for read in (VIEWS[0].get_column, VIEWS[0].__getitem__):
        with pytest.raises(KeyError, match=hint):
            read(missing)


@pytest.mark.parametrize(
    "values", [[1, 2, 7, None], [0.5, -3.25, 1e9], ["x", "y", "x", 7, 7], [math.inf], [None]]
)
def test_a_column_says_what_its_summary_says(values: list[Any]) -> None:
    column = log(columns={"x": values}).view()["x"]
    summary = column.to_summary_dict()

    def stored(key: str) -> float | None:
        value = summary.get(key)
        return None if value is None or math.isnan(value) else value

    for name in ("mean", "stddev", "min", "max", "median"):
        assert getattr(column, name) == stored(f"distribution/{name}"), name
    assert column.quantile(0.25) == stored("distribution/q_25")
    assert column.distinct == summary["cardinality/est"]
    assert round(column.distinct) == len(set(values) - {None, math.inf})
    assert (column.n, column.missing) == (summary["counts/n"], summary["counts/null"])
    assert column.missing_rate == column.missing / column.n
    assert column.frequent == summary.get("frequent_items/frequent_strings", [])
    assert column.failure_rate is None
    with pytest.raises(ValueError, match=r"2\.0"):
        column.quantile(2.0)


def test_angles_have_directions_and_no_order() -> None:
    around_zero = np.array([253.0, 254.0, 0.0])
    profile = Profile()
    profile._core.log_numbers("hue", around_zero, "angle", "image")
    column = profile.view()["hue"]
    assert (column.kind, column.meaning.role) == ("hue", "angle")
    assert column.mean == pytest.approx(254, abs=0.01)
    assert column.stddev == pytest.approx(0.82, abs=0.02)
    assert [column.min, column.max, column.median, column.quantile(0.1)] == [None] * 4
    assert VIEWS[0]["image.Hue.pixels"].median is None


def test_truncated_and_damaged_bytes_are_refused() -> None:
    data = VIEWS[0].to_bytes()
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 1 << (at % 8)]) + data[at + 1 :]
        for damaged in (data[:at], flipped):
            with pytest.raises(DecodeError):
                ProfileView.from_bytes(damaged)


# log_image: features and their names, and every shape of argument.


HSV = ("Hue", "Saturation", "Brightness")
WHYLOGS_TEN = {f"{name}.{number}" for name in HSV for number in ("mean", "stddev")}
WHYLOGS_TEN |= {"entropy", "ImagePixelWidth", "ImagePixelHeight", "Colorspace"}


def test_features_of_one_image() -> None:
    for metrics, sets in (("default", ("whylogs", "default")), ("whylogs", ("whylogs",))):
        view = log_image(picture(), metrics=metrics).view()
        numbers = {name for name, number in IMAGE_NUMBERS.items() if number.set in sets}
        more = {"Failure", *(f"{name}.pixels" for name in HSV if metrics == "default")}
        assert set(view) == {f"image.{name}" for name in WHYLOGS_TEN | numbers | more}
        assert view.images == 1


def test_a_list_goes_into_one_column_and_a_dict_into_one_each() -> None:
    images = [picture(seed=seed) for seed in range(3)]
    together = log_image(images).view()
    assert together.images == 3
    assert together == ProfileView.merge_many(log_image(image).view() for image in images)
    cameras = log_image({"front": images[0], "back": images[1]}).view()
    assert cameras["front.Hue.mean"].n == cameras["back.Hue.mean"].n == 1
    assert not any(name.startswith("image.") for name in cameras)


@pytest.mark.parametrize("value", [None, 5, [picture(), 5], {"a": 5}, {3: picture()}])
def test_what_is_no_image_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match=r"expected a PIL image|got 3 as a name"):
        log_image(value)  # type: ignore[arg-type]


# view.failures: which files failed and why, and bounded.


def test_paths_are_relative_to_the_folder(folder: Path) -> None:
    (folder / "more" / "bad.png").write_text("no picture, only words")
    (folder / "empty.png").touch()
    view = profile_images(folder)
    unknown = "no format that is read here, or too damaged to tell"
    empty, bad = ("empty.png", "empty", "no bytes"), ("more/bad.png", "unsupported", unknown)
    assert view.failures == [Failure(*empty), Failure(*bad)]
    moved = folder.rename(folder.with_name("moved"))
    assert profile_images(moved) == profile_images([moved]) == view
    several = profile_images([moved / "more", moved / "empty.png"])
    paths = [failure.path for failure in several.failures]
    assert paths == [f"{moved}/{each[0]}" for each in (empty, bad)]


def test_names_that_are_not_text(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9\n\x1b.png")
    (tmp_path / odd).touch()
    (tmp_path / "caf\u00e9.png").touch()
    view = profile_images(tmp_path)
    assert [failure.path for failure in view.failures] == ["caf\u00e9.png", odd]
    assert ProfileView.from_bytes(view.to_bytes()).failures == view.failures
    plain, strange = (failure.to_dict() for failure in view.failures)
    assert plain == {"path": "caf\u00e9.png", "reason": "empty", "detail": "no bytes"}
    assert strange["path"] == "caf\ufffd\n\x1b.png"
    assert base64.b64decode(strange["path_base64"] or "") == b"caf\xe9\n\x1b.png"
    json.dumps(strange).encode()


@pytest.mark.parametrize("path", ["\ud800.png", "a\0b.png", "x" * 5000])
def test_paths_that_no_file_can_have(path: str) -> None:
    view = profile_images([path, "none.png"])
    assert view.images == 0
    assert len(view.failures) == 2
    assert view.failures == ProfileView.from_bytes(view.to_bytes()).failures


# Tags: what somebody says of a profile.


TAGS = {"model": "v7", "site": "north"}
SAID = {"model": ["v7"], "site": ["north"]}


def test_every_door_of_profiles_takes_tags(folder: Path, tmp_path: Path) -> None:
    table = {"camera": ["a", "b"], "x": [1, 2]}
    profile = lm.Profile(tags=TAGS)
    by_name = lm.profile_images(folder, segment_by={"name": "path:(.)[.]jpg"}, tags=TAGS)
    segments = [lm.log(columns=table, segment_by="camera", tags=TAGS), by_name]
    with lm.Store(tmp_path / "drift.db") as store:
        (logged,) = lm.log_folder(store, folder, "cells", tags=TAGS).profiles.values()
        with lm.logger(store, "live", every="1h", tags=TAGS) as log:
            log.track(np.zeros((4, 4), np.uint8))
        views = [
            profile.view(),
            pickle.loads(pickle.dumps(profile)).view(),
            lm.log(row={"x": 1}, tags=TAGS).view(),
            lm.log(table=lm.measure(folder), roles="image", tags=TAGS).view(),
            lm.log_image(folder / "1.jpg", tags=TAGS).view(),
            logged,
            store.read("live"),
            store.read("cells"),
            *(view for parts in segments for view in (parts.whole, *parts.values())),
        ]
    for view in views:
        assert view.tags == SAID
        assert lm.ProfileView.from_bytes(view.to_bytes()).tags == SAID


def test_tags_on_the_command_line(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    result = lightmeter("profile", tmp_path, "--tag", "model=v7", "--format", "json")
    assert json.loads(result.stdout)["tags"] == {"model": ["v7"]}
    logging = ("log", tmp_path, "--dataset", "d", "--store", tmp_path / "drift.db")
    assert lightmeter(*logging, "--tag", "model=v7", "--tag", "a=b").returncode == 0
    for wrong in (["--tag", "model"], ["--tag", "a=1", "--tag", "a=2"], ["--tag", "a="]):
        assert lightmeter("profile", tmp_path, *wrong).returncode == 2


@pytest.mark.parametrize(
    "tags",
    [
        *("model=v7", {"model": 7}, {7: "model"}),  # of another type
        *({"": "v7"}, {"model": "a\nb"}, {"model": "\udc80"}, {"m" * 65: "v7"}),
        *({"model": "v" * 129}, {str(n): "v7" for n in range(65)}),
    ],
)
def test_wrong_tags(tags: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="tag"):
        lm.Profile(tags=tags)
