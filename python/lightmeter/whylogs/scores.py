"""The drift scores of whylogs 1.6.4, for comparing with old numbers.

Their formulas, with what is wrong about them: an asymptotic Kolmogorov-Smirnov test on a grid of
quantiles, Hellinger distance over equal-width bins, a chi-square test that takes the reference for
the truth. Where profiles hold all values the scores are the same; elsewhere whylogs' own differ
from run to run. Judge new data with `lightmeter.compare`.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.profile import ColumnView, ProfileView

if TYPE_CHECKING:
    from lightmeter.sketch import QuantileSketch

__all__ = ["whylogs_compatible"]

_BY_P_VALUE = {"NO_DRIFT": (0.15, 1), "POSSIBLE_DRIFT": (0.05, 0.15), "DRIFT": (0, 0.05)}
_BY_DISTANCE = {"NO_DRIFT": (0, 0.15), "POSSIBLE_DRIFT": (0.15, 0.4), "DRIFT": (0.4, 1)}
_MOST_BINS = 30
_VALUES_PER_BIN = 4


def whylogs_compatible(
    *, target: ProfileView, reference: ProfileView, algorithms: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any] | None]:
    """What whylogs' ``calculate_drift_scores(..., with_thresholds=True)`` returns.

    Args:
        target: the profile to judge.
        reference: what it should look like.
        algorithms: feature to ``ks``, ``hellinger`` or ``chi-square``. By default numbers get
            ``ks`` and strings ``chi-square``.

    Returns:
        For each feature of both profiles None, if it cannot be scored so, or a dict of
        ``algorithm``, ``pvalue``, ``statistic``, ``thresholds`` and ``drift_category``.

    Raises:
        ImportError: SciPy is not installed.
        ValueError: an algorithm is unknown.
    """
    columns, others = target.get_columns(), reference.get_columns()
    chosen = dict(algorithms or {})
    for algorithm in chosen.values():
        if algorithm not in _SCORES:
            raise ValueError(f"algorithm is {algorithm!r}; expected one of {', '.join(_SCORES)}")
    scores: dict[str, dict[str, Any] | None] = {}
    for name in columns.keys() & others.keys():
        pair = columns[name], others[name]
        if any(column.kind in ("hash", "vector") for column in pair):
            scores[name] = None
            continue
        default = "ks" if all(column.numbers.n for column in pair) else "chi-square"
        scores[name] = _SCORES[chosen.get(name, default)](*pair)
    return dict(sorted(scores.items()))


def _scipy_stats() -> Any:
    try:
        from scipy import stats  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError("whylogs_compatible needs SciPy: pip install scipy") from error
    return stats


def _ks(target: ColumnView, reference: ColumnView) -> dict[str, Any] | None:
    sketches = target.numbers, reference.numbers
    n, m = (sketch.n for sketch in sketches)
    if n == 0 or m == 0:
        return None
    grid = np.linspace(0, 1, 100)
    places = np.concatenate([sketch.quantiles(grid) for sketch in sketches])
    below = [_share_below(sketch, places) for sketch in sketches]
    statistic = float(np.abs(below[0] - below[1]).max())
    p = float(_scipy_stats().distributions.kstwo.sf(statistic, np.round(m * n / (m + n))))
    return None if math.isnan(p) else _score("ks", statistic, p, _BY_P_VALUE)


def _hellinger(target: ColumnView, reference: ColumnView) -> dict[str, Any] | None:
    sketches = target.numbers, reference.numbers
    if sketches[0].n == 0 or sketches[1].n == 0:
        return None
    low = min(sketch.min for sketch in sketches)
    high = max(sketch.max for sketch in sketches)
    edges = _edges(low, high, sum(sketch.n for sketch in sketches))
    masses = [
        np.diff(_share_below(sketch, edges), prepend=0.0, append=1.0).clip(0) for sketch in sketches
    ]
    distance = float(np.linalg.norm(np.sqrt(masses[0]) - np.sqrt(masses[1])) / math.sqrt(2))
    distance = min(distance, 1.0)
    return _score("hellinger", distance, None, _BY_DISTANCE)


def _chi_square(target: ColumnView, reference: ColumnView) -> dict[str, Any] | None:
    counts = [{item.value: item.est for item in column.frequent} for column in (target, reference)]
    if target.n == 0 or reference.n == 0 or not (counts[0] or counts[1]):
        return None
    statistic = 0.0
    for value in counts[0] | counts[1]:
        expected = int(counts[1].get(value, 0) / reference.n * target.n)
        if expected == 0:
            statistic = math.inf
            break
        statistic += (counts[0].get(value, 0) - expected) ** 2 / expected
    distinct = int(target.to_summary_dict()["cardinality/est"])
    p = float(_scipy_stats().chi2.sf(statistic, max(distinct - 1, 1)))
    return _score("chi-square", statistic, p, _BY_P_VALUE)


_SCORES = {"ks": _ks, "hellinger": _hellinger, "chi-square": _chi_square}


def _share_below(sketch: "QuantileSketch", places: NDArray[np.float64]) -> NDArray[np.float64]:
    return sketch.ranks(np.nextafter(places, -np.inf))


def _edges(low: float, high: float, n: int) -> NDArray[np.float64]:
    """At most 30 bins of equal width that differ as float32."""
    high += abs(high) * 1e-7 if high != 0 else 1e-7
    bins = max(min(math.ceil(n / _VALUES_PER_BIN), _MOST_BINS), 2)
    width = (high - low) / bins
    largest = max(abs(low), abs(high))
    least = 2.0 ** (math.floor(math.log2(largest)) - 23)
    if width < least:
        bins = max(math.floor((high - low) / least), 1)
        width = (high - low) / bins
    return np.array([low + i * width for i in range(bins + 1)])


def _score(
    algorithm: str, statistic: float, p: float | None, thresholds: dict[str, tuple[float, float]]
) -> dict[str, Any]:
    measure = statistic if p is None else p
    return {
        "algorithm": algorithm,
        "pvalue": p,
        "statistic": statistic,
        "thresholds": thresholds,
        "drift_category": _category(measure, thresholds),
    }


def _category(measure: float, thresholds: dict[str, tuple[float, float]]) -> str:
    """The most severe range that holds the measure, as whylogs decides at the ends of ranges."""
    highest = -math.inf
    for name in ("DRIFT", "POSSIBLE_DRIFT"):
        low, high = thresholds[name]
        highest = max(highest, high)
        if low <= measure < high or measure == highest:
            return name
    return "NO_DRIFT"
