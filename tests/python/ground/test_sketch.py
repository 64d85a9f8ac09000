"""The quantile sketch as Python has it: arrays, copies, arguments.

What it computes is tested in tests/cpp/sketch.
"""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter.sketch import QuantileSketch
from numpy.typing import NDArray

checked = settings(max_examples=60, derandomize=True)


def sketch_of(values: object, key: int = 0) -> QuantileSketch:
    sketch = QuantileSketch(key)
    sketch.update(np.asarray(values, dtype=np.float64))
    return sketch


def big(seed: int, n: int = 5000, *, scale: float = 1.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, scale, n)


def test_arrays_of_any_type_and_layout_are_their_values() -> None:
    rng = np.random.default_rng(11)
    for dtype in ("u1", "u2", "<f4", ">f4", "f8", ">f8", "i4", "?", "f2", "u8"):
        base = rng.integers(0, 2 if dtype == "?" else 100, (12, 10, 6)).astype(dtype)
        base.flags.writeable = False
        for view in (base, base[::-1], base[:, ::3], base.T, base[0], base[:0], base[0, 0, 0]):
            expected = sketch_of(view.astype(np.float64).ravel())
            sketch = QuantileSketch()
            sketch.update(view)
            assert sketch.to_bytes() == expected.to_bytes(), (dtype, view.shape)


@checked
@given(st.integers(0, 2**64 - 1), st.integers(0, 1024))
def test_pickles_and_copies_keep_the_key(key: int, n: int) -> None:
    sketch, unlike = sketch_of(big(22, n), key), sketch_of(big(22, n), key ^ 1)
    copies = (
        pickle.loads(pickle.dumps(sketch)),
        copy.copy(sketch),
        copy.deepcopy(sketch),
        QuantileSketch.from_bytes(sketch.to_bytes(), key),
    )
    assert unlike == sketch
    for grown in (sketch, unlike, *copies):
        grown.update(big(23))
    assert all(again == sketch for again in copies)
    assert unlike != sketch
    with pytest.raises(TypeError):
        hash(sketch)


def test_what_a_mask_hides_is_left_out() -> None:
    sketch = QuantileSketch()
    sketch.update(np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 1], [0, 0]]))
    sketch.update(np.ma.masked)
    for scalar in (0.1, np.array(0.1)):
        sketch.update(scalar)
    assert sketch == sketch_of([1, 3, 4, 0.1, 0.1])


def test_arguments_of_other_types_are_taken_or_refused() -> None:
    sketch = QuantileSketch()
    for counts in ([2, 0, 1], np.array([2, 0, 1], np.uint8), np.array([2, 0, 1], np.int32)):
        counted = QuantileSketch()
        counted.update_counts([5, 6, 7], counts)
        assert counted == sketch_of([5, 5, 7])
    data = counted.to_bytes()
    for buffer in (bytearray(data), memoryview(bytes(8) + data)[8:]):
        assert QuantileSketch.from_bytes(buffer) == counted
    one, two = np.array([1.0, 2.0]), [1, 2]
    for call, wrong in (
        (sketch.update, [("x",), (None,), ([1, "x"],), (np.array([1j]),), (object(),)]),
        (sketch.update_counts, [(two, [0.5, 1.7j]), (["1", "2"], two), (two, one)]),
        (sketch.update_counts, [(two, np.ma.array([1, 2], mask=[1, 0]))]),
        (QuantileSketch.from_bytes, [("x",), (3,), ([1, 2],), (None,)]),
        (sketch.merge_many, [([counted, None],), ([1.0],), ("x",), (counted,)]),
    ):
        for arguments in wrong:
            with pytest.raises(TypeError, match=r"expected|QuantileSketch"):
                call(*arguments)  # type: ignore[operator]
    for narrow in (np.int8, np.int64):
        with pytest.raises(ValueError, match="got a count of -1; expected 0 or more"):
            sketch.update_counts(two, np.array([1, -1], narrow))
    with pytest.raises(ValueError, match="2"):
        sketch.update_counts(one, [1])
    with pytest.raises(ValueError, match="too large for a float; expected"):
        sketch.update(10**400)
    assert sketch.n == 0
    sketch.merge_many((counted, sketch_of([1.0])))
    assert sketch.n == 4
    for q in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="q"):
            sketch.quantiles([q])
