"""Families share the rate of false findings; what a headline names is controlled by Holm."""

from collections.abc import Sequence

import lightmeter as lm
import numpy as np
import pytest
from conftest import as_of_images
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.drift.row import benjamini_hochberg, holm_p_values, q_values

checked = settings(max_examples=100, derandomize=True)
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
@given(st.lists(st.floats(0, 1), max_size=20))
def test_of_one_family_they_are_those_of_the_textbooks(p: Sequence[float]) -> None:
    families = ["image"] * len(p)
    assert q_values(p, families) == benjamini_hochberg(p)
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
    assert "more" in said
