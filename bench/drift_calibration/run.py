"""How often verdicts are wrong where nothing changed, and how often right where something did.

python bench/drift_calibration/run.py                     # about half an hour
python bench/drift_calibration/run.py --quick             # about a minute
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

TRIALS = {20: 20_000, 50: 20_000, 100: 20_000, 1000: 1500, 10_000: 200}
TRIALS |= {100_000: 100, 1_000_000: 100}
QUICK = {20: 400, 100: 200}
POWER_SIZES = {20: 400, 50: 800, 200: 400, 1000: 200, 2000: 100, 5000: 60, 100_000: 20}
POWER_SIZES |= {1_000_000: 10}
QUICK_POWER = {50: 40, 200: 40}
FEATURES = 10
MOST_FOR_PEERS = 5000  # their rules take raw numbers, and say the same from there on
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
                    if n <= MOST_FOR_PEERS:
                        hits[name] += any(rule(target[k], reference[k]) for k in asked)
            cells = [
                f"{100 * hits[name] / trials:.0f}" if name in OURS or n <= MOST_FOR_PEERS else ""
                for name in names
            ]
            print(f"| {n} | {change} |", " | ".join(cells), "|", flush=True)


def many_features_line(trials: int = 200) -> None:
    """Hue turned by .75 of its standard deviation, the only one of 60 features that changed."""
    hits = 0
    for trial in range(trials):
        rng = np.random.default_rng([60, trial])
        sides = []
        for n, turned in ((100, 15.0), (700, 0.0)):
            columns: Columns = {f"x{k}": rng.normal(0, 1, n) for k in range(59)}
            columns["image.Hue.circular_mean"] = rng.normal(100 + turned, 20, n) % 255
            sides.append(view(columns))
        report = lm.compare(target=sides[0], reference=sides[1], drift=0.01)
        hits += report["image.Hue.circular_mean"].verdict == "drift"
    print(
        f"\nhue alone among 60 features, .75 sd, n = 100/700, q = .01: {100 * hits / trials:.0f} %"
    )


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
    parser.add_argument("--most", type=int, default=1_000_000, help="largest n of the tables")
    parser.add_argument("--quick", action="store_true", help="few draws, about a minute")
    tables = ["null", "power"]
    parser.add_argument("--tables", nargs="+", choices=tables, default=tables)
    arguments = parser.parse_args()
    print(f"lightmeter {lm.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    sizes, power_sizes = (QUICK, QUICK_POWER) if arguments.quick else (TRIALS, POWER_SIZES)
    if "null" in arguments.tables:
        null_table({n: trials for n, trials in sizes.items() if n <= arguments.most})
    if "power" in arguments.tables:
        power_table({n: trials for n, trials in power_sizes.items() if n <= arguments.most})
        many_features_line()
    if arguments.pictures:
        picture_line(arguments.pictures)
