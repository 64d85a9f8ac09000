"""Images of a year that are not independent, though nothing changes for good.

Each dependence gives the numbers of the images of one day, 20 features whose standard deviation
within a day is about 1.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

FEATURES, DAYS = 20, 365
SIZES = ("20", "100", "500", "500 and 20", "10 to 1000")
Bucket = tuple[int, Any, Any]  # n, means, standard deviations
Year = Iterator[Bucket]
Day = Callable[[np.random.Generator, int, int], Any]  # of n images, on which day


def sizes_of(kind: str, rng: np.random.Generator) -> list[int]:
    """500 on weekdays and 20 at weekends; at random, with logarithms that are uniform; or as told.

    "20, then 500" is 28 days of 20, and 500 for good.
    """
    if kind == "500 and 20":
        return [20 if day % 7 >= 5 else 500 for day in range(DAYS)]
    if kind == "10 to 1000":
        return [round(10 ** (1 + 2 * share)) for share in rng.random(DAYS)]
    first, _, then = kind.partition(", then ")
    return [int(first)] * 28 + [int(then or first)] * (DAYS - 28)


def series(rng: np.random.Generator, length: int, correlation: float) -> Any:
    """Stationary, with variance 1."""
    noise = rng.normal(0, 1, (length, FEATURES))
    noise[1:] *= np.sqrt(1 - correlation**2)
    for at in range(1, length):
        noise[at] += correlation * noise[at - 1]
    return noise


def plain(rng: np.random.Generator, n: int) -> Any:
    return rng.normal(0, 1, (n, FEATURES))


def independent(rng: np.random.Generator) -> Day:
    return lambda rng, n, day: plain(rng, n)


def skewed(rng: np.random.Generator) -> Day:
    return lambda rng, n, day: np.exp(0.7 * plain(rng, n))


def clustered(size: int, correlation: float) -> Callable[[np.random.Generator], Day]:
    def images(rng: np.random.Generator, n: int, day: int) -> Any:
        clusters = np.repeat(plain(rng, -(-n // size)), size, axis=0)[:n]
        return np.sqrt(correlation) * clusters + np.sqrt(1 - correlation) * plain(rng, n)

    return lambda rng: images


def one_camera(rng: np.random.Generator) -> Day:
    last = rng.normal(0, 1, (1, FEATURES))

    def images(rng: np.random.Generator, n: int, day: int) -> Any:
        nonlocal last
        values = np.sqrt(1 - 0.95**2) * plain(rng, n)
        values[0] += 0.95 * last[0]
        for at in range(1, n):
            values[at] += 0.95 * values[at - 1]
        last = values[-1:]
        return values

    return images


def days_differ(size: float, correlation: float = 0.0) -> Callable[[np.random.Generator], Day]:
    def year(rng: np.random.Generator) -> Day:
        effects = size * series(rng, DAYS, correlation)
        return lambda rng, n, day: plain(rng, n) + effects[day]

    return year


def heavy_days(rng: np.random.Generator) -> Day:
    """Days differ by .3 sd too, by Student's law with 3 degrees of freedom."""
    effects = 0.3 * rng.standard_t(3, (DAYS, FEATURES)) / np.sqrt(3)
    return lambda rng, n, day: plain(rng, n) + effects[day]


def weekends(rng: np.random.Generator) -> Day:
    half = 0.5 * (np.arange(FEATURES) < FEATURES // 2)
    return lambda rng, n, day: plain(rng, n) + half * (day % 7 >= 5)


def cameras(concentration: float) -> Callable[[np.random.Generator], Day]:
    shares = concentration * np.array([0.35, 0.25, 0.2, 0.12, 0.08])

    def year(rng: np.random.Generator) -> Day:
        levels = rng.normal(0, 0.7, (5, FEATURES))

        def images(rng: np.random.Generator, n: int, day: int) -> Any:
            return plain(rng, n) + levels[rng.choice(5, n, p=rng.dirichlet(shares))]

        return images

    return year


DEPENDENCES: dict[str, Callable[[np.random.Generator], Day]] = {
    "independent": independent,
    "independent, lognormal": skewed,
    "bursts of 10, ICC .5": clustered(10, 0.5),
    "bursts of 10, ICC .9": clustered(10, 0.9),
    "slides of 20, ICC .1": clustered(20, 0.1),
    "one camera, AR .95": one_camera,
    "day effect .1 sd": days_differ(0.1),
    "day effect .3 sd": days_differ(0.3),
    "day effect .3 sd, AR .8": days_differ(0.3, 0.8),
    "day effect .3 sd of t(3)": heavy_days,
    "weekends +.5 sd in half": weekends,
    "five cameras, mild": cameras(200),
    "five cameras, strong": cameras(10),
}


def images_of(name: str, sizes: str, seed: int) -> Iterator[Any]:
    """The images of each day."""
    rng = np.random.default_rng([seed, list(DEPENDENCES).index(name)])
    lengths = sizes_of(sizes, rng)
    day_of = DEPENDENCES[name](rng)
    for day, n in enumerate(lengths):
        yield day_of(rng, n, day)


def year_of(name: str, sizes: str, seed: int) -> Year:
    """The moments of each day."""
    for images in images_of(name, sizes, seed):
        yield len(images), images.mean(axis=0), images.std(axis=0, ddof=1)
