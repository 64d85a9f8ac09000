"""whylogs' scores, recorded from whylogs 1.6.4 with NumPy 1.26 on the same values."""

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.whylogs import whylogs_compatible
from numpy.typing import NDArray

pytest.importorskip("scipy")
INF = float("inf")


def spread(n: int, start: float, scale: float, shift: float) -> NDArray[np.float64]:
    """Uneven values from plain arithmetic, so that any NumPy gives the same."""
    return ((np.arange(n) * 0.6180339887498949 + start) % 1.0) ** 2 * scale + shift


# target, reference, then K-S and Hellinger: statistic, p-value, category
NUMBERS = {
    "same": (
        spread(50, 0.1, 10, 3),
        spread(50, 0.3, 10, 3),
        (0.040000000000000036, 0.9999999998253593, "NO_DRIFT"),
        (0.1507995790911064, None, "POSSIBLE_DRIFT"),
    ),
    "shifted": (
        spread(364, 0.1, 10, 4),
        spread(300, 0.3, 10, 3),
        (0.3233333333333333, 9.264957982422713e-16, "DRIFT"),
        (0.416460589137142, None, "DRIFT"),
    ),
    "few": (
        spread(7, 0.1, 10, 0),
        spread(12, 0.4, 10, 0),
        (0.1785714285714286, 0.9968372553102873, "NO_DRIFT"),
        (0.27235987264545514, None, "POSSIBLE_DRIFT"),
    ),
    "far": (
        spread(30, 0.1, 1, 9),
        spread(40, 0.1, 1, 0),
        (1.0, 0.0, "DRIFT"),
        (0.9999999999999999, None, "DRIFT"),
    ),
    "ints": (
        np.floor(spread(200, 0.1, 6, 0)),
        np.floor(spread(150, 0.2, 5, 1)),
        (0.41, 1.3752263381203474e-13, "DRIFT"),
        (0.493510582133259, None, "DRIFT"),
    ),
    "wide": (
        spread(99, 0.1, 1e6, -5),
        spread(1000, 0.2, 9e5, 0),
        (0.05660606060606055, 0.9194558362661303, "NO_DRIFT"),
        (0.1656724328822667, None, "POSSIBLE_DRIFT"),
    ),
    "constant": (
        np.full(5, 2.0),
        np.full(9, 2.0),
        (0.0, 1.0, "NO_DRIFT"),
        (0.0, None, "NO_DRIFT"),
    ),
}
CATEGORIES = {
    "mix": (
        ["a"] * 50 + ["b"] * 30 + ["c"] * 20,
        ["a"] * 80 + ["b"] * 70 + ["c"] * 50,
        (4.214285714285714, 0.12158485594365533, "POSSIBLE_DRIFT"),
    ),
    "new": (["a"] * 50 + ["z"] * 2, ["a"] * 80, (INF, 0.0, "DRIFT")),
    "rare": (["RGB"] * 50, ["RGB"] * 999 + ["L"], (INF, 0.0, "DRIFT")),
    "equal": (["x", "y"] * 20, ["x", "y"] * 30, (0.0, 1.0, "NO_DRIFT")),
    "half": (
        ["x"] * 11 + ["y"] * 29 + [None] * 5,
        ["x"] * 30 + ["y"] * 30,
        (7.727272727272727, 0.005439284782795855, "DRIFT"),
    ),
}


def view(values: object) -> lm.ProfileView:
    return lm.log(columns={"v": values}).view()


def check(score: object, expected: tuple[float, float | None, str]) -> None:
    assert isinstance(score, dict)
    assert score["statistic"] == pytest.approx(expected[0], abs=1e-12)
    if expected[1] is None:
        assert score["pvalue"] is None
    else:
        assert score["pvalue"] == pytest.approx(expected[1], rel=1e-9)
    assert score["drift_category"] == expected[2]
    assert set(score["thresholds"]) == {"NO_DRIFT", "POSSIBLE_DRIFT", "DRIFT"}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_score_as_in_whylogs(case: str) -> None:
    target, reference, ks, hellinger = NUMBERS[case]
    sides = {"target": view(target), "reference": view(reference)}
    check(whylogs_compatible(**sides)["v"], ks)
    check(whylogs_compatible(**sides, algorithms={"v": "hellinger"})["v"], hellinger)


@pytest.mark.parametrize("case", CATEGORIES)
def test_categories_score_as_in_whylogs(case: str) -> None:
    target, reference, expected = CATEGORIES[case]
    sides = {"target": view(target), "reference": view(reference)}
    check(whylogs_compatible(**sides)["v"], expected)
    assert whylogs_compatible(**sides, algorithms={"v": "ks"})["v"] is None


def test_unknown_algorithms_are_refused() -> None:
    with pytest.raises(ValueError, match="psi"):
        whylogs_compatible(target=view([1]), reference=view([1]), algorithms={"v": "psi"})
