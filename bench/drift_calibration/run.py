"""How often verdicts are wrong where nothing changed, and how often right where something did.

python bench/drift_calibration/run.py                     # about half an hour
python bench/drift_calibration/run.py --quick             # about a minute
python bench/drift_calibration/run.py --tables null       # or power, p-values, sizes
python bench/drift_calibration/run.py --pictures ~/photos # also random halves of a folder
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import lightmeter as lm
import numpy as np
from lightmeter import _core
from lightmeter.batch.sources.folder import find_images
from populations import CHANGES, POPULATIONS, Columns
from rules import RULES
from scipy import stats

TRIALS = {20: 4000, 50: 4000, 200: 4000, 1000: 600}
POWER_TRIALS = {20: 400, 50: 600, 200: 400, 1000: 150, 5000: 30}
P_VALUES = (
    ((20, 20), "no ties", 60_000),
    ((20, 20), "binomial", 10_000),
    ((100, 700), "no ties", 20_000),
    ((100, 700), "binomial", 10_000),
    ((1000, 1000), "no ties", 5000),
)
NEAR_TRIALS = {200: 400, 500: 400, 1000: 400, 2000: 400}
QUICK = 20  # times fewer comparisons
FEATURES = 10
OURS: dict[str, dict[str, float]] = {"lightmeter": {}, "with effect=0": {"effect": 0.0}}


def view(columns: Columns) -> lm.ProfileView:
    """Columns named as the numbers of images mean what these do."""
    profile = lm.log(columns=columns).profile()
    for name, role, *_ in _core.image_numbers():
        if f"image.{name}" in columns:
            profile._core.log_numbers(f"image.{name}", np.empty(0), role, "image")
    return profile.view()


def upper_limit(hits: int, trials: int) -> float:
    """One-sided 95 % limit of Clopper and Pearson."""
    return float(stats.beta.ppf(0.95, hits + 1, trials - hits)) if hits < trials else 1.0


def false_alarms(trials: int, sides: Callable[[int], tuple[lm.ProfileView, lm.ProfileView]]) -> str:
    hits = 0
    for trial in range(trials):
        target, reference = sides(trial)
        hits += bool(lm.compare(target=target, reference=reference).drifted)
    share, limit = hits / trials, upper_limit(hits, trials)
    return f"{100 * share:.1f} ({100 * limit:.1f})"


def null_table(sizes: dict[int, int]) -> None:
    print("\n% of comparisons with any false `drift` (upper 95 % limit)\n")
    print("| n on either side | comparisons |", " | ".join(POPULATIONS), "|")
    print("| --- " * (2 + len(POPULATIONS)) + "|")
    for n, trials in sizes.items():
        cells = []
        for seed, draw in enumerate(POPULATIONS.values()):

            def sides(trial: int, draw=draw, seed=seed, n=n):  # type: ignore[no-untyped-def]
                rng = np.random.default_rng([seed, n, trial])
                return view(draw(rng, n)), view(draw(rng, n))

            cells.append(false_alarms(trials, sides))
        print(f"| {n} | {trials} |", " | ".join(cells), "|", flush=True)


def power_table(sizes: dict[int, int]) -> None:
    print(
        f"\n% of comparisons that flag the one changed feature of {FEATURES}; where none is, any\n"
    )
    names = [*OURS, *RULES]
    print("| n on either side | change |", " | ".join(names), "|")
    print("| --- " * (2 + len(names)) + "|")
    for n, trials in sizes.items():
        for change, draw in CHANGES.items():
            hits = dict.fromkeys(names, 0)
            for trial in range(trials):
                rng = np.random.default_rng([n, len(change), trial])
                reference, target = rng.normal(0, 1, (2, FEATURES, n))
                if draw is not None:
                    target[0] = draw(rng, n)
                asked = range(FEATURES if draw is None else 1)
                views = [
                    view({f"f{k}": side[k] for k in range(FEATURES)})
                    for side in (target, reference)
                ]
                for name, least in OURS.items():
                    report = lm.compare(target=views[0], reference=views[1], **least)
                    flagged = {line.feature for line in report.drifted}
                    hits[name] += any(f"f{k}" in flagged for k in asked)
                for name, rule in RULES.items():
                    hits[name] += any(rule(target[k], reference[k]) for k in asked)
            cells = [f"{100 * hits[name] / trials:.0f}" for name in names]
            print(f"| {n} | {change} |", " | ".join(cells), "|", flush=True)


def p_value_table(quick: int) -> None:
    print("\nhow often the p-value is at most a when nothing changed, as a multiple of a\n")
    levels = (0.05, 0.005, 0.001, 1e-4)
    print("| sizes | values | draws |", " | ".join(f"{level:g}" for level in levels), "|")
    print("| --- " * (3 + len(levels)) + "|")
    for sizes, kind, draws in P_VALUES:
        draw, draws = POPULATIONS["continuous" if kind == "no ties" else "tied"], draws // quick
        p = np.empty(draws)
        for trial in range(draws):
            rng = np.random.default_rng([*sizes, trial])
            target, reference = (view(draw(rng, n)) for n in sizes)
            p[trial] = lm.compare(target=target, reference=reference)["value"].p_value
        cells = " | ".join(f"{(p <= level).mean() / level:.2f}" for level in levels)
        print(f"| {sizes[0]} / {sizes[1]} | {kind} | {draws} | {cells} |", flush=True)


def near_table(quick: int) -> None:
    """Two normal distributions that differ by less than the smallest shift that counts."""
    print("\n% called `drift` with a true D of 0.06, below the minimum shift of 0.1\n")
    print("| n on either side | comparisons | % |\n| --- | --- | --- |")
    moved = 2 * stats.norm.ppf(0.53)
    for n, trials in NEAR_TRIALS.items():
        hits = 0
        for trial in range(trials // quick):
            rng = np.random.default_rng([n, trial])
            target, reference = (view({"value": rng.normal(by, 1, n)}) for by in (moved, 0))
            hits += bool(lm.compare(target=target, reference=reference).drifted)
        print(f"| {n} | {trials // quick} | {100 * hits / (trials // quick):.0f} |", flush=True)


def picture_line(folder: Path, trials: int = 2000) -> None:
    views = [lm.log_image(path).view() for path in find_images(folder)]

    def halves(trial: int) -> tuple[lm.ProfileView, lm.ProfileView]:
        order = np.random.default_rng(trial).permutation(len(views))
        middle = len(views) // 2
        parts = order[:middle], order[middle:]
        target, reference = (lm.ProfileView.merge_many(views[i] for i in part) for part in parts)
        return target, reference

    print(
        f"\nrandom halves of {len(views)} pictures, {trials} times: {false_alarms(trials, halves)}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="a folder of one kind of pictures")
    parser.add_argument("--quick", action="store_true", help="few draws, about a minute")
    tables = {
        "null": lambda quick: null_table({n: most // quick for n, most in TRIALS.items()}),
        "power": lambda quick: power_table({n: most // quick for n, most in POWER_TRIALS.items()}),
        "p-values": p_value_table,
        "sizes": near_table,
    }
    parser.add_argument("--tables", nargs="+", choices=list(tables), default=list(tables))
    arguments = parser.parse_args()
    print(f"lightmeter {lm.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    for name in arguments.tables:
        tables[name](QUICK if arguments.quick else 1)
    if arguments.pictures:
        picture_line(arguments.pictures)
