"""What is logged with group=: its state, where keys come from, and comparisons by groups."""

import math
from datetime import date
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.drift.compare import ASSUMED, GROUPED, Comparison
from lightmeter.drift.groups import MIN_GROUPS, Grouped, _along, mean_p_value
from numpy.testing import assert_allclose
from PIL import Image
from scipy import stats

KEYS = st.one_of(st.none(), st.integers(0, 9).map("slide {}".format))
VALUES = st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from(["cat", "dog"]))
ROWS = st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=40)


def state(profile: Any, name: str = "a") -> dict[str, Any]:
    view = profile if isinstance(profile, lm.ProfileView) else profile.view()
    meaning = view[name].meaning
    table: dict[str, Any] = view._core.grouped(name, meaning.role, meaning.origin)
    return table


@settings(max_examples=50)
@given(rows=ROWS)
def test_the_rest_of_a_profile_is_as_without_groups(rows: list[tuple[Any, Any]]) -> None:
    columns = {"slide": [key for key, _ in rows], "a": [value for _, value in rows]}
    view = lm.log(columns=columns, group="slide").view()
    plain = lm.log(columns={"a": columns["a"]}).view()
    assert repr(view["a"].to_summary_dict()) == repr(plain["a"].to_summary_dict())
    assert "slide" not in view
    assert b"slide" not in view.to_bytes()
    assert lm.ProfileView.from_bytes(view.to_bytes()) == view


def test_keys_of_any_type_name_the_same_group() -> None:
    columns = {"k": [7, 7.0, "7", np.int64(7), None, float("nan"), ""], "a": [1.0] * 7}
    whole, profile = lm.log(columns=columns, group="k").view(), lm.Profile()
    for key in columns["k"]:
        profile.log(row={"k": key, "a": 1.0}, group="k")
    assert profile.view() == whole
    table = state(whole)
    assert (table["n"].max(), table["n"][-1]) == (4, 3)


def test_rows_and_images() -> None:
    profile = lm.Profile()
    profile.log(row={"slide": "s", "a": 1, "photo": Image.new("RGB", (4, 4))}, group="slide")
    profile.track(Image.new("RGB", (4, 4)), group="s")
    profile.track_many([b"junk", Image.new("RGB", (4, 4))], group="s")
    failure = state(profile, "image.Failure")
    assert failure["missing"].sum() == 2  # images that did not fail
    assert sum(counts.sum() for _, counts in failure["texts"]) == 1
    assert state(profile, "photo.Brightness.mean")["n"].sum() == 1


@pytest.mark.parametrize("library", ["", "pandas", "polars"])
def test_a_table_has_a_profile_for_each_segment(library: str) -> None:
    columns: dict[str, Any] = {"camera": ["a", "b ", None, "a"], "x": [1, 2, 3, 4]}
    given: dict[str, Any] = {"columns": columns}
    if library:
        given = {"table": pytest.importorskip(library).DataFrame(columns)}
    for by in ("camera", "column:camera", lambda row: {"camera": row["camera"]}):
        views = lm.log(**given, group="camera", segment_by=by)
        means = {name: view["x"].mean for name, view in views.items()}
        assert means == {"camera=a": 2.5, "camera=b": 2, "camera=none": 3}
        whole, wanted = state(views.whole, "x"), state(lm.log(**given, group="camera"), "x")
        assert whole["n"].tolist() == wanted["n"].tolist()
        assert_allclose(whole["x"], wanted["x"], rtol=1e-12)
        assert_allclose(whole["within"], wanted["within"], rtol=1e-9)
        assert lm.log(**given, segment_by=by).whole == lm.log(**given).view()


def test_segments_of_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("RGB", (4, 4))
    columns = {"site": [3, 2.0, math.nan, 3], "day": [date(2024, 1, 2)] * 4, "photo": [image] * 4}
    views = lm.log(columns=columns, segment_by={"n": "site", "d": "column:day"})
    assert list(views) == [f"d=2024-01-02&n={value}" for value in ("2", "3", "none")]
    assert (views.whole.images, views["d=2024-01-02&n=3"].images) == (4, 2)
    assert list(lm.log(columns=columns, segment_by=lambda row: None)) == ["segment=none"]
    monkeypatch.setattr("lightmeter.profile.segments.MOST_SEGMENTS", 1)
    assert list(lm.log(columns=columns, segment_by="site")) == ["site=3", "site=other"]


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    for slide in range(6):
        folder = tmp_path / f"slide-{slide}"
        folder.mkdir()
        for image in range(3):
            Image.new("RGB", (8, 8), (40 * slide, 10 * image, 0)).save(folder / f"{image}.png")
    (tmp_path / "slide-0" / "bad.png").write_bytes(b"junk")
    return tmp_path


