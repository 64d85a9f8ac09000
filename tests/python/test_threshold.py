"""The least effect that would have been a drift: on the right side of every verdict, and tight."""

import lightmeter as lm
import numpy as np
import pytest
from conftest import as_of_images
from lightmeter import _core
from lightmeter.drift.threshold import drift_thresholds
from lightmeter.sketch import QuantileSketch
from scipy import stats


def columns(seed: int, n: int, shift: float) -> lm.ProfileView:
    """Numbers without ties, with some and with many, a hue and a category, each shifted more."""
    rng = np.random.default_rng(seed)
    values: dict[str, object] = {
        f"f{i}": rng.normal(shift * i / 6, 1, n).round([8, 1, 0][i % 3]) for i in range(12)
    }
    values["image.Hue.circular_mean"] = rng.normal(100 * shift, 20, n) % 255
    values["kind"] = [str(each) for each in rng.integers(0, 3, n)]
    return as_of_images(lm.log(columns=values).profile())


@pytest.mark.parametrize(("n", "m"), [(10, 10), (12, 300), (60, 420), (700, 900), (5000, 3000)])
@pytest.mark.parametrize("effect", [0.0, 0.1, 0.3])
def test_every_effect_is_on_the_right_side(n: int, m: int, effect: float) -> None:
    sides = 0
    for seed, shift in enumerate((0.0, 0.2, 2.0)):
        target, reference = columns(seed, n, shift), columns(seed + 50, m, 0.0)
        report = lm.compare(target=target, reference=reference, drift=0.02, effect=effect)
        limits = drift_thresholds(report)
        assert not {"image.Hue.circular_mean", "kind"} & set(limits)
        for line in report.features:
            if line.kind != "number":
                continue
            assert line.effect is not None
            limit = limits.get(line.feature, 2.0)
            assert limit >= effect
            assert (line.verdict == "drift") == (line.effect >= limit)
            sides |= 1 << (line.verdict == "drift")
    assert sides == 3


def sketch_of(values: object) -> QuantileSketch:
    sketch = QuantileSketch()
    sketch.update(np.asarray(values, float))
    return sketch


@pytest.mark.parametrize(("n", "m"), [(10, 10), (29, 31), (25, 175), (200, 300)])
@pytest.mark.parametrize("p", [0.05, 1e-3])
def test_it_is_scipys_critical_value(n: int, m: int, p: float) -> None:
    first, second = np.arange(n) / n, np.arange(m) / m
    limit = _core.number_threshold(sketch_of(first), sketch_of(second + 0.3 / m), p, 0.0)
    seen = [
        stats.ks_2samp(first, second + shift, method="exact") for shift in np.linspace(0, 1, 211)
    ]
    enough = [each.statistic for each in seen if each.pvalue <= p]
    others = [each.statistic for each in seen if each.pvalue > p]
    assert max(others) < limit <= min(enough)
    assert limit - max(others) < 0.001 + 1 / np.lcm(n, m) + 0.005
    assert _core.number_threshold(sketch_of(first), sketch_of(second), p, 0.95) == 0.95


def test_where_there_is_none() -> None:
    three, others = sketch_of([1, 2, 3]), sketch_of([1.5, 2.5, 3.5])
    assert np.isnan(_core.number_threshold(three, others, 0.09, 0.0))  # 0.1 is the least p-value
    assert 2 / 3 < _core.number_threshold(three, others, 0.11, 0.0) <= 1
    with pytest.raises(ValueError, match="a sample is empty: got 3 and 0"):
        _core.number_threshold(three, QuantileSketch(), 0.1, 0.0)
    halves = QuantileSketch()
    halves.update_counts(np.array([0.0, 1.0]), np.array([10_000, 10_001]))
    assert np.isnan(_core.number_threshold(halves, halves, 0.05, 0.0))  # takes random deals
    assert _core.number_threshold(halves, halves, 0.05, 0.1) == 0.1
