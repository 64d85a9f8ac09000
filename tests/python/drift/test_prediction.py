"""The next value of a series: one estimate behind its p-value and its interval."""

import numpy as np
import pytest
from lightmeter.drift.prediction import predict, predicted_interval


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
