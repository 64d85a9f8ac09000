"""whylogs' scores, recorded from whylogs 1.6.4 with NumPy 1.26 on the same values."""

from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.whylogs import whylogs_compatible
from numpy.typing import NDArray


def spread(n: int, start: float, shift: float) -> NDArray[np.float64]:
    """Uneven values from plain arithmetic, so that any NumPy gives the same."""
    return ((np.arange(n) * 0.6180339887498949 + start) % 1.0) ** 2 * 10 + shift


MIX = ["a"] * 50 + ["b"] * 30 + ["c"] * 20, ["a"] * 80 + ["b"] * 70 + ["c"] * 50


@pytest.mark.parametrize(
    ("target", "reference", "algorithm", "expected"),
    [
        (spread(364, 0.1, 4), spread(300, 0.3, 3), "ks", (0.3233333333333333, "DRIFT")),
        (spread(364, 0.1, 4), spread(300, 0.3, 3), "hellinger", (0.416460589137142, "DRIFT")),
        (*MIX, None, (4.214285714285714, "POSSIBLE_DRIFT")),
    ],
)
def test_scores_are_those_of_whylogs(
    target: Any, reference: Any, algorithm: Any, expected: tuple[float, str]
) -> None:
    sides = {
        name: lm.log(columns={"v": values}).view()
        for name, values in (("target", target), ("reference", reference))
    }
    algorithms = {"v": algorithm} if algorithm else {}
    score: Any = whylogs_compatible(**sides, algorithms=algorithms)["v"]
    assert score["statistic"] == pytest.approx(expected[0], abs=1e-12)
    assert score["drift_category"] == expected[1]
