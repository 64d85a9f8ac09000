"""The core's distances and tests, by SciPy, NumPy and permutations."""

import itertools
import math
from collections.abc import Sequence

import lightmeter as lm
import numpy as np
import pytest
from conftest import as_of_images
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import _core
from lightmeter.drift.prediction import predict, predicted_interval
from lightmeter.drift.row import benjamini_hochberg, holm_p_values, q_values
from numpy.typing import NDArray
from sketches import numbers, stats, strings

checked = settings(max_examples=100, derandomize=True)


def permutation_p(a: list[int], b: list[int]) -> float:
    """The share of all ways to deal the labels whose statistic is at least the observed one."""
    pooled = np.array(a + b)
    grid = np.unique(pooled)

    def statistic(chosen: tuple[int, ...]) -> float:
        mask = np.zeros(len(pooled), dtype=bool)
        mask[list(chosen)] = True
        f, g = (
            np.searchsorted(np.sort(x), grid, "right") / len(x)
            for x in (pooled[mask], pooled[~mask])
        )
        return float(abs(f - g).max())

    observed = statistic(tuple(range(len(a))))
    dealt = [statistic(each) for each in itertools.combinations(range(len(pooled)), len(a))]
    return float(np.mean(np.array(dealt) >= observed - 1e-12))


SMALL = st.lists(st.integers(0, 4), min_size=1, max_size=5)


@checked
@given(SMALL, SMALL)
def test_ks_p_value_with_ties_is_the_share_of_permutations(a: list[int], b: list[int]) -> None:
    p_value = numbers(a, b)["ks_p_value"]
    np.testing.assert_allclose(p_value, permutation_p(a, b), rtol=1e-12)


def test_of_categories_of_which_no_value_is_seen_twice_nothing_can_be_said() -> None:
    """Others are tested as SciPy does: see tests/cpp/drift/oracles_test.cpp."""
    unique = [strings({f"{side}{k}": 1 for k in range(99)}) for side in "ab"]
    assert _core.compare_categories(unique[0], 0, unique[1], 0, True)["p_value"] == (1.0,) * 3


@pytest.mark.parametrize(("tail", "dof"), [(0.0, 3), (1.1, 3), (math.nan, 3), (0.1, 0)])
def test_what_has_no_quantile_is_refused(tail: float, dof: int) -> None:
    with pytest.raises(ValueError, match="expected 0 < tail <= 1"):
        _core.student_quantile(tail, dof)


def scores_of(pooled: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], float]:
    """Both scores of each value of the pooled sample, standardised, and their skewness."""
    _, place, counts = np.unique(pooled, return_inverse=True, return_counts=True)
    size = len(pooled)
    ends = np.concatenate([[0], np.cumsum(counts)]) / size
    z = stats.norm.ppf(ends[1:-1])
    density = np.array([0.0, *stats.norm.pdf(z), 0.0])
    square = np.array([0.0, *(ends[1:-1] - z * density[1:-1]), 1.0])
    means = np.diff([-density, square]) / (counts / size)
    scores = (means - [[0], [1]])[:, place].T
    scores *= math.sqrt((size - 1) / (n * (size - n))) / scores.std(0)
    return scores, n * (size - n) * (size - 2 * n) / (size * (size - 1) * (size - 2)) * (
        scores**3
    ).sum(0)


def rank_statistic(sums: NDArray[np.float64], skewness: NDArray[np.float64]) -> NDArray[np.float64]:
    """T of sums of scores, see rank_test.hpp."""
    with np.errstate(divide="ignore", invalid="ignore"):
        straight = np.cbrt(np.maximum(0, 1 + skewness * sums / 2)) - 1
        straight = np.where(abs(skewness) > 1e-6, 6 / skewness * straight + skewness / 6, sums)
    return (straight**2).max(-1)


@pytest.mark.parametrize("grain", [1e-9, 0.3, 1.0])
@pytest.mark.parametrize(
    ("n", "m", "shift", "wide"), [(20, 20, 0.8, 1), (25, 300, 0, 2), (60, 40, 0, 0.6)]
)
def test_the_p_value_of_numbers_is_the_share_of_deals(
    n: int, m: int, shift: float, wide: float, grain: float
) -> None:
    rng = np.random.default_rng([n, m])
    a, b = (np.round(each / grain) for each in (rng.normal(shift, wide, n), rng.normal(0, 1, m)))
    scores, skewness = scores_of(np.concatenate([a, b]), n)
    seen = rank_statistic(scores[:n].sum(0), skewness)
    order = rng.permuted(np.tile(np.arange(n + m), (20_000, 1)), axis=1)[:, :n]
    share = np.mean(rank_statistic(scores[order].sum(1), skewness) >= seen * (1 - 1e-12))
    compared = numbers(a, b)
    expected = min(1.0, share / 0.98, compared["ks_p_value"] / 0.02)  # type: ignore[operator]
    p = compared["p_value"][0]  # type: ignore[index]
    assert p == pytest.approx(expected, rel=0.6, abs=4e-4)
    assert p == pytest.approx(expected, rel=0.2, abs=0.01)
    assert compared["p_value"] == (p, p, p)


