"""Columns that are made of sketches of other formats."""

from typing import Any

import numpy as np
import pytest
from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.sketch import QuantileSketch


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (_core.Moments, (2**56 + 1, 0.0, 0.0)),
        (_core.Moments, (3, 0.0, -1.0)),
        (_core.FrequentStrings, (3, 0, [("a", 2, 0)])),
        (_core.FrequentStrings, (3, 0, [("b", 2, 0), ("a", 1, 0)])),
        (_core.FrequentIntegers, (1000, 0, [(i, 1, 0) for i in range(1000)])),
    ],
)
def test_a_state_that_no_sketch_has_is_refused(make: Any, state: Any) -> None:
    with pytest.raises(DecodeError):
        make.from_state(*state)


@pytest.mark.parametrize("bounds", [(5, 4, 6), (1, float("nan"), 7)])
def test_bounds_that_do_not_rise_are_refused(bounds: Any) -> None:
    with pytest.raises(DecodeError):
        _core.DistinctCount.estimated(*bounds)


def test_a_column_is_made_of_sketches() -> None:
    profile = _core.Profile()
    numbers = QuantileSketch(7)
    numbers.update(np.random.default_rng(11).normal(size=50_000))
    strings = _core.FrequentStrings.from_state(2000, 600, [("a", 800, 1), ("b", 700, 0)])
    whole: dict[str, Any] = {
        "missing": 3,
        "integral": 0,
        "numbers": numbers,
        "moments": _core.Moments.from_state(50_000, 0.5, 7.0),
        "distinct_numbers": _core.DistinctCount.estimated(40_000, 41_000, 42_000),
        "integers": _core.FrequentIntegers(),
        "strings": strings,
        "distinct_strings": _core.DistinctCount.estimated(880, 890, 900),
    }
    profile.add_column("x", **whole)
    profile.add_column("x", **whole)
    again = _core.Profile.decode(profile.encode())
    assert again.encode() == profile.encode()
    summary = again.summary("x")
    assert summary["counts/n"] == 2 * (3 + 50_000 + 2000)
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
            profile.add_column("y", **(whole | {part: wrong}))
