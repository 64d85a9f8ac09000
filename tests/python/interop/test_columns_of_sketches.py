"""Columns that are made of sketches of other formats."""

from typing import Any

import numpy as np
import pytest
from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.sketch import QuantileSketch


@pytest.mark.parametrize("state", [(3, 0, [("a", 2, 0)]), (3, 0, [("b", 2, 0), ("a", 1, 0)])])
def test_a_state_that_no_sketch_has_is_refused(state: Any) -> None:
    with pytest.raises(DecodeError):
        _core.FrequentStrings.from_state(*state)


def test_a_column_is_made_of_sketches() -> None:
    profile = _core.Profile()
    numbers = QuantileSketch(7)
    numbers.update(np.random.default_rng(11).normal(size=50_000))
    strings = _core.FrequentStrings.from_state(2000, 600, [("a", 800, 1), ("b", 700, 0)])
    different = (40_000, 41_000, 42_000)
    facts = (0.5, 7.0, different, 0, [])
    whole = (3, 0, numbers, facts, strings, (880, 890, 900))
    for _ in range(2):
        _core.add_column(profile, "x", *whole, "plain", "value")
    again = _core.Profile.decode(profile.encode())
    assert again.encode() == profile.encode()
    summary = again.summary("x")
    assert summary["counts/n"] == 2 * (3 + 50_000 + 2000)
    assert summary["counts/null"] == 6
    assert summary["distribution/mean"] == 0.5
    assert summary["cardinality/est"] == 41_000 + 890
    assert summary["cardinality/upper_1"] == 2 * (42_000 + 900)
    for place, wrong, message in (
        (3, (0.5, -1.0, different, 0, []), "."),
        (3, (0.5, 7.0, (5, 4, 6), 0, []), "."),
        (3, (0.5, 7.0, (1, float("nan"), 7), 0, []), "."),
        (3, (0.5, 7.0, different, 0, [(i, 1, 0) for i in range(1000)]), "."),
        (3, None, "sampled|facts|moments"),
        (1, 50_000, "frequent integers of 0 numbers"),
        (1, 50_001, "50001 integers among 50000 numbers"),
        (0, 2**56, "more than 2"),
    ):
        parts = [*whole[:place], wrong, *whole[place + 1 :]]
        with pytest.raises(DecodeError, match=message):
            _core.add_column(profile, "y", *parts, "plain", "value")
