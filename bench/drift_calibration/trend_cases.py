"""Where the promise of a trend monitor could break: cases that trend.py does not vary.

python bench/drift_calibration/trend_cases.py                 # the tables: a quarter of an hour
python bench/drift_calibration/trend_cases.py --years 12      # fewer years a case
python bench/drift_calibration/trend_cases.py --only "dirty lenses"

Nothing changes. Buckets are days, most of 100 images, with 20 features unless a case says
otherwise; a series lasts three years. "Weather" means that the level of a day differs by .3 sd and
resembles that of the day before (AR .6). As in trend.py the least size of an effect is left out.
"""

import argparse
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dependences
import lightmeter as lm
import numpy as np
from dependences import DEPENDENCES
from lightmeter.drift.trend import (
    Statistic,
    concentration_of,
    direction_of,
    level_of,
    rate_of,
    spread_of,
    threshold,
    watch,
)
from lightmeter.monitor.results import Result

YEARS, DAYS = 3, 3 * 365
_SEED = 4200
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
Judged = Iterator[tuple[Statistic, Any]]  # with the limit of each feature
Case = Callable[[np.random.Generator], Judged]


def limits(features: int, share: float, a_year: float = 1.0) -> Any:
    return np.full(features, threshold(a_year * share / features))


def weather(rng: np.random.Generator, features: int, correlation: float = 0.6) -> Any:
    dependences.FEATURES = features
    effects = 0.3 * dependences.series(rng, DAYS, correlation)
    dependences.FEATURES = 20
    return effects


def moments(rng: np.random.Generator, effects: Any, n: Any) -> tuple[Any, Any, Any]:
    """Of n normal images a day: means, standard deviations, and n for each feature."""
    n = np.broadcast_to(np.asarray(n, float).reshape(-1, 1), effects.shape).copy()
    means = effects + rng.normal(size=n.shape) / np.sqrt(n)
    return means, np.sqrt(rng.chisquare(n - 1) / (n - 1)), n


def both(means: Any, stddevs: Any, n: Any, a_year: float = 1.0) -> Judged:
    features = n.shape[1]
    yield level_of(means, stddevs, n), limits(features, 0.8, a_year)
    yield spread_of(stddevs, n), limits(features, 0.2, a_year)


def features(count: int, correlation: float) -> Case:
    return lambda rng: both(*moments(rng, weather(rng, count, correlation), 100))


def families(rng: np.random.Generator) -> Judged:
    """Of 12, 5, 2 and 1 features, which share the false alarms evenly."""
    for size in (12, 5, 2, 1):
        yield from both(*moments(rng, weather(rng, size, 0.8), 100), a_year=1 / 4)


def segments(rng: np.random.Generator) -> Judged:
    """Five, which have half of their weather in common."""
    common = weather(rng, 20)
    for _ in range(5):
        effects = np.sqrt(0.5) * (common + weather(rng, 20))
        yield from both(*moments(rng, effects, 100), a_year=1 / 5)


def gaps(missing: Callable[[np.random.Generator], Any]) -> Case:
    def case(rng: np.random.Generator) -> Judged:
        means, stddevs, n = moments(rng, weather(rng, 20), 100)
        n[missing(rng)] = 0
        yield from both(means, stddevs, n)

    return case


