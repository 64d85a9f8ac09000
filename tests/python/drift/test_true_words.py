"""What sentences say is true of the values themselves, where it is known what happened to them."""

import re
from collections.abc import Callable
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lightmeter.drift.describe.sentences import describe
from lightmeter.drift.row import CHANGED
from truth import is_true

Rng = np.random.Generator
Draw = Callable[[Rng, int], Any]


def compared(target: Any, reference: Any, role: str = "plain") -> lm.FeatureDrift:
    views = []
    for values in (target, reference):
        profile = lm.Profile()
        if role == "plain":
            profile.log(columns={"x": values})
        else:
            profile._core.log_numbers("x", np.asarray(values, float), role)
        views.append(profile.view())
    return lm.compare(target=views[0], reference=views[1]).features[0]


def assert_only_true_words(target: Any, reference: Any, role: str = "plain") -> None:
    line = compared(target, reference, role)
    assert line.verdict not in CHANGED or is_true(line.words, "x", target, reference), line.words


def normal(mean: float = 10, spread: float = 1) -> Draw:
    return lambda rng, n: rng.normal(mean, spread, n)


def mixed(share: float, other: Draw, usual: Draw | None = None) -> Draw:
    most = usual or normal()
    return lambda rng, n: np.where(np.arange(n) < share * n, other(rng, n), most(rng, n))


def of_values(*shares: float) -> Draw:
    """Integers from 0 on, each with its share."""
    return lambda rng, n: np.repeat(np.arange(len(shares)), [round(n * s) for s in shares])


def constant(value: float) -> Draw:
    return lambda rng, n: np.full(n, value)


NUMBERS: list[tuple[str, Draw, Draw, str]] = [
    ("up", normal(), normal(13), "x rose by 30 %"),
    ("a little up", normal(), normal(10.5), r"x rose by [45](\.\d)? % on average"),
    ("twelve times", normal(), lambda r, n: 12 * r.normal(10, 1, n),
     r"x rose from (10|9\.9\d) to 1(19|20)"),
    ("wider", normal(), normal(10, 3), r"x varies (2\.\d|3) times as much .*"),
    ("a tenth far down", normal(), mixed(0.1, normal(0)), "x is unusually low .* in 1[01] % .*"),
    ("two thirds far down", normal(), mixed(0.66, normal(0)), r"x fell .* to 3\S+ on average"),
    ("a tenth far down, the rest a little", normal(), mixed(0.1, normal(0), normal(9.75)),
     "x is unusually low .* in 1[0-4] % of values .*"),
    ("outliers up, bulk down", normal(), mixed(0.02, normal(1e5), normal(9)),
     "x is distributed differently|x fell by .*"),
    ("a sample lacks the least value", normal(1, 0.1),
     lambda r, n: np.append(-2e4, r.normal(1.5, 0.1, n - 1)), "x is distributed differently"),
    ("one value to another", constant(8), constant(16), "x rose from 8 to 16"),
    ("yes and no", of_values(0.8, 0.2), of_values(0.49, 0.51),
     "x is 1 in 51 % instead of 20 % of values"),
    ("a middle part is gone", lambda r, n: r.uniform(0, 1, n),
     lambda r, n: np.where(np.arange(n) % 2, r.uniform(0, 0.3, n), r.uniform(0.7, 1, n)),
     "x is distributed differently|x varies .*"),
]  # fmt: skip


@pytest.mark.parametrize("n", [400, 6000])
@pytest.mark.parametrize(("case", "before", "after", "expected"), NUMBERS)
def test_numbers(case: str, before: Draw, after: Draw, expected: str, n: int) -> None:
    rng = np.random.default_rng(1)
    target, reference = after(rng, n), before(rng, n)
    line = compared(target, reference)
    assert line.verdict == "drift"
    assert is_true(line.words, "x", target, reference), line.words
    assert re.fullmatch(expected, line.words.replace("\N{MINUS SIGN}", "-")), line.words


@pytest.mark.parametrize(("far", "n", "end"), [(60, 24, "most"), (-80, 900, "least")])
def test_of_one_far_value_the_distance_is_said(far: float, n: int, end: str) -> None:
    """As a monitor says it, which tests the spread."""
    rng = np.random.default_rng(1)
    target, reference = np.append(rng.normal(10, 1, n - 1), far), rng.normal(10, 1, 700)
    words = describe(compared(target, reference), lm.Thresholds())
    assert is_true(words, "x", target, reference), words
    assert re.search(end, words)


def test_of_few_values_all_digits_are_said() -> None:
    """Such as those of two identifiers."""
    first = 2.0**53 - 2
    for values in ((first, first + 1), (-first - 1, -first), (1e300, np.nextafter(1e300, 2e300))):
        target, reference = np.repeat(values, [20, 80]), np.repeat(values, [70, 30])
        match = re.fullmatch("x is (.*) in 80 % instead of .*", compared(target, reference).words)
        assert match is not None
        assert float(match[1].replace("\N{MINUS SIGN}", "-")) == values[1]


