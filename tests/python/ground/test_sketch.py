"""The invariants of the quantile sketch, one test each, against a plain list and NumPy."""

import copy
import itertools
import math
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from lightmeter import DecodeError, _core
from lightmeter.sketch import QuantileSketch
from lightmeter.testing import fold, merge_trees, numbers, streams
from numpy.typing import NDArray

checked = settings(max_examples=150, derandomize=True)
PROBABILITIES = np.array([0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0])


def sketch_of(values: object, key: int = 0) -> QuantileSketch:
    sketch = QuantileSketch(key)
    sketch.update(np.asarray(values, dtype=np.float64))
    return sketch


def merged(a: QuantileSketch, b: QuantileSketch) -> QuantileSketch:
    result = copy.copy(a)
    result.merge(b)
    return result


def finite(values: object) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    return np.sort(array[np.isfinite(array)])


def item(sorted_values: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    index = np.minimum((q * len(sorted_values)).astype(int), len(sorted_values) - 1)
    return sorted_values[index]


def big(seed: int, n: int = 5000, *, scale: float = 1.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, scale, n)


def rank_errors(sketch: QuantileSketch, values: NDArray[np.float64]) -> float:
    ordered = np.sort(values)
    at = np.linspace(ordered[0], ordered[-1], 2001)
    true = np.searchsorted(ordered, at, side="right") / len(ordered)
    return float(np.abs(sketch.ranks(at) - true).max())


TREES = merge_trees(streams(20))


@checked
@given(streams(), streams())
def test_01_counters_add(a: list[float], b: list[float]) -> None:
    both = merged(sketch_of(a), sketch_of(b))
    together = np.array(a + b)
    assert both.n == np.isfinite(together).sum()
    assert both.nan == np.isnan(together).sum()
    assert both.pos_inf == np.isposinf(together).sum()
    assert both.neg_inf == np.isneginf(together).sum()


@checked
@given(streams())
def test_02_extremes_are_exact_and_zeros_are_positive(values: list[float]) -> None:
    sketch = sketch_of(values)
    kept = finite(values)
    if len(kept) == 0:
        assert math.isnan(sketch.min)
        assert math.isnan(sketch.max)
        return
    assert (sketch.min, sketch.max) == (kept[0], kept[-1])
    assert all(math.copysign(1, x) == 1 for x in sketch.weights()[0] if x == 0)


@pytest.mark.parametrize("n", [0, 1, 1023, 1024, 1025, 2048, 10_000, 300_000])
def test_03_weights_sum_to_n_after_every_operation(n: int) -> None:
    sketch = sketch_of(big(1, n))
    for step in range(4):
        assert sketch.weights()[1].sum() == sketch.n == (n + 1) * 2**step - 1
        again = QuantileSketch.from_bytes(sketch.to_bytes())
        assert again.weights()[1].sum() == sketch.n
        sketch.merge(again)
        sketch.update(0.25)


@pytest.mark.parametrize("n", [1025, 10_000, 1_000_000])
def test_04_sizes_are_bounded(n: int) -> None:
    sketch = sketch_of(big(2, n).astype(np.float32))
    assert len(sketch.weights()[0]) <= 5000
    assert len(sketch.to_bytes()) <= 3000


@checked
@given(TREES)
def test_05_small_streams_are_exact_in_any_tree(tree: object) -> None:
    sketch = fold(tree, sketch_of, merged)
    values = finite(fold(tree, list, lambda a, b: a + b))
    assert sketch.is_exact
    assert sketch.error() == 0
    if len(values) == 0:
        assert np.isnan(sketch.quantiles(PROBABILITIES)).all()
        return
    np.testing.assert_array_equal(sketch.quantiles(PROBABILITIES), item(values, PROBABILITIES))
    expected = np.searchsorted(values, values, side="right") / len(values)
    np.testing.assert_array_equal(sketch.ranks(values), expected)


@checked
@given(st.integers(1, 256), st.integers(0, 2**32 - 1))
def test_06_few_distinct_values_are_exact_at_any_n(distinct: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice(rng.normal(0, 100, distinct), 4000)
    sketch = sketch_of(values)
    assert sketch.is_exact
    np.testing.assert_array_equal(
        sketch.quantiles(PROBABILITIES), item(np.sort(values), PROBABILITIES)
    )
    kept, weights = sketch.weights()
    expected, counts = np.unique(values, return_counts=True)
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_array_equal(weights, counts)


@pytest.mark.parametrize("n", [1, 7, 1000, 20_000])
def test_07_quantiles_and_ranks_are_consistent(n: int) -> None:
    values = big(3, n)
    sketch = sketch_of(values)
    q = np.linspace(0, 1, 401)
    quantiles = sketch.quantiles(q)
    assert (np.diff(quantiles) >= 0).all()
    assert (quantiles[0], quantiles[-1]) == (values.min(), values.max())
    assert np.isin(quantiles, values).all()
    x = np.linspace(values.min() - 1, values.max() + 1, 501)
    ranks = sketch.ranks(x)
    assert (np.diff(ranks) >= 0).all()
    assert (ranks[0], ranks[-1]) == (0, 1)
    # quantile(q) is the smallest item whose rank exceeds q; the ends are exact, sampled or not
    assert (sketch.ranks(quantiles)[1:-1] > q[1:-1]).all()


@pytest.mark.parametrize("n", [0, 1, 500, 1024, 1025, 50_000])
def test_08_decoding_gives_the_same_state_and_future(n: int) -> None:
    encoded = sketch_of(big(4, n)).to_bytes()
    again = QuantileSketch.from_bytes(encoded)
    assert again.to_bytes() == encoded
    twin = QuantileSketch.from_bytes(encoded)
    for sketch in (again, twin):
        sketch.update(big(5, 3000))
    assert again.to_bytes() == twin.to_bytes()


@pytest.mark.parametrize("values", [[], [1.5], list(range(40)), big(6, 1024), big(6, 9000)])
def test_10_damaged_bytes_never_give_a_state_that_lies(values: object) -> None:
    data = sketch_of(values).to_bytes()
    rng = np.random.default_rng(0)
    for size in rng.integers(0, len(data), 60):
        with pytest.raises(DecodeError):
            QuantileSketch.from_bytes(data[:size])
    for _ in range(500):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        try:
            sketch = QuantileSketch.from_bytes(bytes(damaged))
        except DecodeError:
            continue
        kept, weights = sketch.weights()
        assert weights.sum() == sketch.n
        assert (np.diff(kept) > 0).all()
        if len(kept):
            assert sketch.min <= kept[0] <= kept[-1] <= sketch.max


@pytest.mark.parametrize("n", [0, 3, 1024, 5000])
def test_11_empty_is_neutral_and_self_merge_doubles(n: int) -> None:
    sketch = sketch_of(big(7, n))
    before = sketch.to_bytes()
    assert merged(sketch, QuantileSketch()).to_bytes() == before
    assert merged(QuantileSketch(), sketch).to_bytes() == before
    other = copy.copy(sketch)
    sketch.merge(sketch)
    assert sketch.n == 2 * n
    assert other.to_bytes() == before


@checked
@given(TREES, st.randoms(use_true_random=False))
def test_12_exact_merges_give_the_same_bytes_in_any_order(tree: object, random: object) -> None:
    leaves: list[list[float]] = []
    fold(tree, leaves.append, lambda _a, _b: None)
    random.shuffle(leaves)  # type: ignore[attr-defined]
    straight = QuantileSketch()
    for leaf in leaves:
        straight.merge(sketch_of(leaf))
    assert fold(tree, sketch_of, merged).to_bytes() == straight.to_bytes()


def test_13_sampled_merges_commute_in_distribution() -> None:
    """Two-sided K-S at 1e-6 on the estimate of the median over 200 keys each way round."""
    scipy_stats = pytest.importorskip("scipy.stats")
    a, b = big(8, 3000), big(9, 4000)
    one_way, other_way = (
        [float(merged(sketch_of(x, key), sketch_of(y, key + 1)).ranks([0.0])[0]) for key in keys]
        for x, y, keys in ((a, b, range(0, 400, 2)), (b, a, range(1000, 1400, 2)))
    )
    assert scipy_stats.ks_2samp(one_way, other_way).pvalue > 1e-6


def test_14_the_bound_is_zero_while_exact_and_grows_by_encoding() -> None:
    sketch = sketch_of(big(10, 1024))
    assert sketch.error() == 0
    sketch.update(big(11, 20_000))
    assert sketch.error() > 0
    assert sketch.error(0.001) > sketch.error(0.1)
    encoded = QuantileSketch.from_bytes(sketch.to_bytes())
    assert encoded.error() >= sketch.error()


SAME_BYTES = """
import hashlib, numpy as np
from lightmeter.sketch import QuantileSketch
rng = np.random.default_rng(0)
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    for n in (1, 100, 1025, 4096, 70_000, 300_000):
        a, b = QuantileSketch(3), QuantileSketch(4)
        a.update(rng.normal(0, 1, n).astype(dtype))
        b.update(rng.exponential(1, n).astype(dtype))
        for x in rng.normal(0, 1, 50): a.update(float(x))
        a.merge(b)
        digest.update(a.to_bytes())
a = QuantileSketch(5)
a.update(rng.integers(0, 65536, (700, 500), dtype=np.uint16))
a.update(rng.integers(0, 256, (700, 500), dtype=np.uint8))
digest.update(a.to_bytes())
print(digest.hexdigest())
"""


def test_15_same_calls_same_bytes_on_every_tier() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", SAME_BYTES],
            env={**os.environ, "LIGHTMETER_KERNELS": tier},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for tier in _core.kernel_tiers()
    }
    assert len(digests) == 1


def test_16_arrays_of_any_type_and_layout_are_their_values() -> None:
    rng = np.random.default_rng(11)
    for dtype in ("u1", "u2", "<f4", ">f4", "f8", ">f8", "i4", "?", "f2", "u8"):
        base = rng.integers(0, 2 if dtype == "?" else 100, (12, 10, 6)).astype(dtype)
        base.flags.writeable = False
        for view in (base, base[::-1], base[:, ::3], base.T, base[0], base[:0], base[None]):
            expected = sketch_of(view.astype(np.float64).ravel())
            sketch = QuantileSketch()
            sketch.update(view)
            assert sketch.to_bytes() == expected.to_bytes(), (dtype, view.shape)
    for values in (big(12, 900), big(12, 30_000)):
        whole, parts = sketch_of(values), QuantileSketch()
        for part in np.array_split(values, 7):
            parts.update(part)
        assert (whole.n, whole.min, whole.max) == (parts.n, parts.min, parts.max)
        assert not whole.is_exact or whole.to_bytes() == parts.to_bytes()


@checked
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 40)), max_size=40))
def test_17_counts_are_repeated_updates(pairs: list[tuple[int, int]]) -> None:
    values = np.array([value for value, _ in pairs], dtype=np.float64)
    counts = np.array([count for _, count in pairs], dtype=np.uint64)
    sketch = QuantileSketch()
    sketch.update_counts(values, counts)
    assert sketch.to_bytes() == sketch_of(np.repeat(values, counts.astype(int))).to_bytes()


