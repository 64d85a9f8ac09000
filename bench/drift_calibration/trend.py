"""How often a trend monitor is wrong where nothing changes; how soon it finds what, and since when.

python bench/drift_calibration/trend.py                    # the tables: a quarter of an hour
python bench/drift_calibration/trend.py --years 6          # fewer years a cell
python bench/drift_calibration/trend.py --only delays         # or starts, or "false alarms"

Buckets are days, 20 features, the change is in one of them; sd is that of images within a day. The
rule is the real one on moments of days. Its least size of an effect is left out, which can only add
alarms. A series lasts three years.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import dependences
import numpy as np
from dependences import DEPENDENCES, FEATURES, SIZES, Day, days_differ, plain, series
from lightmeter.drift.trend import (
    Statistic,
    clipped,
    level_of,
    log_evidence,
    spread_of,
    threshold,
    watch,
)

YEARS = 3
_SEED = 4100


def windy(correlation: float) -> Callable[[np.random.Generator], Day]:
    return days_differ(0.3, correlation)


def a_quarter(rng: np.random.Generator) -> Day:
    effects = 0.3 * series(rng, dependences.DAYS, 0.8) * (np.arange(FEATURES) % 4 == 0)
    return lambda rng, n, day: plain(rng, n) + effects[day]


def weekends_and_weather(rng: np.random.Generator) -> Day:
    effects = 0.3 * series(rng, dependences.DAYS, 0.6)
    half = 0.5 * (np.arange(FEATURES) < FEATURES // 2)
    return lambda rng, n, day: plain(rng, n) + effects[day] + half * (day % 7 >= 5)


def bursts_and_days(rng: np.random.Generator) -> Day:
    effects = 0.1 * series(rng, dependences.DAYS, 0.3)
    bursts = DEPENDENCES["bursts of 10, ICC .5"](rng)
    return lambda rng, n, day: bursts(rng, n, day) + effects[day]


MORE: dict[str, Callable[[np.random.Generator], Day]] = {
    "day effect .3 sd, AR .3": windy(0.3),
    "day effect .3 sd, AR .6": windy(0.6),
    "day effect .3 sd, AR .9": windy(0.9),
    "a quarter with AR .8": a_quarter,
    "weekends and AR .6": weekends_and_weather,
    "bursts, days .1, AR .3": bursts_and_days,
}
ALL = DEPENDENCES | MORE


class Moments:
    """Of the images of each day: how many, their means and standard deviations."""

    def __init__(self, name: str, sizes: str, seed: int, days: int) -> None:
        dependences.DAYS = days
        rng = np.random.default_rng([_SEED, list(ALL).index(name), SIZES.index(sizes), seed])
        lengths = dependences.sizes_of(sizes, rng)
        day_of = ALL[name](rng)
        images = (day_of(rng, n, day) for day, n in enumerate(lengths))
        pairs = [(each.mean(axis=0), each.std(axis=0, ddof=1)) for each in images]
        self.n = np.repeat(np.array(lengths, float)[:, None], FEATURES, axis=1)
        self.means, self.stddevs = (np.array(part) for part in zip(*pairs, strict=True))

    def statistics(self) -> tuple[Statistic, Statistic]:
        return level_of(self.means, self.stddevs, self.n), spread_of(self.stddevs, self.n)


def alarms(statistic: Statistic, limit: float) -> int:
    """How many there are: how often a change opens."""
    _, episodes = watch(statistic, np.full(FEATURES, limit))
    return sum(map(len, episodes.values()))


def limit_of(*, is_level: bool, segments: int = 1) -> float:
    """For one false alarm a year of all features of all segments."""
    return threshold((0.8 if is_level else 0.2) / FEATURES / segments)


def rate(name: str, sizes: str, count: int, segments: int) -> tuple[int, int]:
    """False alarms of level and spread in so many series, each of one of the segments."""
    found = [0, 0]
    for seed in range(count):
        moments = Moments(name, sizes, seed, YEARS * 365)
        for part, statistic in enumerate(moments.statistics()):
            found[part] += alarms(statistic, limit_of(is_level=part == 0, segments=segments))
    return found[0], found[1]


def null_table(years: int, segments: int) -> None:
    count = -(-years // YEARS)
    print(
        f"\nFalse alarms a year for {FEATURES} features of {segments} segments, level and spread "
        f"({YEARS * count} years of a segment)\n"
    )
    print("| dependence |", " | ".join(SIZES), "|")
    print("| --- " * (1 + len(SIZES)) + "|")
    total = []
    for name in ALL:
        cells = []
        for sizes in SIZES:
            found = rate(name, sizes, count, segments)
            total.append(sum(found) * segments / (YEARS * count))
            cells.append(f"{total[-1]:.2f} ({found[0]} + {found[1]})")
        print(f"| {name} |", " | ".join(cells), "|", flush=True)
    print(f"\nlargest {max(total):.2f}, mean {np.mean(total):.2f}")


CHANGES: Sequence[tuple[str, Callable[[Any, Any, Any], None]]] = [
    ("step .2", lambda m, s, x: m.__iadd__(0.2 * (x >= 0))),
    ("step .3", lambda m, s, x: m.__iadd__(0.3 * (x >= 0))),
    ("step .5", lambda m, s, x: m.__iadd__(0.5 * (x >= 0))),
    ("creep .005", lambda m, s, x: m.__iadd__(0.005 * np.maximum(x + 1, 0))),
    ("creep .01", lambda m, s, x: m.__iadd__(0.01 * np.maximum(x + 1, 0))),
    ("creep .02", lambda m, s, x: m.__iadd__(0.02 * np.maximum(x + 1, 0))),
    ("sd x 1.2", lambda m, s, x: s.__imul__(1.2 ** (x >= 0))),
    ("sd .2 % a day", lambda m, s, x: s.__imul__(1.002 ** np.maximum(x + 1, 0))),
]


def delay(name: str, sizes: str, change: int, count: int, good: int = 91) -> str:
    """Median days to the alarm; % found within 28 and 90 days."""
    days, apply = [], CHANGES[change][1]
    for seed in range(count):
        moments = Moments(name, sizes, 1000 + seed, good + 190)
        apply(moments.means[:, 0], moments.stddevs[:, 0], np.arange(good + 190) - good)
        is_level = not CHANGES[change][0].startswith("sd")
        evidence = log_evidence(clipped(moments.statistics()[not is_level]))[good:, 0]
        hits = np.flatnonzero(evidence >= limit_of(is_level=is_level))
        days.append(hits[0] + 1 if len(hits) else np.inf)
    found = np.array(days)
    shares = "/".join(f"{100 * float((found <= most).mean()):.0f}" for most in (28, 90))
    return f"{np.median(found):.0f} ({shares})"


def delays_table(count: int) -> None:
    print(f"\nMedian days to the alarm (% within 28 / 90 days), 91 good days, {count} series\n")
    print("| dependence, n |", " | ".join(name for name, _ in CHANGES), "|")
    print("| --- " * (1 + len(CHANGES)) + "|")
    for name, sizes in (
        ("independent", "100"),
        ("day effect .1 sd", "100"),
        ("day effect .1 sd", "10 to 1000"),
        ("day effect .3 sd", "100"),
        ("day effect .3 sd, AR .6", "100"),
        ("bursts of 10, ICC .5", "100"),
        ("weekends +.5 sd in half", "100"),
    ):
        cells = [delay(name, sizes, change, count) for change in range(len(CHANGES))]
        print(f"| {name}, {sizes} |", " | ".join(cells), "|", flush=True)


def start(name: str, change: str, count: int, good: int = 91) -> str:
    """How many ranges of the start hold the day, in %, and their median width.

    At the alarm, and 28 days later.
    """
    held, widths = ([], []), ([], [])
    for seed in range(count):
        moments = Moments(name, "100", 2000 + seed, good + 190)
        dict(CHANGES)[change](
            moments.means[:, 0], moments.stddevs[:, 0], np.arange(good + 190) - good
        )
        _, episodes = watch(moments.statistics()[0], np.full(FEATURES, limit_of(is_level=True)))
        for found in [each for each in episodes.get(0, []) if each.opened >= good][:1]:
            for later in (0, 28):
                if found.opened + later < found.closed:
                    first, last, *_ = found.change(found.opened + later)
                    held[later > 0].append(first <= good <= last)
                    widths[later > 0].append(last - first)
    cells = (
        f"{100 * np.mean(h):.0f} ({np.median(w):.0f})" if len(h) > count // 4 else "-"
        for h, w in zip(held, widths, strict=True)
    )
    return "; ".join(cells)


def starts_table(count: int) -> None:
    print(f"\n% of ranges that hold the day of the change (median days wide), {count} series:")
    print("at the alarm; 28 days later\n")
    changes = ("step .3", "step .5", "creep .01", "creep .02")
    print("| dependence |", " | ".join(changes), "|\n" + "|---" * (1 + len(changes)) + "|")
    for name in (
        "independent",
        "day effect .1 sd",
        "day effect .3 sd",
        "day effect .3 sd, AR .6",
        "bursts of 10, ICC .5",
    ):
        cells = [start(name, change, count) for change in changes]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=40, help="simulated years a cell")
    parser.add_argument("--segments", type=int, default=1, help="that share the false alarms")
    parser.add_argument("--series", type=int, default=80, help="for delays and starts")
    parser.add_argument("--only", choices=["false alarms", "delays", "starts"])
    arguments = parser.parse_args()
    if arguments.only in (None, "false alarms"):
        null_table(arguments.years, arguments.segments)
    if arguments.only in (None, "delays"):
        delays_table(arguments.series)
    if arguments.only in (None, "starts"):
        starts_table(arguments.series)