def test_of_many_categories_only_what_is_certain_is_said() -> None:
    """Lists of 512 texts: what they lack may have been there."""
    rng = np.random.default_rng(0)
    rare = [f"user {n}" for n in range(4000)]
    before = [*rng.permutation(rare), *["a"] * 3000, *["b"] * 1000]
    after = [*rng.permutation(rare), *["a"] * 1000, *["b"] * 1000, *["c"] * 2000]
    words = compared(after, before).words
    assert words.startswith(("x 'a' fell from about 38 % to", "x 'c' rose from at most 0.0"))
    assert is_true(words, "x", after, before)


def hues(*parts: tuple[float, float, float]) -> Draw:
    """Parts of (share, degrees, spread) each, on the circle of 255 steps."""

    def draw(rng: Rng, n: int) -> Any:
        degrees = [rng.normal(at, spread, round(share * n)) for share, at, spread in parts]
        return np.concatenate(degrees) % 360 * 255 / 360 % 255

    return draw


HUES: list[tuple[str, Draw, Draw, str]] = [
    ("turned", hues((1, 30, 12)), hues((1, 60, 12)), r"x turned by \+(2\d|3\d) degrees"),
    ("turned by less than is said", hues((1, 120, 0)), hues((1, 120.4, 0)),
     "x is distributed differently"),
    ("two heaps turned", hues((0.6, 0, 10), (0.4, 60, 10)), hues((0.6, 30, 10), (0.4, 90, 10)),
     r"x turned by \+(2\d|3\d) degrees"),
    ("some are another colour", hues((1, 30, 8)), hues((0.7, 30, 8), (0.3, 210, 8)),
     "x is distributed differently"),
]  # fmt: skip


@pytest.mark.parametrize("n", [60, 400, 3000])
@pytest.mark.parametrize(("case", "before", "after", "expected"), HUES)
def test_hues(case: str, before: Draw, after: Draw, expected: str, n: int) -> None:
    rng = np.random.default_rng(2)
    target, reference = after(rng, n), before(rng, n)
    line = compared(target, reference, "angle")
    assert line.verdict == "drift"
    words = line.words.replace("\N{MINUS SIGN}", "-")
    assert is_true(words, "x", target, reference), words
    if n >= 400:
        assert re.fullmatch(expected, words), words


AMOUNTS = st.floats(-3, 3)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([30, 200, 2000]),
    shape=st.sampled_from(["normal", "lognormal", "uniform", "few", "zeros", "cauchy"]),
    shift=AMOUNTS,
    spread=st.floats(-1.5, 1.5),
    part=st.sampled_from([0.0, 0.05, 0.2, 0.5]),
    far=st.floats(-8, 8),
    negative=st.booleans(),
)
@example(  # one value far away makes the reference wide, but for the middle eight tenths
    seed=1, n=200, shape="cauchy", shift=0.0, spread=-1.0, part=0.2, far=6.0, negative=False
)
def test_whatever_is_said_of_random_changes_is_true(
    seed: int, n: int, shape: str, shift: float, spread: float, part: float, far: float,
    negative: bool,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    draws: dict[str, Callable[[], Any]] = {
        "normal": lambda: rng.normal(10, 1, n),
        "lognormal": lambda: rng.lognormal(0, 1, n),
        "uniform": lambda: rng.uniform(0, 2, n),
        "few": lambda: rng.integers(0, 3, n),
        "zeros": lambda: np.where(rng.random(n) < 0.5, 0, rng.exponential(1, n)),
        "cauchy": lambda: rng.standard_cauchy(n),
    }
    reference, target = draws[shape](), draws[shape]()
    if shape == "few":
        target = target + round(shift)
    else:
        middle = np.median(target)
        target = (target - middle) * np.exp(round(spread, 1)) + middle + round(shift, 1)
    target = np.where(rng.random(n) < part, target + round(far, 1), target)
    if negative:
        target, reference = -target, -reference
    assert_only_true_words(target, reference)


@settings(max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([40, 300]),
    before=st.lists(st.tuples(st.floats(0, 360), st.floats(5, 90)), min_size=1, max_size=3),
    after=st.lists(st.tuples(st.floats(0, 360), st.floats(5, 90)), min_size=1, max_size=3),
)
def test_whatever_is_said_of_random_hues_is_true(
    seed: int, n: int, before: list[tuple[float, float]], after: list[tuple[float, float]]
) -> None:
    rng = np.random.default_rng(seed)
    target, reference = (
        hues(*((1 / len(heaps), *heap) for heap in heaps))(rng, n) for heaps in (after, before)
    )
    assert_only_true_words(target, reference, "angle")


@settings(max_examples=60)
@given(
    before=st.lists(st.integers(0, 60), min_size=6, max_size=6).filter(lambda n: sum(n) >= 20),
    after=st.lists(st.integers(0, 60), min_size=6, max_size=6).filter(lambda n: sum(n) >= 20),
)
def test_whatever_is_said_of_random_categories_is_true(before: list[int], after: list[int]) -> None:
    target, reference = (
        [value for value, count in zip("abcdef", counts, strict=True) for _ in range(count)]
        for counts in (after, before)
    )
    assert_only_true_words(target, reference)