def test_17_counts_of_many_values_stay_within_the_bound() -> None:
    values = np.sort(big(13, 3000))
    counts = np.random.default_rng(13).integers(0, 50, 3000).astype(np.uint64)
    sketch = QuantileSketch()
    sketch.update_counts(values, counts)
    everything = np.repeat(values, counts.astype(int))
    assert sketch.n == len(everything)
    assert rank_errors(sketch, everything) <= sketch.error(1e-6)


def test_18_monotone_maps_commute_with_the_sketch() -> None:
    """Only the order of the values counts, so long as the coins, keyed by content, are the same."""
    values = big(14, 900)
    np.testing.assert_array_equal(
        sketch_of(values * 4).quantiles(PROBABILITIES),
        sketch_of(values).quantiles(PROBABILITIES) * 4,
    )


ORDERS = {
    "sorted": np.sort,
    "reversed": lambda x: np.sort(x)[::-1],
    "zigzag": lambda x: np.stack([np.sort(x)[: len(x) // 2], np.sort(x)[::-1][: len(x) // 2]], 1),
    "blocks": lambda x: np.sort(x.reshape(-1, 100), axis=1),
    "organ pipe": lambda x: np.concatenate([np.sort(x)[::2], np.sort(x)[1::2][::-1]]),
    "heavy atom": lambda x: np.where(np.arange(len(x)) % 3, 0.5, x),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("parts", [1, 16, 500])
def test_19_adversarial_orders_stay_within_the_bound(order: str, parts: int) -> None:
    """At delta = 1e-6 a test: 18 of these fail by chance less than once in 50 000 runs."""
    values = np.ascontiguousarray(ORDERS[order](big(15, 40_000))).ravel()
    sketch = QuantileSketch()
    for key, part in enumerate(np.array_split(values, parts)):
        sketch.merge(sketch_of(part, key))
    assert sketch.n == len(values)
    assert rank_errors(sketch, values) <= sketch.error(1e-6)


def test_20_nan_and_infinities_are_apart_also_when_sampled() -> None:
    values = big(16, 4000)
    values[::10] = np.nan
    values[1::10] = np.inf
    values[2::10] = -np.inf
    sketch = sketch_of(values)
    assert (sketch.n, sketch.nan, sketch.pos_inf, sketch.neg_inf) == (2800, 400, 400, 400)
    assert np.isfinite(sketch.quantiles(PROBABILITIES)).all()


def drift(a: object, b: object) -> dict[str, Any]:
    return _core.compare_numbers(sketch_of(a), sketch_of(b))


SOME = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


@checked
@given(SOME, SOME, SOME, st.integers(2, 40))
def test_21_distances_are_distances(a: list[int], b: list[int], c: list[int], times: int) -> None:
    ab, bc, ac = (drift(*pair)["statistic"][0] for pair in ((a, b), (b, c), (a, c)))
    assert ab == drift(b, a)["statistic"][0]
    assert ac <= ab + bc + 1e-12
    same = drift(a, a)
    assert same["statistic"][0] == same["hellinger"] == same["wasserstein"] == 0
    assert drift(a * times, b)["statistic"][0] == ab  # counting more does not move the sample
    assert drift([2.5] * len(a), [2.5] * len(b))["statistic"][0] == 0
    names = []
    for values in (a, b, c):
        names.append(_core.FrequentStrings())
        for value in values:
            names[-1].update(str(value))
    h = [_core.compare_categories(names[i], 0, names[j], 0)["hellinger"] for i, j in PAIRS]
    assert h[2] <= h[0] + h[1] + 1e-12


PAIRS = ((0, 1), (1, 2), (0, 2))


@pytest.mark.parametrize(("n", "m"), [(12, 12), (9, 14), (300, 300), (1500, 1300)])
def test_22_p_values_fall_as_d_rises(n: int, m: int) -> None:
    """The exact case against SciPy is in test_statistics.py."""
    results = [
        drift(big(seed, n), big(seed + 100, m) + shift)
        for seed in range(4)
        for shift in (0.0, 0.02, 0.3, 2.0)
    ]
    for result in results:
        (d, d_low, d_high), (p, p_low, p_high) = result["statistic"], result["ks_p_value"]
        assert 0 <= p_low <= p <= p_high <= 1
        assert 0 <= d_low <= d <= d_high <= 1
    rising = sorted((result["statistic"][0], result["ks_p_value"][0]) for result in results)
    assert all(a[1] >= b[1] for a, b in itertools.pairwise(rising))


def test_23_what_encoding_costs_is_at_most_its_half_step() -> None:
    sketch = sketch_of(big(17, 200_000))
    shipped = QuantileSketch.from_bytes(sketch.to_bytes())
    kept = len(shipped.weights()[0])
    at = np.linspace(-4, 4, 4001)
    assert kept <= 520
    assert np.abs(sketch.ranks(at) - shipped.ranks(at)).max() <= 1 / kept


def test_24_const_queries_from_several_threads() -> None:
    sketch = sketch_of(big(18, 50_000))
    expected = sketch_of(big(18, 50_000)).quantiles(PROBABILITIES)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: sketch.quantiles(PROBABILITIES), range(64)):
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("n", [0, 10, 5000])
def test_25_pickle_copy_and_deepcopy(n: int) -> None:
    sketch = sketch_of(big(19, n))
    for again in (pickle.loads(pickle.dumps(sketch)), copy.copy(sketch), copy.deepcopy(sketch)):
        assert again == sketch
        again.update(1.0)
        assert again != sketch
    with pytest.raises(TypeError):
        hash(sketch)


@checked
@given(st.integers(0, 2**64 - 1), st.integers(0, 1024))
def test_25_pickles_and_copies_keep_the_key(key: int, n: int) -> None:
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


class AgainstAList(RuleBasedStateMachine):
    """Any sequence of operations keeps the sketch equal to what a list of the values says."""

    @initialize()
    def start(self) -> None:
        self.sketch = QuantileSketch()
        self.values: list[float] = []

    @rule(value=numbers())
    def update(self, value: float) -> None:
        self.sketch.update(value)
        self.values.append(value)

    @rule(values=streams(200))
    def update_array(self, values: list[float]) -> None:
        self.sketch.update(np.array(values, dtype=np.float64))
        self.values += values

    @rule(value=st.integers(-9, 9), count=st.integers(0, 300))
    def update_counts(self, value: int, count: int) -> None:
        self.sketch.update_counts([value], [count])
        self.values += [float(value)] * count

    @rule(values=streams(100))
    def merge(self, values: list[float]) -> None:
        self.sketch.merge(sketch_of(values))
        self.values += values

    @rule()
    def encode_and_decode(self) -> None:
        self.sketch = QuantileSketch.from_bytes(self.sketch.to_bytes())

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "sketch"):
            return
        kept = finite(self.values)
        assert self.sketch.n == len(kept)
        assert self.sketch.n + self.sketch.nan + self.sketch.pos_inf + self.sketch.neg_inf == len(
            self.values
        )
        assert self.sketch.weights()[1].sum() == len(kept)
        if len(kept) <= 1024 or len(set(kept)) <= 256:
            assert self.sketch.is_exact
            if len(kept):
                expected = item(kept, PROBABILITIES)
                np.testing.assert_array_equal(self.sketch.quantiles(PROBABILITIES), expected)


AgainstAList.TestCase.settings = settings(max_examples=60, derandomize=True)
TestAgainstAList = AgainstAList.TestCase


@example(0.1)
@given(numbers())
@checked
def test_scalars_of_any_kind_are_numbers(value: float) -> None:
    expected = sketch_of([value]).to_bytes()
    for scalar in (value, np.float64(value), np.array(value)):
        sketch = QuantileSketch()
        sketch.update(scalar)
        assert sketch.to_bytes() == expected


def test_what_a_mask_hides_is_left_out() -> None:
    sketch = QuantileSketch()
    sketch.update(np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 1], [0, 0]]))
    sketch.update(np.ma.masked)
    assert sketch == sketch_of([1, 3, 4])


