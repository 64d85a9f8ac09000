"""What families cost and promise: false alarms with several, and the power that others leave one.

python bench/drift_calibration/families.py                 # about five minutes
"""

import sys
from collections.abc import Callable

import lightmeter as lm
import numpy as np
from lightmeter import _core
from lightmeter.drift.row import benjamini_hochberg, q_values
from populations import Columns, images
from run import upper_limit

TRIALS = {20: 1000, 50: 1000, 100: 1000, 1000: 300}
EXIF = {"image.Make", "image.Orientation", "image.ISOSpeedRatings"}
SHIFT = 0.5
FEATURES = 10
POWER_SIZES = {50: 800, 100: 800, 200: 800}
OTHERS = (1, 55, 500)

Draw = Callable[[np.random.Generator, int], Columns]


def independent(rng: np.random.Generator, n: int) -> Columns:
    """Ten numbers in each of three families, a third of them tied."""
    names = [f"{family} {k}" for family in ("image.", "exif.", "value") for k in range(10)]
    draws = (lambda: rng.normal(0, 1, n), lambda: rng.binomial(9, 0.3, n), lambda: rng.random(n))
    return {name: draws[k % 3]() for k, name in enumerate(names)}


def dependent(rng: np.random.Generator, n: int) -> Columns:
    """Images with Exif, and values that mostly follow one cause; half of them came with it."""
    columns = images(rng, n)
    light = np.asarray(columns["image.Brightness.mean"])
    common = (light - 190) / 13 + rng.normal(0, 1, n)
    for k in range(20):
        columns[f"value {k}"] = common + 0.7 * rng.normal(0, 1, n)
        columns[f"flag {k}"] = np.where(common + 0.3 * rng.normal(0, 1, n) > 1.5, np.nan, 1.0)
    return columns


def wide(rng: np.random.Generator, n: int) -> Columns:
    """A few numbers of images and Exif beside 300 values."""
    names = [*(f"image. {k}" for k in range(5)), *(f"exif. {k}" for k in range(5))]
    names += [f"value {k}" for k in range(300)]
    return dict(zip(names, rng.normal(0, 1, (len(names), n)), strict=True))


POPULATIONS: dict[str, Draw] = {
    "independent": independent,
    "dependent": dependent,
    "300 values": wide,
}


def view(columns: Columns) -> lm.ProfileView:
    """Columns in the families that their names say."""
    profile = lm.log(columns=columns).profile()
    roles = {f"image.{name}": role for name, role, *_ in _core.image_numbers()}
    for name in columns:
        if name in EXIF or name.startswith("exif."):
            profile._core.log_numbers(name, np.empty(0), "plain", "exif")
        elif name.startswith("image."):
            profile._core.log_numbers(name, np.empty(0), roles.get(name, "plain"), "image")
    return profile.view()


def null_table() -> None:
    print("\n% of comparisons with any false `drift` (upper 95 % limit)\n")
    print("| n on either side | comparisons |", " | ".join(POPULATIONS), "|")
    print("| --- " * (2 + len(POPULATIONS)) + "|")
    for n, trials in TRIALS.items():
        cells = []
        for seed, draw in enumerate(POPULATIONS.values()):
            hits = 0
            for trial in range(trials):
                rng = np.random.default_rng([seed, n, trial])
                target, reference = view(draw(rng, n)), view(draw(rng, n))
                hits += bool(lm.compare(target=target, reference=reference).drifted)
            cells.append(f"{100 * hits / trials:.1f} ({100 * upper_limit(hits, trials):.1f})")
        print(f"| {n} | {trials} |", " | ".join(cells), "|", flush=True)


def power_table() -> None:
    """The p-values of the others are drawn as such: uniform, as those of numbers without drift."""
    print(f"\n% of comparisons that flag the feature of {FEATURES} that is shifted by {SHIFT} sd\n")
    others = [(0, 0), *((families, size) for families in (1, 2, 3) for size in OTHERS)]
    names = [f"{families} x {size}" if families else "alone" for families, size in others]
    print("| n on either side | judged in |", " | ".join(names), "|")
    print("| --- " * (2 + len(names)) + "|")
    rules = {
        "families": q_values,
        "one family": lambda p, families: benjamini_hochberg(p),
    }
    for n, trials in POWER_SIZES.items():
        hits = {rule: [0] * len(others) for rule in rules}
        for trial in range(trials):
            rng = np.random.default_rng([n, trial])
            reference, target = rng.normal(0, 1, (2, FEATURES, n))
            target[0] += SHIFT
            views = [
                view({f"f{k}": column for k, column in enumerate(side)})
                for side in (target, reference)
            ]
            report = lm.compare(target=views[0], reference=views[1], effect=0.0)
            own = [report[f"f{k}"].p_high for k in range(FEATURES)]
            for at, (families, size) in enumerate(others):
                p = [*own, *rng.random(families * size)]
                named = ["image"] * FEATURES + [f"{k // size}" for k in range(families * size)]
                for rule, adjusted in rules.items():
                    hits[rule][at] += adjusted(p, named)[0] <= 0.05
        for rule, each in hits.items():
            cells = " | ".join(f"{100 * hit / trials:.0f}" for hit in each)
            print(f"| {n} | {rule} | {cells} |", flush=True)


if __name__ == "__main__":
    print(f"lightmeter {lm.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    power_table()
    null_table()
