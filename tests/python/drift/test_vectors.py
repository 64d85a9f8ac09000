"""Vectors and the numbers of images together: Hotelling's test, reports."""

from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture
from lightmeter.monitor.shelf import MISSING, VALUES, Summary
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def view(rows: Any, **columns: Any) -> lm.ProfileView:
    return lm.log(columns={"embedding": rows, **columns}).view()


def line(target: Any, reference: Any) -> Any:
    return lm.compare(target=view(target), reference=view(reference))["embedding"]


def normal(n: int, length: int, seed: int = 0) -> Array:
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
    same = line(normal(300, 512), normal(300, 512, 2))
    assert same.verdict == "none"
    assert same.kind == "vector"
    assert same.family == "vectors"
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
    assert column.meaning.family == "vectors"
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
