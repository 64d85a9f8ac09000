"""States of sketches in plain numbers: the way in for sketches of other formats."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lightmeter import DecodeError, _core
from lightmeter.sketch import QuantileSketch

RNG = np.random.default_rng(11)
NORMAL = RNG.normal(size=50_000)


def filled(make: Callable[[], Any], values: list[Any]) -> Any:
    sketch = make()
    for value in values:
        sketch.update(value)
    return sketch


def quantiles(values: Any) -> QuantileSketch:
    sketch = QuantileSketch(7)
    sketch.update(np.asarray(values, np.float64))
    return sketch


SKETCHES = {
    "no moments": _core.Moments(),
    "moments": filled(_core.Moments, [1.5, -2.0, 1e300]),
    "no strings": _core.FrequentStrings(),
    "strings": filled(_core.FrequentStrings, ["a", "caf\u00e9", "a"]),
    "many strings": filled(_core.FrequentStrings, [f"model {i % 900}" for i in range(2000)]),
    "integers": filled(_core.FrequentIntegers, [*range(700), -(2**63), 5]),
    "nothing distinct": _core.DistinctCount(),
    "distinct": filled(_core.DistinctCount, [1, "a", 2.5]),
    "many distinct": filled(_core.DistinctCount, list(range(3000))),
    "distinct elsewhere": _core.DistinctCount.estimated(90, 100.25, 110),
    "no quantiles": QuantileSketch(7),
    "exact": quantiles([3.0, 1.0, 3.0, np.nan, np.inf]),
    "counted": quantiles([0.0, 5.0] * 3000),
    "sampled": quantiles(NORMAL),
    "sampled and read": QuantileSketch.from_bytes(quantiles(NORMAL).to_bytes()),
}


@pytest.mark.parametrize("name", SKETCHES)
def test_a_sketch_is_made_again_from_its_state(name: str) -> None:
    sketch = SKETCHES[name]
    again = type(sketch).from_state(sketch.state())
    assert again == sketch
    # It also goes on like the first.
    more = copy.copy(sketch)
    more.merge(sketch)
    again.merge(sketch)
    assert again == more


def changed(state: dict[str, Any], **items: Any) -> dict[str, Any]:
    return {**state, **items}


EXACT = SKETCHES["exact"].state()
SAMPLE = SKETCHES["sampled"].state()["sample"]
DISTINCT = SKETCHES["many distinct"].state()


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (_core.Moments, (2**56 + 1, 0.0, 0.0)),
        (_core.Moments, (3, 0.0, -1.0)),
        (_core.FrequentStrings, (3, 0, [("a", 2, 0)])),
        (_core.FrequentStrings, (3, 0, [("b", 2, 0), ("a", 1, 0)])),
        (_core.FrequentIntegers, (1000, 0, [(i, 1, 0) for i in range(1000)])),
        (_core.DistinctCount, changed(DISTINCT, registers=np.zeros(100, np.uint8))),
        (_core.DistinctCount, changed(DISTINCT, hashes=np.array([1], np.uint64))),
        (_core.DistinctCount, changed(DISTINCT, elsewhere=(5, 4, 6))),
        (_core.DistinctCount, changed(DISTINCT, elsewhere=(1, float("nan"), 7))),
        (QuantileSketch, changed(EXACT, values=[3.0, 1.0])),
        (QuantileSketch, changed(EXACT, values=[1.0, np.nan])),
        (QuantileSketch, changed(EXACT, counts=[0, 1])),
        (QuantileSketch, changed(EXACT, values=np.arange(2000), counts=np.ones(2000, int))),
        (QuantileSketch, changed(EXACT, sample=changed(SAMPLE, variance=-1.0))),
        (QuantileSketch, changed(EXACT, sample=changed(SAMPLE, levels=[([0.0], False, True)]))),
        (QuantileSketch, changed(EXACT, sample=changed(SAMPLE, levels=[([0], True, True)] * 58))),
    ],
)
def test_a_state_that_no_sketch_has_is_refused(make: Any, state: Any) -> None:
    with pytest.raises(DecodeError):
        make.from_state(state)


def test_a_state_of_other_types_is_refused() -> None:
    with pytest.raises(KeyError, match="neg_inf"):
        QuantileSketch.from_state({"nan": 0, "pos_inf": 0})
    with pytest.raises(TypeError, match="a str as its 'nan'"):
        QuantileSketch.from_state(changed(EXACT, nan="x"))
    with pytest.raises(TypeError, match="a int as its 'levels'"):
        QuantileSketch.from_state(changed(EXACT, sample=changed(SAMPLE, levels=3)))
    with pytest.raises(ValueError, match="2 values and 1 counts"):
        QuantileSketch.from_state(changed(EXACT, values=[1.0, 2.0], counts=[1]))


def test_counts_of_other_sketches_are_bounds() -> None:
    ours = filled(_core.DistinctCount, list(range(200)))
    theirs = _core.DistinctCount.estimated(900, 1000, 1100)
    assert not theirs.is_exact
    assert (theirs.lower(), theirs.estimate, theirs.upper()) == (900, 1000, 1100)
    assert (theirs.lower(2), theirs.upper(2)) == (800, 1200)
    ours.merge(theirs)
    assert (ours.lower(), ours.estimate, ours.upper()) == (900, 1000, 1300)
    theirs.merge(_core.DistinctCount.estimated(10, 20, 30))
    assert (theirs.lower(), theirs.estimate, theirs.upper()) == (900, 1000, 1130)
    for _ in range(60):
        ours.merge(ours)
    assert _core.DistinctCount.from_bytes(ours.to_bytes()) == ours


def test_levels_of_another_sketch_are_taken_in() -> None:
    """Of any size: what there is no room for is compacted, and the bound says so."""
    levels = [(np.sort(RNG.normal(size=n)), False, False) for n in (4000, 3000, 2500)]
    every = np.concatenate([values for values, _, _ in levels])
    sample = changed(SAMPLE, least=every.min(), greatest=every.max(), levels=levels, variance=0.0)
    sketch = QuantileSketch.from_state({"nan": 1, "pos_inf": 0, "neg_inf": 0, "sample": sample})
    assert sketch.n == 4000 + 2 * 3000 + 4 * 2500
    assert len(sketch.weights()[0]) < 4500
    assert 0 < sketch.error() < 0.05
    assert QuantileSketch.from_bytes(sketch.to_bytes()).n == sketch.n


def test_a_column_is_made_of_sketches() -> None:
    profile = _core.Profile()
    whole = {
        "missing": 3,
        "integral": 0,
        "numbers": SKETCHES["sampled"],
        "moments": _core.Moments.from_state((len(NORMAL), 0.5, 7.0)),
        "distinct_numbers": _core.DistinctCount.estimated(40_000, 41_000, 42_000),
        "integers": _core.FrequentIntegers(),
        "strings": SKETCHES["many strings"],
        "distinct_strings": _core.DistinctCount.estimated(880, 890, 900),
    }
    profile.add_column("x", **whole)
    profile.add_column("x", **whole)
    again = _core.Profile.decode(profile.encode())
    assert again.encode() == profile.encode()
    summary = again.summary("x")
    assert summary["counts/n"] == 2 * (3 + len(NORMAL) + 2000)
    assert summary["counts/null"] == 6
    assert summary["distribution/mean"] == 0.5
    assert summary["cardinality/est"] == 41_000 + 890
    assert summary["cardinality/upper_1"] == 2 * (42_000 + 900)
    for part, wrong, message in (
        ("moments", _core.Moments(), "moments of 0 numbers beside quantiles of 50000"),
        ("integral", 50_000, "frequent integers of 0 numbers"),
        ("integral", 50_001, "50001 integers among 50000 numbers"),
        ("missing", 2**56, "more than 2"),
    ):
        with pytest.raises(DecodeError, match=message):
            profile.add_column("y", **changed(whole, **{part: wrong}))
