"""Drift: every number against SciPy, NumPy or brute force, and what compare makes of them."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import as_of_images, picture, with_rows
from lightmeter import _core
from lightmeter.drift.compare import Comparison, Unlike
from lightmeter.monitor.shelf import MISSING, VALUES, Summary
from lightmeter.report.report import html_page
from numpy.typing import NDArray
from sketches import normals, stats


def dark(seed: int) -> NDArray[np.uint8]:
    return np.asarray(picture(16, 12, seed=seed)) // 3


@pytest.fixture(scope="module")
def views() -> tuple[lm.ProfileView, lm.ProfileView]:
    reference, target = (
        lm.log_image([make(seed) for seed in range(start, start + 30)]).view()
        for make, start in ((lambda seed: picture(16, 12, seed=seed), 0), (dark, 100))
    )
    return target, reference


def test_compare_finds_and_names_what_changed(views: tuple[lm.ProfileView, lm.ProfileView]) -> None:
    target, reference = views
    report = lm.compare(target=target, reference=reference)
    assert "image.Brightness.mean" in [line.feature for line in report.drifted]
    assert report["image.Brightness.mean"].ks == 1.0
    assert "the images are darker: brightness fell by 66 %" in report.summary()
    for name, role in (("image.Hue.mean", "linear angle"), ("image.Hue.stddev", "angle spread")):
        line = report[name]
        assert (line.role, line.verdict, line.q_value, line.p_value) == (role, None, None, None)
        assert line.ks_p_value is not None
        assert repr(line).startswith(f"<FeatureDrift '{name}': not judged, ")
    assert report["image.Hue.circular_mean"].kind == "hue"
    pixels = report["image.Brightness.pixels"]
    assert (pixels.verdict, pixels.p_value) == (None, None)
    assert "not independent" in pixels.reason
    assert pixels.wasserstein == pytest.approx(-1 * (pixels.level_target - pixels.level_reference))  # type: ignore[operator]
    assert report["image.Colorspace"].verdict == "none"


def test_a_profile_does_not_drift_from_itself(views: tuple[lm.ProfileView, lm.ProfileView]) -> None:
    report = lm.compare(target=views[0], reference=views[0])
    assert {line.effect for line in report.features} == {0.0}
    assert {line.p_value for line in report.features} == {1.0, None}
    assert {line.verdict for line in report.features} == {"none", None}


def test_tables_and_dicts(views: tuple[lm.ProfileView, lm.ProfileView]) -> None:
    pytest.importorskip("pandas")
    report = lm.compare(target=views[0], reference=views[1])
    frame = report.to_pandas()
    names = [line.feature for line in report.features]
    assert (frame.index.name, list(frame.index), frame["ks"].dtype) == ("feature", names, float)
    assert {"kind", "ks", "p_value", "hellinger", "effect_name", "verdict"} <= {*frame.columns}
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["summary"] == report.summary()
    assert [line["feature"] for line in plain["features"]] == names


def test_little_data_and_one_sided_features_are_listed() -> None:
    few = lm.log_image([picture(8, 8, seed=seed) for seed in range(9)]).view()
    many = lm.log_image([dark(seed) for seed in range(30)]).view()
    report = lm.compare(target=few, reference=many)
    assert not report.drifted
    assert report["image.entropy"].verdict == "not enough data"
    assert "9 values in the target" in report["image.entropy"].reason
    assert lm.compare(target=few, reference=many, min_values=9).drifted
    other = lm.log_image({"other": picture(8, 8)}).view()
    alone = lm.compare(target=other, reference=many)["other.entropy"]
    assert (alone.verdict, alone.reason) == ("not enough data", "only in the target, 1 value")


def test_a_side_is_a_view_a_profile_a_result_or_a_file(tmp_path: Path) -> None:
    result = lm.log(columns={"x": range(20)})
    result.view().write(tmp_path / "good.lmp")
    sides = [result, result.profile(), result.view(), tmp_path / "good.lmp"]
    reports = [lm.compare(target=side, reference=str(tmp_path / "good.lmp")) for side in sides]
    assert all(report.features == reports[0].features for report in reports)
    assert repr(reports[0]) == "<DriftReport: no drift in 1 tested feature>"
    few = lm.log(columns={"x": range(2)})
    reason = ": 2 values in the target; 10 are needed"
    assert lm.compare(target=few, reference=few).summary() == f"no feature could be tested{reason}"
    for name, wrong in {"drift": 0.2, "effect": 2.0, "min_values": 0, "delta": 0.0}.items():
        with pytest.raises(ValueError, match=str(wrong)):
            lm.compare(target=few, reference=few, **{name: wrong})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got a list; expected a Profile, a ProfileView"):
        lm.compare(target=[], reference=result)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        lm.compare(target=result, reference=tmp_path / "none.lmp")


def columns(**values: object) -> lm.ProfileView:
    return as_of_images(lm.log(columns=values).profile())


def test_what_moves_by_half_is_no_tail() -> None:
    """Though nearly all of it lies beyond the reference; unless that is not enough."""
    both = {"target": columns(x=normals(1, 400) + 3), "reference": columns(x=normals(2, 400))}
    line = lm.compare(**both)["x"]
    assert line.ks > 0.5 < line.tail
    assert (line.effect_name, line.effect) == ("shift", line.ks)
    assert lm.compare(**both, effect=0.99)["x"].effect_name == "tail"


def test_an_effect_near_the_floor_of_a_sampled_profile_is_inconclusive() -> None:
    a, b = normals(3, 20_000), normals(4, 20_000, 0.25)
    sides = {"target": columns(x=b), "reference": columns(x=a), "tail": 1.0}
    line = lm.compare(**sides)["x"]  # type: ignore[arg-type]
    floor = line.ks
    assert line.effect_low < floor < line.effect_high  # type: ignore[operator]
    assert line.verdict in ("none", "inconclusive", "possible")
    at_the_floor = lm.compare(**sides, effect=floor)["x"]
    assert at_the_floor.verdict == "inconclusive"
    assert "samples" in at_the_floor.reason
    assert lm.compare(**sides, effect=line.effect_low)["x"].verdict == "drift"
    assert lm.compare(**sides, effect=line.effect_high + 1e-9)["x"].verdict == "none"  # type: ignore[operator]


def test_a_sure_but_small_difference_is_no_drift() -> None:
    line = lm.compare(
        target=columns(x=[0] * 52_000 + [1] * 48_000), reference=columns(x=[0, 1] * 50_000)
    )["x"]
    assert line.verdict == "none"
    assert line.q_value is not None
    assert line.q_value < 1e-10
    assert line.reason.startswith("significant (q ")


def test_a_report_is_a_mapping_of_names_to_lines() -> None:
    report = lm.compare(
        target=columns(**{"a": [None, *range(20)], "a:missing": range(21)}),
        reference=columns(**{"a": range(21), "a:missing": range(21)}),
    )
    assert (list(report), len(report)) == ([line.feature for line in report.features], 3)
    assert 0 not in report
    with pytest.raises(KeyError, match="no feature 'b' among the 3 compared"):
        report["b"]
    # The rate's, though a column bears the same name; that one's line is among the features.
    assert report["a:missing"].kind == "missing"
    kinds = sorted(line.kind for line in report.features if line.feature == "a:missing")
    assert kinds == ["missing", "number"]


def test_categories_name_what_is_new_and_what_vanished() -> None:
    report = lm.compare(
        target=columns(camera=["a"] * 20 + ["new"] * 30 + ["rare"]),
        reference=columns(camera=["a"] * 25 + ["old"] * 25),
    )
    line = report["camera"]
    assert line.verdict == "drift"
    assert [(item.value, item.est) for item in line.new_values] == [("new", 30), ("rare", 1)]
    assert [(item.value, item.est) for item in line.vanished_values] == [("old", 25)]
    assert report.summary() == "camera 'new' rose from 0 % to 59 %, 1 new value, 1 value gone"
    once = lm.compare(
        target=columns(camera=["RGB"] * 50), reference=columns(camera=["RGB"] * 999 + ["L"])
    )["camera"]
    assert once.verdict == "none"  # whylogs says drift here
    assert [item.value for item in once.vanished_values] == ["L"]


def test_infinities_are_values_and_nan_is_none() -> None:
    numbers = [1.0] * 100
    for odd, kind in (
        (math.inf, "not a number"),
        (-math.inf, "not a number"),
        (math.nan, "missing"),
    ):
        report = lm.compare(
            target=columns(a=[odd] * 50 + numbers[:50]), reference=columns(a=numbers)
        )
        (line,) = (line for line in report.features if line.feature != "a")
        assert (line.feature, line.kind, line.verdict) == (f"a:{kind}", kind, "drift")
        assert (line.level_target, line.level_reference) == (0.5, 0.0)
        assert (line.n_target, line.n_reference) == (100, 100)
        assert line.p_value == pytest.approx(stats.fisher_exact([[50, 50], [0, 100]]).pvalue)


def population(rng: np.random.Generator, n: int) -> dict[str, object]:
    common = rng.normal(0, 1, n)
    columns: dict[str, object] = {f"f{k}": common * k + rng.normal(0, 1, n) for k in range(6)}
    columns["camera"] = list(rng.choice(list("abcdef"), n, p=[0.5, 0.2, 0.1, 0.1, 0.09, 0.01]))
    columns |= {"tied": rng.binomial(9, 0.3, n), "image.Hue.circular_mean": common * 40 % 255}
    return columns | {"iso": np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 5, n) * 100.0)}


def test_comparisons_without_drift_rarely_find_any() -> None:
    """Of 200 comparisons 10 may; 22 is four standard deviations above."""
    alarms = 0
    for trial in range(200):
        n = 20 if trial % 2 else 60
        sides = [columns(**population(np.random.default_rng([trial, k]), n)) for k in (0, 1)]
        alarms += bool(lm.compare(target=sides[0], reference=sides[1]).drifted)
    assert alarms <= 22


def test_what_is_missing_throughout_on_both_sides_has_not_drifted() -> None:
    nothing, infinite, some = (lm.log(columns={"x": [x] * 20}) for x in (None, math.inf, 1.0))
    for side in (nothing, infinite):
        line = lm.compare(target=side, reference=side)["x"]
        assert (line.verdict, line.reason) == ("none", "no number on either side")
    report = lm.compare(target=nothing, reference=some)
    assert (report["x"].verdict, report["x:missing"].verdict) == ("not enough data", "drift")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (lambda rng, n: rng.normal(0.5, 1, n), "shift"),
        (lambda rng, n: rng.normal(0, 0.6, n), "spread"),
        (lambda rng, n: rng.normal(np.where(rng.random(n) < 0.1, 3, 0), 0.7, n), "tail"),
    ],
)
@pytest.mark.parametrize("n", [1000, 4000, 100_000])
def test_a_change_is_found_by_the_size_that_it_has(
    target: Callable[[np.random.Generator, int], NDArray[np.float64]], name: str, n: int
) -> None:
    """Sampled or not, and however many there are."""
    rng = np.random.default_rng(n)
    a, b = target(rng, n), rng.normal(0, 1 if name != "tail" else 0.7, n)
    line = lm.compare(target=columns(x=a), reference=columns(x=b))["x"]
    assert (line.verdict, line.effect_name) == ("drift", name)
    low, high = np.quantile(b, [0.01, 0.99], method="inverted_cdf")
    truth = {
        "shift": stats.ks_2samp(a, b).statistic,
        "spread": abs(math.log(a.std(ddof=1) / b.std(ddof=1))),
        "tail": max(0, np.mean(a < low) - np.mean(b < low))
        + max(0, np.mean(a > high) - np.mean(b > high)),
    }[name]
    assert line.effect_low - 1e-9 <= truth <= line.effect_high + 1e-9  # type: ignore[operator]
    floors = {"effect": 1.0, "spread": 9.0, "tail": 1.0}
    assert lm.compare(target=columns(x=a), reference=columns(x=b), **floors)["x"].verdict == "none"
    floors[{"shift": "effect"}.get(name, name)] = line.effect_low or 0.0
    again = lm.compare(target=columns(x=a), reference=columns(x=b), **floors)["x"]
    assert (again.verdict, again.effect_name) == ("drift", name)


def test_sizes_come_without_tests(views: tuple[lm.ProfileView, lm.ProfileView]) -> None:
    tested = Comparison(target=views[0], reference=views[1])
    sizes = Comparison(target=views[0], reference=views[1], tested=False)
    for line in sizes.features:
        other = tested[line.feature]
        assert line.p_value is line.ks_p_value is line.q_value is None
        assert line.verdict in (None, "none", "not enough data")
        for field in ("effect", "effect_name", "ks", "spread", "tail", "hellinger", "wasserstein"):
            assert getattr(line, field) == getattr(other, field)


# Two sides whose pictures were read differently.


RANDOM = np.random.default_rng(5)
SHADES = np.array([1.0, 0.7, 0.4])


def frames(count: int, *, deep: bool = False) -> list[NDArray[Any]]:
    """Reddish pictures, and as samples of 12 bits in 16."""
    noise = RANDOM.integers(0, 200, (count, 24, 32, 3)) + RANDOM.integers(0, 55, (count, 1, 1, 1))
    return list((noise * SHADES * (16 if deep else 1)).astype(np.uint16 if deep else np.uint8))


GOOD = frames(80)
BGR = with_rows([frame[..., ::-1] for frame in GOOD], channels="BGR")
DEEP = with_rows(frames(80, deep=True), value_range=(0, 4095))


@pytest.mark.parametrize("metrics", ["all", "whylogs"])
def test_what_depends_on_the_order_of_colours_is_not_compared(metrics: Any) -> None:
    """That is every number that changes where red and blue are exchanged, and no other."""
    frame = frames(1)[0]
    rgb, bgr = (
        lm.log_image(frame, metrics=metrics, channels=each).view() for each in ("RGB", "BGR")
    )
    unlike = Unlike(rgb.readings, bgr.readings)
    for name in rgb:
        numbers = [view[name].to_summary_dict() for view in (rgb, bgr)]
        if rgb[name].kind != "hash":
            assert not unlike.reason(name) or name != "image.Colorspace"
            assert bool(unlike.reason(name)) or numbers[0] == numbers[1], name


def test_a_reference_of_another_order_is_said_first_and_not_judged() -> None:
    report = lm.compare(target=with_rows(GOOD), reference=BGR)
    first = "The images were read differently: channels BGR in the reference, RGB in the target."
    assert report.summary().startswith(first)
    assert report.read_differently.startswith(first)
    assert report.to_dict()["read_differently"] == report.read_differently
    for page, heading in ((report._repr_html_(), "<h3"), (html_page(report), 'class="headline"')):
        assert 0 < page.index("read differently") < page.index(heading)
    assert not report.drifted
    assert report["image.Hue.circular_mean"].verdict is None
    assert "channels BGR" in report["image.Red.mean"].reason
    assert report["image.Brightness.mean"].verdict == "none"
    assert "image:numbers" not in report


def test_a_value_range_decides_all_numbers_of_pixels() -> None:
    report = lm.compare(target=with_rows(frames(80, deep=True)), reference=DEEP)
    assert "value_range [0.0, 4095.0] in the reference, by default" in report.read_differently
    judged = [line.feature for line in report.features if line.verdict is not None]
    assert judged
    assert all("Pixel" in name or name.endswith(("space", "ure")) for name in judged)


def test_what_only_differs_in_part_or_by_nature_is_compared() -> None:
    both = BGR.merge(with_rows(frames(80)))
    assert len(both.readings["image"]) == 2
    for target, reference, said in (
        (BGR, BGR, ""),
        (both, both, ""),
        (both, BGR, "channels BGR in the reference, BGR and RGB in the target"),
        (with_rows(frames(9), ignore=(0, 0, 5, 5)), with_rows(frames(9)), "ignore nothing in the"),
        (with_rows(frames(9)), DEEP, "samples integer in the reference, 8 bits in the target"),
        (with_rows([frame[..., 0] for frame in frames(9)]), BGR, ""),
        (lm.log(row={"a": 1}).view(), BGR, ""),
    ):
        assert said in (told := lm.compare(target=target, reference=reference).read_differently)
        assert bool(said) == bool(told)


@pytest.mark.parametrize("text", ["junk", "[1]", '{"channels":5,"value_range":"x","ignore":"/"}'])
def test_readings_of_strangers_are_inert(text: str) -> None:
    core = _core.Profile.decode(BGR.to_bytes())
    core.count_image("image", 500, text)
    view = lm.ProfileView.from_bytes(lm.ProfileView(core).to_bytes())
    assert len(lm.compare(target=with_rows(frames(9)), reference=view).summary()) < 500
    assert len(lm.check_image(frames(1)[0], view).read_differently) < 500


def test_an_image_is_read_as_its_reference() -> None:
    frame = frames(1)[0][..., ::-1]
    assert lm.check_image(frame, BGR).verdict == "ordinary"
    assert not lm.check_image(frame, BGR).read_differently
    assert lm.check_image(frames(1, deep=True)[0], DEEP).verdict == "ordinary"
    check = lm.check_image(frame, BGR, channels="RGB")
    assert check.verdict == "ordinary"  # by what does not depend on it
    assert repr(check).startswith("<ImageCheck: The images were read differently: channels BGR")
    check = lm.check_image(frames(1, deep=True)[0], DEEP, reading=lm.Reading())
    assert "value_range" in check.read_differently
    assert not any("mean" in finding.feature for finding in check.findings)


# Vectors and the numbers of images together: Hotelling's test, reports.


def view(rows: Any, **columns: Any) -> lm.ProfileView:
    return lm.log(columns={"embedding": rows, **columns}).view()


def line(target: Any, reference: Any) -> Any:
    return lm.compare(target=view(target), reference=view(reference))["embedding"]


def normal(n: int, length: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, length))


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_the_test_is_that_of_hotelling(scale: float) -> None:
    target, reference = normal(60, 6) * np.arange(1, 7) + 0.3, normal(90, 6, 1) * np.arange(1, 7)
    apart = target.mean(axis=0) - reference.mean(axis=0)
    pooled = (59 * np.cov(target.T) + 89 * np.cov(reference.T)) / 148
    squared = apart @ np.linalg.solve(pooled, apart)
    p_value = stats.f.sf(60 * 90 / 150 * squared * (150 - 7) / (6 * 148), 6, 143)
    # Of unlike sizes a quarter of m directions enter; here that is all of them.
    compared = line(target * scale, reference * scale)
    assert compared.p_value == pytest.approx(p_value, rel=1e-9)
    unbiased = squared * (148 - 7) / 148 - 6 * 150 / (60 * 90)
    assert compared.effect == pytest.approx(2 * stats.norm.cdf(np.sqrt(unbiased) / 2) - 1, rel=1e-9)


def test_long_vectors_are_found_to_move() -> None:
    assert line(normal(300, 512), normal(300, 512, 2)).verdict == "none"
    report = lm.compare(target=view(normal(300, 512) + 0.1), reference=view(normal(300, 512, 1)))
    assert report["embedding"].verdict == "drift"
    assert report.summary().startswith("embedding moved by ")


def test_vectors_that_are_none_are_missing() -> None:
    rows = normal(50, 40)
    rows[3, 7], rows[9, 0], rows[11, 2] = np.nan, np.inf, 1e300
    column = view(rows)["embedding"]
    assert (column.n, column.missing) == (50, 3)
    mixed = view([*normal(40, 5), *normal(3, 6), None])
    compared = lm.compare(target=mixed, reference=view(normal(40, 5)))
    assert compared["embedding"].n_target == 40
    assert compared["embedding:missing"].level_target == pytest.approx(4 / 44)
    other = line(normal(40, 5), normal(40, 6))
    assert other.verdict == "not enough data"
    assert "5 numbers in the target" in other.reason


def test_vectors_in_groups_have_no_verdict() -> None:
    sides = []
    for shift in (1.0, 0.0):
        profile = lm.Profile()
        for at, row in enumerate(normal(60, 5) + shift):
            profile.log(row={"embedding": row, "slide": at % 10}, group="slide")
        sides.append(profile.view())
    compared = lm.compare(target=sides[0], reference=sides[1])["embedding"]
    assert (compared.verdict, compared.p_value) == (None, None)
    assert "by group" in compared.reason
    assert compared.effect is not None


def test_arrays_of_arrow_are_vectors() -> None:
    pa, rows = pytest.importorskip("pyarrow"), normal(40, 6).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), 6)
    logged = lm.log(table=pa.table({"embedding": column}))
    assert logged.view().to_bytes() == view(list(rows)).to_bytes() == view(rows).to_bytes()


def embedding(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return image.reshape(-1, 3).mean(axis=0).astype(np.float64)


def test_a_metric_may_return_a_vector() -> None:
    view = lm.log_image([picture(seed=seed) for seed in range(3)], metrics=embedding).view()
    column = view["image.embedding"]
    assert (column.n, column.missing, column.kind) == (3, 0, "vector")
    assert view["image.embedding.Error"].failure_rate == 0


def images(n: int, seed: int, darker: float = 1.0) -> lm.ProfileView:
    rng = np.random.default_rng(seed)
    sizes = rng.normal(128, 20, n).clip(40, 200)
    return lm.log_image(
        [
            (rng.normal(size, 30, (12, 12, 3)).clip(0, 255) * darker).astype(np.uint8)
            for size in sizes
        ]
    ).view()


def test_the_numbers_of_images_are_judged_together() -> None:
    same = lm.compare(target=images(60, 1), reference=images(60, 2))["image:joint"]
    assert (same.kind, same.family, same.verdict) == ("vector", "image", "none")
    sides = images(60, 1, darker=0.8), images(60, 2)
    report = lm.compare(target=sides[0], reference=sides[1])
    assert report["image:joint"].verdict == "drift"
    assert report.drifted[-1].feature == "image:joint"


def test_images_without_some_number_are_left_out_of_the_joint() -> None:
    view = lm.log_image(
        [np.zeros((9, 9, 3), np.uint8), *[picture(seed=s) for s in range(3)]]
    ).view()
    joint = view._core.joint("image")
    assert joint is not None
    names, sketch, left_out = joint
    assert (sketch.n, left_out) == (3, 1)
    assert "Hue.x" in names
    assert "Hue.mean" not in names
    assert lm.log_image(picture(), metrics="whylogs").view()._core.joint("image") is None


def test_monitors_judge_how_many_vectors_are_missing() -> None:
    rows = normal(20, 40)
    rows[:5] = np.nan
    summary = Summary(view(rows)._core)
    assert summary.kinds == {"embedding": "vector"}
    assert summary.table[MISSING, 0] == 5
    assert summary.table[VALUES, 0] == 15