def test_counts_of_any_integer_type() -> None:
    for counts in ([2, 0, 1], np.array([2, 0, 1], np.uint8), np.array([2, 0, 1], np.int32)):
        sketch = QuantileSketch()
        sketch.update_counts([5, 6, 7], counts)
        sketch.update_counts([], [])
        assert sketch == sketch_of([5, 5, 7])


def test_bytes_come_in_any_buffer() -> None:
    data = sketch_of([1, 2]).to_bytes()
    for buffer in (bytearray(data), memoryview(data), memoryview(bytes(8) + data)[8:]):
        assert QuantileSketch.from_bytes(buffer).to_bytes() == data
        assert _core.DistinctCount.from_bytes(bytearray(_core.DistinctCount().to_bytes()))


def test_merge_many_takes_sketches_only() -> None:
    class Own(QuantileSketch):
        pass

    parts = [sketch_of(big(21, n)) for n in (0, 5, 2000)]
    expected, total = QuantileSketch(), QuantileSketch()
    for part in parts:
        expected.merge(part)
    total.merge_many(tuple(parts))
    assert total.n == expected.n == 2005
    total.merge_many([Own(), *parts])
    assert total.n == 4010
    unmade = QuantileSketch.__new__(QuantileSketch)
    for bad in (None, 1.0, "x", unmade):
        with pytest.raises(TypeError, match="at 1"):
            total.merge_many([parts[0], bad])  # type: ignore[list-item]
    for nothing in (1, parts[0]):
        with pytest.raises(TypeError):
            total.merge_many(nothing)  # type: ignore[arg-type]
    assert total.n == 4010


