"""Whatever can be put into a sketch or a profile can be read back from its bytes."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import IncompatibleError, Profile, ProfileView, _core

checked = settings(max_examples=150, derandomize=True)
FULL = 2**56
COUNTS = st.sampled_from([0, 1, 2, 2**54, 2**55, FULL - 1, FULL, FULL + 1, 2**63])
FLOATS = st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e308, -1e308, 5e-324, math.nan, math.inf])
# Lone surrogates, bytes that are and bytes that are not UTF-8.
TEXTS = st.sampled_from(
    ["", "a", "caf\u00e9", "\udce9", b"b", b"caf\xe9", "x" * 300, "\u00e9" * 100]
)


def attempt(call: Any, *arguments: Any) -> None:
    """A refusal must be one that says what was wrong."""
    try:
        call(*arguments)
    except (ValueError, TypeError, IncompatibleError) as error:
        assert str(error)  # noqa: PT017


SKETCHES: dict[str, tuple[type[Any], st.SearchStrategy[Any]]] = {
    "moments": (_core.Moments, FLOATS),
    "strings": (_core.FrequentStrings, TEXTS),
    "integers": (_core.FrequentIntegers, st.integers(-(2**63), 2**63 - 1)),
}


@pytest.mark.parametrize("kind", SKETCHES)
@checked
@given(data=st.data())
def test_counted_sketches(kind: str, data: st.DataObject) -> None:
    make, values = SKETCHES[kind]
    sketches = [make(), make()]
    for which, value, count in data.draw(
        st.lists(st.tuples(st.integers(0, 1), values, COUNTS), max_size=8)
    ):
        attempt(sketches[which].update, value, count)
    attempt(sketches[0].merge, sketches[1])
    for sketch in sketches:
        assert make.from_bytes(sketch.to_bytes()) == sketch


@checked
@given(st.lists(st.tuples(FLOATS, COUNTS), max_size=8), st.lists(FLOATS, max_size=8))
def test_quantiles(pairs: list[tuple[float, int]], singles: list[float]) -> None:
    sketch = _core.QuantileSketch()
    for value, count in pairs:
        attempt(sketch.update_counts, [value], np.array([count], np.uint64))
    for value in singles:
        attempt(sketch.update, value)
    attempt(sketch.update, np.array(singles))
    attempt(sketch.merge, sketch)
    assert _core.QuantileSketch.from_bytes(sketch.to_bytes()) == sketch


@pytest.mark.parametrize("spread", [1, 1500])
def test_a_full_sketch_takes_no_more(spread: int) -> None:
    sketch = _core.QuantileSketch()
    values = np.arange(spread)
    counts = np.full(spread, FULL // spread, np.uint64)
    counts[0] += FULL - int(counts.sum())
    sketch.update_counts(values, counts)
    before = sketch.to_bytes()
    for more in (1.0, math.nan, np.zeros(3), np.zeros(3, np.float32), np.zeros(3, np.uint8)):
        with pytest.raises(IncompatibleError, match=r"2\^56"):
            sketch.update(more)
    assert sketch.to_bytes() == before
    assert _core.QuantileSketch.from_bytes(before).n == FULL


TIMES = st.sampled_from([0, 253_402_300_799_999, 253_402_300_800_000, -62_135_596_800_001, 2**63])
COLUMN_CALLS = st.one_of(
    st.tuples(st.just("log_string"), TEXTS, TEXTS, COUNTS),
    st.tuples(st.just("log_nulls"), TEXTS, COUNTS),
    st.tuples(st.just("log_row"), st.dictionaries(TEXTS, st.one_of(FLOATS, TEXTS, st.none()))),
    st.tuples(st.just("log_numbers"), TEXTS, st.lists(FLOATS).map(np.array)),
    st.tuples(st.just("log_failure"), TEXTS, st.binary(max_size=600), TEXTS, TEXTS),
    st.tuples(st.just("log_exif"), TEXTS, st.just({}), st.lists(TEXTS), st.lists(TEXTS)),
    st.tuples(st.just("dataset_timestamp"), TIMES),
)


@checked
@given(st.lists(COLUMN_CALLS, max_size=8))
def test_profiles(calls: list[tuple[Any, ...]]) -> None:
    profile = _core.Profile()
    for name, *arguments in calls:
        if name == "dataset_timestamp":
            attempt(setattr, profile, name, *arguments)
        else:
            attempt(getattr(profile, name), *arguments)
    data = profile.encode()
    assert _core.Profile.decode(data).encode() == data


def test_a_timestamp_of_no_year_is_refused() -> None:
    profile = Profile()
    profile.set_dataset_timestamp(datetime(9999, 12, 31, tzinfo=UTC))
    with pytest.raises(ValueError, match="years 1 to 9999"):
        profile._core.dataset_timestamp = 253_402_300_800_000
    data = profile.view().to_bytes()
    assert ProfileView.from_bytes(data).to_bytes() == data
