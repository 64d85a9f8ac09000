"""One comparison of images that come in groups: false alarms and power, with and without group=.

python bench/drift_calibration/groups.py               # about ten minutes
python bench/drift_calibration/groups.py --trials 20

Each comparison has ten independent features, so that `--trials` comparisons are ten times as many
tests. A number is ``sqrt(icc) * group + sqrt(1 - icc) * image``, a category or a missing value
follows from another such number by a threshold, a hue from a third by its place on the circle.
"""

import argparse
from collections.abc import Callable

import lightmeter as lm
import numpy as np
from numpy.typing import NDArray

FEATURES = 10
SIZES: dict[str, Callable[[np.random.Generator, int], NDArray[np.int64]]] = {
    "10": lambda rng, count: np.full(count, 10),
    "1 to 100": lambda rng, count: np.clip(np.exp(rng.normal(2.3, 1.2, count)), 1, 100).astype(int),
    "one of 100, others 5": lambda rng, count: np.where(np.arange(count) == 0, 100, 5),
    "half a group each": lambda rng, count: np.where(np.arange(count) % 2 == 0, 10, 1),
}
KINDS = ("number", "skewed groups", "category", "missing 10 %", "missing 1 %")
COUNTS = ((5, 5), (5, 30), (12, 30), (50, 50), (5, 350), (50, 350), (350, 350))
OF_TEN = ((5, 30), (50, 50))  # here; all of them, and other sizes, in groups_of_moments.py


def columns(
    rng: np.random.Generator, groups: int, icc: float, kind: str, shift: float = 0.0
) -> dict[str, object]:
    total, index = 10 * groups, np.repeat(np.arange(groups), 10)
    shape = (FEATURES, groups)
    effects = rng.exponential(1, shape) - 1 if kind == "skewed groups" else rng.normal(0, 1, shape)
    values = np.sqrt(icc) * effects[:, index] + np.sqrt(1 - icc) * rng.normal(
        0, 1, (FEATURES, total)
    )
    values[: 1 if shift else FEATURES] += shift
    result: dict[str, object] = {"group": index.tolist()}
    for k, column in enumerate(values):
        if kind == "category":
            result[f"f{k}"] = np.array(list("abcd"))[np.digitize(column, (-1, 0, 1))].tolist()
        elif kind.startswith("missing"):
            least = 1.2816 if kind == "missing 10 %" else 2.3263
            result[f"f{k}"] = np.where(column > least, np.nan, np.arange(total) % 7)
        else:
            result[f"f{k}"] = column
    return result


def compared(
    rng: np.random.Generator,
    groups: tuple[int, int],
    icc: float,
    kind: str,
    shift: float = 0.0,
    grouped: bool = True,
) -> tuple[list[float], bool]:
    """Return p of each feature, or of the one that is shifted, and whether there is any drift."""
    sides = []
    for count, moved in zip(groups, (shift, 0.0), strict=True):
        logged = columns(rng, count, icc, kind, moved)
        names = logged if grouped else {key: logged[key] for key in logged if key != "group"}
        sides.append(lm.log(columns=names, group="group" if grouped else None))
    report = lm.compare(target=sides[0], reference=sides[1])
    ending = ":missing" if kind.startswith("missing") else ""
    asked = range(1 if shift else FEATURES)
    lines = [report[f"f{k}{ending}"] for k in asked if f"f{k}{ending}" in report]
    return [1.0 if line.p_value is None else line.p_value for line in lines], bool(report.drifted)


def cell(trials: int, level: float, **options: object) -> str:
    """Return the per cent of tests with p at most `level`, and of reports with any drift."""
    found = [compared(np.random.default_rng([7, trial]), **options) for trial in range(trials)]  # type: ignore[arg-type]
    share = np.mean(np.concatenate([p for p, _ in found]) <= level)
    return f"{100 * share:.1f} / {100 * np.mean([drifted for _, drifted in found]):.1f}"


def tables(trials: int) -> None:
    iccs = (0.1, 0.5, 0.9)
    print("\nNothing changed; % of features with p <= 0.05 / of reports; (without group=)\n")
    print("| groups of 10 | kind |", " | ".join(f"ICC {icc}" for icc in iccs), "|")
    print("|---" * (2 + len(iccs)) + "|")
    for groups in OF_TEN:
        for kind in KINDS:
            options = {"groups": groups, "kind": kind}
            cells = []
            for icc in iccs:
                alone = cell(max(10, trials // 10), 0.05, icc=icc, grouped=False, **options)
                cells.append(f"{cell(trials, 0.05, icc=icc, **options)} ({alone})")
            print(f"| {groups[0]} / {groups[1]} | {kind} |", " | ".join(cells), "|", flush=True)
    print("\n0.5 sd in one feature; % of comparisons with p <= 0.05 / with drift, groups of 10\n")
    print("| groups |", " | ".join(f"ICC {icc}" for icc in iccs), "|")
    print("|---" * (1 + len(iccs)) + "|")
    for groups in OF_TEN:
        options = {"groups": groups, "kind": "number", "shift": 0.5}
        cells = [cell(trials, 0.05, icc=icc, **options) for icc in iccs]
        print(f"| {groups[0]} / {groups[1]} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400, help="comparisons for each cell")
    arguments = parser.parse_args()
    print(f"lightmeter {lm.__version__}, NumPy {np.__version__}")
    tables(arguments.trials)
