"""False alarms of the test of means by groups, with as many draws as a per cent needs.

python bench/drift_calibration/groups_of_moments.py                 # about half an hour
python bench/drift_calibration/groups_of_moments.py --draws 1000

As `groups.py`, but nothing is logged: groups are drawn, hashed to places as a profile does, and
given to the test as counts, means and squares.
"""

import argparse

import numpy as np
from groups import COUNTS, SIZES
from lightmeter.drift.groups import Grouped, mean_p_value

PLACES, MOST = 4096, 256
ICCS = (0.1, 0.5, 0.9)


def side(rng: np.random.Generator, groups: int, sizes: str, icc: float, skewed: bool) -> Grouped:
    n = SIZES[sizes](rng, groups).astype(float)
    effects = rng.exponential(1, groups) - 1 if skewed else rng.normal(0, 1, groups)
    means = np.sqrt(icc) * effects + np.sqrt((1 - icc) / n) * rng.normal(0, 1, groups)
    squares = (1 - icc) * np.where(n > 1, rng.chisquare(np.maximum(n - 1, 1)), 0)
    alone = (n == 1) & (sizes == "half a group each")
    place, places = rng.integers(0, PLACES, groups), PLACES
    while len(np.unique(place[~alone])) > MOST:
        places //= 2
        place %= places
    at, x, of, own = place[~alone], means[~alone], n[~alone], squares[~alone]
    counts = np.bincount(at, of, places)
    centres = np.bincount(at, of * x, places) / np.maximum(counts, 1)
    within = float(own.sum() + (of * (x - centres[at]) ** 2).sum())
    single = means[alone]
    mean = single.mean() if len(single) else 0.0
    return Grouped.of(
        np.append(counts, len(single)),
        np.append(centres, mean),
        within,
        float(((single - mean) ** 2).sum()),
    )


def false_alarms(draws: int, groups: tuple[int, int], sizes: str, icc: float, skewed: bool) -> str:
    rng = np.random.default_rng([7, *groups, round(10 * icc)])
    p = [
        mean_p_value(*(side(rng, count, sizes, icc, skewed) for count in groups))
        for _ in range(draws)
    ]
    return f"{100 * (np.array(p) <= 0.05).mean():.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=8000, help="comparisons for each cell")
    draws = parser.parse_args().draws
    kinds = [(sizes, False) for sizes in SIZES] + [("10", True)]
    print("% with p at most 0.05 where nothing changed, for an ICC of .1, .5 and .9\n")
    print("| groups |", " | ".join(sizes + ", skewed" * skewed for sizes, skewed in kinds), "|")
    print("|---" * (1 + len(kinds)) + "|")
    for counts in COUNTS:
        cells = (
            " ".join(false_alarms(draws, counts, sizes, icc, skewed) for icc in ICCS)
            for sizes, skewed in kinds
        )
        print(f"| {counts[0]} / {counts[1]} |", " | ".join(cells), "|", flush=True)
