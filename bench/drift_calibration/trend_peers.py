"""Detectors of other libraries beside the trend rule, on the means of days.

pip install river mapie numba dill opencv-python-headless scikit-image transformers
pip install --no-deps alibi-detect   # its limits on versions exclude those of river
python bench/drift_calibration/trend_peers.py

Each gets the means of 20 features, in standard deviations of the first 91 days, which are its
reference. After an alarm it begins anew with the 91 days behind it. Where a detector has a level it
is set to one false alarm a year for all features together; else it has its defaults.
"""

import argparse
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from dependences import FEATURES
from lightmeter.drift.trend import watch
from trend import CHANGES, Moments, limit_of

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

GOOD = 91
# What begins with the days of reference, of shape (days, features), and is then told each day.
Detector = Callable[[Any], Callable[[Any], bool]]


def of_each(make: Callable[[Any], Callable[[float], bool]]) -> Detector:
    """A detector of one number for each feature."""

    def start(reference: Any) -> Callable[[Any], bool]:
        parts = [make(reference[:, each]) for each in range(reference.shape[1])]
        return lambda day: sum(part(x) for part, x in zip(parts, day, strict=True)) > 0

    return start


def river(name: str, **options: Any) -> Detector:
    from river import drift

    def make(reference: Any) -> Callable[[float], bool]:
        detector = getattr(drift, name)(**options)
        for x in reference:
            detector.update(float(x))

        def told(x: float) -> bool:
            detector.update(float(x))
            return bool(detector.drift_detected)

        return told

    return of_each(make)


def alibi(reference: Any) -> Callable[[Any], bool]:
    from alibi_detect.cd import CVMDriftOnline

    found = CVMDriftOnline(reference, 365, [7, 28], n_bootstraps=25_000, verbose=False)
    return lambda day: bool(np.any(found.predict(day)["data"]["is_drift"]))


def mapie(method: str) -> Detector:
    from mapie.exchangeability_testing import OnlineMartingaleTest
    from mapie.regression import SplitConformalRegressor
    from sklearn.dummy import DummyRegressor

    def make(reference: Any) -> Callable[[float], bool]:
        x = np.zeros((len(reference), 1))
        model = DummyRegressor().fit(x, reference)
        conformal = SplitConformalRegressor(model, prefit=True).conformalize(x, reference)
        # Of 20 features in three years: one false alarm a year, if each alarms once at most.
        test = OnlineMartingaleTest(
            conformal, "regression", method, 3 / FEATURES, warn=False, burn_in=1, random_state=1
        )

        def told(x: float) -> bool:
            test.update(np.zeros((1, 1)), np.array([x]))
            return test.current_martingale_value >= test.reject_threshold

        return told

    return of_each(make)


DETECTORS: dict[str, Callable[[], Detector]] = {
    "river ADWIN": lambda: river("ADWIN"),
    "river ADWIN, each day, delta 1 / 7300": lambda: river("ADWIN", clock=1, delta=1 / 365 / 20),
    "river Page-Hinkley": lambda: river("PageHinkley"),
    "alibi-detect CVMDriftOnline, ert 365": lambda: alibi,
    "MAPIE jumper martingale": lambda: mapie("jumper_martingale"),
    "MAPIE plug-in martingale": lambda: mapie("plugin_martingale"),
}
DAYS = (("independent", "100"), ("day effect .1 sd", "100"), ("day effect .3 sd, AR .6", "100"))


def alarms(detector: Detector, means: Any) -> Iterator[int]:
    start = 0
    while start + GOOD < len(means):
        reference = means[start : start + GOOD]
        centre, scale = reference.mean(axis=0), reference.std(axis=0, ddof=1)
        is_alarm = detector((reference - centre) / scale)
        for day in range(start + GOOD, len(means)):
            if is_alarm((means[day] - centre) / scale):
                yield day
                start = day + 1
                break
        else:
            return


def of_lightmeter(moments: Moments) -> list[int]:
    level, _ = moments.statistics()
    _, episodes = watch(level, np.full(FEATURES, limit_of(is_level=True)))
    return [each.opened for found in episodes.values() for each in found]


def row(found: Callable[[Moments], list[int]], years: int, series: int) -> Iterator[str]:
    for name, sizes in DAYS:
        count = -(-years // 3)
        total = sum(len(found(Moments(name, sizes, seed, 3 * 365))) for seed in range(count))
        yield f"{total / (3 * count):.1f}"
    for change in ("step .3", "creep .01"):
        apply = dict(CHANGES)[change]
        delays = []
        for seed in range(series):
            moments = Moments("day effect .1 sd", "100", 1000 + seed, GOOD + 190)
            apply(moments.means[:, 0], moments.stddevs[:, 0], np.arange(GOOD + 190) - GOOD)
            days = [day - GOOD + 1 for day in found(moments) if day >= GOOD]
            delays.append(days[0] if days else np.inf)
        yield f"{np.median(delays):.0f}" if np.isfinite(np.median(delays)) else "none"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=12, help="simulated years a cell")
    parser.add_argument("--series", type=int, default=20, help="for delays")
    arguments = parser.parse_args()
    print("| detector | false alarms a year:", " | ".join(name for name, _ in DAYS), end=" ")
    print("| median days to a step of .3 sd | to a creep of .01 sd a day |")
    print("|---" * (3 + len(DAYS)) + "|")
    print("| trend |", " | ".join(row(of_lightmeter, arguments.years, arguments.series)), "|")
    for name, make in DETECTORS.items():
        detector = make()

        def found(moments: Moments, detector: Detector = detector) -> list[int]:
            return list(alarms(detector, moments.means))

        cells = row(found, arguments.years, arguments.series)
        print(f"| {name} |", " | ".join(cells), "|", flush=True)