def sizes(name: str, before: int, after: int) -> Case:
    """How many images a day has changes for good, after half of the time."""

    def case(rng: np.random.Generator) -> Judged:
        dependences.DAYS = DAYS
        day_of = (DEPENDENCES | {"weather": dependences.days_differ(0.3, 0.6)})[name](rng)
        lengths = [before] * (DAYS // 2) + [after] * (DAYS - DAYS // 2)
        images = (day_of(rng, n, day) for day, n in enumerate(lengths))
        pairs = [(each.mean(axis=0), each.std(axis=0, ddof=1)) for each in images]
        means, stddevs = (np.array(part) for part in zip(*pairs, strict=True))
        n = np.repeat(np.array(lengths, float)[:, None], means.shape[1], axis=1)
        yield from both(means, stddevs, n)

    return case


def accepted(rng: np.random.Generator) -> Judged:
    """Somebody accepts a change that is none each 120 days: all begins anew."""
    whole = moments(rng, weather(rng, 20), 100)
    for start in range(0, DAYS, 120):
        yield from both(*(part[start : start + 120] for part in whole))


def hues(rng: np.random.Generator) -> Judged:
    angles = weather(rng, 20)[:, None, :] + rng.normal(size=(DAYS, 100, 20))
    cosines, sines = np.cos(angles).mean(axis=1), np.sin(angles).mean(axis=1)
    hundred = np.full(cosines.shape, 100.0)
    yield direction_of(cosines, sines, hundred), limits(20, 0.8)
    yield concentration_of(cosines, sines, hundred), limits(20, 0.2)


def shares(n: Callable[[np.random.Generator], Any]) -> Case:
    """Of four categories of five values: how common one is varies with the weather."""

    def case(rng: np.random.Generator) -> Judged:
        sizes = n(rng)
        logits = np.log([0.4, 0.3, 0.15, 0.1, 0.05]) + weather(rng, 20).reshape(DAYS, 4, 5)
        p = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
        hits = np.stack([rng.multinomial(sizes, p[:, each]) for each in range(4)], axis=1)
        total = np.repeat(sizes[:, None].astype(float), 20, axis=1)
        yield rate_of(hits.reshape(DAYS, 20).astype(float), total), limits(20, 1.0)

    return case


def rates(hits: Callable[[np.random.Generator, Any], Any]) -> Case:
    """Of failures, 1 %, among 10 to 1000 images."""

    def case(rng: np.random.Generator) -> Judged:
        n = np.repeat(mixed(rng)[:, None].astype(float), 20, axis=1)
        yield rate_of(np.minimum(hits(rng, n.astype(int)), n).astype(float), n), limits(20, 1.0)

    return case


def mixed(rng: np.random.Generator) -> Any:
    return np.round(10 ** (1 + 2 * rng.random(DAYS))).astype(int)


def seasons(size: float, is_known: bool) -> Case:
    """A wave of a year, the phase of which differs by feature, with weather."""

    def case(rng: np.random.Generator) -> Judged:
        years = np.arange(DAYS) / 365.25
        phases = rng.random(20)
        wave = size * np.sin(2 * np.pi * (years[:, None] + phases))
        turns = 2 * np.pi * years[:, None, None]
        known = np.concatenate([np.cos(turns), np.sin(turns)], axis=2)[..., : 2 * is_known]
        for statistic, limit in both(*moments(rng, wave + weather(rng, 20), 100)):
            yield statistic.beside(known), limit

    return case


_DEPENDENT = ("independent, lognormal", "bursts of 10, ICC .5", "one camera, AR .95", "weather")

CASES: dict[str, Case] = {
    **{f"{count} features, AR .8": features(count, 0.8) for count in (1, 2, 3, 4, 60)},
    "families of 12, 5, 2 and 1, AR .8": families,
    "5 segments, weather half in common": segments,
    "a third of the days missing, weather": gaps(lambda rng: rng.random(DAYS) < 1 / 3),
    "60 days missing, weather": gaps(lambda rng: slice(200, 260)),
    "accepted each 120 days, weather": accepted,
    **{
        f"{before} images, then {after}, {name}": sizes(name, before, after)
        for name in (
            "independent, lognormal",
            "bursts of 10, ICC .5",
            "one camera, AR .95",
            "weather",
        )
        for before, after in ((500, 50), (50, 500))
    },
    "hues, weather .3 rad": hues,
    "shares of categories, weather": shares(lambda rng: np.full(DAYS, 100)),
    "shares, 10 to 1000 images": shares(mixed),
    "failures come alone": rates(lambda rng, n: rng.binomial(n, 0.01)),
    "failures come by ten": rates(lambda rng, n: 10 * rng.binomial(-(-n // 10), 0.01)),
    "failures with the weather": rates(
        lambda rng, n: rng.binomial(n, np.minimum(0.01 * np.exp(5 / 3 * weather(rng, 20)), 1))
    ),
    "season of .5 sd, season = year": seasons(0.5, True),
    "season of 1 sd, season = year": seasons(1.0, True),
    "season of .5 sd, nothing said": seasons(0.5, False),
}


def alarms(case: Case, seed: int, place: int) -> Any:
    """How many changes open in each year."""
    found = np.zeros(YEARS, int)
    for statistic, limit in case(np.random.default_rng([_SEED, place, seed])):
        _, episodes = watch(statistic, limit)
        for each in (each for several in episodes.values() for each in several):
            found[each.opened // 365] += 1
    return found


def false_alarms(years: int, names: Sequence[str]) -> None:
    count = -(-years // YEARS)
    print(f"\nFalse alarms a year ({YEARS * count} years)\n")
    print("| case | a year | in the first year | later |")
    print("|---|---|---|---|")
    for place, name in enumerate(CASES):
        if name not in names:
            continue
        total = np.mean([alarms(CASES[name], seed, place) for seed in range(count)], axis=0)
        cells = (total.mean(), total[0], total[1:].mean())
        print(f"| {name} |", " | ".join(f"{cell:.2f}" for cell in cells), "|", flush=True)


def second_changes(series: int) -> None:
    """How soon one of 20 features is found to change again; days differ by .1 sd."""
    day = np.arange(300)
    step = 0.3 * (day >= 91)
    changes = {
        # Effects, the day of the second change, the feature of the first, and where days begin.
        "1 sd for 28 days; .5 sd for good 62 days later": (
            1.0 * ((day >= 91) & (day < 119)),
            0.5 * (day >= 181),
            (181, 0, 0),
        ),
        ".3 sd for good, accepted; .3 sd more 60 days later": (
            step,
            0.3 * (day >= 151),
            (151, 0, 91),
        ),
        ".3 sd in another feature; .3 sd 30 days later": (step, 0.3 * (day >= 121), (121, 1, 0)),
        ".3 sd for good, not accepted; .5 sd more 60 days later": (
            step,
            0.5 * (day >= 151),
            (151, 0, 0),
        ),
    }
    print("\n| changes | median days to the second (% within 28 / 90 days) |\n|---|---|")
    for name, (first, second, (at, feature, begin)) in changes.items():
        delays = []
        for seed in range(series):
            rng = np.random.default_rng([_SEED, 2, seed])
            means, stddevs, n = moments(rng, 0.1 * rng.normal(size=(len(day), 20)), 100)
            means[:, feature] += first
            means[:, 0] += second
            level = level_of(*(part[begin:] for part in (means, stddevs, n)))
            _, episodes = watch(level, limits(20, 0.8))
            # A change that is still open is found again where its level now is nearer to the new.
            found = [
                bucket + begin
                for each in episodes.get(0, [])
                for bucket in range(max(each.opened, at - begin), each.closed)
                if each.opened + begin >= at
                or each.change(bucket).now - each.change(bucket).before >= 0.55
            ]
            delays.append(min(found) - at + 1 if found else np.inf)
        shares = "/".join(f"{100 * np.mean(np.array(delays) <= most):.0f}" for most in (28, 90))
        print(f"| {name} | {np.median(delays):.0f} ({shares}) |", flush=True)


def watched(effects: Any, rng: np.random.Generator, more: str = "") -> list[Result]:
    """Return what a monitor says of days of four buckets, of 25 images each, one of them late."""
    with tempfile.TemporaryDirectory() as folder, lm.Store(Path(folder) / "drift.db") as store:
        for at, effect in enumerate(np.repeat(effects, 4, axis=0)):
            for writer, n in (("camera", 24), ("late", 1)):
                columns = dict(zip("abcdef", (rng.normal(size=(n, 6)) + effect).T, strict=True))
                start = FIRST_DAY + at * timedelta(hours=6)
                store.put("gate", lm.log(columns=columns), at=start, every="6h", writer=writer)
        config = Path(folder) / "monitors.toml"
        config.write_text(f'[[monitor]]\nname = "t"\ndataset = "gate"\ntype = "trend"\n{more}')
        return lm.watch(store, config, now=FIRST_DAY + len(effects) * timedelta(days=1)).results


def dirty_lenses(seeds: int) -> None:
    """A lens gets dirty by .01 sd a day from the 92nd day on; days differ by .1 sd."""
    good, days, right = 91, 140, 0
    print("\n| seed | alarm on day | it began between days (truth: 0) |\n|---|---|---|")
    for seed in range(seeds):
        rng = np.random.default_rng([_SEED, seed])
        effects = 0.1 * rng.normal(size=(days, 6))
        effects[good:, 0] += 0.01 * np.arange(1, days - good + 1)
        alarms = [each for each in watched(effects, rng) if each.state == "anomaly"]
        day, began = 0, [0, 0]
        if alarms:
            day = (alarms[0].bucket - FIRST_DAY).days - good
            dates = re.findall(r"\d{4}-\d\d-\d\d", alarms[0].words)
            began = [(date.fromisoformat(text) - FIRST_DAY.date()).days - good for text in dates]
            if "since about" in alarms[0].words:  # the middle of the range
                began = [began[1], 2 * began[0] - began[1]]
        right += 14 <= day <= 40 and began[0] <= 0 <= began[1]
        print(f"| {seed} | {day} | {began[0]} to {began[1]} |", flush=True)
    print(f"\n{right} of {seeds}: an alarm between day 14 and 40, whose range holds the day")


def quiet_cameras(years: int) -> None:
    """Alarms of a store whose days differ by .3 sd (AR .6), with weekends +.5 sd in half and gales.

    On a tenth of the days a gale moves all features by up to 1 sd.
    """
    for more in ("", 'baseline = { same = "weekday" }\n'):
        alarms = 0
        for seed in range(years):
            rng = np.random.default_rng([_SEED, 1, seed])
            effects = weather(rng, 6)[:365] + 0.5 * (np.arange(365)[:, None] % 7 >= 5) * (
                np.arange(6) < 3
            )
            effects += (rng.random((365, 1)) < 0.1) * rng.uniform(-1, 1, (365, 6))
            bad = {
                (each.feature, each.bucket)
                for each in watched(effects, rng, more)
                if each.state == "anomaly"
            }
            alarms += sum((name, at - timedelta(days=1)) not in bad for name, at in bad)
        print(
            f"\n{years} quiet years, {more.strip() or 'nothing said'}: {alarms} alarms", flush=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=42, help="simulated years a case")
    parser.add_argument("cases", nargs="*", help="names of cases; all by default")
    parser.add_argument("--seeds", type=int, default=30, help="through a store")
    tables = ["second changes", "dirty lenses", "quiet cameras", "false alarms"]
    parser.add_argument("--only", nargs="+", choices=tables)
    arguments = parser.parse_args()
    only = arguments.only or tables[-1 if arguments.cases else 0 :]
    if "second changes" in only:
        second_changes(2 * arguments.seeds)
    if "dirty lenses" in only:
        dirty_lenses(arguments.seeds)
    if "quiet cameras" in only:
        quiet_cameras(arguments.seeds // 3)
    if "false alarms" in only:
        false_alarms(arguments.years, arguments.cases or list(CASES))
