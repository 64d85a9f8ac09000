"""How often a drift monitor is wrong over a year where nothing changed, and how often right.

python bench/drift_calibration/over_time.py           # the tables: half an hour
python bench/drift_calibration/over_time.py --quick   # two years a cell
python bench/drift_calibration/over_time.py --only video --years 10 --video ~/photos

A video can be a folder of photographs, over which frames then pan.

The rule is the real one, on summaries of buckets. Its least sizes of effects are left out, which
can only add false alarms. One column goes through a store and `lightmeter.watch`.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
from dependences import DAYS, DEPENDENCES, FEATURES, SIZES, Year, images_of, year_of
from lightmeter.monitor.against_past import AgainstPast
from lightmeter.monitor.rules import DriftRule
from lightmeter.monitor.shelf import MEAN, MEDIAN, OTHERS, STDDEV, VALUES, N, Summary
from run import upper_limit
from video import frames_of, year_of_frames

GROWTH = ("20, then 500", "500, then 50")
RULE = DriftRule(name="drift", dataset="cells")
POWER = {
    "0.5 sd in 1 of 20": lambda means, _: means.__setitem__(0, means[0] + 0.5),
    "0.3 sd in all": lambda means, _: means.__iadd__(0.3),
    "sd x 1.7 in 1 of 20": lambda _, spreads: spreads.__setitem__(0, spreads[0] * 1.7),
}


@cache
def _any_summary(features: int) -> Summary:
    profile = lm.log(columns={f"f{k:02}": [0.0] for k in range(features)}).profile()
    return Summary(profile._core)


def summary_of(n: int, means: Any, spreads: Any, others: Any = None) -> Summary:
    """Of a bucket of numbers; `others` is how many differ from the most frequent value."""
    any_one = _any_summary(len(means))
    summary = any_one.with_table(any_one.names, any_one.table.copy())
    table = summary.table
    table[N] = table[VALUES] = n
    table[MEAN], table[STDDEV] = means, spreads
    # Continuous numbers have a median of their own in each bucket.
    table[MEDIAN], table[OTHERS] = (means, n) if others is None else (-1.0, others)
    return summary


def is_alarm(target: Summary, past: list[Summary]) -> bool:
    tested = {"": AgainstPast(target, past).tests()}
    return any(result.state == "anomaly" for result in RULE.decide(tested, {})[""])


def alarms(year: list[Summary], window: int, least: int = 14) -> tuple[int, int]:
    """Of the buckets that can be judged; anomalous ones are passed over, as monitors do."""
    good: list[Summary] = []
    hits = judged = 0
    for bucket in year:
        bad = False
        if len(good) >= least:
            judged += 1
            bad = is_alarm(bucket, good[-window:])
            hits += bad
        if not bad:
            good.append(bucket)
    return hits, judged


def cell(draw: Callable[[int], list[Summary]], years: int, window: int) -> str:
    least = window if window > 28 else 14
    counts = [alarms(draw(seed), window, least) for seed in range(years)]
    hits, judged = (sum(part) for part in zip(*counts, strict=True))
    return f"{100 * hits / judged:.1f} ({100 * upper_limit(hits, judged):.1f})"


def summaries(year: Year) -> list[Summary]:
    return [summary_of(*bucket) for bucket in year]


def null_table(years: int, window: int, columns: Sequence[str]) -> None:
    print(f"\n% of buckets with any alarm at q = 1 %, against {window} past buckets", end="")
    print(" (upper 95 % limit)\n")
    print("| dependence |", " | ".join(columns), "|")
    print("| --- " * (1 + len(columns)) + "|")
    for name in DEPENDENCES:
        cells = [
            cell(lambda seed, at=(name, sizes): summaries(year_of(*at, seed)), years, window)
            for sizes in columns
        ]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def power_table(trials: int) -> None:
    print("\n% of buckets of 100 images found, all independent\n")
    print("| past buckets |", " | ".join(POWER), "|")
    print("| --- " * (1 + len(POWER)) + "|")
    for window in (14, 28, 99):
        cells = []
        for change in POWER.values():
            hits = 0
            for trial in range(trials):
                rng = np.random.default_rng([window, trial])
                means = rng.normal(0, 0.1, (window + 1, FEATURES))
                spreads = np.sqrt(rng.chisquare(99, (window + 1, FEATURES)) / 99)
                change(means[-1], spreads[-1])  # type: ignore[no-untyped-call]
                *past, target = (
                    summary_of(100, *pair) for pair in zip(means, spreads, strict=True)
                )
                hits += is_alarm(target, past)
            cells.append(f"{100 * hits / trials:.0f}")
        print(f"| {window} |", " | ".join(cells), "|", flush=True)


def end_to_end(name: str, n: str, buckets: int) -> None:
    """Through a store, in one column of the table."""
    with tempfile.TemporaryDirectory() as folder, lm.Store(Path(folder) / "drift.db") as store:
        for day, values in enumerate(images_of(name, n, 0)):
            if day == buckets:
                break
            columns = {f"f{k:02}": column for k, column in enumerate(values.T)}
            at = date(2020, 1, 1) + timedelta(days=day)
            store.put("cells", lm.log(columns=columns).view(), at=at, writer="bench")
        config = Path(folder) / "monitors.toml"
        config.write_text('[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "drift"\n')
        results = lm.watch(store, config, now=datetime(2030, 1, 1, tzinfo=UTC)).results
    judged = {each.bucket for each in results if each.state in ("ok", "anomaly")}
    bad = {each.bucket for each in results if each.state == "anomaly"}
    limit = 100 * upper_limit(len(bad), len(judged))
    print(f"| {name}, n = {n} | {len(judged)} | {100 * len(bad) / len(judged):.1f} ({limit:.1f}) |")


def frames_table(video: Path, years: int) -> None:
    frames = frames_of(video)
    features = frames.values.shape[1]
    print(f"\nThe same of {len(frames.values)} frames of a video, {features} features\n")
    print("| past buckets | bursts of | n = 20 | n = 100 | n = 500 |")
    print("| --- " * 5 + "|")
    for window in (14, 28, 99):
        for burst in (10, 25):
            cells = []
            for n in (20, 100, 500):

                def draw(seed: int, n: int = n, burst: int = burst) -> list[Summary]:
                    return [summary_of(*each) for each in year_of_frames(frames, n, burst, seed)]

                cells.append(cell(draw, years, window))
            print(f"| {window} | {burst} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=6, help="simulated years a cell")
    parser.add_argument("--quick", action="store_true", help="two years, less of everything")
    parser.add_argument("--video", type=Path, help="a video of many scenes, or a folder of images")
    tables = ["false alarms", "growth", "power", "store", "video"]
    parser.add_argument("--only", nargs="+", choices=tables, default=tables)
    arguments = parser.parse_args()
    years = 2 if arguments.quick else arguments.years
    if "false alarms" in arguments.only:
        null_table(years, 28, SIZES)
    if "growth" in arguments.only:
        null_table(years, 28, GROWTH)
    if "power" in arguments.only:
        power_table(100 if arguments.quick else 2000)
    if "store" in arguments.only:
        print("\nEnd to end\n\n| images | judged buckets | % with any alarm |\n| --- | --- | --- |")
        for name in ("independent", "bursts of 10, ICC .5", "day effect .3 sd"):
            end_to_end(name, "100", 60 if arguments.quick else DAYS)
    if arguments.video and "video" in arguments.only:
        frames_table(arguments.video, years)