@pytest.mark.parametrize("source", ["path:(slide-[0-9])", lambda path: Path(path).parent.name])
def test_files_by_their_path(slides: Path, source: Any) -> None:
    views = [lm.profile_images(slides, group=source, workers=workers) for workers in (1, 3)]
    assert views[0] == views[1]
    table = state(views[0], "image.Brightness.mean")
    assert sorted(table["n"][table["n"] > 0]) == [3] * 6
    segments = lm.profile_images(slides, group=source, segment_by={"s": "path:slide-([0-9])"})
    assert segments.whole == views[0]
    assert segments["s=1"].groups == 1


def burst(rng: np.random.Generator, groups: int, *, shift: float = 0.0) -> lm.Profile:
    """Of columns with an ICC of one half: numbers, categories and missing values."""
    size = 10
    effect = rng.normal(0, 1, (2, groups, 1)) + rng.normal(0, 1, (2, groups, size))
    a, b = effect.reshape(2, -1) + shift
    columns = {
        "burst": np.repeat(np.arange(groups), size),
        "number": a,
        "category": np.where(b > 0.5, "cat", np.where(b > -0.5, "dog", "cow")).tolist(),
        "gap": np.where(b > 1, np.nan, 1.0),
    }
    return lm.log(columns=columns, group="burst").profile()


def test_false_alarms_of_bursts() -> None:
    """150 tests at 5 %: 13 or more false ones of 150 have a chance of 4 %. Seeded."""
    rng = np.random.default_rng(14)
    by_group, names = [], ("number", "category", "gap:missing")
    for _ in range(150):
        report = lm.compare(target=burst(rng, 8), reference=burst(rng, 20))
        by_group.append([report[name].p_value for name in names])
        assert (report["number"].groups_target, report["number"].groups_reference) == (8, 20)
    false = (np.array(by_group, dtype=float) <= 0.05).mean(axis=0)
    assert false.max() < 13 / 150
    assert false[0] > 3 / 150


@pytest.mark.parametrize("icc", [0.1, 0.9])
def test_false_alarms_where_buckets_hold_several_groups(icc: float) -> None:
    rng = np.random.default_rng(17)

    def side(groups: int, places: int) -> Grouped:
        """Groups of ten, hashed to places, as counts, means and squares."""
        n, place = np.full(groups, 10.0), rng.integers(0, places, groups)
        x = rng.normal(0, np.sqrt(icc + (1 - icc) / n))
        counts = np.bincount(place, n, places)
        means = np.bincount(place, n * x, places) / np.maximum(counts, 1)
        within = (1 - icc) * rng.chisquare(9 * groups) + n @ (x - means[place]) ** 2
        return Grouped.of(np.append(counts, 0), np.append(means, 0), float(within))

    p = [mean_p_value(side(5, 4096), side(350, 512)) for _ in range(3000)]
    assert 0.04 < np.mean(np.array(p) <= 0.05) < 0.06


