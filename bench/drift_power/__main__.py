"""How often tools find shifts of pictures, and how often they cry wolf where nothing changed.

python bench/drift_power                    # MNIST and Fashion-MNIST
python bench/drift_power --cifar FOLDER     # CIFAR-10 as well, from its folder cifar-10-batches-py
python bench/drift_power fashion            # one data set
python bench/drift_power --quick            # drawn pictures, half a minute, no network
python bench/drift_power cifar --cifar FOLDER --quick    # the same with pictures of CIFAR-10

It needs NumPy, SciPy and Pillow beside lightmeter. Ctrl-C ends the table that is being filled, and
prints what it has.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "drift_calibration"))

import lightmeter as lm
import numpy as np
import sources
from corruptions import CORRUPTIONS, SEVERITIES, corrupted
from judges import JUDGES, Indices, Seen, Side
from shifts import PLACES, shifted_sets
from tally import Tally, head, row, written

SIZES = (10, 20, 50, 100, 200, 500, 1000)
SHOWN = (20, 100, 1000)
NOTHING = "nothing"


class Plan(NamedTuple):
    apart: int  # pictures in which components are found
    references: int
    targets: int
    sizes: tuple[int, ...]
    draws: int
    corrupted: int  # pictures of each severity
    corrupted_size: int
    corruptions: tuple[str, ...]


FULL = Plan(1000, 3000, 1500, SIZES, 1000, 200, 100, tuple(CORRUPTIONS))
QUICK = Plan(300, 900, 300, (20, 100), 2, 60, 50, ("gaussian noise", "brightness", "jpeg"))
NULLS = 4  # draws where nothing changed, for each other draw
LARGE = 500  # from this size on, and by slow judges, every fourth draw is judged


def draws_of(
    tally: Tally, seen: Seen, clean: int, sets: Mapping[str, Indices], plan: Plan
) -> Iterator[None]:
    """Fills the tally, one draw of everything after another. The first `clean` are unchanged."""
    for draw in range(plan.draws):
        for n in (n for n in plan.sizes if n < LARGE or draw % 4 == 0):
            rng = np.random.default_rng([n, draw])
            reference = Side(seen, rng.choice(plan.references, n, replace=False))
            for change, places in sets.items():
                if len(places) >= n:
                    target = Side(seen, rng.choice(places, n, replace=False))
                    tally.judge(change, draw, target, reference)
            for again in range(NULLS):
                both = rng.choice(clean, 2 * n, replace=False)
                tally.judge(NOTHING, draw + again, Side(seen, both[:n]), Side(seen, both[n:]))
        yield


def shift_tables(data: sources.Dataset, plan: Plan) -> None:
    apart, references, targets = np.split(data.images, np.cumsum([plan.apart, plan.references]))
    labels = data.labels[-len(targets) :]
    stack, sets = shifted_sets(targets, labels, np.random.default_rng(1))
    seen = Seen(np.concatenate([references, stack]), apart)
    sets = {change: places + len(references) for change, places in sets.items()}
    tally = Tally()
    until_stopped(draws_of(tally, seen, len(references) + len(targets), sets, plan))

    most = plan.sizes[-1]
    enough = [name for name, places in sets.items() if len(places) >= most and name not in PLACES]
    print(f"\n{data.name}: % of draws that find a shift, mean of the {len(enough)} of the paper")
    head("images on either side | draws")
    for n in plan.sizes:
        means = (np.mean([tally.share(change, n, name) for change in enough]) for name in JUDGES)
        row(n, tally.asked[enough[0], n, "lightmeter"], *map(written, means))
    print(f"\n{data.name}: % of draws that find drift where nothing changed (upper 95 % limit)")
    head("images on either side | draws")
    for n in plan.sizes:
        row(n, tally.asked[NOTHING, n, "lightmeter"], *tally.with_limits(NOTHING, n))
    asked = sum(tally.asked[NOTHING, n, "lightmeter"] for n in plan.sizes)
    row("all", asked, *tally.with_limits(NOTHING, *plan.sizes))
    shown = [n for n in plan.sizes if n in SHOWN]
    print(f"\n{data.name}: % of draws, with {', '.join(map(str, shown))} images on either side")
    head("change")
    for change in (NOTHING, *sets):
        row(change, *tally.by([(change, n) for n in shown]))


def corruption_table(data: sources.Dataset, plan: Plan) -> None:
    apart, references, targets = np.split(data.images, np.cumsum([plan.apart, plan.references]))
    targets = targets[: plan.corrupted]
    stack, sets = [references, targets], {}
    for name in plan.corruptions:
        for severity in SEVERITIES:
            sets[f"{name} {severity}"] = sum(map(len, stack)) + np.arange(len(targets))
            rng = np.random.default_rng([len(sets), severity])
            stack.append(corrupted(name, severity, targets, rng))
    n, tally = plan.corrupted_size, Tally()
    clean = len(references) + len(targets)
    seen = Seen(np.concatenate(stack), apart)
    until_stopped(draws_of(tally, seen, clean, sets, plan._replace(sizes=(n,))))
    asked = tally.asked[next(iter(sets)), n, "lightmeter"]
    print(f"\n{data.name}: % of {asked} draws, corruptions of severity 1 to 5, {n} on either side")
    head("corruption")
    row(NOTHING, *tally.with_limits(NOTHING, n))
    for name in plan.corruptions:
        row(name, *tally.by([(f"{name} {severity}", n) for severity in SEVERITIES]))


def until_stopped(draws: Iterator[None]) -> None:
    try:
        for count, _ in enumerate(draws, 1):
            print(f"\r{count} draws", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        pass
    print(file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        "drift_power", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = ["mnist", "fashion", "cifar"]
    parser.add_argument("datasets", nargs="*", metavar="|".join(names))
    parser.add_argument("--cifar", type=Path, metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=FULL.draws)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if unknown := set(arguments.datasets) - set(names):
        parser.error(f"got {', '.join(sorted(unknown))}; expected some of {', '.join(names)}")
    print(f"lightmeter {lm.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    load: dict[str, Callable[[], sources.Dataset]] = {
        "mnist": sources.mnist,
        "fashion": sources.fashion_mnist,
        "cifar": lambda: sources.cifar10(arguments.cifar),
        "drawn": sources.drawn,
    }
    plan = QUICK if arguments.quick else FULL._replace(draws=arguments.draws)
    for name in arguments.datasets or (["drawn"] if arguments.quick else names):
        try:
            loaded = load[name]()
        except sources.MissingError as reason:
            print(f"\n{name}: not run: {reason}")
            continue
        order = np.random.default_rng(0).permutation(len(loaded.images))
        used = order[: plan.apart + plan.references + plan.targets]
        data = loaded._replace(images=loaded.images[used], labels=loaded.labels[used])
        shift_tables(data, plan)
        corruption_table(data, plan)


if __name__ == "__main__":
    main()