def test_other_arguments_are_refused() -> None:
    sketch = QuantileSketch()
    for bad in ("x", None, [1, "x"], np.array(["x"]), np.array([1j]), object()):
        with pytest.raises(TypeError, match="expected"):
            sketch.update(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2"):
        sketch.update_counts([1.0, 2.0], [1])
    for counts in ([0.5, 1.7], [1.0, 2.0], ["1", "2"], np.ma.array([1, 2], mask=[1, 0])):
        with pytest.raises(TypeError, match=r"got .*; expected"):
            sketch.update_counts([1, 2], counts)
    for values in (["1", "2"], [1j, 2], np.ma.array([1, 2], mask=[1, 0])):
        with pytest.raises(TypeError, match=r"got .*; expected"):
            sketch.update_counts(values, [1, 2])
    for narrow in (np.int8, np.int64):
        with pytest.raises(ValueError, match="got a count of -1; expected 0 or more"):
            sketch.update_counts([1, 2], np.array([1, -1], narrow))
    with pytest.raises(ValueError, match="too large for a float; expected"):
        sketch.update(10**400)
    for no_bytes in ("x", 3, [1, 2], None):
        with pytest.raises(TypeError, match=r"got a \w+; expected bytes$"):
            QuantileSketch.from_bytes(no_bytes)  # type: ignore[arg-type]
    assert sketch.n == 0
    sketch.update(1.0)
    for q in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="q"):
            sketch.quantiles([q])
    assert sketch.n == 1


def test_reads_datasketches_as_the_wheel_does() -> None:
    datasketches = pytest.importorskip("datasketches")
    for kind, dtype in (("kll_floats_sketch", "float32"), ("kll_doubles_sketch", "float64")):
        for n in (0, 1, 2, 150, 5000, 100_000):
            theirs = getattr(datasketches, kind)(200)
            theirs.update(big(20, n).astype(dtype))
            ours = QuantileSketch.from_datasketches(theirs.serialize(), dtype)
            assert ours.n == n
            if n:
                assert (ours.min, ours.max) == (theirs.get_min_value(), theirs.get_max_value())
                x = np.linspace(-3, 3, 301)
                expected = [theirs.get_rank(value, True) for value in x]
                np.testing.assert_allclose(ours.ranks(x), expected, atol=1e-12)