# The next value of a series: one estimate behind its p-value and its interval.


@pytest.mark.parametrize("seed", range(8))
def test_an_interval_ends_where_the_next_value_has_the_p_value_of_its_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(20, 200, 15).astype(float)
    past = rng.exponential(1, 15) if seed % 2 else rng.normal(0, 1 / np.sqrt(n))
    # Values that alternate do not resemble those before them, and vary little between buckets.
    past = np.sort(past)[[14 - k // 2 if k % 2 else k // 2 for k in range(15)]]
    within = 40 * float(past.var()) * float(n.mean()) if seed % 2 else 1.0
    ends = predicted_interval(past.tolist(), n.tolist(), within, 50.0, 0.02)
    for end in ends:
        sides = past[:, None], n[:, None], np.array([within]), np.array([end]), np.array([50.0])
        assert predict(*sides).p_values[0] == pytest.approx(0.02, rel=1e-6)


# Families share the rate of false findings; what a headline names is controlled by Holm.


tests = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcd")), min_size=1, max_size=15)
Tests = list[tuple[float, str]]


def split(tests: Tests) -> tuple[list[float], list[str]]:
    return [p for p, _ in tests], [family for _, family in tests]


@checked
@given(tests, st.floats(0.001, 0.6))
def test_q_decides_as_the_two_steps_do_at_every_level(tests: Tests, level: float) -> None:
    p, families = split(tests)
    within = {
        name: benjamini_hochberg([each for each, other in tests if other == name])
        for name in families
    }
    passed: set[str] = set()
    for name in sorted(within, key=lambda name: min(within[name])):
        if min(within[name]) * (len(within) - len(passed)) > level:
            break
        passed.add(name)
    expected = {name: [name in passed and q <= level for q in within[name]] for name in within}
    decided = [q <= level for q in q_values(p, families)]
    assert decided == [expected[name].pop(0) for name in families]


@pytest.mark.parametrize("adjusted", [q_values, holm_p_values])
@checked
@given(tests=tests, data=st.data())
def test_laws(adjusted: object, tests: Tests, data: st.DataObject) -> None:
    """Monotone in every p, no less than it, at most 1, and the same in any order."""
    p, families = split(tests)
    q = adjusted(p, families)  # type: ignore[operator]
    assert all(own * (1 - 1e-12) <= each <= 1 for own, each in zip(p, q, strict=True))
    at = data.draw(st.integers(0, len(p) - 1))
    less = [*p[:at], p[at] * data.draw(st.floats(0, 1)), *p[at + 1 :]]
    below = adjusted(less, families)  # type: ignore[operator]
    assert all(a <= b * (1 + 1e-12) for a, b in zip(below, q, strict=True))
    order = data.draw(st.permutations(range(len(p))))
    moved = adjusted([p[i] for i in order], [families[i] for i in order])  # type: ignore[operator]
    np.testing.assert_allclose(moved, [q[i] for i in order], rtol=1e-12)


@checked
@given(tests)
def test_what_holm_names_has_a_q_value_as_small(tests: Tests) -> None:
    p, families = split(tests)
    pairs = zip(q_values(p, families), holm_p_values(p, families), strict=True)
    assert all(q <= named * (1 + 1e-9) for q, named in pairs)


@checked
@given(st.lists(st.floats(0, 1), max_size=30))
def test_of_one_family_they_are_those_of_the_textbooks(p: Sequence[float]) -> None:
    families = ["image"] * len(p)
    assert q_values(p, families) == benjamini_hochberg(p)
    known = stats.false_discovery_control(p) if p else []
    np.testing.assert_allclose(benjamini_hochberg(p), known, rtol=1e-12)
    order = np.argsort(p, kind="stable")
    steps = np.sort(p) * np.arange(len(p), 0, -1)
    expected = np.minimum(np.maximum.accumulate(steps), 1)
    np.testing.assert_allclose(np.array(holm_p_values(p, families))[order], expected, rtol=1e-9)


def side(columns: dict[str, object]) -> lm.ProfileView:
    return as_of_images(lm.log(columns=columns).profile())


def test_named_are_those_that_holm_controls() -> None:
    """Ten changes that are together sure, and each only likely."""
    rng = np.random.default_rng(6)
    target = {f"f{k}": rng.normal(0.55, 1, 60) for k in range(10)}
    reference = {f"f{k}": rng.normal(0, 1, 60) for k in range(10)}
    report = lm.compare(target=side(target), reference=side(reference))
    named = [line.feature for line in report.named]
    drifted = [line.feature for line in report.drifted]
    assert 0 < len(named) < len(drifted)
    p_values = [report[f"f{k}"].p_high for k in range(10)]
    sure = dict(zip(target, holm_p_values(p_values, ["values"] * 10), strict=True))  # type: ignore[arg-type]
    assert named == [name for name in drifted if sure[name] <= 0.05]
    said = report.summary()
    assert {name for name in drifted if f"{name} " in said} <= set(named)
    assert "other features drifted" in said