@settings(max_examples=50)
@given(seed=st.integers(0, 99), sizes=st.tuples(st.integers(5, 40), st.integers(5, 300)))
def test_images_that_are_a_group_each_are_compared_by_students_t(
    seed: int, sizes: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    values = [rng.normal(0, 1, size) for size in sizes]
    sides = [lm.log(columns={"k": [None] * len(v), "a": v}, group="k") for v in values]
    grouped = [_along(state(side), 1.0, 0.0) for side in sides]
    assert tuple(side.groups for side in grouped) == sizes
    assert mean_p_value(*grouped) == pytest.approx(stats.ttest_ind(*values).pvalue, rel=1e-9)


def test_a_shift_is_found_and_said_by_groups() -> None:
    rng = np.random.default_rng(3)
    report = lm.compare(target=burst(rng, 30, shift=2), reference=burst(rng, 60))
    assert report["number"].verdict == report["category"].verdict == "drift"
    assert report["gap:missing"].verdict == "drift"
    assert report["number"].reason.endswith("; 60 reference, 30 target groups")
    assert report.to_dict()["notes"] == [GROUPED]
    assert ASSUMED not in report._repr_html_()


def test_a_spread_alone_carries_no_verdict() -> None:
    """The test is one of means. A spread that seems to change with few groups is mostly chance."""
    rng = np.random.default_rng(8)
    keys = np.repeat(np.arange(40), 10)
    wide, narrow = (
        lm.log(columns={"k": keys, "a": rng.normal(0, sd, 400)}, group="k") for sd in (2, 1)
    )
    line = lm.compare(target=wide, reference=narrow)["a"]
    assert (line.effect_name, line.effect, line.verdict) == ("shift", line.ks, "none")
    assert line.spread > 0.5
    some = rng.normal(0, 1, 400) + 6 * (np.arange(400) % 5 == 0)  # the mean of each group rises
    target = lm.log(columns={"k": keys, "a": some}, group="k")
    assert lm.compare(target=target, reference=narrow)["a"].words.startswith("a rose from ")
    untested = Comparison(target=wide.view(), reference=narrow.view(), tested=False)["a"]
    assert (untested.p_value, untested.groups_target) == (None, None)


def test_too_few_groups_are_not_enough_data() -> None:
    """Nor does the p-value of images stand, which would take them for independent."""
    rng = np.random.default_rng(4)
    report = lm.compare(target=burst(rng, MIN_GROUPS - 1, shift=3), reference=burst(rng, 60))
    line = report["number"]
    assert line.verdict == report["gap:missing"].verdict == "not enough data"
    assert (line.reason, line.p_value) == ("4 groups in the target; 5 are needed", None)


def test_without_groups_on_a_side_the_report_says_what_it_assumes() -> None:
    rng = np.random.default_rng(5)
    grouped, numbers = burst(rng, 20), {"number": rng.normal(0, 1, 200)}
    unmatched = lm.log(columns={**numbers, "k": [""] * 200}, group="k")
    alone = lm.log(columns=numbers)
    words = f"{GROUPED} Images without a group are a group each: "
    for target, reference, groups, note in (
        (alone, grouped, None, f"Only the reference has groups. {ASSUMED}"),
        (grouped, unmatched, None, f"Only the target has groups. {ASSUMED}"),
        (unmatched, alone, None, f"No image has a group: check the pattern, if any. {ASSUMED}"),
        (alone.view().merge(grouped.view()), grouped, 220, f"{words}200 of 400 in the target."),
        (unmatched.view().merge(grouped.view()), grouped, 220, f"{words}200 of 400 in the target."),
    ):
        report = lm.compare(target=target, reference=reference)
        assert report["number"].groups_target == groups
        assert report.to_dict()["notes"] == [note]
        assert note in report._repr_html_()


def test_values_without_a_group_beside_groups_are_a_group_each() -> None:
    """As those logged with an empty group: numbers, categories, hues and what is missing."""
    rng, images = np.random.default_rng(8), [np.full((4, 4, 3), shade) for shade in range(40)]
    named, alone = lm.Profile(), [lm.Profile(), lm.Profile()]
    for number, shade in enumerate(rng.integers(0, 40, 60)):
        image = (images[shade] * np.array([1, 2, 3])).astype(np.uint8)
        if number < 30:
            named.track(image, group=f"v{number % 7}")
            continue
        for profile, group in zip(alone, (None, ""), strict=True):
            profile.track(image, group=group)
    rows = {"text": ["a", "b", None, "a"], "number": [1.0, 2.0, math.nan, math.inf]}
    named.log(columns={**rows, "g": ["x", "x", "y", "y"]}, group="g")
    alone[0].log(columns=rows)
    alone[1].log(columns={**rows, "g": [""] * 4}, group="g")
    views = [profile.view().merge(named.view()) for profile in alone]
    for view in views:
        view._core.merge(lm.profile_images(["gone.png"])._core)
    for name in views[0]:
        tables = [state(view, name) for view in views]
        flat = [dict(table.pop("texts")) | table for table in tables]
        assert flat[0].keys() == flat[1].keys()
        for key, value in flat[1].items():
            assert np.asarray(flat[0][key]) == pytest.approx(np.asarray(value), abs=1e-9), name


def test_groups_of_hostile_bytes_count_no_text_less_than_never() -> None:
    """Groups that name a text more often than the profile does."""
    logged = ({"t": list(texts), "g": ["a"] * 10} for texts in ("xyyyyyyyyy", "xxxxxxxxxx"))
    few, many = (lm.log(columns=each, group="g").view().to_bytes() for each in logged)
    start, end = (data.index(b"\6groups") for data in (few, many))
    view = lm.ProfileView.from_bytes(few[:start] + many[end:])
    assert {max(counts) for counts in dict(state(view, "t")["texts"]).values()} == {9, 10}
    assert lm.compare(target=view, reference=view)["t"].p_value == 1


def test_the_report_names_what_alone_is_without_groups() -> None:
    profile = burst(np.random.default_rng(5), 20)
    profile.log(columns={"size": np.arange(20.0)})
    report = lm.compare(target=profile, reference=profile)
    assert report["number"].groups_target is not None
    (note,) = report.notes
    assert note == f"Groups are not used for size: some values lack one. {ASSUMED}"


@pytest.mark.parametrize(("turn", "differs"), [(0.0, False), (40.0, True)])
def test_hues_are_compared_on_their_circle(turn: float, differs: bool) -> None:
    rng = np.random.default_rng(6)

    def side(groups: int, turned: float) -> lm.Profile:
        profile = lm.Profile()
        for group in range(groups):
            part = lm.Profile()
            hues = (turned + rng.normal(0, 12) + rng.normal(0, 12, 10)) % 255
            part._core.log_numbers("image.Hue.circular_mean", hues, "angle", "image")
            profile._core.merge_group(str(group), part._core)
        return profile

    report = lm.compare(target=side(12, turn), reference=side(20, 0))
    line = report["image.Hue.circular_mean"]
    assert line.groups_target == 12
    assert (line.verdict == "drift") is differs
