"""Hotelling's test of vectors and of the numbers of images together: false alarms and power.

python bench/drift_calibration/vectors.py          # the tables: ten minutes
python bench/drift_calibration/vectors.py --quick  # a tenth of the draws
"""

import argparse
import sys
from collections.abc import Callable

import lightmeter as lm
import numpy as np
from lightmeter import _core
from lightmeter.drift.vectors import compare_vectors
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]

MARGINALS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed (exponential)": lambda rng, shape: rng.standard_exponential(shape),
    "bounded (arcsine)": lambda rng, shape: rng.beta(0.5, 0.5, shape),
    "tied (Poisson .7)": lambda rng, shape: rng.poisson(0.7, shape).astype(np.float64),
    "heavy (log-normal .75)": lambda rng, shape: np.exp(0.75 * rng.standard_normal(shape)),
}
# How many vectors, their length, and how often they are drawn. Those of ten numbers are their own
# projection and independent.
SHORT = 10
ROWS = [
    ((20, 20), SHORT, 4000),
    ((50, 50), SHORT, 4000),
    ((1000, 1000), SHORT, 4000),
    ((20, 5000), SHORT, 4000),
    ((20, 20), 40, 4000),
    ((1000, 1000), 40, 4000),
    ((1000, 100_000), 40, 1000),
    ((100_000, 100_000), 40, 500),
]
# Larger sides are summed from parts, of which new ones are drawn now and then.
PARTS, PART, DRAWS_OF_PARTS = 250, 1000, 100


def log(name: str, rows: Array) -> _core.Profile:
    core = _core.Profile()
    core.log_vectors(name, rows)
    return core


def p_value_of(sides: list[_core.Profile]) -> float | None:
    row = lm.FeatureDrift(feature="v", kind="vector", n_target=0, n_reference=0)
    compare_vectors(row, (sides[0], sides[1]), tested=True)
    return row.p_value


def correlated(draw: Draw, rng: np.random.Generator, n: int, length: int, rho: float) -> Array:
    own = draw(rng, (n, length))
    return np.sqrt(1 - rho) * own + np.sqrt(rho) * draw(rng, (n, 1)) if rho else own


def p_values(draw: Draw, sizes: tuple[int, int], length: int, draws: int, seed: int) -> Array:
    rng = np.random.default_rng([seed, *sizes, length])
    rho = 0.0 if length == SHORT else 0.3
    results = []
    if max(sizes) <= 2 * PART:
        for _ in range(draws):
            sides = [log("v", correlated(draw, rng, n, length, rho)) for n in sizes]
            results.append(p_value_of(sides))
    else:
        parts: list[_core.Profile] = []
        for trial in range(draws):
            if trial % DRAWS_OF_PARTS == 0:
                parts = [log("v", correlated(draw, rng, PART, length, rho)) for _ in range(PARTS)]
            order = iter(rng.permutation(PARTS))
            sides = []
            for n in sizes:
                side = _core.Profile()
                for _ in range(n // PART):
                    side.merge(parts[next(order)])
                if n % PART:
                    side.merge(log("v", correlated(draw, rng, n % PART, length, rho)))
                sides.append(side)
            results.append(p_value_of(sides))
    return np.array(results, np.float64)


def null_table(quick: int) -> None:
    print("\n% of p-values up to .05 where nothing changed\n")
    print("| vectors | length |", " | ".join(MARGINALS), "|")
    print("| --- " * (2 + len(MARGINALS)) + "|")
    for sizes, length, draws in ROWS:
        cells = []
        for seed, draw in enumerate(MARGINALS.values()):
            p = p_values(draw, sizes, length, draws // quick, seed)
            cells.append(f"{100 * np.mean(p <= 0.05):.1f}")
        print(f"| {sizes[0]} / {sizes[1]} | {length} |", " | ".join(cells), "|", flush=True)


def power_table(draws: int, shift: float = 0.2, numbers: int = 10) -> None:
    """Beside what theory says of the F test, which knows the covariance."""
    print(f"\n% found at .05, by correlation: {shift} sd in all of {numbers} numbers; in theory\n")
    correlations = (0.0, 0.3, 0.7)
    print("| n on either side |", " | ".join(map(str, correlations)), "|")
    print("| --- " * (1 + len(correlations)) + "|")
    for n in (50, 200, 1000):
        cells = []
        for rho in correlations:
            hits = 0
            rng = np.random.default_rng([n, int(10 * rho)])
            for _ in range(draws):
                sides = []
                for moved in (shift, 0.0):
                    rows = correlated(MARGINALS["normal"], rng, n, numbers, rho) + moved
                    sides.append(log("v", rows))
                p_value = p_value_of(sides)
                hits += p_value is not None and p_value <= 0.05
            covariance = np.full((numbers, numbers), rho) + (1 - rho) * np.eye(numbers)
            d2 = shift**2 * np.linalg.inv(covariance).sum()
            rest = 2 * n - numbers - 1
            bound = stats.f.isf(0.05, numbers, rest)
            exact = stats.ncf.sf(bound, numbers, rest, n / 2 * d2)
            cells.append(f"{100 * hits / draws:.0f}, {100 * exact:.0f}")
        print(f"| {n} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    print(f"lightmeter {lm.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    quick = 10 if arguments.quick else 1
    power_table(4000 // quick)
    null_table(quick)
