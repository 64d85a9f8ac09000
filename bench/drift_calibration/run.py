"""How often verdicts are wrong where nothing changed, and how often right where something did.

python bench/drift_calibration/run.py                     # about twelve minutes
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
from populations import POPULATIONS, Columns
from rules import RULES
from scipy import stats

TRIALS = {20: 20_000, 50: 20_000, 100: 20_000, 1000: 1500, 10_000: 200, 100_000: 100, 1_000_000: 60}
SHIFTS = (0.0, 0.2, 0.5, 1.0)
POWER_SIZES = {20: 400, 50: 400, 200: 400, 1000: 200, 5000: 60}
FEATURES = 10


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


def null_table(most: int) -> None:
    print("\n% of comparisons with any false `drift` (upper 95 % limit)\n")
    print("| n on either side | comparisons |", " | ".join(POPULATIONS), "|")
    print("| --- " * (2 + len(POPULATIONS)) + "|")
    for n, trials in TRIALS.items():
        if n > most:
            continue
        cells = []
        for seed, draw in enumerate(POPULATIONS.values()):

            def sides(trial: int, draw=draw, seed=seed, n=n):  # type: ignore[no-untyped-def]
                rng = np.random.default_rng([seed, n, trial])
                return view(draw(rng, n)), view(draw(rng, n))

            cells.append(false_alarms(trials, sides))
        print(f"| {n} | {trials} |", " | ".join(cells), "|", flush=True)


def power_table() -> None:
    print(f"\n% of comparisons that flag the one shifted feature of {FEATURES}; for shift 0, any\n")
    names = ["lightmeter", "with effect=0", *RULES]
    print("| n on either side | shift, sd |", " | ".join(names), "|")
    print("| --- " * (2 + len(names)) + "|")
    for n, trials in POWER_SIZES.items():
        for shift in SHIFTS:
            hits = dict.fromkeys(names, 0)
            for trial in range(trials):
                rng = np.random.default_rng([n, round(10 * shift), trial])
                reference, target = rng.normal(0, 1, (2, FEATURES, n))
                target[0] += shift
                asked = range(FEATURES if shift == 0 else 1)
                views = [
                    view({f"f{k}": side[k] for k in range(FEATURES)})
                    for side in (target, reference)
                ]
                for name, least in (("lightmeter", 0.1), ("with effect=0", 0.0)):
                    report = lm.compare(target=views[0], reference=views[1], effect=least)
                    flagged = {line.feature for line in report.drifted}
                    hits[name] += any(f"f{k}" in flagged for k in asked)
                for name, rule in RULES.items():
                    hits[name] += any(rule(target[k], reference[k]) for k in asked)
            cells = " | ".join(f"{100 * hits[name] / trials:.0f}" for name in names)
            print(f"| {n} | {shift} | {cells} |", flush=True)


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
    parser.add_argument("--most", type=int, default=1_000_000, help="largest n of the first table")
    arguments = parser.parse_args()
    print(f"lightmeter {lm.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    null_table(arguments.most)
    power_table()
    if arguments.pictures:
        picture_line(arguments.pictures)
